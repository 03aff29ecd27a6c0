public import CarillonCore
public import Timetable

/// Reads the configuration of BTU Scheduler, `/etc/btu_scheduler/btu_scheduler.toml`.
public struct BTUReader: Sendable {
    public static let standardPath = "/etc/btu_scheduler/btu_scheduler.toml"

    /// Settings with the label the file has, and what deserves a word although it stops nothing.
    public struct Reading: Sendable {
        public var settings: Settings
        /// `name` and `environment_name`, as far as they are there.
        public var label: String?
        public var remarks: [FeedProblem]
    }

    private let zones: ZoneDatabase

    public init(zones: ZoneDatabase) { self.zones = zones }

    /// Throws `ConfigurationError` for a file that cannot be read, a missing required key and a wrong type.
    public func read(path: String) throws -> Reading {
        let node: ConfigNode
        do throws(FeedProblem) {
            node = try ConfigDocument.read(path: path, format: .toml)
        } catch {
            throw ConfigurationError([error])
        }
        return try read(node, source: path)
    }

    func read(_ node: ConfigNode, source: String) throws -> Reading {
        var table = TableReader(node, source: source)
        var settings = Settings()
        let labels = ["name", "environment_name"].compactMap { table.string($0) }
        let tracing = table.string("tracing_level")
        settings.log.level = .info
        if let tracing {
            settings.log.level = Self.level(tracing)
            if settings.log.level == nil {
                table.complain("tracing_level", "\"\(tracing)\" is none of TRACE, DEBUG, INFO, WARN, ERROR")
            }
        }
        if let zone = SettingsReader(zones: zones, environment: [:]).readZone(&table, "time_zone_string") {
            settings.timeZone = zone
        }
        settings.startsUnconnected = table.bool("startup_without_database_connections") ?? false
        settings.frappe = readFrappe(&table, settings.timeZone)
        readQueue(&table, &settings.redis)
        let path = table.required("socket_path", table.string("socket_path"))
        settings.socket = Settings.Socket(
            path: path ?? Settings.Socket.standardPath, group: table.string("socket_file_group_owner"))
        settings.email = readEmail(&table)
        var remarks: [FeedProblem] = []
        if table.integer("scheduler_polling_interval", in: 0...Int64.max) != nil {
            remarks.append(
                FeedProblem(
                    source: source, line: node["scheduler_polling_interval"]?.line, key: "scheduler_polling_interval",
                    message: "is not needed: nothing is polled"))
        }
        remarks += table.unknown()
        guard table.problems.isEmpty else { throw ConfigurationError(table.problems) }
        return Reading(
            settings: settings, label: labels.isEmpty ? nil : labels.joined(separator: ", "), remarks: remarks)
    }

    private static func level(_ text: String) -> Settings.LogLevel? {
        text.lowercased() == "warn" ? .warning : Settings.LogLevel(rawValue: text.lowercased())
    }

    private func readFrappe(_ table: inout TableReader, _ zone: String) -> Settings.Frappe {
        var frappe = Settings.Frappe()
        frappe.zone = zone
        // The spelling is theirs.
        for key in ["full_refresh_internal_secs", "full_refresh_interval_secs"] {
            if let seconds = table.integer(key, in: 1...31_536_000) { frappe.refresh = seconds * 1_000_000 }
        }
        frappe.user = table.required("mysql_user", table.string("mysql_user")) ?? ""
        frappe.password = table.required("mysql_password", table.string("mysql_password")) ?? ""
        frappe.host = table.required("mysql_host", table.string("mysql_host")) ?? ""
        frappe.port = table.integer("mysql_port", in: 1...65_535) ?? frappe.port
        frappe.database = table.required("mysql_database", table.string("mysql_database")) ?? ""
        frappe.web.host = table.required("webserver_ip", table.string("webserver_ip")) ?? ""
        frappe.web.port = table.required("webserver_port", table.integer("webserver_port", in: 1...65_535)) ?? 443
        frappe.web.hostHeader = table.string("webserver_host_header")
        frappe.web.token = table.required("webserver_token", table.string("webserver_token")) ?? ""
        return frappe
    }

    private func readQueue(_ table: inout TableReader, _ redis: inout Settings.Redis) {
        let host = table.required("rq_host", table.string("rq_host")) ?? ""
        let port = table.required("rq_port", table.integer("rq_port", in: 1...65_535)) ?? 11_000
        redis.url = "redis://\(host.contains(":") ? "[\(host)]" : host):\(port)/0"
        redis.queuePrefix = table.string("rq_queue_prefix") ?? ""
    }

    private func readEmail(_ table: inout TableReader) -> Settings.Email? {
        var email = Settings.Email()
        let from = table.string("email_address_from")
        let host = table.string("email_host_name")
        let port = table.integer("email_host_port", in: 1...65_535)
        email.user = table.string("email_account_name")
        email.password = table.string("email_account_password")
        let to = addresses(&table)
        let level = table.string("email_on_level")
        let queuing = table.bool("email_when_queuing") ?? false
        guard let from, let host, let to, !to.isEmpty else {
            // Half a set of keys is a mistake; none is a choice.
            if from != nil || host != nil || to != nil {
                for (key, isThere) in [
                    ("email_address_from", from != nil), ("email_host_name", host != nil),
                    ("email_addresses", !(to ?? []).isEmpty),
                ] where !isThere {
                    table.complain(
                        key, "is missing; mail needs email_address_from, email_host_name and email_addresses")
                }
            }
            return nil
        }
        email.from = from
        email.host = host
        email.to = to
        email.port = port ?? email.port
        email.security = Settings.Email.security(ofPort: email.port)
        email.on = queuing ? [.failed, .missed, .queued] : [.failed, .missed]
        if let level {
            switch Self.level(level) {
            // What is missed is a warning, what fails is an error.
            case .error, .critical: email.on.remove(.missed)
            case nil: table.complain("email_on_level", "\"\(level)\" is none of TRACE, DEBUG, INFO, WARN, ERROR")
            default: break
            }
        }
        return email
    }

    /// A list, or one text with commas.
    private func addresses(_ table: inout TableReader) -> [String]? {
        if case .string(let text)? = table.value("email_addresses")?.value {
            return text.split(separator: ",").map { $0.trimmingPrefix(while: \.isWhitespace) }.map(String.init)
        }
        return table.strings("email_addresses")
    }
}
