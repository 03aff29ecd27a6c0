import CarillonCore
import CoreMetrics
import Timetable

/// What only the store knows of jobs, as figures: how many there are of each state, which fail, and how those are that people
/// watch.
struct JobSurvey: Sendable {
    /// Microseconds between two looks.
    static let pause: Int64 = 15_000_000
    /// Jobs of a tag, or that fail, that are read; of more, those whose names come first.
    private static let mostRead = 10_000
    private static let mostWatched = 500
    private static let mostFailing = 100
    /// Queues that have figures of their own.
    static let mostQueues = 50

    /// The gauges of one name, by the job that is the value of their first label.
    private struct Gauges: Sendable {
        let name: String
        private var meters: [String: (labels: [String], meter: Meter)] = [:]

        init(_ name: String) { self.name = name }

        /// Sets all there are; others go.
        mutating func set(_ values: [(labels: [(String, String)], value: Double)], _ metrics: EngineMetrics) {
            var former = meters
            meters = [:]
            var fresh: [(labels: [(String, String)], value: Double)] = []
            for entry in values {
                let labels = entry.labels.map(\.1)
                guard let job = labels.first else { continue }
                if let known = former[job], known.labels == labels {
                    former[job] = nil
                    meters[job] = known
                    known.meter.set(entry.value)
                } else {
                    fresh.append(entry)
                }
            }
            // Before others come: there is a bound.
            for gone in former.values { gone.meter.destroy() }
            for entry in fresh {
                let meter = metrics.meter(name, entry.labels)
                meter.set(entry.value)
                meters[entry.labels[0].1] = (entry.labels.map(\.1), meter)
            }
        }

        mutating func set(byQueue values: [(queue: String, value: Double)], _ metrics: EngineMetrics) {
            set(values.map { ([("queue", $0.queue)], $0.value) }, metrics)
        }

        mutating func set(_ values: [(job: String, value: Double?)], _ metrics: EngineMetrics) {
            set(values.compactMap { job, value in value.map { ([("job", job)], $0) } }, metrics)
        }
    }

    /// How a job's last run ended, as long as that is its last one.
    private struct LastEnd: Sendable {
        var seen: RunID
        var state: RunState
        var end: Run?
        var success: Run?
    }

    private let metrics: EngineMetrics
    private let tags: Set<String>
    private let states: [String: Meter]
    private let dropped: Meter
    private let taken: Meter
    private let free: Meter
    private var failing = Gauges("job_failing")
    private var infos = Gauges("job_info")
    private var successes = Gauges("job_last_success_timestamp_seconds")
    private var ends = Gauges("job_last_end_timestamp_seconds")
    private var durations = Gauges("job_last_duration_seconds")
    private var nexts = Gauges("job_next_run_timestamp_seconds")
    private var failures = Gauges("job_consecutive_failures")
    private var running = Gauges("job_running")
    private var waiting = Gauges("queue_jobs")
    private var workers = Gauges("queue_workers")
    private var known: [JobID: LastEnd] = [:]

    init(_ metrics: EngineMetrics, tags: Set<String>) {
        self.metrics = metrics
        self.tags = tags
        states = Dictionary(
            uniqueKeysWithValues: ["on", "off", "halted", "faulty", "failing"].map {
                ($0, metrics.meter("jobs", [("state", $0)]))
            })
        dropped = metrics.meter("metrics_jobs_dropped")
        taken = metrics.meter("store_bytes")
        free = metrics.meter("store_free_bytes")
    }

    /// Takes in what waits in queues; `queues` has one more than are shown where there are more.
    mutating func look(_ queues: [QueueDepth]) {
        let shown = queues.sorted { $0.name < $1.name }.prefix(Self.mostQueues)
        waiting.set(byQueue: shown.map { ($0.name, Double($0.jobs)) }, metrics)
        workers.set(byQueue: shown.map { ($0.name, Double($0.workers)) }, metrics)
    }

