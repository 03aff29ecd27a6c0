#if Postgres
    public import CarillonCore
    import Foundation
    import PostgresClient
    import StoreCodec
    import Synchronization

    extension PostgresStore: StoreArchive {
        public func facts() async throws -> StoreFacts {
            let id = try await note("store.id")
            let address = configuration.address
            return try await read { reader in
                let applied = try await reader.query("SELECT name FROM carillon_migrations ORDER BY number") {
                    try $0.text(0) ?? ""
                }
                var rows: [String: Int] = [:]
                var bytes: Int64 = 0
                for table in StoreTable.all {
                    rows[table.name] =
                        try await reader.query("SELECT count(*) FROM \(table.name)") { Int(try $0.integer(0) ?? 0) }
                        .first
                    bytes +=
                        try await reader.query("SELECT pg_total_relation_size($1::regclass)", [.text(table.name)]) {
                            try $0.integer(0) ?? 0
                        }.first ?? 0
                }
                let holder = try await reader.query(Self.instances, [], Self.instance).first(where: \.isHeard)?.facts
                    .name
                return StoreFacts(
                    kind: "postgres", address: address, id: id, migrations: applied,
                    missing: Schema.migrations.dropFirst(applied.count).map(\.name), holder: holder, bytes: bytes,
                    rows: rows)
            }
        }

        public func check() async throws -> [String] {
            try await read { reader in
                var faults: [String] = []
                for (question, words) in StoreTable.questions {
                    let found = try await reader.query(question) { try $0.integer(0) ?? 0 }.first ?? 0
                    if found > 0 { faults.append("\(words): \(found)") }
                }
                // What the statements need, and what loses a commit that was answered.
                for table in StoreTable.all.map(\.name) + [
                    "instances", "terms", "beats", "shards", "mail", "counters", "declarations",
                ] {
                    let may =
                        try await reader.query(
                            "SELECT has_table_privilege($1, 'SELECT, INSERT') AND has_table_privilege($1, 'UPDATE') AND has_table_privilege($1, 'DELETE')",
                            [.text(table)]
                        ) { try $0.bool(0) ?? false }.first ?? false
                    if !may { faults.append("the user may not read and write the table \(table)") }
                }
                for (setting, good) in [
                    ("fsync", ["on"]), ("full_page_writes", ["on"]), ("synchronous_commit", ["on", "remote_apply"]),
                ] {
                    let value = try await reader.query("SELECT current_setting($1)", [.text(setting)]) {
                        try $0.text(0) ?? ""
                    }.first
                    if let value, !good.contains(value) {
                        faults.append(
                            "the server has \(setting) = \(value): what is answered may be lost with its machine")
                    }
                }
                return faults
            }
        }

        public func rows(of table: StoreTable, after key: [StoreValue]?, limit: Int) async throws -> [[StoreValue]] {
            var asked = Question()
            let names = table.columns.map { "\"\($0.name)\"" + ($0.kind == .flag ? "::integer" : "") }
            let keys = table.columns.prefix(table.keys).map { "\"\($0.name)\"" }.joined(separator: ", ")
            if let key {
                let places = zip(key, table.columns).map { value, column in
                    asked.place(PostgresValue(value)) + "::" + column.kind.type
                }
                asked.add("(\(keys)) > (\(places.joined(separator: ", ")))")
            }
            let sql = """
                SELECT \(names.joined(separator: ", ")) FROM \(table.name) \(asked.filter) ORDER BY \(keys)
                LIMIT \(asked.place(.integer(Int64(limit))))
                """
            return try await rows(sql, asked.values) { row in
                var values: [StoreValue] = []
                values.reserveCapacity(table.columns.count)
                for (place, column) in table.columns.enumerated() {
                    switch column.kind {
                    case .number, .flag: values.append(try row.integer(place).map { .number($0) } ?? .null)
                    case .text: values.append(try row.text(place).map { .text($0) } ?? .null)
                    case .bytes: values.append(try row.bytes(place).map { .bytes($0) } ?? .null)
                    }
                }
                return values
            }
        }

        public func add(_ rows: [[StoreValue]], to table: StoreTable) async throws {
            guard !rows.isEmpty else { return }
            let shape = PostgresColumns.Shape(columns: table.columns.map { ("\"\($0.name)\"", $0.kind.element) })
            var columns = PostgresColumns(shape)
            for row in rows {
                for value in row { columns.bind(value) }
                columns.end()
            }
            let values = columns.values
            // Numbers are as wide as they come; the table's own are narrower.
            let conflict = table.name == "notes" ? "ON CONFLICT (key) DO UPDATE SET value = excluded.value" : ""
            let sql = """
                INSERT INTO \(table.name) (\(shape.names)) SELECT * FROM \(shape.rows("r", from: 1)) \(conflict)
                """
            do {
                try await writer.transaction { transaction in
                    try transaction.execute(sql, values)
                    switch table.name {
                    case "jobs":
                        try transaction.execute(
                            """
                            UPDATE counters SET value = greatest(value, (SELECT max(id) FROM jobs)) WHERE name = 'jobs'
                            """)
                    case "cursors": try Self.pin(transaction)
                    case "skips", "audit":
                        _ = try transaction.all(
                            "SELECT setval(pg_get_serial_sequence('\(table.name)', 'id'), max(id)) FROM \(table.name)"
                        ) { _ in true }
                    default: break
                    }
                }
            } catch let error as PostgresError where error.isClash {
                throw StoreError(.refused, "\(configuration): \(table.name) has such a row already")
            } catch {
                throw StoreError(postgres: error)
            }
            if table.name == "notes" { knownID.withLock { $0 = nil } }
        }

        /// Puts jobs that are for one machine under its label: another kind of store has no such thing.
        private static func pin(_ transaction: PostgresTransaction) throws {
            let found = try transaction.all(
                """
                SELECT id, policies FROM jobs JOIN cursors ON job_id = id
                WHERE pinned IS NULL AND policies LIKE '%"host":"%' ORDER BY id
                """
            ) { (Int32(truncatingIfNeeded: try $0.integer(0) ?? 0), try $0.text(1) ?? "") }
            for (id, policies) in found {
                // What cannot be read is nobody's.
                guard let policies = try? RowCodec.decode(Policies.self, policies),
                    let label = Place(of: policies).label
                else { continue }
                try transaction.execute(
                    "UPDATE cursors SET pinned = $2 WHERE job_id = $1",
                    [.integer(Int64(id)), .integer(Int64(try shard(labelled: label, transaction).number))])
            }
        }

        public func backUp(to path: String) async throws {
            guard !FileManager.default.fileExists(atPath: path) else {
                throw StoreError(.refused, "\(path) is there already")
            }
            let made = Foundation.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard made >= 0 else {
                throw StoreError(.refused, "\(path) cannot be made: \(String(cString: strerror(errno)))")
            }
            Foundation.close(made)
            do {
                try await dump(to: path)
            } catch {
                try? FileManager.default.removeItem(atPath: path)
                throw error
            }
        }

        /// Runs pg_dump, which knows the password from its environment alone.
        private func dump(to path: String) async throws {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = ["pg_dump", "--format=custom", "--file=\(path)", "--no-password"]
            process.environment = ProcessInfo.processInfo.environment.merging(configuration.environment) { _, own in own
            }
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            let errors = Pipe()
            process.standardError = errors
            let words = Task.detached { errors.fileHandleForReading.readDataToEndOfFile() }
            let status: Int32 = try await withCheckedThrowingContinuation { continuation in
                process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
                do {
                    try process.run()
                } catch {
                    continuation.resume(throwing: StoreError(.refused, "pg_dump cannot be run: \(error)"))
                }
            }
            guard status != 0 else { return }
            let text = String(decoding: await words.value, as: UTF8.self).split(separator: "\n").last ?? ""
            throw StoreError(
                .refused,
                status == 127
                    ? "pg_dump is not there: install PostgreSQL's client programs" : "\(configuration): \(text)")
        }
    }

    extension PostgresConfiguration {
        /// As libpq's programs read it (its documentation, 34.15).
        fileprivate var environment: [String: String] {
            var all = [
                "PGHOST": host, "PGPORT": String(port), "PGUSER": user, "PGSSLMODE": tls.mode.rawValue,
                "PGDATABASE": database.isEmpty ? user : database,
            ]
            all["PGPASSWORD"] = password
            all["PGSSLROOTCERT"] = authorities
            all["PGSSLCERT"] = tls.certificateFile
            all["PGSSLKEY"] = tls.keyFile
            return all
        }
    }

    extension StoreTable.Kind {
        fileprivate var element: PostgresArray.Element {
            switch self {
            case .number: .bigint
            case .flag: .boolean
            case .text: .text
            case .bytes: .bytea
            }
        }

        fileprivate var type: String { "\(element)" }
    }

    extension PostgresColumns {
        fileprivate mutating func bind(_ value: StoreValue) {
            switch value {
            case .null: bind(nil as String?)
            case .number(let number): bind(number)
            case .text(let text): bind(text)
            case .bytes(let bytes): bind(text: bytes)
            }
        }
    }

    extension PostgresValue {
        fileprivate init(_ value: StoreValue) {
            switch value {
            case .null: self = .null
            case .number(let number): self = .integer(number)
            case .text(let text): self = .text(text)
            case .bytes(let bytes): self = .bytes(bytes)
            }
        }
    }
#endif
