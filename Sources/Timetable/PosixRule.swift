/// The rule in the footer of a zone file: a POSIX `TZ` string with the extensions of RFC 9636.
struct PosixRule: Hashable, Sendable {
    struct Daylight: Hashable, Sendable {
        var type: ZoneType
        var start: PosixDate
        var end: PosixDate
    }

    var standard: ZoneType
    var daylight: Daylight?

    /// Answers the first second of daylight saving time in a year.
    func startOfDaylight(in year: Int, _ daylight: Daylight) -> Int {
        daylight.start.wall(in: year) - standard.offset
    }

    /// Answers the first second after daylight saving time in a year.
    func endOfDaylight(in year: Int, _ daylight: Daylight) -> Int {
        daylight.end.wall(in: year) - daylight.type.offset
    }
}

/// The day and time of a change in a ``PosixRule``.
enum PosixDay: Hashable, Sendable {
    /// `Jn`: day 1 to 365; 29 February is never counted.
    case julian(Int)
    /// `n`: day 0 to 365 of the year.
    case ordinal(Int)
    /// `Mm.w.d`: weekday `d` of week `w` of month `m`; week 5 is the last.
    case weekday(month: Int, week: Int, day: Int)
}

struct PosixDate: Hashable, Sendable {
    var day: PosixDay
    /// Seconds after midnight of the wall clock before the change; within 167 hours either way.
    var time: Int

    /// Answers the wall clock at the change, in seconds as if it were UTC.
    func wall(in year: Int) -> Int {
        dayNumber(in: year) * Civil.secondsPerDay + time
    }

    private func dayNumber(in year: Int) -> Int {
        switch day {
        case .julian(let number):
            let afterFebruary = number > 59 && Civil.isLeap(year)
            return Civil.days(year: year, month: 1, day: number) + (afterFebruary ? 1 : 0)
        case .ordinal(let number):
            return Civil.days(year: year, month: 1, day: 1 + number)
        case .weekday(let month, let week, let weekday):
            let first = Civil.days(year: year, month: month, day: 1)
            let day = 1 + Civil.floorModulo(weekday - Civil.weekday(days: first), 7) + 7 * (week - 1)
            return first - 1 + (day > Civil.length(ofMonth: month, year: year) ? day - 7 : day)
        }
    }
}
