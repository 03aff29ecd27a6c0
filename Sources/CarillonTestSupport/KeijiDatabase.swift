#if Postgres
    import Foundation
    import GRDB
    import Logging
    import PostgresClient

    /// keiji's table of tasks as its own tools make it, in a SQLite file or on a real PostgreSQL.
    public final class KeijiDatabase: Sendable {
        public enum Kind: String, Sendable, CaseIterable { case sqlite, postgres }

        public let kind: Kind
        public let folder: TemporaryFolder
        public let server: PostgresFixture?
        private let file: DatabaseQueue?
        private let client: PostgresClient?

        public init(_ kind: Kind, in folder: TemporaryFolder) async throws {
            self.kind = kind
            self.folder = folder
            switch kind {
            case .sqlite:
                try FileManager.default.createDirectory(
                    atPath: folder.path + "/.keiji/db", withIntermediateDirectories: true)
                var configuration = Configuration()
                configuration.busyMode = .timeout(5)
                file = try DatabaseQueue(path: folder.path + "/.keiji/db/keiji.db", configuration: configuration)
                (server, client) = (nil, nil)
            case .postgres:
                let fixture = try PostgresFixture()
                try await fixture.start()
                server = fixture
                client = try PostgresClient(
                    PostgresConfiguration(
                        port: fixture.port, user: PostgresFixture.user, password: PostgresFixture.password,
                        database: PostgresFixture.database),
                    logger: .silent)
                file = nil
            }
            let (number, time, flag) =
                kind == .sqlite
                ? ("integer PRIMARY KEY AUTOINCREMENT", "datetime", "numeric")
                : ("bigserial PRIMARY KEY", "timestamptz", "boolean")
            try await sql(
                """
                CREATE TABLE task_models (
                  id \(number), created_at \(time), updated_at \(time), deleted_at \(time), task_id text UNIQUE,
                  name text UNIQUE, description text, schedule_info text, schedule text, last_execution_time \(time),
                  next_execution_time \(time), log_path text, slug text, type text, executable text,
                  is_running \(flag), is_queued \(flag), is_error \(flag), is_disabled \(flag), error_txt text)
                """)
        }

        public var url: String {
            guard let server else { return "default" }
            let password = PostgresFixture.password.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            return "postgres://\(PostgresFixture.user):\(password)@127.0.0.1:\(server.port)/\(PostgresFixture.database)"
        }

        public func sql(_ sql: String) async throws {
            if let client { _ = try await client.execute(sql) }
            if let file { try await file.write { try $0.execute(sql: sql) } }
        }

        /// Adds a task made a moment ago; its binary is not made.
        public func add(
            _ name: String, id: String, type: String = "HMS", info: String, executable: String, isRunning: Bool = false
        ) async throws {
            let root = folder.path + "/.keiji"
            let texts = [id, name, name.lowercased(), type, info, executable, "\(root)/logs/tasks/\(name)/\(name).log"]
                .map { "'" + $0.replacing("'", with: "''") + "'" }.joined(separator: ", ")
            let (no, running) = kind == .sqlite ? ("0", isRunning ? "1" : "0") : ("false", "\(isRunning)")
            let now = kind == .sqlite ? "'2026-11-01 10:00:00.123456789+03:00'" : "'2026-11-01 10:00:00.123456+03'"
            try await sql(
                """
                INSERT INTO task_models (task_id, name, slug, type, schedule_info, executable, log_path, created_at,
                  is_running, is_queued, is_error, is_disabled, error_txt)
                VALUES (\(texts), \(now), \(running), \(no), \(no), \(no), '')
                """)
        }

        /// Reads a task's column as text; flags are `true` and `false`; nil for NULL and for a task that is not there.
        public func text(_ column: String, of name: String) async throws -> String? {
            let cast = "CAST(\(column) AS text)"
            let sql = "SELECT \(cast) FROM task_models WHERE name = '\(name)'"
            if let client { return try await client.query(sql) { try $0.text(0) }.first ?? nil }
            let text = try await file?.read { try String.fetchOne($0, sql: sql) }
            return column.hasPrefix("is_") ? text.map { $0 == "1" ? "true" : "false" } : text
        }
    }
#endif
