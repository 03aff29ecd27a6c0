/// A date and time as a wall clock shows it.
public struct CivilTime: Hashable, Sendable {
    /// Of the Gregorian calendar; 0 is the year before 1.
    public var year: Int
    /// 1 to 12.
    public var month: Int
    /// 1 to 31.
    public var day: Int
    /// 0 to 23.
    public var hour: Int
    /// 0 to 59.
    public var minute: Int
    /// 0 to 59: leap seconds are not counted.
    public var second: Int
    /// 0 to 999,999.
    public var microsecond: Int
    /// 0 = Sunday to 6 = Saturday.
    public var weekday: Int
    /// Seconds east of UTC; 0 when the value was not read from a zone.
    public var offsetSeconds: Int

    /// Makes a wall time; the weekday is worked out from the date.
    public init(
        year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0, microsecond: Int = 0
    ) {
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
        self.microsecond = microsecond
        weekday = Civil.validDays(year: year, month: month, day: day).map(Civil.weekday) ?? 0
        offsetSeconds = 0
    }

    init(wall: Int, microsecond: Int, offset: Int) {
        let days = Civil.floorDivide(wall, Civil.secondsPerDay)
        let time = wall - days * Civil.secondsPerDay
        (year, month, day) = Civil.date(days: days)
        hour = time / 3600
        minute = time / 60 % 60
        second = time % 60
        self.microsecond = microsecond
        weekday = Civil.weekday(days: days)
        offsetSeconds = offset
    }

    /// Seconds since 1970 of the wall clock as if it were UTC; nil when a part is out of its range.
    var wall: Int? {
        guard let days = Civil.validDays(year: year, month: month, day: day), (0..<24).contains(hour),
            (0..<60).contains(minute), (0..<60).contains(second), (0..<1_000_000).contains(microsecond)
        else { return nil }
        return days * Civil.secondsPerDay + hour * 3600 + minute * 60 + second
    }
}
