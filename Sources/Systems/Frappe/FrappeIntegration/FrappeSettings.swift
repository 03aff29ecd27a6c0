package import CarillonConfiguration
package import CarillonCore
import FrappeFeed

/// `[[feed]]` of type `frappe`, and `[socket]`: a site's database, which is the feed, its web server, which makes the
/// pickles, and where its app says that a schedule changes.
package struct FrappeSettings: SettingsSection {
    /// A Frappe site's web server.
    package struct Web: Sendable {
        package var host = "127.0.0.1"
        /// 443 means https.
        package var port: Int64 = 443
        package var hostHeader: String?
        /// The whole value of `Authorization:`.
        package var token = ""
        package var caFile: String?
        package var verifies = true
    }

    package struct Socket: Sendable {
        package var path = Socket.standardPath
        /// The daemon's own when nil.
        package var group: String?

        package static let standardPath = "/tmp/btu_scheduler.sock"
    }

    package var host = "localhost"
    package var port: Int64 = 3306
    package var user = ""
    package var password = ""
    package var database = ""
    /// TLS to the database.
    package var tls = false
    package var caFile: String?
    package var verifies = true
    /// Microseconds between two full readings.
    package var refresh: Int64 = 90_000_000
    /// The zone of a site that names none.
    package var zone: String
    /// Before every job's name.
    package var prefix = ""
    package var catchUp = CatchUp.latest
    /// Microseconds in which a worker must have picked a run up; nil for as long as it takes.
    package var startTimeout: Int64?
    /// Whether the site's log gets a row for each run that reached no worker.
    package var logsUnreached = false
    /// Whether upcoming runs stand in Redis under `btu_scheduler:task_execution_times` for other tools.
    package var mirror = true
    package var web = Web()
    package var socket: Socket?

    package static func read(_ settings: inout SettingsTable) -> FrappeSettings? {
        let (zones, zone) = (settings.zones, settings.timeZone)
        var site = settings.feed("frappe", one: "site") { table in
            var site = FrappeSettings(&table, zone: zone)
            if let zone = table.zone("time_zone", in: zones) { site.zone = zone }
            return site
        }
        let socket = settings.table.table("socket") { Socket(&$0) }
        if socket != nil, site == nil {
            settings.table.complain("socket", "is for a Frappe site, and there is no [[feed]] of type \"frappe\"")
        }
        site?.socket = socket
        return site
    }

    private init(_ table: inout ConfigTable, zone: String) {
        self.zone = zone
        host = table.string("host") ?? host
        port = table.integer("port", in: 1...65_535) ?? port
        user = table.required("user", table.string("user")) ?? ""
        password = table.secret("password") ?? ""
        database = table.required("database", table.string("database")) ?? ""
        tls = table.bool("tls") ?? false
        caFile = table.string("ca_file")
        verifies = table.bool("verify") ?? true
        if !tls, let key = ["ca_file", "verify"].first(where: { table.has($0) }) {
            table.complain(key, "belongs to TLS: tls must be true")
        }
        refresh = table.span("refresh") ?? refresh
        if refresh < 1_000_000 { table.complain("refresh", "expected 1s or more") }
        prefix = table.string("prefix") ?? ""
        catchUp = table.catchUp() ?? catchUp
        startTimeout = table.span("start_timeout")
        logsUnreached = table.bool("log_unreached") ?? false
        mirror = table.bool("mirror") ?? true
        if table.required("web", table.has("web") ? true : nil) != nil {
            web = table.table("web") { Web(&$0) } ?? web
        }
    }
}

extension FrappeSettings.Web {
    fileprivate init(_ table: inout ConfigTable) {
        host = table.string("host") ?? host
        port = table.integer("port", in: 1...65_535) ?? port
        hostHeader = table.string("host_header")
        token = table.required("token", table.secret("token")) ?? ""
        caFile = table.string("ca_file")
        verifies = table.bool("verify") ?? true
    }
}

extension FrappeSettings.Socket {
    fileprivate init(_ table: inout ConfigTable) {
        path = table.string("path") ?? path
        group = table.string("group")
        if !path.hasPrefix("/") { table.complain("path", "expected an absolute path") }
    }
}
