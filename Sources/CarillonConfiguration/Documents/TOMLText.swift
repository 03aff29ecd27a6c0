/// Pieces of TOML (toml.io, v1.0.0).
package enum TOMLText {
    /// Text as a basic string.
    package static func quote(_ text: String) -> String { "\"" + escape(text, keepingLines: false) + "\"" }

    /// Text of several lines as a string of several lines; one line as `quote` writes it.
    package static func text(_ text: String) -> String {
        guard text.dropLast().contains("\n") else { return quote(text) }
        return "\"\"\"\n" + escape(text, keepingLines: true) + "\"\"\""
    }

    private static func escape(_ text: String, keepingLines: Bool) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": escaped += "\\\(scalar)"
            case "\n" where !keepingLines: escaped += "\\n"
            case "\n": escaped += "\n"
            case "\t": escaped += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let digits = String(scalar.value, radix: 16)
                escaped += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// A key, bare where TOML allows it.
    package static func key(_ key: String) -> String {
        let isBare =
            !key.isEmpty
            && key.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
        return isBare ? key : quote(key)
    }

    /// A value on one line, tables inline; nil for one that holds null, which TOML has no way to write.
    package static func value(_ node: ConfigNode) -> String? {
        switch node.value {
        case .null: return nil
        case .bool(let flag): return "\(flag)"
        case .integer(let number): return "\(number)"
        case .bigInteger(let digits): return digits
        case .double(let number): return "\(number)"
        case .string(let text): return quote(text)
        case .array(let nodes):
            let texts = nodes.compactMap(value)
            return texts.count == nodes.count ? "[" + texts.joined(separator: ", ") + "]" : nil
        case .table(let entries):
            let texts = entries.compactMap { entry in value(entry.value).map { "\(key(entry.key)) = \($0)" } }
            guard texts.count == entries.count else { return nil }
            return texts.isEmpty ? "{}" : "{ " + texts.joined(separator: ", ") + " }"
        }
    }

    /// Makes text for a comment, which takes no control character but a tab: each is a blank there.
    package static func comment(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { ($0.value < 0x20 && $0 != "\t") || $0.value == 0x7f ? " " : $0 }))
    }

    package static func list(_ texts: [String]) -> String { "[\(texts.map(quote).joined(separator: ", "))]" }
}
