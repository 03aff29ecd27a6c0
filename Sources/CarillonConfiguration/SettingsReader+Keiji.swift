import CarillonCore

extension SettingsReader {
    func readKeiji(_ table: inout TableReader, _ settings: inout Settings) {
        if settings.keiji != nil { table.complain("type", "a daemon serves one keiji; there are two feeds of it") }
        var keiji = Settings.Keiji(root: home + "/.keiji")
        keiji.zone = settings.timeZone
        if let text = readSecret(&table, "database") {
            if let database = Self.database(text) {
                keiji.database = database
            } else {
                table.complain("database", Self.expectedDatabase)
            }
        }
        if let zone = readZone(&table, "time_zone") { keiji.zone = zone }
        keiji.root = table.string("root") ?? keiji.root
        if !keiji.root.hasPrefix("/") { table.complain("root", "expected an absolute path") }
        keiji.prefix = table.string("prefix") ?? ""
        keiji.catchUp = table.catchUp() ?? keiji.catchUp
        keiji.logs = table.bool("logs") ?? true
        keiji.largestLog = table.integer("max_log", in: 1...(1 << 40))
        settings.keiji = keiji
    }

    /// Without what was found: it may hold a password.
    static let expectedDatabase = "expected default, an absolute path of a SQLite file, or postgres://…"

    static func database(_ text: String) -> Settings.Keiji.Database? {
        if text == "default" { return .sqlite(path: nil) }
        if text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") { return .postgres(url: text) }
        let path = text.hasPrefix("sqlite:") ? String(text.dropFirst("sqlite:".count)) : text
        return path.hasPrefix("/") ? .sqlite(path: path) : nil
    }

    func readControlBus(_ table: inout TableReader) -> Settings.ControlBus {
        var bus = Settings.ControlBus()
        bus.host = table.string("host") ?? bus.host
        bus.pushPort = table.integer("push_port", in: 1...65_535) ?? bus.pushPort
        bus.pullPort = table.integer("pull_port", in: 1...65_535) ?? bus.pullPort
        bus.token = readSecret(&table, "token")
        bus.from = table.string("from")
        if let from = bus.from {
            let port = from.split(separator: ":").last.flatMap { Int($0) } ?? 0
            if !from.contains(":") || !(1...65_535).contains(port) {
                table.complain("from", "expected HOST:PORT, the pull port of a keiji bus")
            }
        }
        if !Self.isLoopback(bus.host), bus.token ?? "" == "" {
            table.complain(
                "token", "is missing: a bus that is open to a network, and deletes files, needs a shared secret")
        }
        return bus
    }

    private static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }
}
