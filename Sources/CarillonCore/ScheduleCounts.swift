/// By what schedules the jobs that are on run: a million jobs have some hundred of them.
public struct ScheduleCounts: Hashable, Sendable {
    public struct Entry: Hashable, Sendable {
        public var schedule: ScheduleText
        /// How many jobs have it.
        public var jobs: Int

        public init(_ schedule: ScheduleText, jobs: Int) {
            self.schedule = schedule
            self.jobs = jobs
        }
    }

    /// The commonest first.
    public var entries: [Entry]
    /// All jobs that are on, those with other schedules too.
    public var jobs: Int

    public init(entries: [Entry], jobs: Int) {
        self.entries = entries
        self.jobs = jobs
    }

    /// Keeps the commonest of the texts of schedules that were counted; what nobody can read is among no jobs.
    public init(_ counted: [String: Int], limit: Int) {
        entries = counted.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(limit).compactMap { text, jobs in
            (try? JSONText.decode(ScheduleText.self, text)).map { Entry($0, jobs: jobs) }
        }
        jobs = counted.values.reduce(0, +)
    }
}

extension JobStore {
    public func schedules(limit: Int) async throws -> ScheduleCounts {
        var counted: [ScheduleText: Int] = [:]
        var query = JobQuery(states: [.enabled], limit: 5_000)
        while true {
            let page = try await jobs(query)
            for stored in page where stored.fault == nil { counted[stored.job.schedule, default: 0] += 1 }
            guard page.count == query.limit, let last = page.last else { break }
            query.after = last.job.name
        }
        let entries = counted.map { ScheduleCounts.Entry($0, jobs: $1) }
        return ScheduleCounts(
            entries: Array(entries.sorted { $0.jobs > $1.jobs }.prefix(limit)),
            jobs: counted.values.reduce(0, +))
    }
}
