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

/// Takes a value in as it is encoded, and has it as bytes.
///
/// An encoder never says that it is done with an array or an object: what lies deeper is closed when something is written
/// further up. So a value is to be encoded from front to back, as every type that the compiler encodes is.
final class JSONSink {
    /// An array or an object that is not closed yet.
    private struct Level {
        let isObject: Bool
        /// Where what it holds begins.
        let start: Int
        var count = 0
        /// In the stored form: each key, and where its entry begins.
        var keys: [(key: String, start: Int)] = []
        var areSorted = true
    }

    let form: JSONForm
    // Unchecked, as no access to one of them lasts while anything else runs; a tenth of all time went into the checks.
    @exclusivity(unchecked) private var bytes: [UInt8] = []
    @exclusivity(unchecked) private var levels: [Level] = []
    /// A key or a comma stands there, and no value after it.
    @exclusivity(unchecked) private var isOwing = false

    /// Texts of what recurs, and how many are kept.
    private var kept: [AnyHashable: [UInt8]] = [:]
    private let mostKept: Int

    init(_ form: JSONForm, mostKept: Int = 0) {
        self.form = form
        self.mostKept = mostKept
        bytes.reserveCapacity(1_024)
    }

    /// Writes a value as bytes. Throws for a number that is not finite.
    static func bytes(_ value: some Encodable, _ form: JSONForm) throws -> [UInt8] {
        try JSONSink(form).line(value)
    }

    /// Writes another value in the place of the last.
    func line(_ value: some Encodable) throws -> [UInt8] {
        bytes.removeAll(keepingCapacity: true)
        levels.removeAll(keepingCapacity: true)
        isOwing = true
        try encode(value)
        return bytes
    }

    var depth: Int { levels.count }

    /// Counts what the level holds so far.
    func count(at depth: Int) -> Int { levels[depth - 1].count }

    /// Opens an array or an object, unless one stands open here already; answers its depth.
    func open(at depth: Int, asObject isObject: Bool) -> Int {
        if levels.count > depth {
            settle(depth + 1)
        } else {
            isOwing = false
            bytes.append(isObject ? UInt8(ascii: "{") : UInt8(ascii: "["))
            levels.append(Level(isObject: isObject, start: bytes.count))
        }
        return depth + 1
    }

    /// Begins another value of an array.
    func next(at depth: Int) {
        settle(depth)
        if levels[depth - 1].count > 0 { bytes.append(UInt8(ascii: ",")) }
        levels[depth - 1].count += 1
        isOwing = true
    }

    /// Begins the value of a key.
    func next(_ key: String, at depth: Int) {
        settle(depth)
        if levels[depth - 1].count > 0 { bytes.append(UInt8(ascii: ",")) }
        levels[depth - 1].count += 1
        if !form.isShown {
            if let last = levels[depth - 1].keys.last, !Self.precedes(last.key, key) {
                levels[depth - 1].areSorted = false
            }
            levels[depth - 1].keys.append((key, bytes.count))
        }
        CanonicalJSON.quote(key, to: &bytes, form.escapesSlashes)
        bytes.append(UInt8(ascii: ":"))
        isOwing = true
    }

    private static func precedes(_ first: String, _ second: String) -> Bool {
        first.utf8.lexicographicallyPrecedes(second.utf8)
    }

    /// Closes what stands open below a depth; where a value was begun and nothing came, it is null.
    private func settle(_ depth: Int) {
        while levels.count > depth { close() }
        if isOwing { write("null") }
    }

    private func close() {
        if isOwing { write("null") }
        let level = levels.removeLast()
        if !level.areSorted {
            let ends = level.keys.dropFirst().map { $0.start - 1 } + [bytes.count]
            let entries = zip(level.keys, ends).map { ($0.key, bytes[$0.start..<$1]) }
            let sorted = entries.sorted { Self.precedes($0.0, $1.0) }
            bytes.replaceSubrange(level.start..., with: Array(sorted.map(\.1).joined(separator: [UInt8(ascii: ",")])))
        }
        bytes.append(level.isObject ? UInt8(ascii: "}") : UInt8(ascii: "]"))
    }

    func write(_ literal: String) {
        isOwing = false
        bytes += literal.utf8
    }

    func write(quoted text: String) {
        isOwing = false
        CanonicalJSON.quote(text, to: &bytes, form.escapesSlashes)
    }

    func write(_ value: Double) throws {
        guard value.isFinite else {
            throw EncodingError.invalidValue(
                value, .init(codingPath: [], debugDescription: "JSON has no number that is not finite"))
        }
        let text = value.description
        write(text.hasSuffix(".0") ? String(text.dropLast(2)) : text)
    }

