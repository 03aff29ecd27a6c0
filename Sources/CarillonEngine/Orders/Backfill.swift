public import CarillonCore
public import Timetable

/// Which times of a job that are past are to run, or to run again.
public struct BackfillQuery: Hashable, Sendable, Codable {
    public enum What: String, Hashable, Sendable, Codable, CaseIterable {
        /// Times without a run.
        case missing
        /// Times whose last run failed.
        case failed
        /// All times, but for those whose run goes on.
        case all
    }

    public var job: String
    public var from: Timestamp
    public var until: Timestamp
    public var what: What

    public init(job: String, from: Timestamp, until: Timestamp, what: What = .missing) {
        self.job = job
        self.from = from
        self.until = until
        self.what = what
    }
}

/// A time to run: for the first time, or as a run by hand that repeats another one.
public struct BackfillTime: Hashable, Sendable, Codable {
    public var at: Timestamp
    /// The id of the run that had this time last.
    public var repeats: String?

    public init(at: Timestamp, repeats: String? = nil) {
        self.at = at
        self.repeats = repeats
    }
}

/// One time of a backfill as people and their programs see it; `--json` prints it as it stands here.
public struct BackfillView: Hashable, Sendable, Codable {
    public var scheduledAt: Timestamp
    public var job: String
    public var timeZone: String
    /// How the run that had this time last ended; `skipped` where there was none, nil where the ledger has nothing.
    public var was: RunState?
    /// Why, in words.
    public var reason: String?
    /// The id of that run, which the new one repeats.
    public var repeats: String?
}

extension QueryService {
    /// Times in one backfill.
    static let mostBackfilled = 10_000

    /// Finds the times that a backfill would run, oldest first, by the job's present schedule.
    func backfill(_ query: BackfillQuery, now: Timestamp) async throws -> [BackfillView] {
        let stored = try await job(named: query.job)
        guard let schedule = CompiledJob(stored, zones: zones).schedule else {
            throw OrderError(.refused, "\(query.job) has no schedule that says which times to run")
        }
        guard query.from < now else { throw OrderError(.bad, "from: a backfill is of times that are past") }
        let end = min(query.until, now)
        if query.what == .missing, let start = try await memory(of: query.job, now), query.from < start {
            throw OrderError(
                .refused,
                "what \(query.job) ran before \(start) the ledger may have forgotten; take times from then on, or all")
        }
        let count = schedule.count(
            after: query.from.adding(microseconds: -1), through: end, limit: Self.mostBackfilled + 1)
        guard count <= Self.mostBackfilled else {
            throw OrderError(
                .bad, "\(query.job) has more than \(Self.mostBackfilled) times in there; take less at once")
        }
        let past = RunQuery(job: query.job, since: query.from, until: end, limit: Self.mostRead)
        let runs = Dictionary(grouping: try await store.runs(past), by: \.scheduledAt)
        let skips = try await store.skips(past)
        var views: [BackfillView] = []
        var time = schedule.next(after: query.from.adding(microseconds: -1))
        while let at = time, at <= end {
            time = schedule.next(after: at)
            if schedule.exclusion(of: at) != nil { continue }
            let last = runs[at]?.max { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
            guard query.what.includes(last), runs[at]?.allSatisfy(\.state.isFinal) ?? true else { continue }
            let skip = last == nil ? skips.first { $0.after < at && at <= $0.through } : nil
            // What is due by now and not planned yet is nobody's to fill in.
            if last == nil, skip == nil, at > stored.cursor, stored.job.isOn { continue }
            let why = skip.map { Cause.missed($0.reason, detail: $0.detail).words }
            views.append(
                BackfillView(
                    scheduledAt: at, job: query.job, timeZone: stored.job.schedule.zone,
                    was: last?.state ?? skip.map { _ in .skipped },
                    reason: last.map { $0.outcome.error ?? $0.reason } ?? why, repeats: last?.id.description))
        }
        return views
    }

    /// Says since when the ledger has all runs of a job; nil when it has forgotten none.
    private func memory(of job: String, _ now: Timestamp) async throws -> Timestamp? {
        let retention = await retention()
        let runs = try await store.runs(RunQuery(job: job, limit: retention.perJob))
        // A job with fewer runs, none of them as old as is kept, has lost none.
        let oldest = runs.last?.scheduledAt
        let horizon = now.adding(microseconds: -retention.age)
        if runs.count >= retention.perJob { return max(oldest ?? horizon, horizon) }
        return runs.isEmpty ? nil : horizon
    }

    /// Runs and skips of one job that are looked through.
    private static let mostRead = 200_000
}

extension BackfillQuery.What {
    /// Whether a time is wanted whose last run is this one.
    fileprivate func includes(_ last: Run?) -> Bool {
        switch self {
        case .missing: last == nil || last?.state == .skipped
        case .failed: last?.hasFailed ?? false
        case .all: true
        }
    }
}

extension OrderService {
    /// Opens a run for each of these times, `rate` of them a second; a time that has got a run meanwhile keeps that.
    func backfill(_ name: String, _ times: [BackfillTime], rate: Double?) async throws -> Reply {
        let stored = try await readable(name)
        let note = await engine.obstacle(stored)
        let now = engine.clock.now
        let schedule = CompiledJob(stored, zones: engine.zones).schedule
        for time in times {
            guard time.at <= now, schedule?.next(after: time.at.adding(microseconds: -1)) == time.at else {
                throw OrderError(.bad, "\(time.at) is no time of \(name) that is past")
            }
        }
        let skips = try await engine.store.skips(
            RunQuery(job: name, since: times.first?.at, until: times.last?.at, limit: QueryService.mostBackfilled))
        let storeID = try await engine.store.storeID()
        var runs: [Run] = []
        for (place, time) in times.enumerated() {
            let wait = rate.map { Int64(saturating: Double(place) / $0 * 1_000_000) } ?? 0
            var cause = skips.first { $0.after < time.at && time.at <= $0.through }
                .map { Cause.missed($0.reason, detail: $0.detail) }
            var id = RunID(store: storeID, job: name, scheduledAt: time.at)
            if let old = time.repeats {
                guard let old = RunID(old) else { throw OrderError(.bad, "'\(old)' is no run id") }
                cause = .repeats(old)
                id = RunID(manualAt: time.at, random: UInt64.random(in: 0...UInt64.max))
            }
            runs.append(
                Run(
                    id: id, jobID: stored.id, job: name, revision: stored.revision, trigger: .backfill,
                    scheduledAt: time.at, notBefore: now.adding(microseconds: wait), createdAt: now,
                    instance: engine.instance, cause: cause))
        }
        let opened = try await engine.open(runs, of: [stored])
        let views = opened.map { RunView($0, zone: stored.job.schedule.zone) }
        return .backfilled(try await queries.shortened(views), note: note)
    }
}
