extension Schedule {
    /// Names the first exclusion that has the day of an occurrence, as the zone's calendar counts days.
    public func exclusion(of occurrence: Timestamp) -> String? {
        if exclusions.isEmpty { return nil }
        let wall = Int(occurrence.seconds) + zone.type(at: occurrence).offset
        let day = Civil.floorDivide(wall, Civil.secondsPerDay)
        return exclusions.first { $0.contains(day: day) }?.name
    }

    /// Answers the jitter of an occurrence: microseconds in `0..<jitter`, always the same for one key and occurrence.
    public func delay(of occurrence: Timestamp, key: String) -> Int64 {
        guard jitter > 0 else { return 0 }
        let hash = StableHash.hash(key.utf8, seed: UInt64(bitPattern: occurrence.microseconds))
        return StableHash.reduce(hash, below: jitter)
    }

    /// Whether the change of the clock at this moment leaves out or repeats a time of a fixed cron rule, so that `dst` says what
    /// becomes of it.
    public func isTouched(byChangeAt instant: Timestamp) -> Bool {
        guard case .cron(let expression) = rule, startsAt.map({ $0 <= instant }) ?? true,
            endsAt.map({ instant <= $0 }) ?? true
        else { return false }
        return expression.isTouched(byChangeAt: Int(instant.seconds), in: zone)
    }

    /// Whether a change of the clock in `(after, through]` left out a time of a fixed cron rule and no run stands for it.
    ///
    /// That is a gap of three hours or more, or any gap under `dst.gap == .skip` (R9).
    public func droppedLocalTimes(after: Timestamp, through: Timestamp) -> Bool {
        guard case .cron(let expression) = rule else { return false }
        let after = startsAt.map { max(after, $0.adding(microseconds: -1)) } ?? after
        let through = endsAt.map { min(through, $0) } ?? through
        return expression.dropsLocalTimes(after: after, through: through, in: zone, dst: dst)
    }
}
