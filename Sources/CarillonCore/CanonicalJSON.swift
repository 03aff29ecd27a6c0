/// Writes values as JSON with sorted keys: byte for byte what Foundation's `JSONEncoder` writes, in a fraction of its time.
///
/// Digests and stores compare these bytes, so they are the same for ever. Throws for a number that is not finite.
public enum CanonicalJSON {
    public static func encode(_ value: some Encodable, escapingSlashes: Bool = true) throws -> [UInt8] {
        let root = Node()
        try value.encode(to: NodeEncoder(root))
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        root.write(to: &bytes, escapingSlashes)
        return bytes
    }

    /// A value on its way: what is written into it decides what it is.
    fileprivate final class Node {
        enum Value {
            case null
            case literal(String)
            case text(String)
            case array([Node])
            case object([(key: String, node: Node)])
        }

        var value = Value.null

        func append(_ node: Node) {
            if case .array(var nodes) = value {
                value = .null
                nodes.append(node)
                value = .array(nodes)
            }
        }

        /// A key that comes again replaces its value, as in a dictionary.
        func set(_ key: String, _ node: Node) {
            guard case .object(var entries) = value else { return }
            value = .null
            if let place = entries.firstIndex(where: { $0.key == key }) {
                entries[place].node = node
            } else {
                entries.append((key, node))
            }
            value = .object(entries)
        }

        private static func sorted(_ entries: [(key: String, node: Node)]) -> [(key: String, node: Node)] {
            entries.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        }

        func write(to bytes: inout [UInt8], _ escapingSlashes: Bool) {
            switch value {
            case .null: bytes += "null".utf8
            case .literal(let text): bytes += text.utf8
            case .text(let text): CanonicalJSON.quote(text, to: &bytes, escapingSlashes)
            case .array(let nodes):
                bytes.append(UInt8(ascii: "["))
                for (place, node) in nodes.enumerated() {
                    if place > 0 { bytes.append(UInt8(ascii: ",")) }
                    node.write(to: &bytes, escapingSlashes)
                }
                bytes.append(UInt8(ascii: "]"))
            case .object(let entries):
                bytes.append(UInt8(ascii: "{"))
                for (place, entry) in Self.sorted(entries).enumerated() {
                    if place > 0 { bytes.append(UInt8(ascii: ",")) }
                    CanonicalJSON.quote(entry.key, to: &bytes, escapingSlashes)
                    bytes.append(UInt8(ascii: ":"))
                    entry.node.write(to: &bytes, escapingSlashes)
                }
                bytes.append(UInt8(ascii: "}"))
            }
        }
    }

    private static let digits = Array("0123456789abcdef".utf8)

    static func quote(_ text: String, to bytes: inout [UInt8], _ escapingSlashes: Bool = false) {
        bytes.append(UInt8(ascii: "\""))
        let isSimple = text.utf8.allSatisfy {
            $0 >= 0x20 && $0 != 0x22 && $0 != 0x5c && ($0 != 0x2f || !escapingSlashes)
        }
        if isSimple {
            bytes += text.utf8
            bytes.append(UInt8(ascii: "\""))
            return
        }
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "/") where escapingSlashes: bytes += [UInt8(ascii: "\\"), byte]
            case 0x08: bytes += "\\b".utf8
            case 0x09: bytes += "\\t".utf8
            case 0x0a: bytes += "\\n".utf8
            case 0x0c: bytes += "\\f".utf8
            case 0x0d: bytes += "\\r".utf8
            case 0..<0x20: bytes += "\\u00".utf8 + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}

extension CanonicalJSON.Node {
    fileprivate func encode(_ value: some Encodable) throws { try value.encode(to: NodeEncoder(self)) }

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
    let node: CanonicalJSON.Node
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    init(_ node: CanonicalJSON.Node) { self.node = node }

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
    let node: CanonicalJSON.Node
    let codingPath: [any CodingKey] = []

    init(_ node: CanonicalJSON.Node) { self.node = node }

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
    let node: CanonicalJSON.Node
    let codingPath: [any CodingKey] = []

    init(_ node: CanonicalJSON.Node) { self.node = node }

    var count: Int { if case .array(let nodes) = node.value { nodes.count } else { 0 } }

    private func add() -> CanonicalJSON.Node {
        let new = CanonicalJSON.Node()
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
    let node: CanonicalJSON.Node
    let codingPath: [any CodingKey] = []

    init(_ node: CanonicalJSON.Node) { self.node = node }

    private func add(_ key: some CodingKey) -> CanonicalJSON.Node {
        let new = CanonicalJSON.Node()
        node.set(key.stringValue, new)
        return new
    }

    func encodeNil(forKey key: Key) { _ = add(key) }
    func encode(_ value: Bool, forKey key: Key) { SingleNode(add(key)).encode(value) }
    func encode(_ value: String, forKey key: Key) { add(key).value = .text(value) }
    func encode(_ value: Int64, forKey key: Key) { SingleNode(add(key)).encode(value) }
    func encode(_ value: some Encodable, forKey key: Key) throws { try add(key).encode(value) }

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
