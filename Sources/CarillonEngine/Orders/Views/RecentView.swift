public import CarillonCore
public import Timetable

/// The newest times of a job, and what became of them; `--json` prints it as it stands here.
public struct RecentView: Sendable, Codable {
    /// A time that has a run, or a stretch of them that have none.
    public struct Entry: Sendable, Codable {
        /// The last one of a stretch.
        public var scheduledAt: Timestamp
        public var state: RunState
        /// The id of its run; nil for what was skipped.
        public var run: String?
        /// Why it was skipped.
        public var reason: String?
        public var durationSeconds: Double?
    }

    public var job: String
    /// The newest first.
    public var times: [Entry]
}

/// How many runs ended in an hour in one state; `--json` prints it as it stands here.
public struct HourView: Hashable, Sendable, Codable {
    /// Its first moment.
    public var hour: Timestamp
    public var state: RunState
    public var runs: Int
    /// Seconds from start to end, of all of them together.
    public var seconds: Double

    init(_ count: HourCount) {
        hour = count.hour
        state = count.state
        runs = count.runs
        seconds = Double(count.took) / 1_000_000
    }
}

extension RecentView.Entry {
    init(_ run: RecentTimes.Line) {
        scheduledAt = run.scheduledAt
        state = run.state
        self.run = run.id.description
        if let start = run.startedAt, let end = run.endedAt {
            durationSeconds = Double(end.microseconds - start.microseconds) / 1_000_000
        }
    }

    init(_ skip: Skip, at time: Timestamp) {
        scheduledAt = time
        state = .skipped
        reason = skip.reason.words
    }
}

extension QueryService {
    /// Times of each job.
    static let mostRecent = 100
    /// Microseconds.
    static let longestHours: Int64 = 366 * 86_400_000_000

    /// Answers the newest times of each job; a job that is gone, or never was, has those that the ledger has of it.
    func recent(_ names: [String], _ limit: Int) async throws -> [RecentView] {
        var views: [RecentView] = []
        for (name, recent) in zip(names, try await store.recent(of: names, limit: limit)) {
            var times = recent.runs.map { RecentView.Entry($0) }
            // The last of a stretch tells where it stands among others; which one is the first would be a question for each.
            times += recent.skips.map { RecentView.Entry($0, at: $0.through) }
            times.sort { $0.scheduledAt > $1.scheduledAt }
            views.append(RecentView(job: name, times: Array(times.prefix(limit))))
        }
        return views
    }
}
