/// What a translation puts together: another scheduler's settings in our own keys.
extension ConfigNode {
    /// A value to be set; nil sets nothing.
    package static func text(_ text: String?) -> ConfigNode? { text.map { ConfigNode(.string($0)) } }
    package static func whole(_ number: Int64?) -> ConfigNode? { number.map { ConfigNode(.integer($0)) } }
    package static func flag(_ flag: Bool?) -> ConfigNode? { flag.map { ConfigNode(.bool($0)) } }
    package static func texts(_ texts: [String]) -> ConfigNode {
        ConfigNode(.array(texts.map { ConfigNode(.string($0)) }))
    }

    /// Sets a key of this table, with the line of where it came from.
    package mutating func set(_ key: String, _ node: ConfigNode?, from origin: ConfigNode? = nil) {
        guard var node, case .table(var entries) = value else { return }
        if let line = origin?.line { node.line = line }
        if let place = entries.firstIndex(where: { $0.key == key }) {
            entries[place].value = node
        } else {
            entries.append((key, node))
        }
        value = .table(entries)
    }

    /// Sets a key of a table in this one, which is made when there is none.
    package mutating func set(_ table: String, _ key: String, _ node: ConfigNode?, from origin: ConfigNode? = nil) {
        guard node != nil else { return }
        var inner = self[table] ?? ConfigNode(.table([]))
        inner.set(key, node, from: origin)
        set(table, inner)
    }
}
