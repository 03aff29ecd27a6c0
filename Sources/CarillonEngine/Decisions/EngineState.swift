public import CarillonCore
import DequeModule
import HeapModule
public import Timetable

/// Everything the engine knows and all it decides: events in, effects out. No clock, no store, no dispatcher.
///
/// The loops carry the effects out and bring the answers back; a simulated world does the same in tests.
public struct EngineState: Sendable {
    /// Bounds that keep memory and batches small.
    public struct Limits: Sendable {
        /// Jobs planned in one transaction at most: the more, the less the store writes for each.
        public var batch = 8_000
        /// Jobs in the first transaction of a burst, so that its first runs go out soon; each further one has twice as many.
        public var firstBatch = 1_000
        /// Runs tracked at once; past it due jobs wait in the store.
        public var mostTracked = 200_000
        /// Definitions kept at hand.
        public var mostCached = 150_000
        /// Definitions read at once before they are due.
        public var mostReadAhead = 1_000
        /// Microseconds before its time in which a definition is read.
        public var lookAhead: Int64 = 10_000_000
        /// Microseconds: a job that is due again within them keeps its definition at hand.
        public var keep: Int64 = 60_000_000
        /// Runs handed to a dispatcher at once.
        public var mostDispatched = 16_000
        /// Runs that make a second batch while the first is on its way: fewer are better handed over together.
        public var fullBatch = 1_000
        /// Microseconds that the mark of a dispatch may wait for the ledger while more is due.
        public var markLag: Int64 = 10_000_000
        /// Microseconds before a store that failed is asked again, and a dispatcher that was out of reach.
        public var patience: Int64 = 1_000_000
        /// Microseconds before one run is offered again that its dispatcher could not take; it begins with `patience`.
        public var longestPatience: Int64 = 30_000_000
        /// Microseconds: a run that waited no longer for its dispatcher goes out, whatever its job's catch-up policy says.
        public var hiccup: Int64 = 120_000_000
        /// Microseconds a cursor may lie in the future before it is set back.
        public var ahead: Int64 = 2_000_000

        public init() {}
    }

    public let storeID: UInt64
    public let instance: String
    /// The id of this instance (`InstanceFacts.id`), where others may have runs of which nothing is known here.
    let machine: String?
    public var limits = Limits()
    /// The dispatchers by their numbers.
    public var lanes: [LaneState]

    /// Shards that are planned here.
    package internal(set) var held: Set<Shard>
    /// Of these the ones that are to go, and the batches that had gone to each lane by then.
    package internal(set) var leaving: Set<Shard> = []
    var leavingBatches: [Int] = []
    /// How many of them are shares of all jobs, and the jobs that stand elsewhere than in the share of their number.
    var heldShares: Int
    var pins: [JobID: Pin] = [:]
    var heap: CursorHeap
    var planning = JobSet()
    /// Jobs that halt after a failure, as the store is still to learn; until then it does not learn of these ends either.
    public internal(set) var halting: [JobID: Halt] = [:]
    /// How many jobs the last batch had; 0 when nothing more was due.
    var lastBatch = 0
    /// Jobs that changed while their plan was under way: what it says of their cursor is old.
    var outdated: Set<JobID> = []
    /// Definitions of jobs that are planned, or due soon.
    var cache = SlotTable<JobID, PlannableJob>()
    /// Definitions that are being read before they are due; a job that changes or is planned meanwhile leaves.
    var readingAhead: Set<JobID> = []
    /// Jobs due soon whose definition is still to be read, the earliest last.
    var toReadAhead: [JobID] = []
    /// When the heap is next searched for them.
    var nextLook = Timestamp.distantPast
    var runs = SlotTable<RunID, TrackedRun>()
    /// Those that live on other machines, and since when these are away, on the clock that runs while this one sleeps.
    var elsewhere: Set<RunID> = []
    var awaySince: [String: Int64] = [:]
    /// Runs that are not final, oldest first.
    var byJob = SlotTable<JobID, [RunID]>()
    /// When the next run of a job that catches up at a rate may go out.
    var pace: [JobID: Timestamp] = [:]
    var timers = Heap<RunTimer>()
    public internal(set) var unsavedIDs: Set<RunID> = []
    /// Runs of which the ledger lacks nothing but that they went out, in that order.
    var marks: [RunID] = []
    /// When the oldest of them did.
    var marksSince: Timestamp?
    var saving = false