    mutating func look(
        _ store: any JobStore, faulty: Int, activity: ([JobID]) async -> [JobID: JobActivity]
    ) async throws {
        if let space = try await store.space() {
            taken.set(space.taken)
            if let room = space.free { free.set(room) }
        }
        let counts = try await store.counts()
        let halted = try await store.count(JobQuery(states: [.halted]))
        states["on"]?.set(counts.enabled)
        states["halted"]?.set(halted)
        states["off"]?.set(max(0, counts.jobs - counts.enabled - halted))
        states["faulty"]?.set(faulty)
        states["failing"]?.set(try await store.count(JobQuery(states: [.failed])))
        let failed = try await store.jobs(JobQuery(states: [.failed], limit: Self.mostRead))
        let worst = failed.sorted { ($1.streak, $0.job.name) < ($0.streak, $1.job.name) }.prefix(Self.mostFailing)
        failing.set(worst.map { ($0.job.name, 1) }, metrics)
        if !tags.isEmpty { try await watch(store, activity) }
    }

    private mutating func watch(
        _ store: any JobStore, _ activity: ([JobID]) async -> [JobID: JobActivity]
    ) async throws {
        var byID: [JobID: StoredJob] = [:]
        var unread = 0
        for tag in tags {
            let found = try await store.jobs(JobQuery(tags: [tag], limit: Self.mostRead))
            for stored in found { byID[stored.id] = stored }
            if found.count == Self.mostRead { unread += try await store.count(JobQuery(tags: [tag])) - found.count }
        }
        dropped.set(max(0, byID.count - Self.mostWatched) + unread)
        let jobs = byID.values.sorted { $0.job.name < $1.job.name }.prefix(Self.mostWatched)
        try await lookUpEnds(of: jobs.map { ($0.id, $0.job.name) }, in: store)
        let active = await activity(jobs.map(\.id))
        let figures = { (figure: (StoredJob) -> Double?) in jobs.map { (job: $0.job.name, value: figure($0)) } }
        infos.set(
            jobs.map {
                ([("job", $0.job.name), ("feed", $0.job.origin.feed), ("target", $0.job.target.kind.rawValue)], 1)
            }, metrics)
        let known = known
        successes.set(figures { known[$0.id]?.success?.endedAt?.inSeconds }, metrics)
        ends.set(figures { known[$0.id]?.end?.endedAt?.inSeconds }, metrics)
        durations.set(figures { known[$0.id]?.end.flatMap(Self.length) }, metrics)
        nexts.set(figures { $0.job.isOn ? $0.nextDue?.inSeconds : nil }, metrics)
        failures.set(figures { Double($0.streak) }, metrics)
        running.set(figures { Double(active[$0.id]?.running ?? 0) }, metrics)
    }

    private static func length(of run: Run) -> Double? {
        guard let start = run.startedAt, let end = run.endedAt else { return nil }
        return end.inSeconds - start.inSeconds
    }

    /// Reads how runs ended, of jobs that have another last run than before, or where that one went on.
    private mutating func lookUpEnds(of jobs: [(id: JobID, name: String)], in store: any JobStore) async throws {
        let last = try await store.lastRuns(of: jobs.map(\.id))
        var looked: [JobID: LastEnd] = [:]
        for (id, name) in jobs {
            guard let run = last[id] else { continue }
            if let before = known[id], before.seen == run.id, before.state == run.state {
                looked[id] = before
                continue
            }
            var found = LastEnd(seen: run.id, state: run.state, end: known[id]?.end, success: known[id]?.success)
            let ended: Set<RunState> = [.completed, .failed, .cancelled]
            // Mostly it is the last one itself.
            found.end =
                ended.contains(run.state)
                ? run : try await store.runs(RunQuery(job: name, states: ended, limit: 1)).first
            found.success =
                found.end?.state == .completed
                ? found.end : try await store.runs(RunQuery(job: name, states: [.completed], limit: 1)).first
            looked[id] = found
        }
        known = looked
    }
}
