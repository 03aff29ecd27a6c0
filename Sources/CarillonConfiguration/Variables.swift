/// What the environment says of one table's settings: `CARILLON_STORE_URL` of `store.url`.
///
/// It is asked whenever a setting is read, so that a setting's name and type stand where it is read and nowhere else.
struct Variables: Sendable {
    /// How a variable's text is to be understood.
    enum Kind { case text, integer, number, bool, list }

    private let values: [String: String]
    private let prefix: String
    /// Names that were asked for, whether they are set or not.
    private(set) var asked: Set<String> = []
    /// Whether any of them is set.
    private(set) var isUsed = false

    init(_ values: [String: String], prefix: String) {
        self.values = values
        self.prefix = prefix
    }

    /// Answers the variables of a table inside this one.
    func under(_ key: String) -> Variables { Variables(values, prefix: name(of: key) + "_") }

    func name(of key: String) -> String { prefix + key.uppercased() }

    func isSet(_ key: String) -> Bool { values[name(of: key)] != nil }

    /// Whether something is set that may belong to this table inside.
    func concerns(table key: String) -> Bool {
        let prefix = name(of: key) + "_"
        return values.keys.contains { $0.hasPrefix(prefix) }
    }

    /// Answers a setting's value; a text that is none of the kind stays one, for the reader to refuse.
    mutating func value(_ key: String, _ kind: Kind) -> ConfigNode? {
        let name = name(of: key)
        asked.insert(name)
        guard let text = values[name] else { return nil }
        isUsed = true
        let value: ConfigNode.Value =
            switch kind {
            case .text: .string(text)
            case .integer: Int64(text).map { .integer($0) } ?? .string(text)
            case .number: Double(text).map { .double($0) } ?? .string(text)
            case .bool: Bool(text).map { .bool($0) } ?? .string(text)
            case .list: .array(text.split(separator: ",").map { ConfigNode(.string(String($0))) })
            }
        return ConfigNode(value)
    }

    /// Takes over what a table inside has asked for.
    mutating func adopt(_ other: Variables) {
        asked.formUnion(other.asked)
        isUsed = isUsed || other.isUsed
    }
}
