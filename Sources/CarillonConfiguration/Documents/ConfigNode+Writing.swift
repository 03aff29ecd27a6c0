/// What a translation puts together: another scheduler's settings in our own keys.
extension ConfigNode {
    /// Makes a value to be set; nil sets nothing.
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

    /// Puts all keys of another table into this one, tables into tables, without the lines they stood on. Answers a key that
    /// both have.
    package mutating func merge(_ other: ConfigNode) -> String? {
        guard case .table(let entries) = other.value else { return nil }
        for (key, value) in entries {
            guard var known = self[key] else {
                set(key, value.withoutLines)
                continue
            }
            guard case .table = known.value, case .table = value.value else { return key }
            if let twice = known.merge(value) { return "\(key).\(twice)" }
            set(key, known)
        }
        return nil
    }

    /// Sets a key, and of a table in this one only what the new table has.
    package mutating func replace(_ key: String, _ node: ConfigNode) {
        guard case .table(let entries) = node.value, var known = self[key], case .table = known.value else {
            return set(key, node.withoutLines)
        }
        for (inner, value) in entries { known.replace(inner, value) }
        set(key, known)
    }

    package mutating func remove(_ key: String) {
        guard case .table(let entries) = value else { return }
        value = .table(entries.filter { $0.key != key })
    }

    /// Removes what these keys lead to, and a table that is empty then.
    package mutating func remove(path: [String]) {
        guard let key = path.first else { return }
        guard path.count > 1, var inner = self[key] else { return remove(key) }
        inner.remove(path: Array(path.dropFirst()))
        if case .table(let entries) = inner.value, entries.isEmpty { return remove(key) }
        set(key, inner)
    }

    private var withoutLines: ConfigNode {
        var node = self
        node.line = nil
        switch value {
        case .array(let nodes): node.value = .array(nodes.map(\.withoutLines))
        case .table(let entries): node.value = .table(entries.map { ($0.key, $0.value.withoutLines) })
        default: break
        }
        return node
    }
}
