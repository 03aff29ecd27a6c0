import CarillonCore
import Timetable

/// What a job's definitions, and the times they were in force, say must have happened. Knows nothing of the planner.
struct JobModel {
    /// A definition in force from a wall time on, until the next one.
    struct Segment {
        var after: Timestamp
        /// Nil for a job that was removed.
        var schedule: Schedule?
        /// No occurrence after this: the schedule had opened as many runs as it may.
        var limit: Timestamp = .distantFuture
    }

    let id: JobID
    var job: Job
    private(set) var segments: [Segment] = []
    /// Up to here times may be gone through again: the clock was set back over them.
    private(set) var replayed: Timestamp = .distantPast
    /// Runs the present schedule has opened.
    private(set) var opened: Int64 = 0
    /// The loosest bounds any of its definitions had.
    private(set) var mostAttempts = 1
    private(set) var longestWindow: Int64? = 0
    private(set) var mostWaiting: Int? = 0
    var runs: [Timestamp: RunID] = [:]
    var executing = 0

    init(_ id: JobID, _ job: Job) {
        self.id = id
        self.job = job
    }

    var mayOverlap: Bool { job.policies.overlap == .allow }
    var heartbeat: Int64? { job.policies.heartbeatTimeout }
    var hasNoWindow: Bool { longestWindow == nil }

    mutating func define(_ job: Job, schedule: Schedule?, after: Timestamp) {
        if job.schedule != self.job.schedule { opened = 0 }
        self.job = job
        cut(after)
        segments.append(Segment(after: after, schedule: schedule, limit: isExhausted ? .distantPast : .distantFuture))
        let policies = job.policies
        mostAttempts = max(mostAttempts, policies.retry.attempts, policies.onLost == .retry ? 3 : 1)
        longestWindow = longestWindow.flatMap { longest in policies.window.map { max($0, longest) } }
        switch policies.overlap {
        case .queue(let most): mostWaiting = mostWaiting.map { max($0, most, 1) }
        default: mostWaiting = nil
        }
    }

    mutating func remove(after: Timestamp) {
        cut(after)
        segments.append(Segment(after: after))
    }

    /// Follows a clock that was set back: from here on the present definition counts once more.
    mutating func rewind(from cursor: Timestamp, to time: Timestamp) {
        replayed = max(replayed, cursor)
        guard var last = segments.last else { return }
        cut(time)
        last.after = time
        last.limit = isExhausted ? .distantPast : .distantFuture
        segments.append(last)
    }

    mutating func replay(upTo cursor: Timestamp) { replayed = max(replayed, cursor) }

    /// Counts a new run of the schedule; after the last one it may open there are no more times.
    mutating func open(at time: Timestamp) {
        opened += 1
        if isExhausted, let last = segments.indices.last { segments[last].limit = time }
    }

    private var isExhausted: Bool { job.policies.maxRuns.map { opened >= $0 } ?? false }

    private mutating func cut(_ time: Timestamp) {
        while let last = segments.last, last.after >= time { segments.removeLast() }
    }

    /// Lists every scheduled time in `(after, through]`.
    func times(after: Timestamp, through: Timestamp) -> [Timestamp] {
        var found: [Timestamp] = []
        let first = segments.lastIndex { $0.after <= after } ?? 0
        for (index, segment) in zip(segments.indices[first...], segments[first...]) {
            let end = index + 1 < segments.count ? min(segments[index + 1].after, through) : through
            guard let schedule = segment.schedule, end > after else { continue }
            var time = max(after, segment.after)
            while let next = schedule.next(after: time), next <= min(end, segment.limit) {
                found.append(next)
                time = next
            }
        }
        return found
    }
}
