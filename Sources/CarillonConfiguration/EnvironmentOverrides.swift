import Configuration

/// The environment's say in every setting: `CARILLON_STORE_URL` for `store.url`.
struct EnvironmentOverrides: Sendable {
    /// Every setting that a variable may set, with how its text is read.
    private static let settings: [(key: String, kind: Kind)] = [
        ("time_zone", .text), ("instance", .text), ("jobs_dir", .text),
        ("jobs_file_limit", .integer), ("store.url", .text),
        ("redis.url", .text), ("redis.user", .text), ("redis.password", .text), ("redis.password_file", .text),
        ("redis.queue_prefix", .text), ("redis.ca_file", .text), ("redis.certificate_file", .text),
        ("redis.key_file", .text), ("redis.verify", .bool), ("exec.max_children", .integer),
        ("exec.log_limit", .integer), ("exec.grace", .text),
        ("exec.inherit_env", .list), ("exec.on_stop", .text), ("log.level", .text), ("log.format", .text),
        ("log.file", .text), ("log.max_size", .integer), ("log.keep", .integer), ("ledger.keep", .text),
        ("ledger.keep_per_job", .integer), ("start_unconnected", .bool), ("socket.path", .text),
        ("socket.group", .text), ("bus.host", .text), ("bus.push_port", .integer), ("bus.pull_port", .integer),
        ("bus.token", .text), ("bus.token_file", .text), ("bus.from", .text), ("notify.email.password", .text),
        ("notify.email.password_file", .text),
        ("notify.email.host", .text), ("notify.email.port", .integer), ("notify.email.user", .text),
        ("notify.email.from", .text), ("notify.email.to", .list), ("notify.email.on", .list),
        ("notify.email.short_gaps", .bool),
        ("notify.email.security", .text), ("notify.email.ca_file", .text), ("notify.email.verify", .bool),
    ]

    /// The same for the feed of a Frappe site: `CARILLON_FRAPPE_PASSWORD`.
    private static let frappe: [(key: String, kind: Kind)] = [
        ("host", .text), ("port", .integer), ("user", .text), ("password", .text), ("password_file", .text),
        ("database", .text), ("tls", .bool), ("ca_file", .text), ("verify", .bool), ("refresh", .text),
        ("time_zone", .text), ("prefix", .text), ("catch_up", .text), ("mirror", .bool), ("web.host", .text),
        ("web.port", .integer), ("web.host_header", .text), ("web.token", .text), ("web.token_file", .text),
        ("web.ca_file", .text), ("web.verify", .bool),
    ]

    /// And for a keiji's: `CARILLON_KEIJI_DATABASE`.
    private static let keiji: [(key: String, kind: Kind)] = [
        ("database", .text), ("database_file", .text), ("time_zone", .text), ("root", .text), ("prefix", .text),
        ("catch_up", .text), ("logs", .bool), ("max_log", .integer),
    ]

    private enum Kind { case text, integer, bool, list }

    private let reader: ConfigReader

    init(_ environment: [String: String]) {
        reader = ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: environment))
    }

    /// The tree with every variable that is set in its place.
    func laid(over node: ConfigNode) -> ConfigNode { laid(over: node, "carillon.", Self.settings) }

    func laid(over node: ConfigNode, feed type: String) -> ConfigNode {
        switch type {
        case "frappe": laid(over: node, "carillon.frappe.", Self.frappe)
        case "keiji": laid(over: node, "carillon.keiji.", Self.keiji)
        default: node
        }
    }

    private func laid(
        over node: ConfigNode, _ prefix: String, _ settings: [(key: String, kind: Kind)]
    ) -> ConfigNode {
        var node = node
        for (key, kind) in settings {
            // carillon.store.url is CARILLON_STORE_URL to the provider.
            guard let text = reader.string(forKey: ConfigKey(prefix + key)) else { continue }
            let value: ConfigNode.Value
            switch kind {
            case .text: value = .string(text)
            case .integer: value = Int64(text).map { .integer($0) } ?? .string(text)
            case .bool: value = Bool(text).map { .bool($0) } ?? .string(text)
            case .list:
                value = .array(text.split(separator: ",").map { ConfigNode(.string(String($0))) })
            }
            node.set(key.split(separator: ".").map(String.init)[...], ConfigNode(value))
        }
        return node
    }
}

extension ConfigNode {
    fileprivate mutating func set(_ path: ArraySlice<String>, _ new: ConfigNode) {
        guard let key = path.first else {
            self = new
            return
        }
        var entries: [(key: String, value: ConfigNode)] = []
        if case .table(let known) = value { entries = known }
        let index = entries.firstIndex { $0.key == key } ?? entries.endIndex
        if index == entries.endIndex { entries.append((key, ConfigNode(.table([])))) }
        entries[index].value.set(path.dropFirst(), new)
        value = .table(entries)
    }
}
