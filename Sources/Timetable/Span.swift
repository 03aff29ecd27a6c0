/// Lengths of time as text: `1h30m`, `45s`, `250ms`.
public enum Span {
    package static let second: Int64 = 1_000_000

    static let units: [(suffix: String, microseconds: Int64)] = [
        ("d", 86_400 * second), ("h", 3600 * second), ("m", 60 * second), ("s", second), ("ms", 1000), ("us", 1),
    ]

    /// Reads a length: whole numbers with the units d, h, m, s, ms, us, largest first, each once.
    ///
    /// Microseconds, at least 0. A bare number is refused, except `0`, because its unit would be a guess.
    public static func parse(_ text: String) throws(ScheduleError) -> Int64 {
        if text == "0" { return 0 }
        return try parse(text.utf8, units: units)
    }

    /// Writes the shortest text that reads back as the same length; `0s` for none, a leading minus below zero.
    public static func format(_ microseconds: Int64) -> String {
        var rest = microseconds.magnitude
        var text = microseconds < 0 ? "-" : ""
        for unit in units where rest >= unit.microseconds.magnitude {
            text += String(rest / unit.microseconds.magnitude) + unit.suffix
            rest %= unit.microseconds.magnitude
        }
        return microseconds == 0 ? "0s" : text
    }

    static func parse(
        _ text: some Collection<UInt8>, units: [(suffix: String, microseconds: Int64)]
    ) throws(ScheduleError) -> Int64 {
        let allowed = units.map(\.suffix).joined(separator: ", ")
        func refusal() -> ScheduleError {
            ScheduleError(
                "\(ScheduleError.quoted(text)) is not a length of time; write whole numbers with the units \(allowed), "
                    + "largest first, like 1h30m")
        }
        var scanner = TextScanner(text)
        var remaining = units[...]
        var total: Int64 = 0
        repeat {
            guard let number = scanner.number() else { throw refusal() }
            var suffix = ""
            while let byte = scanner.peek, byte < 0x30 || byte > 0x39, suffix.utf8.count < 3 {
                suffix.unicodeScalars.append(Unicode.Scalar(byte))
                _ = scanner.skip(byte)
            }
            guard let index = remaining.firstIndex(where: { $0.suffix == suffix }) else { throw refusal() }
            let (part, tooLong) = Int64(number).multipliedReportingOverflow(by: remaining[index].microseconds)
            let (sum, overflow) = total.addingReportingOverflow(part)
            if tooLong || overflow { throw ScheduleError("\(ScheduleError.quoted(text)) is too long a time") }
            total = sum
            remaining = remaining[(index + 1)...]
        } while !scanner.isAtEnd
        return total
    }
}
