extension Zone {
    /// Finds the moments in `(after, through]` at which the offset changes; of changes within six hours of each other perhaps
    /// one.
    public func changes(after: Timestamp, through: Timestamp) -> [Timestamp] {
        var changes: [Timestamp] = []
        var low = after
        while low < through {
            let high = min(low.adding(microseconds: 6 * 3_600_000_000), through)
            let before = offset(at: low).seconds
            if offset(at: high).seconds != before {
                var (earlier, later) = (low.seconds, high.seconds)
                while later - earlier > 1 {
                    let middle = earlier + (later - earlier) / 2
                    if offset(at: Timestamp(seconds: middle)).seconds == before {
                        earlier = middle
                    } else {
                        later = middle
                    }
                }
                changes.append(Timestamp(seconds: later))
            }
            low = high
        }
        return changes
    }
}
