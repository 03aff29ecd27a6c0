/// Spoils texts in the ways that files, lines and answers get spoilt, by a seed alone.
public struct Mangler: Sendable {
    private var random: SplitMix64

    public init(seed: UInt64) { random = SplitMix64(seed: seed) }

    /// What readers stumble over: brackets, numbers at the ends of their ranges, control characters, texts that are no UTF-8.
    private static let bits: [[UInt8]] =
        [
            "[", "]", "{", "}", "\"", "'", "\\", "\n", "\r\n", "\r", ",", ":", "=", ".", "#", "-", "- ", "&a ", "*a",
            "!!", "|\n",
            "\"\"\"", "'''", "%", "@", "~", "?", "0", "-1", "9223372036854775807", "-9223372036854775808",
            "18446744073709551616",
            "1e-300", "1e999", "nan", "inf", "0x1F", "true", "null", "\u{0}", "\u{1b}[31m", "\u{202e}", "\u{feff}",
            "cafe\u{301}",
            "\\ud83d", "\\ude80", "\\u0000", "2026-12-24T18:00:00", "@every 1s", "* * * * *", "\t", " ",
        ].map { Array($0.utf8) } + [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xF8, 0x88, 0x80]]

    public mutating func pick<T>(_ values: [T]) -> T { random.pick(values) }
    public mutating func number(_ range: ClosedRange<Int64>) -> Int64 { random.number(range) }
    public mutating func chance(_ share: Double) -> Bool { random.chance(share) }

    /// Mangles text: some of its bytes cut, doubled, exchanged, flipped or laid over; at most `most` bytes.
    public mutating func mangle(_ text: [UInt8], with others: [[UInt8]] = [], most: Int = 65_536) -> [UInt8] {
        var text = text
        for _ in 0..<random.number(1...6) {
            let at = Int(random.number(0...Int64(text.count)))
            let end = min(text.count, at + Int(random.number(0...Int64(max(1, text.count / 4)))))
            switch random.number(0...8) {
            case 0: text.removeSubrange(at..<end)
            case 1: text.insert(contentsOf: text[at..<end], at: at)
            case 2: text.insert(contentsOf: random.pick(Self.bits), at: at)
            case 3: if at < text.count { text[at] ^= UInt8(1) << UInt8(random.number(0...7)) }
            case 4:
                // The same again and again: what is nested, or long.
                let bit = random.pick(Self.bits)
                let times = min(Int(random.number(1...20_000)), most / bit.count)
                text.insert(contentsOf: (0..<times).lazy.flatMap { _ in bit }, at: at)
            case 5: text = Array(text[..<at])
            case 6: if !others.isEmpty { text.insert(contentsOf: random.pick(others), at: at) }
            case 7: text.replaceSubrange(at..<end, with: random.pick(Self.bits))
            default: if at < text.count { text[at] = UInt8(random.number(0...255)) }
            }
            if text.count > most { text.removeSubrange(most...) }
        }
        return text
    }
}
