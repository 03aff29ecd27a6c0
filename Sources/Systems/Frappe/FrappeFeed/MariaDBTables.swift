#if MariaDB
    import CarillonCore
    public import MariaDBClient

    /// The tables of a Frappe site, in its MariaDB.
    public final class MariaDBTables: FrappeTables {
        private let client: MariaDBClient
        /// The zone of a site that names none.
        private let fallback: String

        public init(_ client: MariaDBClient, fallback: String) {
            self.client = client
            self.fallback = fallback
        }

        /// In the order of `FrappeRow`'s fields; a column that an older version of the app lacks is an error that names it.
        private static let schedules = """
            SELECT s.name, s.modified, s.enabled, s.queue_name, s.run_frequency, s.cron_string, s.day_of_week, s.day_of_month,
              s.month, s.hour, s.minute, s.schedule_description, s.task, t.name, t.desc_short, t.function_string,
              t.max_task_duration, t.queue_name
            FROM `tabBTU Task Schedule` s LEFT JOIN `tabBTU Task` t ON t.name = s.task
            """

        public func rows<Made: Sendable>(
            named names: [String]?, _ make: @escaping @Sendable (FrappeRow, FrappeZones) -> Made
        ) async throws -> [Made] {
            let fallback = fallback
            return try await client.read { snapshot in
                let zones = try Self.zones(snapshot, fallback)
                guard let names else {
                    return try snapshot.all(Self.schedules) { make(try Self.row($0), zones) }
                }
                var made: [Made] = []
                for start in stride(from: 0, to: names.count, by: Self.mostNames) {
                    let part = names[start..<min(start + Self.mostNames, names.count)]
                    made += try snapshot.all(
                        Self.schedules + " WHERE s.name IN (\(Self.marks(part.count)))", part.map { .text($0) }
                    ) { make(try Self.row($0), zones) }
                }
                return made
            }
        }

        /// Names in one statement.
        private static let mostNames = 500

        private static func marks(_ count: Int) -> String { Array(repeating: "?", count: count).joined(separator: ",") }

        /// Reads the zones that the site names; `fallback` is the site's own where it names none.
        package static func zones(_ snapshot: MariaDBSnapshot, _ fallback: String) throws -> FrappeZones {
            var zones = FrappeZones(cron: "UTC", site: fallback)
            let sql = """
                SELECT doctype, value FROM tabSingles
                WHERE (doctype = 'BTU Configuration' AND field = 'cron_time_zone')
                  OR (doctype = 'System Settings' AND field = 'time_zone')
                """
            try snapshot.rows(sql) { row in
                guard let zone = try row.text(1)?.trimmed, !zone.isEmpty else { return }
                if try row.text(0) == "System Settings" { zones.site = zone } else { zones.cron = zone }
            }
            return zones
        }

        private static func row(_ row: borrowing MariaDBRow) throws -> FrappeRow {
            var read = FrappeRow(
                name: try row.text(0) ?? "", modified: try row.text(1), enabled: try row.bool(2) ?? false)
            read.queue = try row.text(3)
            read.frequency = try row.text(4)
            read.cron = try row.text(5)
            read.weekday = try row.text(6)
            read.day = try row.text(7)
            read.month = try row.text(8)
            read.hour = try row.text(9)
            read.minute = try row.text(10)
            read.words = try row.text(11)
            read.task = try row.text(12)
            if try row.text(13) != nil {
                read.taskRow = FrappeRow.Task(
                    words: try row.text(14), function: try row.text(15), longest: try row.text(16),
                    queue: try row.text(17))
            }
            return read
        }

        public func modified(named names: [String]) async throws -> [String: String] {
            try await client.read { snapshot in
                var modified: [String: String] = [:]
                let sql = "SELECT name, modified FROM `tabBTU Task Schedule` WHERE name IN (\(Self.marks(names.count)))"
                try snapshot.rows(sql, names.map { .text($0) }) { row in
                    if let name = try row.text(0) { modified[name] = try row.text(1) ?? "" }
                }
                return modified
            }
        }

        public func check() async throws {
            try await client.read { snapshot in
                _ = try snapshot.first("SELECT 1 FROM tabDocType LIMIT 1") { _ in true }
            }
        }

        public func tasks() async throws -> [FrappeTask] {
            try await client.read { snapshot in
                try snapshot.all(
                    """
                    SELECT name, desc_short, function_string, queue_name, max_task_duration, docstatus
                    FROM `tabBTU Task` ORDER BY name
                    """
                ) { row in
                    FrappeTask(
                        name: try row.text(0) ?? "", words: try row.text(1)?.trimmed,
                        function: try row.text(2)?.trimmed, queue: try row.text(3)?.trimmed,
                        timeout: FrappeJob.timeout(try row.text(4)).0, docstatus: try row.integer(5) ?? 0)
                }
            }
        }

        public func close() async { await client.close() }
    }
#endif
