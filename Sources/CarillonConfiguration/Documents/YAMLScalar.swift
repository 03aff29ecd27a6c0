/// What a plain scalar of YAML means: the core schema of YAML 1.2, where `yes`, `1_000` and `1:30` are text.
enum YAMLScalar {
    static func node(_ text: String, line: Int) -> ConfigNode {
        let value = value(of: text)
        switch value {
        case .string, .null: return ConfigNode(value, line: line)
        default: return ConfigNode(value, line: line, written: text)
        }
    }

    private static func value(of text: String) -> ConfigNode.Value {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        case ".nan", ".NaN", ".NAN": return .double(.nan)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .double(.infinity)
        case "-.inf", "-.Inf", "-.INF": return .double(-.infinity)
        default: return number(text) ?? .string(text)
        }
    }

    /// Reads a number; nil for text, also where one would lose something: leading zeros, or what no double holds.
    private static func number(_ text: String) -> ConfigNode.Value? {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, first < 0x3a else { return nil }
        if text.hasPrefix("0x") { return Int64(digits(bytes.dropFirst(2)), radix: 16).map { .integer($0) } }
        if text.hasPrefix("0o") { return Int64(digits(bytes.dropFirst(2)), radix: 8).map { .integer($0) } }
        let isSigned = first == UInt8(ascii: "-") || first == UInt8(ascii: "+")
        let unsigned = bytes[(isSigned ? 1 : 0)...]
        let whole = unsigned.prefix { isDigit($0) }
        if whole.count > 1, whole.first == UInt8(ascii: "0") { return nil }
        if whole.count == unsigned.count { return whole.isEmpty ? nil : .whole(decimal: text) }
        var rest = unsigned.dropFirst(whole.count)
        var count = whole.count
        if rest.first == UInt8(ascii: ".") {
            let fraction = rest.dropFirst().prefix { isDigit($0) }
            count += fraction.count
            rest = rest.dropFirst(1 + fraction.count)
        }
        guard count > 0 else { return nil }
        if let letter = rest.first, letter | 0x20 == UInt8(ascii: "e") {
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
            guard !rest.isEmpty, rest.allSatisfy(isDigit) else { return nil }
            rest = []
        }
        guard rest.isEmpty, let double = Double(text), double.isFinite else { return nil }
        return .double(double)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// Answers the digits, none when a sign comes first: after the prefix it would be read by `Int64`.
    private static func digits(_ bytes: ArraySlice<UInt8>) -> String {
        guard let first = bytes.first, first != UInt8(ascii: "-"), first != UInt8(ascii: "+") else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }
}
