public import CarillonCore
import Synchronization
public import Timetable

/// Answers questions from the store alone, so that they are answered with or without a daemon.
public struct QueryService: Sendable {
    let store: any JobStore
    let zones: ZoneDatabase
    /// Whether a daemon schedules meanwhile.
    let isDaemon: Bool
    private let checked: @Sendable (StoredJob) -> StoredJob
    private let doubts: @Sendable ([Job]) async -> [String?]
    private let activity: (@Sendable ([JobID]) async -> [JobID: JobActivity])?
    private let first: @Sendable (Int) async -> [JobID]?
    private let notes = KnownNotes()
    private let knownZones = KnownZones()
    let counted = CountedSchedules()
    /// How long the ledger remembers.
    let retention: @Sendable () async -> Retention

    /// A skip longer than this is told as "at least" so many.
    static let mostCounted = 1_000_000

    /// Of a longer list nobody looks at the ids.
    package static let mostShortened = 200
    /// The first eight digits are the scheduled second.
    private static let shortest = 10

    /// Takes what it asks: `checked` gives a job a fault when its target cannot be opened; `doubts` says of jobs what
    /// stands against their runs just now, `activity` which of them are active, and `first` which are due first, as far as a daemon
    /// knows.
    public init(
        store: any JobStore, zones: ZoneDatabase, isDaemon: Bool = false,
        retention: @escaping @Sendable () async -> Retention,
        checked: @escaping @Sendable (StoredJob) -> StoredJob = { $0 },
        doubts: @escaping @Sendable ([Job]) async -> [String?] = { $0.map { _ in nil } },
        activity: (@Sendable ([JobID]) async -> [JobID: JobActivity])? = nil,
        first: @escaping @Sendable (Int) async -> [JobID]? = { _ in nil }
    ) {
        self.first = first
        self.store = store
        self.zones = zones
        self.isDaemon = isDaemon
        self.retention = retention
        self.checked = checked
        self.doubts = doubts
        self.activity = activity
    }

    /// Answers a question; nil for an order that is none.
    public func answer(_ order: Order, now: Timestamp) async throws -> Reply? {
        switch try order.checked() {
        case .jobs(let query, let asLines):
            let found = try await store.jobs(query)
            if asLines {
                let lines = try await lines(of: found)
                return .lines(JobLines(count: found.count, last: found.last?.job.name, bytes: lines))
            }
            let isCut = found.count == query.limit && query.after == nil
            return .jobs(try await views(of: found), total: isCut ? try await store.count(query) : nil)
        case .definition(let name):
            let stored = try await job(named: name)
            return .definition(stored.job, revision: stored.revision)
        case .job(let name): return .jobs(try await views(of: [try await job(named: name)]))
        case .runs(let query): return .runs(try await runs(query, now: now))
        case .run(let text): return .runs([try await view(of: text)])
        case .why(let name, let time):
            return .why(try await why(name, time, now))
        case .feeds: return .feeds(try await feeds())
        case .instances:
            let (views, orphans) = try await instances()
            return .instances(views, orphans: orphans)
        case .agenda(let query):
            let (lines, isCut) = try await agenda(query, now: now)
            return .agenda(lines, isCut: isCut)
        case .forecast(let query): return .forecast(try await forecast(query, now: now))
        case .recent(let names, let limit): return .recent(try await recent(names, limit))
        case .hours(let from, let until):
            return .hours(try await store.hours(from: from, to: until).map { HourView($0) })
        case .missed(let query): return .missed(try await backfill(query, now: now))
        case .tokens: return .tokens(try await AccessTokens(in: store).all())
        case .operations(let text): return .operations(try await operations(text))
        case .audits(let query): return .audits(try await store.audits(query))
        default: return nil
        }
    }

    func job(named name: String) async throws -> StoredJob {
        if let stored = try await store.job(named: name) { return checked(stored) }
        if let problem = try await problemsByJob()[name]?.first {
            throw OrderError(.unknown, "job '\(name)' has never been good: \(problem)")
        }
        throw OrderError(.unknown, "there is no job '\(name)'")
    }

    func run(_ text: String) async throws -> Run {
        let text = text.lowercased()
        guard (4...24).contains(text.utf8.count), text.allSatisfy(\.isHexDigit) else {
            throw OrderError(.bad, "'\(text)' is no run id: 24 hexadecimal digits, or at least the first four")
        }
        let found = try await store.runs(idPrefix: text, limit: 2)
        guard let run = found.first else { throw OrderError(.unknown, "there is no run '\(text)'") }
        guard found.count == 1 else {
            throw OrderError(.bad, "several runs begin with '\(text)'; give more digits")
        }
        return run
    }

    /// Reads what is held back.
    func pauses() async throws -> Pauses { try await noted().pauses }

