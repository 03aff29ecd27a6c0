/// The numbers of TOML 1.0.
enum TOMLNumber {
    /// Reads a number; nil for what is none, and for one past what a double holds.
    static func value(of text: String) -> ConfigNode.Value? {
        switch text {
        case "inf", "+inf": return .double(.infinity)
        case "-inf": return .double(-.infinity)
        case "nan", "+nan", "-nan": return .double(.nan)
        default: break
        }
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where text.hasPrefix(prefix) {
            let digits = text.utf8.dropFirst(2)
            guard let plain = withoutUnderscores(digits, isDigit: { Character(Unicode.Scalar($0)).isHexDigit }) else {
                return nil
            }
            return Int64(plain, radix: radix).map { .integer($0) }
        }
        return decimal(text)
    }

    private static func decimal(_ text: String) -> ConfigNode.Value? {
        let isSigned = text.hasPrefix("-") || text.hasPrefix("+")
        let bytes = text.utf8.dropFirst(isSigned ? 1 : 0)
        let whole = bytes.prefix { isDigit($0) || $0 == UInt8(ascii: "_") }
        guard var plain = withoutUnderscores(whole, isDigit: isDigit), plain == "0" || !plain.hasPrefix("0") else {
            return nil
        }
        if isSigned { plain = text.prefix(1) + plain }
        var rest = bytes.dropFirst(whole.count)
        if rest.isEmpty { return .whole(decimal: plain) }
        if rest.first == UInt8(ascii: ".") {
            let fraction = rest.dropFirst().prefix { isDigit($0) || $0 == UInt8(ascii: "_") }
            guard let digits = withoutUnderscores(fraction, isDigit: isDigit) else { return nil }
            plain += "." + digits
            rest = rest.dropFirst(1 + fraction.count)
        }
        if let letter = rest.first, letter | 0x20 == UInt8(ascii: "e") {
            rest = rest.dropFirst()
            plain += "e"
            if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
                plain.unicodeScalars.append(Unicode.Scalar(sign))
                rest = rest.dropFirst()
            }
            guard let digits = withoutUnderscores(rest, isDigit: isDigit) else { return nil }
            plain += digits
            rest = rest.dropFirst(rest.count)
        }
        guard rest.isEmpty, let double = Double(plain), double.isFinite else { return nil }
        return .double(double)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// Answers the digits alone; an underscore stands between two of them.
    private static func withoutUnderscores(_ text: Substring.UTF8View, isDigit: (UInt8) -> Bool) -> String? {
        var digits: [UInt8] = []
        var afterDigit = false
        for byte in text {
            if byte == UInt8(ascii: "_") {
                guard afterDigit else { return nil }
                afterDigit = false
            } else {
                guard isDigit(byte) else { return nil }
                digits.append(byte)
                afterDigit = true
            }
        }
        return afterDigit ? String(decoding: digits, as: UTF8.self) : nil
    }
}
