extension Schedule {
    /// Finds the first nominal occurrence strictly after an instant and within the bounds; exclusions are not applied.
    public func next(after instant: Timestamp) -> Timestamp? {
        var instant = instant
        if let startsAt { instant = max(instant, startsAt.adding(microseconds: -1)) }
        guard let found = unboundedNext(after: instant) else { return nil }
        if let endsAt, found > endsAt { return nil }
        return found
    }

    /// Finds the last nominal occurrence strictly before an instant and within the bounds; exclusions are not applied.
    public func previous(before instant: Timestamp) -> Timestamp? {
        var instant = instant
        if let endsAt { instant = min(instant, endsAt.adding(microseconds: 1)) }
        guard let found = unboundedPrevious(before: instant) else { return nil }
        if let startsAt, found < startsAt { return nil }
        return found
    }

    /// Counts the occurrences in `(after, through]`, up to `limit`.
    public func count(after: Timestamp, through: Timestamp, limit: Int) -> Int {
        guard limit > 0, let first = next(after: after), first <= through else { return 0 }
        let end = endsAt.map { min($0, through) } ?? through
        if case .every(let interval, _) = rule, interval > 0 {
            let more = UInt64(bitPattern: end.microseconds &- first.microseconds) / UInt64(interval)
            return more >= UInt64(limit - 1) ? limit : Int(more) + 1
        }
        var count = 1
        var last = first
        while count < limit, let following = next(after: last), following <= end {
            count += 1
            last = following
        }
        return count
    }

    private func unboundedNext(after instant: Timestamp) -> Timestamp? {
        switch rule {
        case .cron(let expression): expression.next(after: instant, in: zone, dst: dst)
        case .every(let interval, let anchor): Self.next(every: interval, from: anchor, after: instant)
        case .once(let moment): moment > instant ? moment : nil
        case .reboot: nil
        }
    }

    private func unboundedPrevious(before instant: Timestamp) -> Timestamp? {
        switch rule {
        case .cron(let expression): expression.previous(before: instant, in: zone, dst: dst)
        case .every(let interval, let anchor): Self.previous(every: interval, from: anchor, before: instant)
        case .once(let moment): moment < instant ? moment : nil
        case .reboot: nil
        }
    }

    private static func next(every interval: Int64, from anchor: Timestamp, after instant: Timestamp) -> Timestamp? {
        guard interval > 0 else { return nil }
        let base = max(anchor, instant).microseconds
        // Bit patterns, because the distance of two instants can be more than a signed number holds.
        let past = UInt64(bitPattern: base &- anchor.microseconds) % UInt64(interval)
        let (sum, overflow) = base.addingReportingOverflow(interval - Int64(past))
        return overflow ? nil : Timestamp(microseconds: sum)
    }

    private static func previous(
        every interval: Int64, from anchor: Timestamp, before instant: Timestamp
    ) -> Timestamp? {
        guard interval > 0, instant > anchor else { return nil }
        let distance = UInt64(bitPattern: instant.microseconds &- 1 &- anchor.microseconds)
        guard distance >= UInt64(interval) else { return nil }
        let past = Int64(distance % UInt64(interval))
        return Timestamp(microseconds: instant.microseconds - 1 - past)
    }
}
