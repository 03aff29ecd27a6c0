/// One stretch of time during which a zone keeps the same rules, and what its wall clock has in common with the others.
struct ZonePeriod: Hashable, Sendable {
    /// The first second of the period; `Int.min` for the first one.
    var start: Int
    /// The first second after it; `Int.max` for the last one.
    var end: Int
    /// Seconds east of UTC.
    var offset: Int
    /// Index of the period's name and kind in the zone.
    var type: Int
    /// Wall times below this were shown by an earlier period.
    var shownBefore: Int
    /// Wall times from here on are shown by a later period again.
    var shownAfter: Int

    /// The wall times this period shows, the last one excluded.
    var wall: Range<Int> {
        let first = start == .min ? Int.min : start + offset
        return first..<(end == .max ? Int.max : end + offset)
    }

    /// The wall times that the change at `start` leaves out and no other period shows.
    var gap: Range<Int>? {
        guard start != .min, shownBefore < min(start + offset, shownAfter) else { return nil }
        return shownBefore..<min(start + offset, shownAfter)
    }
}

extension ZonePeriod {
    /// Joins changes of offset into periods; `changes` ascend strictly and their offsets are below two days.
    static func join(
        initial: Int, changes: [ZoneTable.Change], types: [ZoneType]
    ) -> ContiguousArray<ZonePeriod> {
        var periods = ContiguousArray<ZonePeriod>()
        periods.reserveCapacity(changes.count + 1)
        var start = Int.min
        var type = initial
        for index in 0...changes.count {
            let end = index < changes.count ? changes[index].at : .max
            periods.append(
                ZonePeriod(
                    start: start, end: end, offset: types[type].offset, type: type, shownBefore: .min, shownAfter: .max)
            )
            if index < changes.count { (start, type) = (end, changes[index].type) }
        }
        for index in periods.indices.dropFirst() {
            periods[index].shownBefore = max(periods[index - 1].shownBefore, periods[index - 1].wall.upperBound)
        }
        for index in periods.indices.dropLast().reversed() {
            periods[index].shownAfter = min(periods[index + 1].shownAfter, periods[index + 1].wall.lowerBound)
        }
        return periods
    }
}

/// The name and kind of a zone's local time.
struct ZoneType: Hashable, Sendable {
    /// Seconds east of UTC.
    var offset: Int
    var isDaylight: Bool
    var abbreviation: String
}
