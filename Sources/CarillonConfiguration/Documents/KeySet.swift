/// The keys of a table so far; a set is only made where there are many.
struct KeySet {
    private static let few = 12
    private var keys: Set<String> = []

    /// Inserts a key; false when it is there already; `entries` are those that were inserted before.
    mutating func insert(_ key: String, among entries: [(key: String, value: ConfigNode)]) -> Bool {
        if entries.count < Self.few { return !entries.contains { $0.key == key } }
        if keys.isEmpty { keys = Set(entries.map(\.key)) }
        return keys.insert(key).inserted
    }
}

extension ConfigNode.Value {
    /// Makes a whole number from its decimal digits, with an optional sign.
    static func whole(decimal text: String) -> ConfigNode.Value {
        if let number = Int64(text) { return .integer(number) }
        return .bigInteger(text.hasPrefix("+") ? String(text.dropFirst()) : text)
    }

    var isNull: Bool { if case .null = self { true } else { false } }
}