    /// Occurrences before this passed while nobody was scheduling.
    public internal(set) var live: Timestamp
    /// Stretches in which nothing was scheduled, the oldest first.
    public internal(set) var gaps: [Gap]
    /// When the present pause began.
    var pausedAt: Timestamp
    /// Tags whose jobs are held back.
    var pausedTags: [String: TagPause]
    /// Stretches in which tags were, the oldest first.
    var tagGaps: [TagGap] = []
    /// Jobs that came due and runs that would have gone out while a tag of theirs was held back.
    var restingJobs: Set<JobID> = []
    var restingRuns: [RunID] = []
    /// The tags that jobs got while some tag was held back: their runs may have been opened under others.
    var presentTags: [JobID: [String]] = [:]
    public internal(set) var bootedAt: Timestamp?
    /// Why nothing is to go out; nil when it is.
    public internal(set) var pauseReason: String?
    public var paused: Bool { pauseReason != nil }
    public internal(set) var stopping = false
    /// The store failed: nothing is planned or saved before this.
    var storeRestsUntil: Timestamp?
    var mustSweep = false
    /// While a sweep reads the ledger: runs that left the engine since, which it may still have seen as active.
    var leftSinceSweep: Set<RunID>?
    public internal(set) var storeTrouble: String?
    public internal(set) var lateness = Lateness()

    public init(
        storeID: UInt64, instance: String, cursors: [JobCursor], now: Timestamp, bootedAt: Timestamp? = nil,
        pauseReason: String? = nil, pausedTags: [String: (reason: String, since: Timestamp)] = [:],
        lanes: [LaneState] = [LaneState()], holding held: Set<Shard> = Set(Shard.all), machine: String? = nil
    ) {
        self.storeID = storeID
        self.instance = instance
        self.held = held
        heldShares = held.shares.count
        self.machine = machine
        self.heap = CursorHeap(cursors)
        self.live = now
        self.gaps = [Gap(after: .distantPast, through: now, reason: .downtime)]
        self.pausedAt = now
        self.bootedAt = bootedAt
        self.pauseReason = pauseReason
        self.pausedTags = pausedTags.mapValues { TagPause(reason: $0.reason, since: $0.since) }
        self.lanes = lanes
    }

    /// Decides. Returns what is to be done now, in this order.
    public mutating func handle(_ event: EngineEvent, at now: Timestamp) -> [EngineEffect] {
        var effects: [EngineEffect] = []
        switch event {
        case .tick: tick(now, &effects)
        case .plan(let ids): requestDefinitions(ours(ids), &effects)
        case .definitions(let asked, let jobs): planned(asked, jobs, now, &effects)
        case .ahead(let asked, let jobs): readAhead(asked, jobs, now, &effects)
        case .readFailed(let ids, let why): planFailed(ids.map { ($0, nil) }, why, now)
        case .opened(let batch, let opened): self.opened(batch, opened, now, &effects)
        case .openFailed(let batch, let why): planFailed(batch.map { ($0.id, $0) }, why, now)
        case .adopted(let runs, let definitions, let changed):
            adopted(runs, definitions, changed: changed, now, &effects)
        case .swept: leftSinceSweep = nil
        case .sweepFailed(let why): sweepFailed(why, now)
        case .results(let lane, let attempts, let results):
            lanes[lane].answered += 1
            self.results(lane, attempts, results, now, &effects)
        case .told(let events): told(events, now, &effects)
        case .saved(let versions): saved(versions, now, &effects)
        case .saveFailed(let why): saveFailed(why, now)
        case .overruled(let runs): overruled(runs, now, &effects)
        case .changed(let cursors): changed(cursors)
        case .rewound(let cursors): rewound(cursors)
        case .halted(let ids): halted(ids)
        case .took(let shards, let cursors, let since): took(shards, cursors, since: since, now, &effects)
        case .leave(let shards): leave(shards)
        case .gave(let shards): gave(shards, &effects)
        case .present(let machines, let at): present(machines, at: at, now, &effects)
        case .healed(let definitions): healed(definitions, now, &effects)
        case .cancel(let id, let reason): apply(.cancel(reason: reason), to: id, at: now, &effects)
        case .clockStepped(let by, let isSuspension): clockStepped(by, isSuspension, now, &effects)
        case .stalled(let since): note(Gap(after: since, through: now, reason: .stall))
        case .paused(let reason): pause(reason, now)
        case .tagPaused(let tag, let reason): pause(tag: tag, reason, now, &effects)
        case .tagged(let tags): noteTags(tags, now, &effects)
        case .shutdown(let endRuns): shutdown(endRuns, now, &effects)
        }
        dispatchReady(now, &effects)
        saveIfNeeded(now, &effects)
        return effects
    }

