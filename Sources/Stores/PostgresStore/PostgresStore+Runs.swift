#if Postgres
    public import CarillonCore
    import PostgresClient
    import StoreCodec
    public import Timetable

    /// What is read of the ledger.
    extension PostgresStore {
        static let runTables = "runs JOIN jobs ON jobs.id = runs.job_id"

        private func runs(_ rest: String, _ values: [PostgresValue]) async throws -> [Run] {
            let codec = codec
            return try await rows("SELECT \(RowCodec.runColumns) FROM \(Self.runTables) \(rest)", values) {
                try codec.run($0)
            }
        }

        public func activeRuns(after id: RunID?, limit: Int) async throws -> [Run] {
            try await runs(
                "WHERE runs.state < 3 AND runs.id > $1 ORDER BY runs.id LIMIT $2",
                [id.map { PostgresValue($0) } ?? .bytes([]), .integer(Int64(limit))])
        }

        public func activeRuns(on machine: String) async throws -> [Run] {
            try await runs("WHERE runs.state < 3 AND runs.machine = $1 ORDER BY runs.id", [.text(machine)])
        }

        public func run(_ id: RunID) async throws -> Run? { try await runs("WHERE runs.id = $1", [.init(id)]).first }

        public func run(of job: JobID, cause: Cause) async throws -> Run? {
            try await runs(
                "WHERE runs.job_id = $1 AND runs.cause = $2 AND \(RowCodec.askedFor)",
                [.integer(Int64(job.number)), .text(cause.text)]
            ).first
        }

        public func runs(idPrefix: String, limit: Int) async throws -> [Run] {
            let missing = 24 - idPrefix.utf8.count
            guard missing >= 0, let first = RunID(idPrefix + String(repeating: "0", count: missing)),
                let last = RunID(idPrefix + String(repeating: "f", count: missing))
            else { return [] }
            return try await runs(
                "WHERE runs.id >= $1 AND runs.id <= $2 ORDER BY runs.id LIMIT $3",
                [.init(first), .init(last), .integer(Int64(limit))])
        }

        public func neighbours(of ids: [RunID]) async throws -> [RunNeighbours] {
            var asked = PostgresArray(of: .bytea)
            for id in ids { withUnsafeBytes(of: id.words) { asked.append($0) } }
            return try await rows(
                """
                SELECT (SELECT id FROM runs WHERE id < asked.id ORDER BY id DESC LIMIT 1),
                    (SELECT id FROM runs WHERE id > asked.id ORDER BY id LIMIT 1)
                FROM unnest($1::bytea[]) WITH ORDINALITY AS asked (id, place) ORDER BY place
                """, [PostgresValue(asked)]
            ) { RunNeighbours(before: try $0.runID(0), after: try $0.runID(1)) }
        }

        public func runs(_ query: RunQuery) async throws -> [Run] {
            let idsAreInOrder = try await idsAreInOrder()
            var asked = Question()
            asked.add("jobs.name = ", query.job.map { .text($0) })
            asked.add("runs.scheduled_at >= ", query.since.map { .init($0) })
            // The same for the index of ids, which begin with the scheduled second.
            if query.job == nil, idsAreInOrder, let since = query.since, let second = UInt32(exactly: since.seconds) {
                asked.add("runs.id >= ", .init(RunID(second: second, hash: 0)))
            }
            asked.add("runs.scheduled_at <= ", query.until.map { .init($0) })
            if query.job == nil, idsAreInOrder, let until = query.until, let second = UInt32(exactly: until.seconds) {
                asked.add("runs.id <= ", .init(RunID(second: second, hash: .max)))
            }
            if !query.states.isEmpty {
                // As they stand in the conditions of the indexes of active and of failed runs.
                let numbers = query.states.map { String($0.number) }.sorted()
                asked.add(
                    numbers.count == 1
                        ? "runs.state = \(numbers[0])" : "runs.state IN (\(numbers.joined(separator: ", ")))")
                if query.states.allSatisfy({ !$0.isFinal }) { asked.add("runs.state < 3") }
            }
            if !query.triggers.isEmpty {
                asked.add(
                    "runs.trigger = ANY(", .array(query.triggers.map { .text($0.rawValue) }), closing: "::text[])")
            }
            // Ids begin with the scheduled second, so their order is the order of time.
            let order = query.job == nil && idsAreInOrder ? "runs.id DESC" : "runs.scheduled_at DESC, runs.id DESC"
            if let after = query.after {
                let id = asked.place(.init(after.id))
                if query.job == nil, idsAreInOrder {
                    asked.add("runs.id < \(id)")
                } else {
                    asked.add("(runs.scheduled_at, runs.id) < (\(asked.place(.init(after.scheduledAt))), \(id))")
                }
            }
            let limit = asked.place(.integer(Int64(query.limit)))
            return try await runs("\(asked.filter) ORDER BY \(order) LIMIT \(limit)", asked.values)
        }

        /// Whether every run lies in the years whose seconds an id can say, 1970 to 2106: only then ids are in the order of time.
        private func idsAreInOrder() async throws -> Bool {
            try await rows("SELECT 1 FROM runs WHERE \(RowCodec.outside) LIMIT 1") { _ in true }.isEmpty
        }

        public func lastRuns(of jobs: [JobID]) async throws -> [JobID: Run] {
            let codec = codec
            let found = try await rows(
                """
                SELECT \(RowCodec.runColumns) FROM unnest($1::integer[]) AS asked (job_id) CROSS JOIN LATERAL (
                    SELECT * FROM runs WHERE runs.job_id = asked.job_id
                    ORDER BY scheduled_at DESC, created_at DESC LIMIT 1) AS runs
                JOIN jobs ON jobs.id = runs.job_id
                """, [PostgresValue(jobs)]
            ) { try codec.run($0) }
            return Dictionary(found.map { ($0.jobID, $0) }) { first, _ in first }
        }

        public func skips(_ query: RunQuery) async throws -> [Skip] {
            var asked = Question()
            asked.add("jobs.name = ", query.job.map { .text($0) })
            asked.add("skips.through >= ", query.since.map { .init($0) })
            asked.add("skips.after < ", query.until.map { .init($0) })
            let limit = asked.place(.integer(Int64(query.limit)))
            let sql = """
                SELECT \(RowCodec.skipColumns) FROM skips JOIN jobs ON jobs.id = skips.job_id \(asked.filter)
                ORDER BY skips.through DESC LIMIT \(limit)
                """
            return try await rows(sql, asked.values) { try RowCodec.skip($0) }
        }

        public func hours(from start: Timestamp, to end: Timestamp) async throws -> [HourCount] {
            try await rows(
                "SELECT hour, state, runs, took FROM hours WHERE hour BETWEEN $1 AND $2",
                [.init(HourCount.hour(of: start)), .init(end)]
            ) { row in
                try RunState(number: Int(row.integer(1) ?? 0)).map {
                    HourCount(
                        hour: Timestamp(microseconds: try row.integer(0) ?? 0), state: $0,
                        runs: Int(try row.integer(2) ?? 0), took: try row.integer(3) ?? 0)
                }
            }.compactMap { $0 }
        }
    }
#endif
