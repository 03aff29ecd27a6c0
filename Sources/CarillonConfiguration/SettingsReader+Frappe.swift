import CarillonCore
import Timetable

extension SettingsReader {
    /// The feeds but the files', which is always there.
    func readFeeds(_ table: inout TableReader, _ settings: inout Settings) {
        for node in table.tables("feed") {
            let type = if case .string(let text)? = node["type"]?.value { text } else { "" }
            var feed = TableReader(
                node, source: table.source, prefix: "feed.",
                variables: Variables(environment, prefix: "CARILLON_\(type.uppercased())_"))
            // What the keys of an unknown feed mean is unknown too.
            if readFeed(&feed, &settings) { feed.finish() }
            table.adopt(feed)
        }
    }

    /// False for a feed of a type that is not known.
    private func readFeed(_ table: inout TableReader, _ settings: inout Settings) -> Bool {
        guard let type = table.required("type", table.string("type")) else { return false }
        switch type {
        case "frappe": readFrappe(&table, &settings)
        case "keiji": readKeiji(&table, &settings)
        default:
            table.complain("type", "\"\(type)\" is none of \"frappe\", \"keiji\"")
            return false
        }
        return true
    }

    private func readFrappe(_ table: inout TableReader, _ settings: inout Settings) {
        if settings.frappe != nil { table.complain("type", "a daemon serves one site; there are two feeds of it") }
        var frappe = Settings.Frappe()
        frappe.zone = settings.timeZone
        frappe.host = table.string("host") ?? frappe.host
        frappe.port = table.integer("port", in: 1...65_535) ?? frappe.port
        frappe.user = table.required("user", table.string("user")) ?? ""
        frappe.password = readSecret(&table, "password") ?? ""
        frappe.database = table.required("database", table.string("database")) ?? ""
        frappe.tls = table.bool("tls") ?? false
        frappe.caFile = table.string("ca_file")
        frappe.verifies = table.bool("verify") ?? true
        if !frappe.tls, let key = ["ca_file", "verify"].first(where: { table.has($0) }) {
            table.complain(key, "belongs to TLS: tls must be true")
        }
        frappe.refresh = table.span("refresh") ?? frappe.refresh
        if frappe.refresh < 1_000_000 { table.complain("refresh", "expected 1s or more") }
        if let zone = readZone(&table, "time_zone") { frappe.zone = zone }
        frappe.prefix = table.string("prefix") ?? ""
        frappe.catchUp = table.catchUp() ?? frappe.catchUp
        frappe.mirror = table.bool("mirror") ?? true
        if table.required("web", table.has("web") ? true : nil) != nil {
            _ = table.table("web") { readWeb(&$0, &frappe.web) }
        }
        settings.frappe = frappe
    }

    private func readWeb(_ table: inout TableReader, _ web: inout Settings.Web) {
        web.host = table.string("host") ?? web.host
        web.port = table.integer("port", in: 1...65_535) ?? web.port
        web.hostHeader = table.string("host_header")
        web.token = table.required("token", readSecret(&table, "token")) ?? ""
        web.caFile = table.string("ca_file")
        web.verifies = table.bool("verify") ?? true
    }

    func readSocket(_ table: inout TableReader, _ socket: inout Settings.Socket) {
        socket.path = table.string("path") ?? socket.path
        socket.group = table.string("group")
        if !socket.path.hasPrefix("/") { table.complain("path", "expected an absolute path") }
    }

    func readEmail(_ table: inout TableReader) -> Settings.Email {
        var email = Settings.Email()
        email.from = table.required("from", table.string("from")) ?? ""
        email.to = table.required("to", table.strings("to")) ?? []
        email.host = table.required("host", table.string("host")) ?? ""
        email.port = table.integer("port", in: 1...65_535) ?? email.port
        email.user = table.string("user")
        email.password = readSecret(&table, "password")
        email.security =
            table.choice("security", Settings.Email.Security.self) ?? Settings.Email.security(ofPort: email.port)
        email.caFile = table.string("ca_file")
        email.verifies = table.bool("verify") ?? true
        email.tellsShortGaps = table.bool("short_gaps") ?? false
        if let on = table.strings("on") {
            email.on = Set(on.compactMap { Settings.Email.Occasion(rawValue: $0) })
            if email.on.count != on.count {
                table.complain("on", "expected some of \"failed\", \"missed\", \"queued\"")
            }
        }
        return email
    }

    func readZone(_ table: inout TableReader, _ key: String) -> String? {
        guard let zone = table.string(key) else { return nil }
        do {
            _ = try zones.zone(zone)
        } catch {
            table.complain(key, error.message)
        }
        return zone
    }
}
