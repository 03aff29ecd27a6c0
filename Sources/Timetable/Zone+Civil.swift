extension Zone {
    /// Answers the offset in force, in seconds east of UTC, whether it is daylight saving time, and its abbreviation.
    public func offset(at instant: Timestamp) -> (seconds: Int, isDaylight: Bool, abbreviation: String) {
        let type = type(at: instant)
        return (type.offset, type.isDaylight, type.abbreviation)
    }

    /// Answers what a clock in the zone shows.
    public func local(_ instant: Timestamp) -> CivilTime {
        let offset = type(at: instant).offset
        return CivilTime(wall: Int(instant.seconds) + offset, microsecond: instant.fraction, offset: offset)
    }

    /// Finds when a clock in the zone shows a time: the earlier of two instants; nil in a gap or for an invalid time.
    ///
    /// The weekday and the offset of `civil` are not looked at.
    public func instant(of civil: CivilTime) -> Timestamp? {
        guard let wall = civil.wall, case .at(let seconds) = place(ofWall: wall) else { return nil }
        return Timestamp(seconds: Int64(seconds)).adding(microseconds: Int64(civil.microsecond))
    }

    /// Writes `2026-03-08 03:00:00 EDT`; the fraction of the second is dropped.
    public func format(_ instant: Timestamp) -> String {
        let type = type(at: instant)
        let wall = Int(instant.seconds) + type.offset
        let days = Civil.floorDivide(wall, Civil.secondsPerDay)
        let (year, month, day) = Civil.date(days: days)
        return Digits.date(year, month, day) + " " + Digits.time(wall - days * Civil.secondsPerDay) + " "
            + type.abbreviation
    }

    /// Where a wall time lies among the instants.
    enum WallPlace: Equatable {
        /// The only or the earliest instant that shows it.
        case at(Int)
        /// No instant shows it; the change that left it out.
        case inGap(Int)
    }

    func place(ofWall wall: Int) -> WallPlace {
        let slack = 2 * Civil.secondsPerDay
        let cycles = wall - slack >= cycleEnd ? (wall - slack - cycleEnd) / Civil.secondsPerCycle + 1 : 0
        let shift = cycles * Civil.secondsPerCycle
        var index = index(at: wall - shift - slack)
        while index < periods.count {
            let shown = periods[index].wall
            if wall - shift < shown.lowerBound { return .inGap(periods[index].start + shift) }
            if wall - shift < shown.upperBound { return .at(wall - periods[index].offset) }
            index += 1
        }
        return .at(wall - (periods.last?.offset ?? 0))
    }
}