    /// Writes the value that was begun.
    func encode<Value: Encodable>(_ value: Value) throws {
        if form.isShown, Value.self == Timestamp.self, let time = value as? Timestamp {
            return write(quoted: time.rfc3339Microseconds)
        }
        guard mostKept > 0, let recurring = value as? any Recurring else { return try encodeAnew(value) }
        let key = AnyHashable(recurring)
        if let text = kept[key] {
            isOwing = false
            bytes += text
            return
        }
        let start = bytes.count
        try encodeAnew(value)
        if kept.count < mostKept { kept[key] = Array(bytes[start...]) }
    }

    private func encodeAnew(_ value: some Encodable) throws {
        let depth = levels.count
        try value.encode(to: SinkEncoder(self, at: depth))
        settle(depth)
    }
}

private struct SinkEncoder: Encoder {
    let sink: JSONSink
    let depth: Int
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(_ sink: JSONSink, at depth: Int) {
        self.sink = sink
        self.depth = depth
    }

    /// Of the value that was begun last.
    init(_ sink: JSONSink) { self.init(sink, at: sink.depth) }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(SinkObject<Key>(sink, sink.open(at: depth, asObject: true)))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        SinkArray(sink, sink.open(at: depth, asObject: false))
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { SinkValue(sink) }
}

private struct SinkValue: SingleValueEncodingContainer {
    let sink: JSONSink
    var codingPath: [any CodingKey] { [] }

    init(_ sink: JSONSink) { self.sink = sink }

    func encodeNil() { sink.write("null") }
    func encode(_ value: Bool) { sink.write(value ? "true" : "false") }
    func encode(_ value: String) { sink.write(quoted: value) }
    func encode(_ value: Double) throws { try sink.write(value) }
    func encode(_ value: Float) throws { try sink.write(Double(value)) }
    func encode(_ value: Int) { sink.write(String(value)) }
    func encode(_ value: Int8) { sink.write(String(value)) }
    func encode(_ value: Int16) { sink.write(String(value)) }
    func encode(_ value: Int32) { sink.write(String(value)) }
    func encode(_ value: Int64) { sink.write(String(value)) }
    func encode(_ value: UInt) { sink.write(String(value)) }
    func encode(_ value: UInt8) { sink.write(String(value)) }
    func encode(_ value: UInt16) { sink.write(String(value)) }
    func encode(_ value: UInt32) { sink.write(String(value)) }
    func encode(_ value: UInt64) { sink.write(String(value)) }
    func encode(_ value: some Encodable) throws { try sink.encode(value) }
}

private struct SinkArray: UnkeyedEncodingContainer {
    let sink: JSONSink
    let depth: Int
    var codingPath: [any CodingKey] { [] }

    init(_ sink: JSONSink, _ depth: Int) {
        self.sink = sink
        self.depth = depth
    }

    var count: Int { sink.count(at: depth) }

    private var next: JSONSink {
        sink.next(at: depth)
        return sink
    }

    func encodeNil() { next.write("null") }
    func encode(_ value: Bool) { SinkValue(next).encode(value) }
    func encode(_ value: String) { next.write(quoted: value) }
    func encode(_ value: some Encodable) throws { try next.encode(value) }

    func nestedContainer<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        SinkEncoder(next).container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { SinkEncoder(next).unkeyedContainer() }
    func superEncoder() -> any Encoder { SinkEncoder(next) }
}

private struct SinkObject<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let sink: JSONSink
    let depth: Int
    var codingPath: [any CodingKey] { [] }

    init(_ sink: JSONSink, _ depth: Int) {
        self.sink = sink
        self.depth = depth
    }

    private func next(_ key: some CodingKey) -> JSONSink {
        sink.next(key.stringValue, at: depth)
        return sink
    }

    func encodeNil(forKey key: Key) { next(key).write("null") }
    func encode(_ value: Bool, forKey key: Key) { SinkValue(next(key)).encode(value) }
    func encode(_ value: String, forKey key: Key) { next(key).write(quoted: value) }
    func encode(_ value: Int64, forKey key: Key) { SinkValue(next(key)).encode(value) }
    func encode(_ value: some Encodable, forKey key: Key) throws { try next(key).encode(value) }

    private func some(_ value: (some Encodable)?, _ key: Key) throws {
        if let value { try encode(value, forKey: key) } else if sink.form.isShown { encodeNil(forKey: key) }
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
        SinkEncoder(next(key)).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        SinkEncoder(next(key)).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { SinkEncoder(next(SuperKey())) }
    func superEncoder(forKey key: Key) -> any Encoder { SinkEncoder(next(key)) }
}

private struct SuperKey: CodingKey {
    let stringValue = "super"
    let intValue: Int? = nil

    init() {}
    init?(stringValue: String) { nil }
    init?(intValue: Int) { nil }
}
