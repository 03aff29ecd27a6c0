#if Postgres
    public import CarillonCore
    import PostgresClient
    import StoreCodec
    import Timetable

    extension PostgresStore {
        public func audit(_ entry: AuditEntry, keep: Int64) async throws {
            try await change { writer in
                try await writer.transaction { transaction in
                    try transaction.execute(
                        """
                        INSERT INTO audit (at, "user", channel, action, subject, before, after, error, origin)
                        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                        """,
                        [
                            .integer(entry.at.microseconds), .init(storable: entry.user),
                            .init(storable: entry.channel),
                            .init(storable: entry.action), .init(storable: entry.subject),
                            .init(storable: entry.before),
                            .init(storable: entry.after), .init(storable: entry.error), .init(storable: entry.from),
                        ])
                    try transaction.execute(
                        "DELETE FROM audit WHERE at < $1", [.integer(entry.at.adding(microseconds: -keep).microseconds)]
                    )
                }
            }
        }

        public func audits(_ query: AuditQuery) async throws -> [AuditEntry] {
            var asked = Question()
            asked.add("subject = ", query.subject.map { PostgresValue(storable: $0) })
            asked.add("\"user\" = ", query.user.map { PostgresValue(storable: $0) })
            asked.add("action = ", query.action.map { PostgresValue(storable: $0) })
            asked.add("at >= ", query.since.map { PostgresValue($0) })
            asked.add("at <= ", query.until.map { PostgresValue($0) })
            let sql = """
                SELECT \(RowCodec.auditColumns) FROM audit \(asked.filter)
                ORDER BY at DESC, id DESC LIMIT \(asked.place(.integer(Int64(query.limit))))
                """
            return try await rows(sql, asked.values) { try RowCodec.audit($0) }
        }
    }

    /// Conditions of a statement, each with its parameters.
    struct Question: Sendable {
        private(set) var values: [PostgresValue] = []
        private var conditions: [String] = []

        /// Gives a value its place, such as `$3`.
        mutating func place(_ value: PostgresValue) -> String {
            values.append(value)
            return "$\(values.count)"
        }

        mutating func add(_ condition: String) { conditions.append(condition) }

        /// Adds a condition that ends with a value, when there is one.
        mutating func add(_ condition: String, _ value: PostgresValue?, closing end: String = "") {
            if let value { conditions.append(condition + place(value) + end) }
        }

        /// `WHERE` and all of them; empty when there are none.
        var filter: String { conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ") }
    }
#endif
