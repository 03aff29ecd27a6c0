import Timetable

/// What no definition may hold, whoever wrote it: a file, a site, an order, or a store of another release.
extension Job {
    /// Says why this definition cannot be kept; nil when it can. Whether its schedule compiles and its
    /// target opens are other questions.
    public var fault: String? {
        Job.fault(inName: name) ?? policies.fault ?? schedule.fault ?? tagFault ?? sizeFault
    }

    /// Bytes of one tag: they are looked up by an index, which holds no long ones.
    public static let longestTag = 200

    private var tagFault: String? {
        tags.contains { $0.utf8.count > Self.longestTag } ? "a tag is at most \(Self.longestTag) bytes long" : nil
    }

    /// Bytes of text in one definition, its target as JSON: what is shown with every list of jobs must not be a burden to all.
    public static let largest = 2 << 20

    private var sizeFault: String? {
        let calendars = schedule.exclusions.reduce(0) { $0 + $1.dates.reduce(0) { $0 + $1.utf8.count } }
        let size = target.body.utf8.count + calendars + tags.reduce(0) { $0 + $1.utf8.count }
        return size > Self.largest ? "it holds \(size) bytes of text; a job has at most \(Self.largest)" : nil
    }
}

extension Policies {
    /// Of a machine's name, in bytes (RFC 1035, 2.3.4).
    private static let longestHost = 253

    package var fault: String? {
        let spans = [
            window, startTimeout, timeout, heartbeatTimeout, retry.backoff, retry.longestBackoff, signs?.cancelTimeout,
        ]
        if spans.contains(where: { $0.map { $0 < 0 } ?? false }) { return "a length of time is below zero" }
        if retry.attempts < 1 { return "retry: attempts are 1 or more" }
        if let maxRuns, maxRuns < 1 { return "max_runs is 1 or more" }
        if let maxQueue, maxQueue < 1 { return "max_queue is 1 or more" }
        if let most = signs?.maxRepublications, most < 0 { return "max_republications is below zero" }
        if let host,
            host.isEmpty || host.utf8.count > Self.longestHost
                || !host.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7f })
        {
            return "host is a machine's name, of 1 to \(Self.longestHost) bytes without spaces"
        }
        if case .queue(let max) = overlap, !(0...1_000_000).contains(max) { return "a queue holds 0 to 1000000 runs" }
        if case .all(let limit, let rate) = catchUp {
            if !(1...CatchUp.mostAll).contains(limit) { return "catch_up: all is 1 to \(CatchUp.mostAll) runs" }
            if !CatchUp.rates.contains(rate) {
                return "catch_up: a rate is \(CatchUp.rates.lowerBound) to \(CatchUp.rates.upperBound) runs a second"
            }
        }
        return nil
    }
}

extension ScheduleText {
    fileprivate var fault: String? {
        if jitter < 0 { return "jitter is below zero" }
        var times = [startsAt, endsAt].compactMap { $0 }
        switch rule {
        case .cron(_, _, let anchor), .every(_, let anchor): times.append(anchor)
        case .once, .dayAndTime, .manual: break
        }
        let range = Timestamp.distantPast...Timestamp.distantFuture
        return times.allSatisfy(range.contains) ? nil : "a time is outside the years 1 to 9999"
    }
}
