/// The four dates of TOML 1.0: with an offset, local, a day alone, a time alone.
enum TOMLDate {
    /// Whether it is any of them.
    static func isOne(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard bytes.count > 10 else { return isDate(bytes) || isTime(bytes) }
        guard isDate(bytes.prefix(10)), let separator = bytes.dropFirst(10).first,
            separator == 0x20 || separator | 0x20 == UInt8(ascii: "t")
        else { return isTime(bytes) }
        let clock = bytes.dropFirst(11)
        let time = clock.prefix { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") || (0x30...0x39).contains($0) }
        return isTime(time) && isOffset(clock.dropFirst(time.count))
    }

    static func isDate(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard has("dddd-dd-dd", bytes), (1...12).contains(number(bytes, 5)) else { return false }
        let (year, month) = (number(bytes, 0) * 100 + number(bytes, 2), number(bytes, 5))
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
        return (1...days).contains(number(bytes, 8))
    }

    private static func isTime(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard has("dd:dd:dd", bytes.prefix(8)), number(bytes, 0) < 24, number(bytes, 3) < 60, number(bytes, 6) <= 60
        else { return false }
        let fraction = bytes.dropFirst(8)
        return fraction.isEmpty
            || fraction.first == UInt8(ascii: ".") && fraction.count > 1
                && fraction.dropFirst().allSatisfy { (0x30...0x39).contains($0) }
    }

    private static func isOffset(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let first = bytes.first else { return true }
        if first | 0x20 == UInt8(ascii: "z") { return bytes.count == 1 }
        return (first == UInt8(ascii: "+") || first == UInt8(ascii: "-")) && has("dd:dd", bytes.dropFirst())
            && number(bytes, 1) < 24 && number(bytes, 4) < 60
    }

    /// Whether bytes have a pattern, in which `d` stands for a digit.
    private static func has(_ pattern: StaticString, _ bytes: ArraySlice<UInt8>) -> Bool {
        guard bytes.count == pattern.utf8CodeUnitCount else { return false }
        return pattern.withUTF8Buffer { pattern in
            zip(pattern, bytes).allSatisfy { $0 == UInt8(ascii: "d") ? (0x30...0x39).contains($1) : $0 == $1 }
        }
    }

    /// Reads the two digits that stand there.
    private static func number(_ bytes: ArraySlice<UInt8>, _ offset: Int) -> Int {
        let start = bytes.startIndex + offset
        return Int(bytes[start] - 0x30) * 10 + Int(bytes[start + 1] - 0x30)
    }
}
