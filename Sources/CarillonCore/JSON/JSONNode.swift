import Timetable

/// Which of the ways to write JSON (RFC 8259).
enum JSONForm {
    /// What stores and digests keep: keys sorted, absent values left out, times as microseconds.
    case stored(escapingSlashes: Bool)
    /// What people and their programs read: see `PublicJSON`.
    case shown

    var escapesSlashes: Bool { if case .stored(let escapes) = self { escapes } else { false } }

    /// Whether an absent value is written, as null, and keys stay in the order of their type.
    var isShown: Bool { if case .shown = self { true } else { false } }
}

/// A value on its way to JSON: what is encoded into it decides what it is.
final class JSONNode {
    enum Value {
        case null
        case literal(String)
        case text(String)
        case array([JSONNode])
        case object([(key: String, node: JSONNode)])
    }

    let form: JSONForm
    var value = Value.null

    init(_ form: JSONForm) { self.form = form }

    /// Writes a value as bytes. Throws for a number that is not finite.
    static func bytes(_ value: some Encodable, _ form: JSONForm) throws -> [UInt8] {
        let root = JSONNode(form)
        try root.encode(value)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        root.write(to: &bytes)
        return bytes
    }

    func append(_ node: JSONNode) {
        if case .array(var nodes) = value {
            value = .null
            nodes.append(node)
            value = .array(nodes)
        }
    }

    /// Sets a key; one that comes again replaces its value, as in a dictionary.
    func set(_ key: String, _ node: JSONNode) {
        guard case .object(var entries) = value else { return }
        value = .null
        if let place = entries.firstIndex(where: { $0.key == key }) {
            entries[place].node = node
        } else {
            entries.append((key, node))
        }
        value = .object(entries)
    }

    private func ordered(_ entries: [(key: String, node: JSONNode)]) -> [(key: String, node: JSONNode)] {
        if form.isShown { return entries }
        return entries.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    }

