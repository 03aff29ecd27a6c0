package import CarillonConfiguration
package import CarillonCore
import CarillonDaemon
import CommandSupport
package import Timetable

/// Reads the configuration of BTU Scheduler, `/etc/btu_scheduler/btu_scheduler.toml`, as settings in Carillon's own keys.
package struct BTUReader: Sendable {
    package static let standardPath = "/etc/btu_scheduler/btu_scheduler.toml"

    /// What the file says, and what deserves a word although it stops nothing.
    package struct Reading: Sendable {
        /// As `carillon.toml` would have it, each value with the line it came from.
        package var settings: ConfigNode
        /// `name` and `environment_name`, as far as they are there.
        package var label: String?
        package var remarks: [ConfigProblem]
    }

    private let zones: ZoneDatabase

    package init(zones: ZoneDatabase) { self.zones = zones }

    /// Reads a file; throws `ConfigurationError` for one that cannot be read, a missing required key and a wrong type.
    package func read(path: String) throws -> Reading {
        let node: ConfigNode
        do throws(ConfigProblem) {
            node = try ConfigDocument.read(path: path, format: .toml)
        } catch {
            throw ConfigurationError([error])
        }
        return try read(node, source: path)
    }

    package func read(_ node: ConfigNode, source: String) throws -> Reading {
        var table = ConfigTable(node, source: source)
        var settings = ConfigNode(.table([]))
        let labels = ["name", "environment_name"].compactMap { table.string($0) }
        let tracing = table.string("tracing_level")
        let level = tracing.map(Self.level) ?? .info
        if let tracing, level == nil {
            table.complain("tracing_level", "\"\(tracing)\" is none of TRACE, DEBUG, INFO, WARN, ERROR")
        }
        settings.set("log", "level", .text(level?.rawValue), from: node["tracing_level"])
        settings.set("time_zone", .text(table.zone("time_zone_string", in: zones)), from: node["time_zone_string"])
        settings.set(
            "start_unconnected", .flag(table.bool("startup_without_database_connections") ?? false),
            from: node["startup_without_database_connections"])
        readQueue(&table, &settings)
        settings.set("feed", ConfigNode(.array([readFeed(&table)])))
        let path = table.required("socket_path", table.string("socket_path"))
        settings.set("socket", "path", .text(path.map(DaemonLocation.absolute)), from: node["socket_path"])
        settings.set(
            "socket", "group", .text(table.string("socket_file_group_owner")), from: node["socket_file_group_owner"])
        readEmail(&table, &settings)
        var remarks: [ConfigProblem] = []
        if table.integer("scheduler_polling_interval", in: 0...Int64.max) != nil {
            remarks.append(
                ConfigProblem(
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

    private func readFeed(_ table: inout ConfigTable) -> ConfigNode {
        let node = table.node
        var feed = ConfigNode(.table([]))
        feed.set("type", .text("frappe"))
        // The spelling is theirs.
        for key in ["full_refresh_internal_secs", "full_refresh_interval_secs"] {
            if let seconds = table.integer(key, in: 1...31_536_000) {
                feed.set("refresh", .text("\(seconds)s"), from: node[key])
            }
        }
        for (ours, theirs) in [
            ("user", "mysql_user"), ("password", "mysql_password"), ("host", "mysql_host"),
            ("database", "mysql_database"),
        ] {
            feed.set(ours, .text(table.required(theirs, table.string(theirs))), from: node[theirs])
        }
        feed.set("port", .whole(table.integer("mysql_port", in: 1...65_535)), from: node["mysql_port"])
        var web = ConfigNode(.table([]))
        for (ours, theirs) in [("host", "webserver_ip"), ("token", "webserver_token")] {
            web.set(ours, .text(table.required(theirs, table.string(theirs))), from: node[theirs])
        }
        let port = table.required("webserver_port", table.integer("webserver_port", in: 1...65_535))
        web.set("port", .whole(port), from: node["webserver_port"])
        web.set("host_header", .text(table.string("webserver_host_header")), from: node["webserver_host_header"])
        feed.set("web", web)
        return feed
    }

    private func readQueue(_ table: inout ConfigTable, _ settings: inout ConfigNode) {
        let node = table.node
        let host = table.required("rq_host", table.string("rq_host")) ?? ""
        let port = table.required("rq_port", table.integer("rq_port", in: 1...65_535)) ?? 11_000
        settings.set(
            "redis", "url", .text("redis://\(host.contains(":") ? "[\(host)]" : host):\(port)/0"),
            from: node["rq_host"])
        settings.set("redis", "queue_prefix", .text(table.string("rq_queue_prefix")), from: node["rq_queue_prefix"])
    }

    private func readEmail(_ table: inout ConfigTable, _ settings: inout ConfigNode) {
        let node = table.node
        let from = table.string("email_address_from")
        let host = table.string("email_host_name")
        let port = table.integer("email_host_port", in: 1...65_535)
        let user = table.string("email_account_name")
        let password = table.string("email_account_password")
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
            return
        }
        var email = ConfigNode(.table([]))
        email.set("from", .text(from), from: node["email_address_from"])
        email.set("to", .texts(to), from: node["email_addresses"])
        email.set("host", .text(host), from: node["email_host_name"])
        email.set("port", .whole(port), from: node["email_host_port"])
        email.set("user", .text(user), from: node["email_account_name"])
        email.set("password", .text(password), from: node["email_account_password"])
        var on = ["failed", "missed"] + (queuing ? ["queued"] : [])
        if let level {
            switch Self.level(level) {
            // What is missed is a warning, what fails is an error.
            case .error, .critical: on.removeAll { $0 == "missed" }
            case nil: table.complain("email_on_level", "\"\(level)\" is none of TRACE, DEBUG, INFO, WARN, ERROR")
            default: break
            }
        }
        email.set("on", .texts(on), from: node["email_on_level"])
        settings.set("notify", "email", email)
    }

    /// Reads a list, or one text with commas.
    private func addresses(_ table: inout ConfigTable) -> [String]? {
        if case .string(let text)? = table.value("email_addresses")?.value {
            return text.split(separator: ",").map { $0.trimmingPrefix(while: \.isWhitespace) }.map(String.init)
        }
        return table.strings("email_addresses")
    }
}

extension BTUReader {
    /// Whether a file is one of BTU Scheduler's, without a mistake.
    static func isOne(_ path: String) -> Bool {
        (try? BTUReader(zones: ZoneDatabase()).read(path: DaemonLocation.absolute(path))) != nil
    }

    /// Reads a file; throws `Failure` with file, line and key of everything that is wrong.
    package static func reading(_ path: String, zones: ZoneDatabase) throws -> Reading {
        do {
            return try BTUReader(zones: zones).read(path: path)
        } catch let error as ConfigurationError {
            throw Failure.input(error.description)
        }
    }
}
