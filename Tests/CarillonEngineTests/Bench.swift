import CarillonCore
import CarillonEngine
import CarillonTestSupport
import MemoryStore
import Testing
import Timetable

/// An engine's decisions over a ledger that answers at once; the test is the dispatcher and the clock.
struct Bench {
    static let start = Timestamp(seconds: 1_767_225_600)
    private static let zones = ZoneDatabase()

    var now = Bench.start
    var ledger = MemoryLedger(storeID: 1)
    var state = EngineState(storeID: 1, instance: "i", cursors: [], now: Bench.start, lanes: [LaneState(isBound: true)])
    /// The next write of runs or outcomes is answered with an error, carried out or not.
    var openFails: (afterWriting: Bool, Void)?
    var saveFails = false
    /// The dispatcher takes at once what it gets.
    var accepts = false
    private(set) var dispatched: [AttemptID] = []
    /// The lane of each.
    private(set) var lanes: [Int] = []
    private(set) var cancelled: [AttemptID] = []
    private(set) var endedElsewhere: [String] = []
    private(set) var acknowledged: [AttemptID] = []
    private(set) var noted: [AttemptID] = []
    private(set) var rewinds = 0
    private(set) var halts = 0
    private var term: Term

    init() { term = ledger.join("i") }

    @discardableResult
    mutating func add(
        _ name: String, every: String = "1h", tags: [String] = [], _ policies: Policies
    ) throws -> JobID {
        let text = ScheduleText(.every(every, anchor: Timestamp(seconds: 0)))
        let job = Job(name: name, schedule: text, target: Samples.target, policies: policies, tags: tags)
        let schedule = try text.compile(job: name, zones: Self.zones)
        let put = JobChange.add(job, cursor: now, nextDue: Planner.nextDue(of: schedule, after: now), skips: [])
        let stored = try #require(ledger.apply([put], now: now).first?.stored)
        try send(.changed([JobCursor(id: stored.id, nextDue: stored.nextDue)]))
        return stored.id
    }

    /// Changes a definition in the store, and tells the engine of it.
    mutating func change(_ id: JobID, _ edit: (inout Job) -> Void) throws {
        let before = try #require(ledger.jobs[id]?.stored)
        var job = before.job
        edit(&job)
        _ = try #require(ledger.apply([.change(id, job, revision: before.revision)], now: now).first?.stored)
        try send(.changed([JobCursor(id: id, nextDue: .distantPast)]))
    }

    /// What the store answers to a reading.
    private func plannable(_ ids: [JobID]) -> [PlannableJob] {
        ids.compactMap { id in
            if let changing = ledger.changing([id]).first { return PlannableJob(changing, zones: Self.zones) }
            return ledger.jobs[id].map { PlannableJob($0.stored, zones: Self.zones) }
        }
    }

    mutating func send(_ event: EngineEvent) throws {
        for effect in state.handle(event, at: now) {
            switch effect {
            case .read(let ids): try send(.definitions(asked: ids, plannable(ids)))
            case .readAhead(let ids): try send(.ahead(asked: ids, plannable(ids)))
            case .open(let batch):
                let failure = openFails
                openFails = nil
                if failure?.afterWriting == false {
                    try send(.openFailed(batch, "the disk is full"))
                    continue
                }
                let opened = try ledger.openRuns(batch, under: term)
                try send(failure == nil ? .opened(batch, opened) : .openFailed(batch, "no answer"))
            case .save:
                if saveFails {
                    try send(.saveFailed("the disk is full"))
                } else {
                    let (runs, versions) = state.unsaved(limit: 1_000)
                    try ledger.record(runs, under: term)
                    try send(.saved(versions))
                }
            case .sweep:
                let runs = ledger.activeRuns(after: nil, limit: 1_000)
                try send(.adopted(runs.filter { state.run($0.id) == nil }, definitions))
                try send(.swept)
            case .rewind: rewinds += 1
            case .dispatch(let lane, let batch):
                dispatched += batch.map(\.attempt)
                lanes += batch.map { _ in lane }
                if accepts { try send(.results(lane: lane, batch.map(\.attempt), batch.map { _ in .accepted })) }
            case .cancel(_, let attempt): cancelled.append(attempt)
            case .end(let machine, let attempt): endedElsewhere.append("\(attempt) on \(machine)")
            case .acknowledge(_, let attempts): acknowledged += attempts
            case .noted(_, let attempts): noted += attempts
            case .halt: halts += 1
            case .started, .report, .abandon, .ask: break
            }
        }
    }

    /// Lets time pass, with a tick whenever the engine wants one.
    mutating func pass(_ seconds: Int64) throws {
        let end = now.adding(microseconds: seconds * 1_000_000)
        while let wake = state.nextWake, wake <= end {
            now = max(now, wake)
            try send(.tick)
        }
        now = end
        try send(.tick)
    }

    /// The dispatcher's answer to everything it got since the last one.
    mutating func answer(_ attempts: [AttemptID], _ result: DispatchResult = .accepted) throws {
        try send(.results(lane: 0, attempts, attempts.map { _ in result }))
    }

    mutating func tell(_ attempt: AttemptID, _ what: DispatchEvent.What) throws {
        try send(.told([DispatchEvent(attempt: attempt, at: now, what: what)]))
    }

    var definitions: [JobID: CompiledJob] {
        ledger.jobs.mapValues { CompiledJob($0.stored, zones: Self.zones) }
    }

    /// A job's definition as another dispatcher has it.
    func definition(of job: JobID, lane: Int) throws -> CompiledJob {
        CompiledJob(try #require(ledger.jobs[job]?.stored), zones: Self.zones, lane: lane, body: nil)
    }

    /// Runs for times of a job that are past, one after another hour from now on.
    mutating func backfill(_ job: JobID, _ count: Int) throws -> [Run] {
        let stored = try #require(ledger.jobs[job]?.stored)
        let runs = (1...count).map { hours in
            let time = Bench.start.adding(microseconds: -Int64(hours) * 3_600_000_000)
            return Run(
                id: RunID(store: 1, job: stored.job.name, scheduledAt: time), jobID: job, job: stored.job.name,
                revision: stored.revision, trigger: .backfill, scheduledAt: time,
                notBefore: now.adding(microseconds: Int64(hours) * 3_600_000_000 + 60_000_000), createdAt: now)
        }
        let opened = runs.compactMap { ledger.insert($0) }
        try send(.adopted(opened, definitions))
        return opened
    }

    /// A run ordered by hand of a job whose definition cannot be read any more.
    mutating func openUnreadable(_ job: JobID) throws -> RunID {
        var stored = try #require(ledger.jobs[job]?.stored)
        stored.fault = "rotten"
        let run = Run(
            id: RunID(manualAt: now, random: 1), jobID: job, job: stored.job.name, revision: stored.revision,
            trigger: .manual, scheduledAt: now, createdAt: now, instance: "i")
        _ = ledger.insert(run)
        try send(.adopted([run], [job: CompiledJob(stored, zones: Self.zones)]))
        return run.id
    }
}
