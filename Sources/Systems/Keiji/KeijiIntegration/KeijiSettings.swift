package import CarillonConfiguration
package import CarillonCore

/// `[[feed]]` of type `keiji`, and `[control_bus]`: the tasks of a keiji, in its own database, and the TCP bus on which its
/// tools give orders.
package struct KeijiSettings: SettingsSection {
    package enum Database: Hashable, Sendable {
        /// A file; nil for `db/keiji.db` in the root.
        case sqlite(path: String?)
        /// A URL of PostgreSQL, which may hold a password.
        case postgres(url: String)

        /// Reads a database's place; nil for a text that is none.
        package init?(_ text: String) {
            if text == "default" {
                self = .sqlite(path: nil)
            } else if text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") {
                self = .postgres(url: text)
            } else {
                let path = text.hasPrefix("sqlite:") ? String(text.dropFirst("sqlite:".count)) : text
                guard path.hasPrefix("/") else { return nil }
                self = .sqlite(path: path)
            }
        }

        /// Without what was found: it may hold a password.
        package static let expected = "expected default, an absolute path of a SQLite file, or postgres://…"
    }

    package struct Bus: Sendable {
        package var host = "127.0.0.1"
        package var pushPort: Int64 = 8005
        package var pullPort: Int64 = 8006
        /// What every order must carry; needed where the host is not this machine's own.
        package var token: String?
        /// `host:port` of a keiji bus to take orders from, in place of being one.
        package var from: String?
    }

    package var database = Database.sqlite(path: nil)
    package var zone: String
    /// Where keiji keeps binaries and logs: `$HOME/.keiji`.
    package var root: String
    /// Before every job's name.
    package var prefix = ""
    package var catchUp = CatchUp.latest
    /// Whether a task's output also goes to keiji's log of it.
    package var logs = true
    /// Bytes past which such a log is rotated; nil never.
    package var largestLog: Int64?
    package var bus: Bus?

    package static func read(_ settings: inout SettingsTable) -> KeijiSettings? {
        let (zones, zone, home) = (settings.zones, settings.timeZone, settings.home)
        var keiji = settings.feed("keiji", one: "keiji") { table in
            var keiji = KeijiSettings(&table, zone: zone, home: home)
            if let zone = table.zone("time_zone", in: zones) { keiji.zone = zone }
            return keiji
        }
        let bus = settings.table.table("control_bus") { Bus(&$0) }
        if bus != nil, keiji == nil {
            settings.table.complain("control_bus", "is for a keiji, and there is no [[feed]] of type \"keiji\"")
        }
        keiji?.bus = bus
        return keiji
    }

    private init(_ table: inout ConfigTable, zone: String, home: String) {
        self.zone = zone
        root = home + "/.keiji"
        if let text = table.secret("database") {
            if let found = Database(text) { database = found } else { table.complain("database", Database.expected) }
        }
        root = table.string("root") ?? root
        if !root.hasPrefix("/") { table.complain("root", "expected an absolute path") }
        prefix = table.string("prefix") ?? ""
        catchUp = table.catchUp() ?? catchUp
        logs = table.bool("logs") ?? true
        largestLog = table.integer("max_log", in: 1...(1 << 40))
    }
}

extension KeijiSettings.Bus {
    fileprivate init(_ table: inout ConfigTable) {
        host = table.string("host") ?? host
        pushPort = table.integer("push_port", in: 1...65_535) ?? pushPort
        pullPort = table.integer("pull_port", in: 1...65_535) ?? pullPort
        token = table.secret("token")
        from = table.string("from")
        if let from {
            let port = from.split(separator: ":").last.flatMap { Int($0) } ?? 0
            if !from.contains(":") || !(1...65_535).contains(port) {
                table.complain("from", "expected HOST:PORT, the pull port of a keiji bus")
            }
        }
        if !Self.isLoopback(host), token ?? "" == "" {
            table.complain(
                "token", "is missing: a bus that is open to a network, and deletes files, needs a shared secret")
        }
    }

    private static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }
}