    private func noted() async throws -> KnownNotes.Facts {
        // Asked first: what changes after that is read again with the next question.
        let revision = try await store.notesRevision()
        if let known = notes.facts(at: revision) { return known }
        let pauses = Pauses(
            all: try await store.note(Pause.note).map(Pause.init),
            tags: Pause.ofTags(try await store.note(Pause.tagsNote)))
        let feeds = try await feeds()
        let facts = KnownNotes.Facts(
            pauses: pauses,
            problems: Dictionary(grouping: feeds.flatMap(\.problems).filter { $0.job != nil }) { $0.job ?? "" })
        notes.keep(facts, at: revision)
        return facts
    }

    private func views(of jobs: [StoredJob]) async throws -> [JobView] {
        let facts = try await facts(about: jobs)
        return jobs.indices.map { view(of: jobs[$0], $0, facts) }
    }

    /// Writes views as lines, on threads of their own: who lists very many jobs takes nothing from the engine but time.
    private func lines(of jobs: [StoredJob]) async throws -> [UInt8] {
        let facts = try await facts(about: jobs)
        return try await withTaskExecutorPreference(ListThreads.shared) {
            async let first = lines(of: jobs, 0..<jobs.count / 2, facts)
            async let second = lines(of: jobs, jobs.count / 2..<jobs.count, facts)
            return try await first + second
        }
    }

    private func lines(of jobs: [StoredJob], _ range: Range<Int>, _ facts: JobFacts) async throws -> [UInt8] {
        var lines = PublicJSON.Lines()
        for place in range { try lines.append(view(of: jobs[place], place, facts)) }
        return lines.bytes
    }

    /// What a list of jobs says of them beside their definitions.
    private struct JobFacts {
        /// One for each job.
        var warnings: [String?]
        var problems: [String: [ConfigProblem]]
        var last: [JobID: Run]
        var activity: [JobID: JobActivity]
        var pauses: Pauses
    }

    private func facts(about jobs: [StoredJob]) async throws -> JobFacts {
        let noted = try await noted()
        return JobFacts(
            warnings: await doubts(jobs.map(\.job)), problems: noted.problems,
            last: try await store.lastRuns(of: jobs.map(\.id)), activity: try await activity(of: jobs.map(\.id)),
            pauses: noted.pauses)
    }

    private func activity(of jobs: [JobID]) async throws -> [JobID: JobActivity] {
        if let activity { return await activity(jobs) }
        var found: [JobID: JobActivity] = [:]
        var last: RunID?
        while true {
            let page = try await store.activeRuns(after: last, limit: 5_000)
            guard let end = page.last else { return found }
            last = end.id
            for run in page { found[run.jobID, default: JobActivity()].count(run) }
        }
    }

    /// Finds the jobs that a query is about and that are due first, by their next times, and whether those are all.
    func coming(_ query: AgendaQuery, _ most: Int) async throws -> (jobs: [StoredJob], isWhole: Bool) {
        if query.names.isEmpty, query.tags.isEmpty, let ids = await first(most) {
            let jobs = try await store.jobs(ids: ids).sorted {
                ($0.nextDue ?? .distantFuture, $0.job.name) < ($1.nextDue ?? .distantFuture, $1.job.name)
            }
            return (jobs, ids.count < most)
        }
        let jobs = try await store.jobs(
            JobQuery(names: query.names, tags: query.tags, states: [.enabled], order: .next, limit: most))
        return (jobs, jobs.count < most)
    }

    private func view(of stored: StoredJob, _ place: Int, _ facts: JobFacts) -> JobView {
        JobView(
            stored, CompiledJob(checked(stored), zones: zones), last: facts.last[stored.id],
            activity: facts.activity[stored.id] ?? JobActivity(),
            problems: facts.problems[stored.job.name] ?? [], warning: facts.warnings[place], pauses: facts.pauses)
    }

    /// A run, or times that were skipped: both have their ids in every list.
    private func view(of text: String) async throws -> RunView {
        do {
            let run = try await run(text)
            let zone = try await store.jobs(ids: [run.jobID]).first?.job.schedule.zone ?? "UTC"
            let view = RunView(run, zone: zone)
            return try await shortened([view])[0]
        } catch let error as OrderError where error.code == .unknown {
            guard let skip = try await skip(text) else { throw error }
            return skip
        }
    }

    /// The skip whose view has this id; an id begins with the second of its first time.
    private func skip(_ text: String) async throws -> RunView? {
        guard text.count >= 8, let second = UInt32(text.prefix(8), radix: 16) else { return nil }
        let time = Timestamp(seconds: Int64(second))
        let query = RunQuery(since: time, until: time.adding(microseconds: 1_000_000), limit: 10_000)
        let storeID = try await store.storeID()
        var found: [RunView] = []
        for skip in try await store.skips(query) {
            // Counting comes last: a stretch may have very many times.
            let first = try await first(of: skip)
            guard first.seconds == Int64(second),
                RunID(store: storeID, job: skip.job, scheduledAt: first).description.hasPrefix(text.lowercased())
            else { continue }
            found.append(try await view(skip, storeID))
        }
        guard found.count < 2 else { throw OrderError(.bad, "several begin with '\(text)'; give more digits") }
        return found.first
    }

