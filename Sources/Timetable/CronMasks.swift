/// A cron expression as bits: the wall times it matches, without any zone.
struct CronMasks: Hashable, Sendable {
    /// Bit n for second n.
    var second: UInt64
    var minute: UInt64
    var hour: UInt32
    /// Bit 1 for January.
    var month: UInt16
    var day: DayRule
    /// Nil for every year.
    var years: Years?

    /// The first second of 2200 on a wall clock: nothing matches from there on.
    static let end = Civil.days(year: Years.range.upperBound + 1, month: 1, day: 1) * Civil.secondsPerDay

    /// The first time of a day, in seconds since midnight.
    private var firstTime: Int {
        hour.trailingZeroBitCount * 3600 + minute.trailingZeroBitCount * 60 + second.trailingZeroBitCount
    }

    private var lastTime: Int {
        (31 - hour.leadingZeroBitCount) * 3600 + (63 - minute.leadingZeroBitCount) * 60
            + (63 - second.leadingZeroBitCount)
    }

    func hasYear(_ year: Int) -> Bool {
        guard let years else { return true }
        return years.contains(year)
    }

    /// Finds the first matching wall time at or after one, or `Int.max`.
    ///
    /// Wall times are seconds since 1970 as if they were UTC.
    func first(atOrAfter wall: Int) -> Int {
        guard wall < Self.end else { return .max }
        let wall = max(wall, 0)
        let startDays = wall / Civil.secondsPerDay
        var (year, month, day) = Civil.date(days: startDays)
        var monthStart = startDays - day + 1
        let today = time(atOrAfter: wall - startDays * Civil.secondsPerDay)
        if today == nil { day += 1 }
        while year <= Years.range.upperBound {
            if hasYear(year) {
                while month <= 12 {
                    let length = Civil.length(ofMonth: month, year: year)
                    if self.month >> UInt16(month) & 1 == 1 {
                        let mask = self.day.mask(first: Civil.weekday(days: monthStart), length: length)
                        let open = mask & (UInt32.max << UInt32(day))
                        if open != 0 {
                            let days = monthStart + open.trailingZeroBitCount - 1
                            let time = days == startDays ? today ?? firstTime : firstTime
                            return days * Civil.secondsPerDay + time
                        }
                    }
                    monthStart += length
                    month += 1
                    day = 1
                }
            }
            year += 1
            month = 1
            day = 1
            monthStart = Civil.days(year: year, month: 1, day: 1)
        }
        return .max
    }

    /// Finds the last matching wall time at or before one, or `Int.min`.
    func last(atOrBefore wall: Int) -> Int {
        guard wall >= 0 else { return .min }
        let wall = min(wall, Self.end - 1)
        let startDays = wall / Civil.secondsPerDay
        var (year, month, day) = Civil.date(days: startDays)
        var monthStart = startDays - day + 1
        let today = time(atOrBefore: wall - startDays * Civil.secondsPerDay)
        if today == nil { day -= 1 }
        while year >= Years.range.lowerBound {
            if hasYear(year) {
                while true {
                    let length = Civil.length(ofMonth: month, year: year)
                    if self.month >> UInt16(month) & 1 == 1 {
                        let mask = self.day.mask(first: Civil.weekday(days: monthStart), length: length)
                        let open = mask & ~(UInt32.max << UInt32(day + 1))
                        if open != 0 {
                            let days = monthStart + 30 - open.leadingZeroBitCount
                            let time = days == startDays ? today ?? lastTime : lastTime
                            return days * Civil.secondsPerDay + time
                        }
                    }
                    if month == 1 { break }
                    month -= 1
                    monthStart -= Civil.length(ofMonth: month, year: year)
                    day = 31
                }
            }
            year -= 1
            month = 12
            day = 31
            monthStart = Civil.days(year: year, month: 12, day: 1)
        }
        return .min
    }

    /// Finds the first matching time of a day at or after one, in seconds since midnight.
    private func time(atOrAfter time: Int) -> Int? {
        let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60)
        if self.hour >> UInt32(hour) & 1 == 1 {
            if self.minute >> UInt64(minute) & 1 == 1 {
                let seconds = self.second >> UInt64(second)
                if seconds != 0 { return time + seconds.trailingZeroBitCount }
            }
            let minutes = self.minute >> UInt64(minute + 1)
            if minutes != 0 {
                let minute = minute + 1 + minutes.trailingZeroBitCount
                return hour * 3600 + minute * 60 + self.second.trailingZeroBitCount
            }
        }
        let hours = self.hour >> UInt32(hour + 1)
        guard hours != 0 else { return nil }
        return (hour + 1 + hours.trailingZeroBitCount) * 3600 + self.minute.trailingZeroBitCount * 60
            + self.second.trailingZeroBitCount
    }

    /// Finds the last matching time of a day at or before one.
    private func time(atOrBefore time: Int) -> Int? {
        let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60)
        let lastSecond = 63 - self.second.leadingZeroBitCount
        if self.hour >> UInt32(hour) & 1 == 1 {
            if self.minute >> UInt64(minute) & 1 == 1 {
                let seconds = self.second & ~(UInt64.max << UInt64(second + 1))
                if seconds != 0 { return time - second + 63 - seconds.leadingZeroBitCount }
            }
            let minutes = self.minute & ~(UInt64.max << UInt64(minute))
            if minutes != 0 { return hour * 3600 + (63 - minutes.leadingZeroBitCount) * 60 + lastSecond }
        }
        let hours = self.hour & ~(UInt32.max << UInt32(hour))
        guard hours != 0 else { return nil }
        return (31 - hours.leadingZeroBitCount) * 3600 + (63 - self.minute.leadingZeroBitCount) * 60 + lastSecond
    }
}
