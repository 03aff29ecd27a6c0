/// Writes values as the JSON that `--json` prints: one object on one line, fit for a terminal.
///
/// Every key of a type is there, in the type's own order, with null for what is absent; times are RFC 3339 in UTC, always
/// with six digits of fraction, so that they sort as text. A key is camelCase and ends in its unit where it has one.
public enum PublicJSON {
    /// Encodes a value; throws for a number that is not finite.
    public static func encode(_ value: some Encodable) throws -> String {
        let text = String(decoding: try JSONNode.bytes(value, .shown), as: UTF8.self)
        guard text.unicodeScalars.contains(where: \.isUnfitForLine) else { return text }
        // Such a character can only stand in a string (RFC 8259, section 7).
        var fit = ""
        for scalar in text.unicodeScalars {
            guard scalar.isUnfitForLine else {
                fit.unicodeScalars.append(scalar)
                continue
            }
            for unit in String(scalar).utf16 {
                let digits = String(unit, radix: 16)
                fit += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return fit
    }
}

/// An object whose keys are known only when it is made, in their order.
public struct JSONObject: Encodable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private let entries: [(key: String, value: any Encodable)]

    public init(_ entries: [(key: String, value: any Encodable)]) { self.entries = entries }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        for (key, value) in entries { try container.encode(value, forKey: Key(stringValue: key)) }
    }
}