    /// Answers runs and skips together, newest first.
    func runs(_ query: RunQuery, now: Timestamp) async throws -> [RunView] {
        var views: [RunView] = []
        let runs = try await store.runs(query)
        let zoneOf = try await zones(of: runs)
        for run in runs { views.append(RunView(run, zone: zoneOf[ZoneKey(run)] ?? "UTC")) }
        if query.triggers.isEmpty, query.states.isEmpty || query.states.contains(.skipped) {
            let storeID = try await store.storeID()
            for skip in try await store.skips(query) { views.append(try await view(skip, storeID)) }
            if let skip = try await missing(query, now) { views.append(try await view(skip, storeID)) }
        }
        // A job that is gone still has its history; a name that never was is a mistake.
        if views.isEmpty, let job = query.job { _ = try await self.job(named: job) }
        views.sort { ($0.scheduledAt, $0.createdAt, $0.id) > ($1.scheduledAt, $1.createdAt, $1.id) }
        views = Array(views.prefix(query.limit))
        return try await shortened(views)
    }

    /// Reads the zones of runs; those that were looked up lately are known.
    private func zones(of runs: [Run]) async throws -> [ZoneKey: String] {
        var known = knownZones.zones(of: runs)
        let missing = Set(runs.lazy.filter { known[ZoneKey($0)] == nil }.map(\.jobID))
        if missing.isEmpty { return known }
        let read = try await store.jobs(ids: Array(missing))
        let zoneOf = Dictionary(read.map { ($0.id, $0.job.schedule.zone) }) { first, _ in first }
        for run in runs { if let zone = zoneOf[run.jobID] { known[ZoneKey(run)] = zone } }
        knownZones.keep(known)
        return known
    }

    /// Says what a job that is off has missed since it was last accounted for: the ledger gets it with the next change.
    private func missing(_ query: RunQuery, _ now: Timestamp) async throws -> Skip? {
        guard let name = query.job, let stored = try await store.job(named: name), !stored.job.isOn,
            stored.job.policies.maxRuns.map({ stored.opened < $0 }) ?? true
        else { return nil }
        let until = min(now, query.until ?? now)
        let after = max(stored.cursor, query.since.map { $0.adding(microseconds: -1) } ?? stored.cursor)
        guard let schedule = CompiledJob(stored, zones: zones).schedule,
            let last = schedule.previous(before: until.adding(microseconds: 1)), last > after
        else { return nil }
        let reason = stored.job.standing?.off?.reason ?? .disabled
        return Skip(
            jobID: stored.id, job: name, revision: stored.revision, after: after, through: last, reason: reason,
            recordedAt: now)
    }

    private func why(_ name: String, _ time: String?, _ now: Timestamp) async throws -> WhyView {
        do {
            return try await Explanation(desk: self, job: try await job(named: name), now: now).view(at: time)
        } catch let error as OrderError where error.code == .unknown {
            // A job that is gone still has its history.
            guard let run = try await store.runs(RunQuery(job: name, limit: 1)).first else { throw error }
            let gone = StoredJob(
                id: run.jobID, job: Job(name: name, schedule: ScheduleText(.manual), target: Self.none), revision: 0,
                cursor: now, nextDue: nil)
            return try await Explanation(desk: self, job: gone, now: now, isGone: true).view(at: time)
        }
    }

    /// Of a job whose definition is gone.
    private static let none = Target(kind: Target.Kind(rawValue: ""), summary: "", body: "")

    /// Gives the views of a list that people read ids as short as they may be.
    func shortened(_ views: [RunView]) async throws -> [RunView] {
        guard views.count <= Self.mostShortened else { return views }
        var views = views
        let neighbours = try await store.neighbours(of: views.map { RunID($0.id) ?? RunID(second: 0, hash: 0) })
        for (place, neighbours) in zip(views.indices, neighbours) {
            views[place].shortID = Self.shortID(of: views[place].id, beside: neighbours)
        }
        return views
    }

    /// Enough digits of an id to tell it from every other run in the ledger, and no fewer than a person can compare.
    private static func shortID(of id: String, beside neighbours: RunNeighbours) -> String {
        let others = [neighbours.before, neighbours.after].compactMap { $0?.description }
        let shared = others.map { zip(id.utf8, $0.utf8).prefix { $0 == $1 }.count }.max() ?? 0
        // In steps of two, so that a list has ids of one length mostly.
        return String(id.prefix(max(shortest, shared + 2 - shared % 2)))
    }