    private func write(to bytes: inout [UInt8]) {
        switch value {
        case .null: bytes += "null".utf8
        case .literal(let text): bytes += text.utf8
        case .text(let text): CanonicalJSON.quote(text, to: &bytes, form.escapesSlashes)
        case .array(let nodes):
            bytes.append(UInt8(ascii: "["))
            for (place, node) in nodes.enumerated() {
                if place > 0 { bytes.append(UInt8(ascii: ",")) }
                node.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let entries):
            bytes.append(UInt8(ascii: "{"))
            for (place, entry) in ordered(entries).enumerated() {
                if place > 0 { bytes.append(UInt8(ascii: ",")) }
                CanonicalJSON.quote(entry.key, to: &bytes, form.escapesSlashes)
                bytes.append(UInt8(ascii: ":"))
                entry.node.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    func encode(_ value: some Encodable) throws {
        if form.isShown, let time = value as? Timestamp {
            self.value = .text(time.rfc3339Microseconds)
        } else {
            try value.encode(to: NodeEncoder(self))
        }
    }

    fileprivate func encode(_ value: Double) throws {
        guard value.isFinite else {
            throw EncodingError.invalidValue(
                value, .init(codingPath: [], debugDescription: "JSON has no number that is not finite"))
        }
        let text = value.description
        self.value = .literal(text.hasSuffix(".0") ? String(text.dropLast(2)) : text)
    }
}

private struct NodeEncoder: Encoder {
    let node: JSONNode
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    init(_ node: JSONNode) { self.node = node }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if case .object = node.value {} else { node.value = .object([]) }
        return KeyedEncodingContainer(KeyedNode<Key>(node))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if case .array = node.value {} else { node.value = .array([]) }
        return UnkeyedNode(node)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { SingleNode(node) }
}

private struct SingleNode: SingleValueEncodingContainer {
    let node: JSONNode
    let codingPath: [any CodingKey] = []

    init(_ node: JSONNode) { self.node = node }

    func encodeNil() { node.value = .null }
    func encode(_ value: Bool) { node.value = .literal(value ? "true" : "false") }
    func encode(_ value: String) { node.value = .text(value) }
    func encode(_ value: Double) throws { try node.encode(value) }
    func encode(_ value: Float) throws { try node.encode(Double(value)) }
    func encode(_ value: Int) { node.value = .literal(String(value)) }
    func encode(_ value: Int8) { node.value = .literal(String(value)) }
    func encode(_ value: Int16) { node.value = .literal(String(value)) }
    func encode(_ value: Int32) { node.value = .literal(String(value)) }
    func encode(_ value: Int64) { node.value = .literal(String(value)) }
    func encode(_ value: UInt) { node.value = .literal(String(value)) }
    func encode(_ value: UInt8) { node.value = .literal(String(value)) }
    func encode(_ value: UInt16) { node.value = .literal(String(value)) }
    func encode(_ value: UInt32) { node.value = .literal(String(value)) }
    func encode(_ value: UInt64) { node.value = .literal(String(value)) }
    func encode(_ value: some Encodable) throws { try node.encode(value) }
}

private struct UnkeyedNode: UnkeyedEncodingContainer {
    let node: JSONNode
    let codingPath: [any CodingKey] = []

    init(_ node: JSONNode) { self.node = node }

    var count: Int { if case .array(let nodes) = node.value { nodes.count } else { 0 } }

    private func add() -> JSONNode {
        let new = JSONNode(node.form)
        node.append(new)
        return new
    }

    func encodeNil() { _ = add() }
    func encode(_ value: Bool) { SingleNode(add()).encode(value) }
    func encode(_ value: String) { add().value = .text(value) }
    func encode(_ value: some Encodable) throws { try add().encode(value) }

    func nestedContainer<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        NodeEncoder(add()).container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { NodeEncoder(add()).unkeyedContainer() }
    func superEncoder() -> any Encoder { NodeEncoder(add()) }
}

private struct KeyedNode<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: JSONNode
    let codingPath: [any CodingKey] = []

    init(_ node: JSONNode) { self.node = node }

    private func add(_ key: some CodingKey) -> JSONNode {
        let new = JSONNode(node.form)
        node.set(key.stringValue, new)
        return new
    }

    func encodeNil(forKey key: Key) { _ = add(key) }
    func encode(_ value: Bool, forKey key: Key) { SingleNode(add(key)).encode(value) }
    func encode(_ value: String, forKey key: Key) { add(key).value = .text(value) }
    func encode(_ value: Int64, forKey key: Key) { SingleNode(add(key)).encode(value) }
    func encode(_ value: some Encodable, forKey key: Key) throws { try add(key).encode(value) }

    private func some(_ value: (some Encodable)?, _ key: Key) throws {
        if let value { try encode(value, forKey: key) } else if node.form.isShown { encodeNil(forKey: key) }
    }

    // One for each: the protocol has an implementation of its own for every type named here.
    func encodeIfPresent(_ value: (some Encodable)?, forKey key: Key) throws { try some(value, key) }
    func encodeIfPresent(_ value: Bool?, forKey key: Key) throws { try some(value, key) }
    func encodeIfPresent(_ value: String?, forKey key: Key) throws { try some(value, key) }
    func encodeIfPresent(_ value: Double?, forKey key: Key) throws { try some(value, key) }
    func encodeIfPresent(_ value: Float?, forKey key: Key) throws { try some(value, key) }
    func encodeIfPresent(_ value: Int?, forKey key: Key) throws { try some(value, key) }
    func encodeIfPresent(_ value: Int8?, forKey key: Key) throws { try some(value, key) }
    func encodeIfPresent(_ value: Int16?, forKey key: Key) throws { try some(value, key) }
    func encodeIfPresent(_ value: Int32?, forKey key: Key) throws { try some(value, key) }
    func encodeIfPresent(_ value: Int64?, forKey key: Key) throws { try some(value, key) }
    func encodeIfPresent(_ value: UInt?, forKey key: Key) throws { try some(value, key) }
    func encodeIfPresent(_ value: UInt8?, forKey key: Key) throws { try some(value, key) }
    func encodeIfPresent(_ value: UInt16?, forKey key: Key) throws { try some(value, key) }
    func encodeIfPresent(_ value: UInt32?, forKey key: Key) throws { try some(value, key) }
    func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws { try some(value, key) }

    func nestedContainer<Inner: CodingKey>(
        keyedBy type: Inner.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Inner> {
        NodeEncoder(add(key)).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        NodeEncoder(add(key)).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { NodeEncoder(add(SuperKey())) }
    func superEncoder(forKey key: Key) -> any Encoder { NodeEncoder(add(key)) }
}

private struct SuperKey: CodingKey {
    let stringValue = "super"
    let intValue: Int? = nil

    init() {}
    init?(stringValue: String) { nil }
    init?(intValue: Int) { nil }
}
