import Configuration

/// The environment's say in every setting: `CARILLON_STORE_URL` for `store.url`.
struct EnvironmentOverrides: Sendable {
    /// Every setting that a variable may set, with how its text is read.
    private static let settings: [(key: String, kind: Kind)] = [
        ("time_zone", .text), ("instance", .text), ("jobs_dir", .text), ("store.url", .text),
        ("redis.url", .text), ("redis.user", .text), ("redis.password", .text), ("redis.password_file", .text),
        ("redis.queue_prefix", .text), ("redis.ca_file", .text), ("redis.certificate_file", .text),
        ("redis.key_file", .text), ("redis.verify", .bool), ("exec.max_children", .integer),
        ("exec.log_limit", .integer), ("exec.grace", .text),
        ("exec.inherit_env", .list), ("exec.on_stop", .text), ("log.level", .text), ("log.format", .text),
        ("log.file", .text), ("log.max_size", .integer), ("log.keep", .integer), ("ledger.keep", .text),
        ("ledger.keep_per_job", .integer),
    ]

    private enum Kind { case text, integer, bool, list }

    private let reader: ConfigReader

    init(_ environment: [String: String]) {
        reader = ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: environment))
    }

    /// The tree with every variable that is set in its place.
    func laid(over node: ConfigNode) -> ConfigNode {
        var node = node
        for (key, kind) in Self.settings {
            // carillon.store.url is CARILLON_STORE_URL to the provider.
            guard let text = reader.string(forKey: ConfigKey("carillon." + key)) else { continue }
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
