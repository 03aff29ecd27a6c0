#if MariaDB
    import FrappeFeed
    public import MariaDBClient

    /// `tabBTU Task Log` of a Frappe site, in its MariaDB.
    public final class MariaDBLogTable: LogTable {
        private static let name = "tabBTU Task Log"

        private let client: MariaDBClient
        /// The zone of a site that names none.
        private let fallback: String

        public init(_ client: MariaDBClient, fallback: String) {
            self.client = client
            self.fallback = fallback
        }

        /// Of each column also whether this user may insert into it, by whatever grant.
        private static let columns = """
            SELECT column_name, LOWER(data_type),
              is_nullable = 'NO' AND column_default IS NULL AND extra NOT LIKE '%auto_increment%',
              character_maximum_length, FIND_IN_SET('insert', privileges) > 0
            FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? ORDER BY ordinal_position
            """

        public func form() async throws -> LogForm {
            let (fallback, configuration) = (fallback, client.configuration)
            return try await client.read { snapshot in
                let all = try snapshot.all(Self.columns, [.text(Self.name)]) { row in
                    let column = LogForm.Column(
                        try row.text(0) ?? "", type: try row.text(1) ?? "", isRequired: try row.bool(2) ?? false,
                        longest: try row.integer(3).map { Int($0) })
                    return (column, mayInsert: try row.bool(4) ?? false)
                }
                let who = "the user '\(configuration.user)'"
                if all.isEmpty { throw LogFault("\(who) sees no table `\(Self.name)` in \(configuration.database)") }
                let columns = all.filter(\.mayInsert).map(\.0)
                // The name is what keeps a run from having two rows.
                guard columns.contains(where: { $0.name == "name" }) else {
                    throw LogFault("\(who) may not INSERT into `\(Self.name)`")
                }
                return LogForm(columns: columns, zone: try MariaDBTables.zones(snapshot, fallback).site)
            }
        }

        public func insert(_ row: LogRow) async throws {
            let names = row.fields.map { "`\($0.column.replacing("`", with: "``"))`" }.joined(separator: ", ")
            let marks = row.fields.map { _ in "?" }.joined(separator: ", ")
            do {
                try await client.execute(
                    "INSERT INTO `\(Self.name)` (\(names)) VALUES (\(marks))", row.fields.map { .text($0.text) })
            } catch let error as MariaDBError where error.code == Self.isThere {}
        }

        /// ER_DUP_ENTRY of mysqld_error.h.
        private static let isThere = 1062

        public func close() async { await client.close() }
    }
#endif
