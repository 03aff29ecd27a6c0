#if MariaDB
    import Foundation
    import Logging
    public import MariaDBClient

    /// The database of a Frappe site on a real MariaDB, with no schedules yet.
    public final class FrappeSiteFixture: Sendable {
        public let server: MariaDBFixture
        private let client: MariaDBClient

        /// The columns that a scheduler reads, and some that it does not.
        private static let tables = [
            "CREATE TABLE tabDocType (name varchar(140) PRIMARY KEY)",
            "INSERT INTO tabDocType VALUES ('BTU Task')",
            "CREATE TABLE tabSingles (doctype varchar(255), field varchar(255), value longtext)",
            """
            CREATE TABLE `tabBTU Task` (
              name varchar(140) PRIMARY KEY, modified datetime(6), docstatus int NOT NULL DEFAULT 1,
              desc_short varchar(140), desc_long longtext, arguments longtext, function_string varchar(140),
              max_task_duration varchar(140), is_transient int, queue_name varchar(140), task_group varchar(140))
            """,
            """
            CREATE TABLE `tabBTU Task Schedule` (
              name varchar(140) PRIMARY KEY, modified datetime(6), docstatus int NOT NULL DEFAULT 0, task varchar(140),
              task_description varchar(140), enabled int, queue_name varchar(140), run_frequency varchar(140),
              cron_string varchar(140), day_of_week varchar(140), day_of_month varchar(140), month varchar(140),
              hour varchar(140), minute varchar(140), redis_job_id varchar(140), argument_overrides longtext,
              schedule_description varchar(140))
            """,
        ]

        public init() async throws {
            server = try MariaDBFixture()
            try await server.start()
            client = try MariaDBClient(
                MariaDBConfiguration(
                    port: server.port, user: MariaDBFixture.user, password: server.password,
                    database: MariaDBFixture.database),
                logger: .silent)
            for sql in Self.tables { try await client.execute(sql) }
        }

        public var configuration: MariaDBConfiguration { client.configuration }

        @discardableResult
        public func sql(_ sql: String, _ parameters: [MariaDBValue] = []) async throws -> Int {
            try await client.execute(sql, parameters)
        }

        /// Reads rows as texts, an empty one for NULL.
        public func texts(_ sql: String, columns: Int) async throws -> [[String]] {
            try await client.read { snapshot in
                try snapshot.all(sql) { row in
                    var texts: [String] = []
                    for column in 0..<columns { texts.append(try row.text(column) ?? "") }
                    return texts
                }
            }
        }

        /// Makes the table in which the app keeps what became of its tasks, with a column that the site has added.
        public func makeLog() async throws {
            try await sql(
                """
                CREATE TABLE `tabBTU Task Log` (
                  name varchar(140) PRIMARY KEY, creation datetime(6), modified datetime(6), modified_by varchar(140),
                  owner varchar(140), docstatus int NOT NULL DEFAULT 0, idx int NOT NULL DEFAULT 0, task varchar(140),
                  task_desc_short varchar(140), task_component varchar(140), date_time_started datetime(6),
                  execution_time decimal(21,9) NOT NULL DEFAULT 0, success_fail varchar(140), result_message text,
                  stdout longtext, schedule varchar(140), cost_centre varchar(20) NOT NULL)
                """)
        }

        public func zones(cron: String?, site: String?) async throws {
            try await sql("DELETE FROM tabSingles")
            try await sql("INSERT INTO tabSingles VALUES ('BTU Configuration', 'cron_time_zone', ?)", [text(cron)])
            try await sql("INSERT INTO tabSingles VALUES ('System Settings', 'time_zone', ?)", [text(site)])
        }

        public func task(_ name: String, function: String? = "tasks.note", longest: String? = "60") async throws {
            try await sql(
                "INSERT INTO `tabBTU Task` (name, modified, desc_short, function_string, max_task_duration) "
                    + "VALUES (?, NOW(6), ?, ?, ?)",
                [.text(name), .text("about \(name)"), text(function), text(longest)])
        }

        /// Writes a row with these columns, or these of a row that is there; what is not named is NULL, or stays.
        public func schedule(
            _ name: String, task: String? = "TASK-0001", enabled: Bool = true, frequency: String? = "Cron Style",
            cron: String? = nil, queue: String? = "default", columns: [(String, String)] = []
        ) async throws {
            let names = ["name", "task", "enabled", "run_frequency", "cron_string", "queue_name"] + columns.map(\.0)
            let values = [name, task, enabled ? "1" : "0", frequency, cron, queue] + columns.map { $0.1 }
            let marks = names.map { _ in "?" }.joined(separator: ", ")
            let changes = names.dropFirst().map { "\($0) = VALUES(\($0))" }.joined(separator: ", ")
            try await sql(
                "INSERT INTO `tabBTU Task Schedule` (\(names.joined(separator: ", ")), modified) "
                    + "VALUES (\(marks), NOW(6)) ON DUPLICATE KEY UPDATE \(changes), modified = NOW(6)",
                values.map(text))
        }

        private func text(_ text: String?) -> MariaDBValue { text.map { .text($0) } ?? .null }
    }
#endif
