/// A value that every language has: what travels as a function's argument.
public enum PlainValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// A whole number past 64 bits, as decimal digits with an optional minus.
    case bigInteger(String)
    case double(Double)
    case text(String)
    case list([PlainValue])
    /// In its file's order.
    case map([Entry])

    public struct Entry: Hashable, Sendable {
        public var key: String
        public var value: PlainValue

        public init(_ key: String, _ value: PlainValue) {
            self.key = key
            self.value = value
        }
    }

    /// How deep lists and maps may lie in one another; what writes and reads them on the way to a worker, in the store and
    /// over the control socket goes no deeper than some hundreds.
    public static let deepest = 64

    /// Whether lists and maps lie in one another deeper than this; looks no deeper itself.
    public func nests(deeperThan levels: Int) -> Bool {
        switch self {
        case .list(let values): levels == 0 || values.contains { $0.nests(deeperThan: levels - 1) }
        case .map(let entries): levels == 0 || entries.contains { $0.value.nests(deeperThan: levels - 1) }
        default: false
        }
    }

    /// Whether JSON (RFC 8259) can carry it: it has no NaN and no infinity.
    public var isJSON: Bool {
        switch self {
        case .double(let number): number.isFinite
        case .list(let values): values.allSatisfy(\.isJSON)
        case .map(let entries): entries.allSatisfy(\.value.isJSON)
        default: true
        }
    }
}

/// In the store: itself where JSON has it and keeps it apart from the others, else an object with one key.
extension PlainValue: Codable {
    private enum Key: String, CodingKey { case double, big, map }

    public init(from decoder: any Decoder) throws {
        if let object = try? decoder.container(keyedBy: Key.self) {
            if let text = try object.decodeIfPresent(String.self, forKey: .double) {
                guard let number = Double(text) else {
                    throw DecodingError.dataCorruptedError(
                        forKey: .double, in: object, debugDescription: "no number: \(text)")
                }
                self = .double(number)
            } else if let digits = try object.decodeIfPresent(String.self, forKey: .big) {
                self = .bigInteger(digits)
            } else {
                self = .map(try object.decode([Entry].self, forKey: .map))
            }
            return
        }
        let one = try decoder.singleValueContainer()
        if one.decodeNil() {
            self = .null
        } else if let bool = try? one.decode(Bool.self) {
            self = .bool(bool)
        } else if let integer = try? one.decode(Int64.self) {
            self = .integer(integer)
        } else if let text = try? one.decode(String.self) {
            self = .text(text)
        } else {
            self = .list(try one.decode([PlainValue].self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var one = encoder.singleValueContainer()
        switch self {
        case .null: try one.encodeNil()
        case .bool(let bool): try one.encode(bool)
        case .integer(let number): try one.encode(number)
        case .text(let text): try one.encode(text)
        case .list(let values): try one.encode(values)
        // As text, because JSON would make 1.0 an integer and knows no NaN.
        case .double(let number): try one.encode([Key.double.rawValue: "\(number)"])
        case .bigInteger(let digits): try one.encode([Key.big.rawValue: digits])
        case .map(let entries): try one.encode([Key.map.rawValue: entries])
        }
    }
}

extension PlainValue.Entry: Codable {
    public init(from decoder: any Decoder) throws {
        var pair = try decoder.unkeyedContainer()
        self.init(try pair.decode(String.self), try pair.decode(PlainValue.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var pair = encoder.unkeyedContainer()
        try pair.encode(key)
        try pair.encode(value)
    }
}
