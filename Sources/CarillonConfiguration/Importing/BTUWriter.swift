import CarillonCore

/// Writes what BTU Scheduler's file says as a `carillon.toml`, its secrets in files of their own.
public struct BTUWriter: Sendable {
    public let text: String
    /// Files with one secret each.
    public let secrets: [(path: String, text: String)]

    /// `secrets` is the folder of their files.
    public init(_ reading: BTUReader.Reading, source: String, secrets folder: String) {
        let settings = reading.settings
        var lines = ["# From \(source)." + (reading.label.map { " \($0)" } ?? "")]
            // A label may hold anything; a comment is one line.
            .map { TOMLText.comment($0) }
        var secrets: [(path: String, text: String)] = []
        func set(_ key: String, _ value: String?) {
            if let value { lines.append("\(key) = \(TOMLText.quote(value))") }
        }
        func secret(_ key: String, _ name: String, _ value: String?) {
            guard let value, !value.isEmpty else { return }
            let path = "\(folder)/\(name)"
            secrets.append((path, value + "\n"))
            set(key + "_file", path)
        }
        set("time_zone", settings.timeZone)
        lines += ["start_unconnected = \(settings.startsUnconnected)", "", "[log]"]
        set("level", settings.log.level?.rawValue)
        lines += ["", "[redis]"]
        set("url", settings.redis.url)
        if !settings.redis.queuePrefix.isEmpty { set("queue_prefix", settings.redis.queuePrefix) }
        if let frappe = settings.frappe {
            lines += ["", "[[feed]]", "type = \"frappe\""]
            set("host", frappe.host)
            lines.append("port = \(frappe.port)")
            set("user", frappe.user)
            secret("password", "mysql_password", frappe.password)
            set("database", frappe.database)
            set("refresh", "\(frappe.refresh / 1_000_000)s")
            lines += ["", "[feed.web]"]
            set("host", frappe.web.host)
            lines.append("port = \(frappe.web.port)")
            set("host_header", frappe.web.hostHeader)
            secret("token", "webserver_token", frappe.web.token)
        }
        if let socket = settings.socket {
            lines += ["", "[socket]"]
            set("path", socket.path)
            set("group", socket.group)
        }
        if let email = settings.email {
            lines += ["", "[notify.email]"]
            set("from", email.from)
            lines.append("to = \(TOMLText.list(email.to))")
            set("host", email.host)
            lines.append("port = \(email.port)")
            set("user", email.user)
            secret("password", "email_password", email.password)
            set("security", email.security.rawValue)
            lines.append("on = \(TOMLText.list(email.on.map(\.rawValue).sorted()))")
        }
        text = lines.joined(separator: "\n") + "\n"
        self.secrets = secrets
    }
}
