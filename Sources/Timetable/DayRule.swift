/// The day and weekday fields of an expression: which days of a month they name (R5, R6).
struct DayRule: Hashable, Sendable {
    /// Bit n for day n.
    var days: UInt32 = 0
    /// Bit n for `L-n`.
    var lasts: UInt32 = 0
    /// Bit n for `nW`.
    var nearest: UInt32 = 0
    /// Bit n for `L-nW`.
    var lastNearest: UInt32 = 0
    /// Bit 0 for Sunday.
    var weekdays: UInt8 = 0
    /// Bit `6 * weekday + n` for the nth, n = 0 for the last.
    var nths: UInt64 = 0
    /// Day and weekday must both match; otherwise one is enough.
    var needsBoth = false

    /// Marks the matching days of a month, bit n for day n; `first` is the weekday of its first day.
    @inline(__always)
    func mask(first: Int, length: Int) -> UInt32 {
        let valid = (UInt32.max >> UInt32(31 - length)) & ~1
        var byDay = days & valid
        if lasts | nearest | lastNearest != 0 { byDay |= specialDays(first: first, length: length) }
        let rotated = (UInt64(weekdays) | UInt64(weekdays) << 7) >> UInt64(first) & 0x7F
        var byWeekday = UInt32(truncatingIfNeeded: rotated &* 0x0002_0408_1020_4081 << 1) & valid
        if nths != 0 { byWeekday |= nthWeekdays(first: first, length: length) }
        return needsBoth ? byDay & byWeekday : byDay | byWeekday
    }

    private func specialDays(first: Int, length: Int) -> UInt32 {
        var mask: UInt32 = 0
        for back in Bits(lasts) where back < length { mask |= 1 << UInt32(length - back) }
        for day in Bits(nearest) where day <= length {
            mask |= 1 << UInt32(Self.nearestWeekday(to: day, first: first, length: length))
        }
        for back in Bits(lastNearest) where back < length {
            mask |= 1 << UInt32(Self.nearestWeekday(to: length - back, first: first, length: length))
        }
        return mask
    }

    /// Answers the day itself, or the Friday before or Monday after it; the other way where the month ends.
    private static func nearestWeekday(to day: Int, first: Int, length: Int) -> Int {
        switch (first + day - 1) % 7 {
        case 6: day > 1 ? day - 1 : day + 2
        case 0: day < length ? day + 1 : day - 2
        default: day
        }
    }

    private func nthWeekdays(first: Int, length: Int) -> UInt32 {
        var mask: UInt32 = 0
        for bit in Bits(nths) {
            let (weekday, nth) = (bit / 6, bit % 6)
            let earliest = 1 + (weekday - first + 7) % 7
            let day = nth > 0 ? earliest + 7 * (nth - 1) : earliest + (length - earliest) / 7 * 7
            if day <= length { mask |= 1 << UInt32(day) }
        }
        return mask
    }
}

/// The positions of the bits that are set, lowest first.
struct Bits: Sequence, IteratorProtocol {
    private var rest: UInt64

    init(_ bits: some FixedWidthInteger & UnsignedInteger) {
        rest = UInt64(truncatingIfNeeded: bits)
    }

    mutating func next() -> Int? {
        guard rest != 0 else { return nil }
        defer { rest &= rest - 1 }
        return rest.trailingZeroBitCount
    }
}