    /// Finds the first time that a skip covers.
    private func first(of skip: Skip) async throws -> Timestamp {
        let definition = try await store.definition(of: skip.jobID, revision: skip.revision)
        let schedule = try? definition?.schedule.compile(job: skip.job, zones: zones)
        return schedule?.next(after: skip.after) ?? skip.through
    }

    /// Counts what a skip covers, with the schedule that was in force.
    private func view(_ skip: Skip, _ storeID: UInt64) async throws -> RunView {
        let definition = try await store.definition(of: skip.jobID, revision: skip.revision)
        let schedule = try? definition?.schedule.compile(job: skip.job, zones: zones)
        let first = schedule?.next(after: skip.after) ?? skip.through
        let count: Int
        switch skip.reason {
        case .gap: count = 1
        default: count = schedule?.count(after: skip.after, through: skip.through, limit: Self.mostCounted) ?? 1
        }
        let id = RunID(store: storeID, job: skip.job, scheduledAt: first)
        return RunView(
            skip, id: id, first: min(first, skip.through), count: count, zone: definition?.schedule.zone ?? "UTC")
    }

    func problemsByJob() async throws -> [String: [ConfigProblem]] { try await noted().problems }

    /// Answers what the feeds said when they were last read.
    func feeds() async throws -> [FeedView] {
        guard let names = try await store.note("feeds") else { return [] }
        var views: [FeedView] = []
        for name in names.split(separator: ",") {
            // What another release noted is no news of this one's.
            if let text = try await store.note("feed.\(name)"), let view = try? JSONText.decode(FeedView.self, text) {
                views.append(view)
            }
        }
        return views
    }
}

/// What the store's notes say of all jobs, as of a revision of them: every question about a job asks for it.
private final class KnownNotes: Sendable {
    struct Facts: Sendable {
        var pauses: Pauses
        /// By the name of the job.
        var problems: [String: [ConfigProblem]]
    }

    private let known = Mutex<(revision: Int64, facts: Facts)?>(nil)

    func facts(at revision: Int64) -> Facts? {
        known.withLock { $0.flatMap { $0.revision == revision ? $0.facts : nil } }
    }

    func keep(_ facts: Facts, at revision: Int64) { known.withLock { $0 = (revision, facts) } }
}

/// How many jobs have which schedule: of very many jobs as it was a while ago.
final class CountedSchedules: Sendable {
    /// Fewer are counted each time.
    private static let many = 20_000
    /// Microseconds in which nobody counts them again, and in which what was counted is good enough while somebody does.
    private static let fresh: Int64 = 30_000_000
    private static let usable: Int64 = 600_000_000

    private let known = Mutex<(at: Timestamp, counts: ScheduleCounts, isCounting: Bool)?>(nil)

    func schedules(of store: any JobStore, limit: Int, now: Timestamp) async throws -> ScheduleCounts {
        let (known, isOwed) = self.known.withLock { known -> (ScheduleCounts?, Bool) in
            guard let (at, counts, isCounting) = known, counts.jobs >= Self.many else { return (nil, false) }
            let age = now.microseconds - at.microseconds
            guard 0 <= age, age < Self.usable else { return (nil, false) }
            let isOwed = age >= Self.fresh && !isCounting
            if isOwed { known?.isCounting = true }
            return (counts, isOwed)
        }
        guard let known else { return try await count(store, limit, now) }
        if isOwed {
            Task {
                // Whoever asks next counts them, then.
                if (try? await count(store, limit, now)) == nil { self.known.withLock { $0?.isCounting = false } }
            }
        }
        return known
    }

    private func count(_ store: any JobStore, _ limit: Int, _ now: Timestamp) async throws -> ScheduleCounts {
        let counts = try await store.schedules(limit: limit)
        known.withLock { $0 = (now, counts, false) }
        return counts
    }
}

/// Under which definition a run was opened: that has one zone for good.
private struct ZoneKey: Hashable {
    var job: JobID
    var revision: Int64

    init(_ run: Run) { (job, revision) = (run.jobID, run.revision) }
}

/// Zones that were looked up lately: a page of runs is mostly of jobs that the page before had, too.
private final class KnownZones: Sendable {
    private static let most = 10_000
    private let known = Mutex<[ZoneKey: String]>([:])

    func zones(of runs: [Run]) -> [ZoneKey: String] {
        known.withLock { known in
            var found: [ZoneKey: String] = [:]
            for run in runs { found[ZoneKey(run)] = known[ZoneKey(run)] }
            return found
        }
    }

    func keep(_ zones: [ZoneKey: String]) {
        known.withLock { known in
            if known.count > Self.most { known = [:] }
            known.merge(zones) { $1 }
        }
    }
}
