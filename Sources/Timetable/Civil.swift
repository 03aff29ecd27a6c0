/// Arithmetic of the proleptic Gregorian calendar in whole days and seconds.
///
/// Days count from 1970-01-01. The formulas hold for every year a ``Timestamp`` can reach.
package enum Civil {
    package static let secondsPerDay = 86_400
    /// The Gregorian calendar repeats after 400 years, weekdays included.
    package static let secondsPerCycle = 146_097 * secondsPerDay

    /// Answers the day number of a date; `day` may lie outside the month and is simply counted on.
    package static func days(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = floorDivide(shifted, 400)
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// Answers the date of a day number.
    package static func date(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    package static func isLeap(_ year: Int) -> Bool {
        year & 3 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    /// Answers the length of a month, 28 to 31; `month` is 1 to 12.
    package static func length(ofMonth month: Int, year: Int) -> Int {
        if month == 2 { return isLeap(year) ? 29 : 28 }
        return 30 + ((month + month >> 3) & 1)
    }

    /// Answers the weekday of a day number, 0 = Sunday.
    package static func weekday(days: Int) -> Int {
        floorModulo(days + 4, 7)
    }

    /// Answers the day number of a date that exists, or nil.
    package static func validDays(year: Int, month: Int, day: Int) -> Int? {
        guard (-300_000...300_000).contains(year), (1...12).contains(month),
            day >= 1, day <= length(ofMonth: month, year: year)
        else { return nil }
        return days(year: year, month: month, day: day)
    }

    @inline(__always)
    package static func floorDivide(_ value: Int, _ divisor: Int) -> Int {
        value >= 0 ? value / divisor : ~(~value / divisor)
    }

    @inline(__always)
    package static func floorModulo(_ value: Int, _ divisor: Int) -> Int {
        value - floorDivide(value, divisor) * divisor
    }
}
