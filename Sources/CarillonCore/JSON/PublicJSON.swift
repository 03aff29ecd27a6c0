/// Writes values as the JSON that `--json` prints: one object on one line, fit for a terminal.
///
/// Every key of a type is there, in the type's own order, with null for what is absent; times are RFC 3339 in UTC, always
/// with six digits of fraction, so that they sort as text. A key is camelCase and ends in its unit where it has one.
public enum PublicJSON {
    /// Encodes a value; throws for a number that is not finite.
    public static func encode(_ value: some Encodable) throws -> String {
        String(decoding: fit(try JSONSink.bytes(value, .shown)), as: UTF8.self)
    }

    /// Writes many values, each as a line; what recurs among them is encoded once.
    public struct Lines {
        /// Each line ended by a newline.
        public private(set) var bytes: [UInt8] = []
        private let sink = JSONSink(.shown, mostKept: 64)

        public init() {}

        /// Throws for a number that is not finite.
        public mutating func append(_ value: some Encodable) throws {
            bytes += PublicJSON.fit(try sink.line(value))
            bytes.append(UInt8(ascii: "\n"))
        }
    }

    /// Escapes what a terminal should not be given. It can only stand in a string (RFC 8259, section 7).
    private static func fit(_ bytes: [UInt8]) -> [UInt8] {
        let isPlain = bytes.withUnsafeBufferPointer { $0.allSatisfy { $0 >= 0x20 && $0 < 0x7f } }
        if isPlain { return bytes }
        var fit: [UInt8] = []
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            guard scalar.isUnfitForLine else {
                fit += String(scalar).utf8
                continue
            }
            for unit in String(scalar).utf16 {
                let digits = String(unit, radix: 16)
                fit += ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8
            }
        }
        return fit
    }
}

/// What many values hold alike, as jobs do their policies.
public protocol Recurring: Encodable, Hashable {}

/// An object whose keys are known only when it is made, in their order; of a key that comes twice the later value counts.
public struct JSONObject: Encodable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private let entries: [(key: String, value: any Encodable)]

    public init(_ entries: [(key: String, value: any Encodable)]) {
        var unlike: [(key: String, value: any Encodable)] = []
        for entry in entries {
            if let place = unlike.firstIndex(where: { $0.key == entry.key }) {
                unlike[place] = entry
            } else {
                unlike.append(entry)
            }
        }
        self.entries = unlike
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        for (key, value) in entries { try container.encode(value, forKey: Key(stringValue: key)) }
    }
}
