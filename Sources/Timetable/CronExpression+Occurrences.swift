extension CronExpression {
    /// A gap of this many seconds or more is a correction of the calendar, not a change of the clock (R9).
    static let longestBridgedGap = 3 * 3600

    /// Finds the first occurrence strictly after an instant; nil when there is none before 2200 (R10, R14).
    public func next(after instant: Timestamp, in zone: Zone, dst: DSTPolicy = .init()) -> Timestamp? {
        let rules = Transitions(isInterval: isInterval, policy: dst)
        var from = min(max(Int(instant.seconds), Self.earliest), Self.latest) + 1
        var index = zone.index(at: from)
        var search = ForwardSearch(masks: masks)
        while true {
            let period = zone.periods[index]
            if from == period.start, index > 0,
                let gap = rules.bridgedGap(before: period, after: zone.periods[index - 1]),
                search.first(atOrAfter: gap.lowerBound) < gap.upperBound
            {
                return Timestamp(seconds: Int64(from))
            }
            let open = rules.wallTimes(of: period)
            let wall = max(from + period.offset, open.lowerBound)
            if wall < open.upperBound {
                let found = search.first(atOrAfter: wall)
                if found < open.upperBound { return Timestamp(seconds: Int64(found - period.offset)) }
            }
            index += 1
            from = period.end
            if index == zone.periods.count || from > Self.latest { return nil }
        }
    }

    /// Finds the last occurrence strictly before an instant; nil when there is none from 1970 on.
    public func previous(before instant: Timestamp, in zone: Zone, dst: DSTPolicy = .init()) -> Timestamp? {
        let rules = Transitions(isInterval: isInterval, policy: dst)
        let second = Int(instant.adding(microseconds: -1).seconds)
        var to = min(max(second, Self.earliest), Self.latest)
        var index = zone.index(at: to)
        var search = BackwardSearch(masks: masks)
        while true {
            let period = zone.periods[index]
            let open = rules.wallTimes(of: period)
            let wall = min(to + period.offset, open.upperBound - 1)
            if wall >= open.lowerBound {
                let found = search.last(atOrBefore: wall)
                if found >= open.lowerBound, found != .min { return Timestamp(seconds: Int64(found - period.offset)) }
            }
            if index == 0 || period.start < Self.earliest { return nil }
            if let gap = rules.bridgedGap(before: period, after: zone.periods[index - 1]),
                search.last(atOrBefore: gap.upperBound - 1) >= gap.lowerBound
            {
                return Timestamp(seconds: Int64(period.start))
            }
            index -= 1
            to = period.start - 1
        }
    }

    /// Says whether a change inside `(after, through]` leaves out a matching wall time for which no run stands.
    func dropsLocalTimes(after: Timestamp, through: Timestamp, in zone: Zone, dst: DSTPolicy) -> Bool {
        guard !isInterval, after < through else { return false }
        let rules = Transitions(isInterval: false, policy: dst)
        var index = zone.index(at: min(Int(after.seconds), Self.latest)) + 1
        while index < zone.periods.count, zone.periods[index].start <= Int(through.seconds) {
            let period = zone.periods[index]
            if let gap = period.gap, rules.bridgedGap(before: period, after: zone.periods[index - 1]) == nil,
                masks.first(atOrAfter: gap.lowerBound) < gap.upperBound
            {
                return true
            }
            index += 1
        }
        return false
    }

    /// Says whether the change at this second leaves out or repeats a wall time that matches.
    func isTouched(byChangeAt second: Int, in zone: Zone) -> Bool {
        guard !isInterval else { return false }
        let period = zone.periods[zone.index(at: second)]
        guard period.start == second else { return false }
        let repeated = period.wall.lowerBound..<max(period.wall.lowerBound, period.shownBefore)
        let touched = period.gap ?? repeated
        return masks.first(atOrAfter: touched.lowerBound) < touched.upperBound
    }

    /// Two days before 1970 and after 2199: no zone is further from UTC.
    private static let earliest = -2 * Civil.secondsPerDay
    private static let latest = CronMasks.end + 2 * Civil.secondsPerDay
}

/// A ``DSTPolicy`` with the defaults of the class filled in, applied to periods of a zone.
private struct Transitions {
    var runsInGap: Bool
    var overlap: DSTPolicy.Overlap

    init(isInterval: Bool, policy: DSTPolicy) {
        runsInGap = (policy.gap ?? (isInterval ? .skip : .run)) == .run
        overlap = policy.overlap ?? (isInterval ? .both : .first)
    }

    /// Answers the wall times of a period that count, repeated ones left to the pass the policy chooses.
    @inline(__always)
    func wallTimes(of period: ZonePeriod) -> Range<Int> {
        let shown = period.wall
        switch overlap {
        case .both: return shown
        case .first: return min(max(shown.lowerBound, period.shownBefore), shown.upperBound)..<shown.upperBound
        case .second: return shown.lowerBound..<max(min(shown.upperBound, period.shownAfter), shown.lowerBound)
        }
    }

    /// Answers the wall times left out at the start of a period for which one run at that moment stands.
    @inline(__always)
    func bridgedGap(before period: ZonePeriod, after previous: ZonePeriod) -> Range<Int>? {
        guard runsInGap, period.offset - previous.offset < CronExpression.longestBridgedGap else { return nil }
        return period.gap
    }
}

/// Searches that go on where the last one ended, so that a rare match is looked for once and not in every period.
private struct ForwardSearch {
    let masks: CronMasks
    private var asked = Int.max
    private var found = Int.max

    init(masks: CronMasks) {
        self.masks = masks
    }

    mutating func first(atOrAfter wall: Int) -> Int {
        if wall < asked || wall > found {
            asked = wall
            found = masks.first(atOrAfter: wall)
        }
        return found
    }
}

private struct BackwardSearch {
    let masks: CronMasks
    private var asked = Int.min
    private var found = Int.min

    init(masks: CronMasks) {
        self.masks = masks
    }

    mutating func last(atOrBefore wall: Int) -> Int {
        if wall > asked || wall < found {
            asked = wall
            found = masks.last(atOrBefore: wall)
        }
        return found
    }
}
