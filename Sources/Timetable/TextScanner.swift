/// Reads dates, times and numbers from the start of a run of ASCII bytes.
///
/// Every method returns nil when the text does not go on that way; the position is then of no use.
struct TextScanner {
    private let bytes: [UInt8]
    private var position = 0

    struct LocalTime {
        /// Seconds since 1970 of the wall clock, as if it were UTC.
        var seconds: Int
        var microsecond: Int
        /// Second 60, counted as the second after.
        var isLeapSecond: Bool
    }

    init(_ bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
    }

    var isAtEnd: Bool { position == bytes.count }
    var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skip(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        position += 1
        return true
    }

    /// Reads exactly `count` digits.
    mutating func digits(_ count: Int) -> Int? {
        var value = 0
        for _ in 0..<count {
            guard let byte = peek, byte >= 0x30, byte <= 0x39 else { return nil }
            value = value * 10 + Int(byte - 0x30)
            position += 1
        }
        return value
    }

    /// Reads one to nine digits; nil when there are none or more.
    mutating func number() -> Int? {
        var value = 0
        var count = 0
        while let byte = peek, byte >= 0x30, byte <= 0x39 {
            value = value * 10 + Int(byte - 0x30)
            count += 1
            position += 1
            if count > 9 { return nil }
        }
        return count == 0 ? nil : value
    }

    /// Reads `2026-03-08` as a day number, only when the date exists.
    mutating func date() -> Int? {
        guard let year = digits(4), skip(0x2D), let month = digits(2), skip(0x2D), let day = digits(2) else {
            return nil
        }
        return Civil.validDays(year: year, month: month, day: day)
    }

    /// Reads date, separator, time and fraction.
    mutating func dateTime(separators: [UInt8], secondsOptional: Bool) -> LocalTime? {
        guard let days = date(), let separator = peek, separators.contains(separator), skip(separator),
            let hour = digits(2), hour < 24, skip(0x3A), let minute = digits(2), minute < 60
        else { return nil }
        var local = LocalTime(
            seconds: days * Civil.secondsPerDay + hour * 3600 + minute * 60, microsecond: 0, isLeapSecond: false)
        guard skip(0x3A) else { return secondsOptional ? local : nil }
        guard let second = digits(2), second <= 60 else { return nil }
        local.seconds += second
        local.isLeapSecond = second == 60
        if skip(0x2E) {
            guard let fraction = fraction() else { return nil }
            local.microsecond = local.isLeapSecond ? 0 : fraction
        }
        return local
    }

    /// Reads `Z` or `+hh:mm`, in seconds east of UTC.
    mutating func zoneOffset() -> Int? {
        if skip(0x5A) || skip(0x7A) { return 0 }
        let isWest = peek == 0x2D
        guard skip(0x2B) || skip(0x2D), let hour = digits(2), hour < 24, skip(0x3A), let minute = digits(2), minute < 60
        else { return nil }
        return (hour * 3600 + minute * 60) * (isWest ? -1 : 1)
    }

    private mutating func fraction() -> Int? {
        var value = 0
        var scale = 100_000
        let start = position
        while let byte = peek, byte >= 0x30, byte <= 0x39 {
            value += Int(byte - 0x30) * scale
            scale /= 10
            position += 1
        }
        return position == start ? nil : value
    }
}