    /// When `tick` is worth calling again; nil when only an event can bring work.
    public var nextWake: Timestamp? {
        var wake = timers.min?.at
        if mayPlan, let due = heap.earliest, due != .distantFuture {
            let due = max(due, storeRestsUntil ?? due)
            wake = min(wake ?? due, due)
        }
        if !unsavedIDs.isEmpty || mustSweep, let hold = storeRestsUntil { wake = min(wake ?? hold, hold) }
        if mustSweep, storeRestsUntil == nil, !stopping, planning.isEmpty { wake = .distantPast }
        if let since = marksSince {
            let ripe = since.adding(microseconds: limits.markLag)
            wake = min(wake ?? ripe, ripe)
        }
        if !paused, !stopping {
            for lane in lanes where !lane.queue.isEmpty && lane.dispatching == 0 {
                if let outage = lane.outage { wake = min(wake ?? outage.probeAt, outage.probeAt) }
            }
        }
        return wake
    }

    /// Nothing stands against taking jobs from the heap, but the time and a store that failed.
    ///
    /// While the store writes one full batch the next is planned; smaller ones are better written together.
    var mayPlan: Bool {
        !paused && !stopping && (planning.isEmpty || planning.count == lastBatch) && !mustSweep
            && leftSinceSweep == nil && runs.count < limits.mostTracked
    }

    // MARK: What others may know

    /// Whether `tick` would plan something right now.
    public func isDue(_ now: Timestamp) -> Bool {
        guard mayPlan, storeRestsUntil == nil, let due = heap.earliest else { return false }
        return due <= now
    }

    /// Counts the jobs that wait although their time has come.
    public func due(_ now: Timestamp) -> Int { planning.count + heap.count(dueBy: now) }

    package func isPlanning(_ ids: [JobID]) -> Bool { ids.contains { planning.contains($0) } }

    /// What stands against going on, for those who look for a fault.
    package var predicament: String {
        "wakes \(nextWake.map(\.description) ?? "never"), holds until \(storeRestsUntil.map(\.description) ?? "-"), "
            + "plans \(planning.all.map(\.number)), "
            + "sweeps \(leftSinceSweep != nil), "
            + "paused \(paused), stopping \(stopping), saving \(saving), tracks \(runs.count)"
    }

    public var jobsInHeap: Int { heap.count }
    /// Nil when nothing is due ever, or a job is to be looked at as soon as the store answers.
    public var earliestDue: Timestamp? {
        heap.earliest.flatMap { $0 == .distantFuture || $0 == .distantPast ? nil : $0 }
    }
    public var trackedRuns: Int { runs.count }
    /// Attempts handed over and not ended.
    public var outstanding: [AttemptID] { runs.all.filter(\.isOut).map(\.attempt) }
    /// Of these the ones that a stop of the daemon may end.
    var outstandingBound: Int { runs.all.count { takesPlace($0) && lanes[$0.lane].isBound } }
    /// Answers a job's runs that are not final.
    func activeRuns(of job: JobID) -> [RunID] { byJob[job] ?? [] }
    public func run(_ id: RunID) -> Run? { runs[id]?.run }

    /// Jobs that wait for a boot of the machine.
    public var waitingForBoot: [JobID] { heap.jobs(dueAt: .distantFuture) }

    /// Answers runs the ledger should have, with the version each is at.
    public func unsaved(limit: Int) -> (runs: [Run], versions: [RunID: UInt32]) {
        var chosen: [Run] = []
        var versions: [RunID: UInt32] = [:]
        for id in unsavedIDs.prefix(limit) {
            guard let tracked = runs[id] else { continue }
            chosen.append(tracked.forLedger)
            versions[id] = tracked.version
        }
        return (chosen, versions)
    }
}
