import CarillonCore
import Timetable

extension Schema {
    /// Reads from a type what it looks like as `PublicJSON` writes it: by what it asks a decoder for, so that it is never another
    /// thing than what is sent. A type whose keys depend on its values is none for this.
    package static func of<Value: Decodable>(_ type: Value.Type) -> Schema { Probe.look(type).schema }
}

/// A type whose look is not told by its decoding.
private protocol Told: Decodable {
    static var told: (schema: Schema, value: Self) { get }
}

extension Array: Told where Element: Decodable {
    fileprivate static var told: (schema: Schema, value: [Element]) { (.list(.of(Element.self)), []) }
}

extension Dictionary: Told where Key == String, Value: Decodable {
    fileprivate static var told: (schema: Schema, value: [String: Value]) { (.map(.of(Value.self)), [:]) }
}

extension Timestamp: Told {
    fileprivate static var told: (schema: Schema, value: Timestamp) { (.time, Timestamp(microseconds: 0)) }
}

extension String: Told { fileprivate static var told: (schema: Schema, value: String) { (.text(), "") } }
extension Bool: Told { fileprivate static var told: (schema: Schema, value: Bool) { (.truth, false) } }
extension Double: Told { fileprivate static var told: (schema: Schema, value: Double) { (.number, 0) } }
extension Int: Told { fileprivate static var told: (schema: Schema, value: Int) { (.whole(), 0) } }
extension Int64: Told { fileprivate static var told: (schema: Schema, value: Int64) { (.whole(), 0) } }
extension Int32: Told { fileprivate static var told: (schema: Schema, value: Int32) { (.whole(), 0) } }

/// A decoder that gives any type what it asks for, and remembers what that was.
private final class Probe: Decoder {
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]
    private(set) var fields: [Schema.Field] = []

    static func look<Value: Decodable>(_ type: Value.Type) -> (schema: Schema, value: Value) {
        if let told = Value.self as? any Told.Type, let (schema, value) = told.told as? (Schema, Value) {
            return (schema, value)
        }
        if let choice = Value.self as? any CaseIterable.Type, let (words, first) = words(choice, Value.self) {
            return (.words(words), first)
        }
        let probe = Probe()
        do {
            let value = try Value(from: probe)
            return (.object(name(of: type), probe.fields), value)
        } catch {
            preconditionFailure("\(type) cannot be described: \(error)")
        }
    }

    private static func words<Choice: CaseIterable, Value>(
        _ choice: Choice.Type, _ type: Value.Type
    ) -> (words: [String], first: Value)? {
        let words = choice.allCases.compactMap { ($0 as? any RawRepresentable)?.rawValue as? String }
        guard let first = choice.allCases.first as? Value, words.count == choice.allCases.count else { return nil }
        return (words, first)
    }

    /// `JobTarget` of `JobView.Target`; nil for what holds something of any type.
    private static func name<Value>(of type: Value.Type) -> String? {
        let words = String(reflecting: type)
        guard !words.contains("<") else { return nil }
        return words.split(separator: ".").dropFirst().map { $0.hasSuffix("View") ? $0.dropLast(4) : $0 }.joined()
    }

    func note(_ key: any CodingKey, _ schema: Schema) { fields.append(Schema.Field(key.stringValue, schema)) }

    func container<Key: CodingKey>(keyedBy: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(Keys<Key>(probe: self))
    }

    struct Unclear: Error {}

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw Unclear() }
    func singleValueContainer() throws -> any SingleValueDecodingContainer { throw Unclear() }
}

private struct Keys<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let probe: Probe
    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { [] }

    func contains(_ key: Key) -> Bool { true }
    func decodeNil(forKey key: Key) -> Bool { false }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) -> Value {
        let (schema, value) = Probe.look(type)
        probe.note(key, schema)
        return value
    }

    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) -> Value? {
        absent(type, key)
    }

    func nestedContainer<Inner: CodingKey>(
        keyedBy: Inner.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Inner> { throw Probe.Unclear() }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { throw Probe.Unclear() }
    func superDecoder() throws -> any Decoder { throw Probe.Unclear() }
    func superDecoder(forKey key: Key) throws -> any Decoder { throw Probe.Unclear() }

    // The library's own would take each for one that is there.
    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) -> Bool? { absent(type, key) }
    func decodeIfPresent(_ type: String.Type, forKey key: Key) -> String? { absent(type, key) }
    func decodeIfPresent(_ type: Double.Type, forKey key: Key) -> Double? { absent(type, key) }
    func decodeIfPresent(_ type: Int.Type, forKey key: Key) -> Int? { absent(type, key) }
    func decodeIfPresent(_ type: Int32.Type, forKey key: Key) -> Int32? { absent(type, key) }
    func decodeIfPresent(_ type: Int64.Type, forKey key: Key) -> Int64? { absent(type, key) }

    private func absent<Value: Decodable>(_ type: Value.Type, _ key: Key) -> Value? {
        probe.note(key, .orNull(.of(type)))
        return nil
    }
}
