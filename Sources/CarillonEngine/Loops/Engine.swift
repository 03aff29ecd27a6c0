public import CarillonCore
import Logging
import Synchronization
public import Timetable

/// Carries out what `EngineState` decides; every loop works through it.
public actor Engine<Clock: EngineClock> {
    nonisolated let store: any JobStore
    nonisolated let clock: Clock
    nonisolated let zones: ZoneDatabase
    nonisolated let settings: EngineSettings
    /// How long the ledger remembers; may change while the engine runs.
    private(set) var retention: Retention
    nonisolated let logger: Logger
    nonisolated let lanes: Lanes
    nonisolated let metrics: EngineMetrics
    /// By the number of the lane.
    nonisolated let outboxes: [Outbox]
    nonisolated let alarm = Alarm()
    /// Rings when somebody has ordered an operation, or its end.
    nonisolated let operationAlarm = Alarm()
    nonisolated let saves: AsyncStream<Void>
    private let askToSave: AsyncStream<Void>.Continuation
    nonisolated let halts: AsyncStream<Void>
    private let askToHalt: AsyncStream<Void>.Continuation
    nonisolated let gives: AsyncStream<[ShardMove]>
    let askToGive: AsyncStream<[ShardMove]>.Continuation
    /// Jobs that are planned here from now on, for those whose workers may have to be listened to.
    nonisolated let toExpect: AsyncStream<[JobID]>
    let askToExpect: AsyncStream<[JobID]>.Continuation
    nonisolated let dueSoon: AsyncStream<[JobID]>
    private let askToReadAhead: AsyncStream<[JobID]>.Continuation
    /// Records of times that did not run, to be counted.
    nonisolated let toCount: AsyncStream<SkippedTimes>
    let askToCount: AsyncStream<SkippedTimes>.Continuation
    /// Which feeds are told of, and which time-zone database.
    var measured = Measured()

    public nonisolated let instance: String
    public nonisolated let startedAt: Timestamp
    nonisolated let facts: InstanceFacts
    var sharing: Sharing
    var beats: Beats
    /// Runs that dispatchers are being asked of, and what they told of them meanwhile.
    var adopting: Set<RunID> = []
    var heldBack: [DispatchEvent] = []
    /// Counts the times this instance has begun anew: what was asked for in an earlier life is not answered to this one.
    var life = 0
    /// Somebody has ended it.
    var isLost = false
    /// It ends, and begins no other life.
    var isStopping = false
    /// Jobs that were changed and runs that were opened here while shards were being taken: what was read of these may lack them, and
    /// nobody has mail of one's own.
    var isTaking = false
    var missed: (jobs: Set<JobID>, runs: Set<RunID>) = ([], [])
    /// It says something else of itself than the store has.
    var mustDescribe = false
    var shards = Holdings()
    /// A look is under way, and what follows from it.
    var isLooking = false
    /// Attempts on their way to dispatchers of this machine.
    var handing: Set<AttemptID> = []
    /// What runs on this machine is still to be taken up, after this instance has joined.
    var owesAdoption = false
    var mustLookForUnnamed = false
    /// Told by executors, and still to be passed on.
    var unasked: [DispatchEvent] = []
    /// Word to others that is not in the store yet.
    var letters: [Mail] = []
    var isPosting = false
    /// Ends that others were told: until the ledger has them, what answers for them is kept. And when that was last asked.
    var owed: Set<AttemptID> = []
    var owedAt: Int64?
    /// Somebody has, or had, another time-zone database: what is taken is planned anew.
    var mustReplanTaken = false
    var replansNextTaken = false
    /// All other instances that are known.
    var others: [InstanceRecord] = []
    /// Jobs that nobody plans, where instances may have so many only.
    var orphans = 0
    /// When they were counted last because of a machine that is away.
    var countedAt: Int64?
    /// What is held back, as it was read last (`InstanceFacts.pauses`).
    var pausesRead = ""
    /// The revision of the notes that were taken up.
    var notes: Int64 = -1
    /// Where what is everybody's stands; nil where there is nobody else.
    let custody: Shard?
    /// Whoever holds the shard of a feed reads it; nothing of those that each machine has itself.
    let feedShards: [String: Shard]
    /// Word of other instances for whoever reads a feed.
    nonisolated let feedWords: AsyncStream<Mail.Word>
    let tellFeeds: AsyncStream<Mail.Word>.Continuation
    /// Writes on their way, whoever waits for them to be over, and whoever waits to write while a give has no answer.
    var writes = 0
    var isGateClosed = false
    var gateWaiters: [CheckedContinuation<Void, Never>] = []
    /// Whether runs are being written, and whoever waits to.
    var isSaving = false
    var saveWaiters: [CheckedContinuation<Void, Never>] = []
    /// Until when nobody else can have ended this instance, on the clock of `sinceBoot`, with a tenth as a margin.
    nonisolated let heldUntil: Mutex<Int64>
    /// Those who wait for the next sign of life, each with a ticket.
    var holders: [Int: CheckedContinuation<Void, Never>] = [:]
    var tickets = 0
    var state: EngineState
    private var watch: ClockWatch
    var pause: Pause?
    var pausedTags: [String: Pause]
    /// The last change of it, which the next one waits for.
    var pausing: Task<Void, any Error>?

    init(
        store: any JobStore, clock: Clock, zones: ZoneDatabase, lanes: Lanes,
        settings: EngineSettings, logger: Logger, sharing: Sharing, beats: Beats, custody: Shard?,
        feedShards: [String: Shard], state: EngineState, pause: Pause?,
        pausedTags: [String: Pause]
    ) {
        self.store = store
        self.clock = clock
        self.zones = zones
        self.settings = settings
        retention = settings.retention
        self.logger = logger
        self.lanes = lanes
        self.outboxes = lanes.served.map(Outbox.init)
        metrics = EngineMetrics(settings.metrics, targets: lanes.served.map(\.kind.rawValue))
        self.instance = state.instance
        self.startedAt = clock.now
        self.facts = sharing.facts
        self.sharing = sharing
        self.beats = beats
        self.custody = custody
        self.feedShards = feedShards
        (feedWords, tellFeeds) = AsyncStream.makeStream()
        heldUntil = Mutex(sharing.deadline)
        self.state = state
        self.watch = ClockWatch(now: clock.now, uptime: clock.uptime, sinceBoot: clock.sinceBoot)
        self.pause = pause
        self.pausedTags = pausedTags
        (saves, askToSave) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (halts, askToHalt) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (dueSoon, askToReadAhead) = AsyncStream.makeStream()
        (toCount, askToCount) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(100_000))
        (gives, askToGive) = AsyncStream.makeStream()
        (toExpect, askToExpect) = AsyncStream.makeStream()
    }

    /// Brings an event and does what follows from it; returns when the store has answered.
    ///
    /// Every event looks at the clock first: what is decided after a jump must not be moved by it again.
    func send(_ event: EngineEvent) async {
        let now = clock.now
        var effects: [EngineEffect] = []
        if let step = watch.step(
            now: now, uptime: clock.uptime, sinceBoot: clock.sinceBoot, jump: settings.jump)
        {
            let what =
                step.isSuspension
                ? "nothing was scheduled for a while: the machine was suspended" : "the wall clock jumped"
            logger.warning("\(what)", metadata: ["seconds": "\(Double(step.by / 1_000) / 1_000)"])
            metrics.jumped(step)
            effects = state.handle(.clockStepped(by: step.by, isSuspension: step.isSuspension), at: now)
        }
        await perform(effects + state.handle(event, at: now))
    }

    private func perform(_ effects: [EngineEffect]) async {
        for effect in effects {
            switch effect {
            case .read(let ids): await read(ids)
            case .readAhead(let ids): askToReadAhead.yield(ids)
            case .open(let batch): await open(batch)
            case .dispatch(let lane, let batch):
                if settings.shadow {
                    await endUnsent(lane, batch)
                } else if lane < outboxes.count {
                    outboxes[lane].put.yield(.dispatch(batch, life: life))
                } else {
                    // They wait, as for one that is out of reach: the next daemon may have it.
                    let results = batch.map {
                        DispatchResult.away(Lanes.unserved($0.definition.job.target.kind))
                    }
                    await send(.results(lane: lane, batch.map(\.attempt), results))
                }
            case .cancel(let lane, let attempt):
                if !settings.shadow, lane < outboxes.count { outboxes[lane].put.yield(.cancel(attempt)) }
            case .end(let machine, let attempt): await post([Mail(to: .machine(machine), .end(attempt))])
            case .acknowledge(let lane, let attempts):
                if lane < outboxes.count { outboxes[lane].put.yield(.acknowledge(attempts)) }
            case .noted(let lane, let attempts):
                if lane < outboxes.count { outboxes[lane].put.yield(.noted(attempts)) }
            case .save: askToSave.yield()
            case .abandon(let lane, let attempts):
                // At once: they may come back before the outbox has come to it.
                if lane < outboxes.count { await outboxes[lane].lane.dispatcher.abandon(attempts) }
            case .ask(let events): await ask(events)
            case .rewind: await rewind()
            case .sweep: await sweep()
            case .halt: askToHalt.yield()
            case .started(let lane, let late, let handover): metrics.started(lane, late: late, handover: handover)
            case .report(let run, let lane): report(run, lane)
            }
        }
        if let wake = state.nextWake, wake < plannedWake {
            plannedWake = wake
            alarm.ring()
        }
        let resumed = waiters
        waiters = []
        for waiter in resumed { waiter.resume() }
    }

    /// Ends each run where it would have begun, and says why: in shadow nothing goes out.
    private func endUnsent(_ lane: Int, _ batch: [Outgoing]) async {
        await send(.results(lane: lane, batch.map(\.attempt), batch.map { _ in .accepted }))
        for outgoing in batch {
            await send(.cancel(outgoing.attempt.run, reason: "shadow: planned, not dispatched"))
            await send(.told([DispatchEvent(attempt: outgoing.attempt, at: clock.now, what: .cancelled(Outcome()))]))
        }
    }

    /// Those who wait for the state to change.
    private var waiters: [CheckedContinuation<Void, Never>] = []

    /// Returns when the next event has been dealt with; throws when the task is cancelled.
    func untilPerformed() async throws {
        try Task.checkCancellation()
        // The tick is an event a second at the latest, so nobody waits longer to see that it was cancelled.
        await withCheckedContinuation { waiters.append($0) }
        try Task.checkCancellation()
    }

    /// What the tick sleeps until; an event that needs it earlier rings the alarm.
    var plannedWake = Timestamp.distantPast

    // MARK: Rest

    /// Until when the tick sleeps, on the clock of `uptime`: nobody opens runs until then, unless an order comes. For ever
    /// while no tick runs; nil while it is at work.
    private var restsUntil: Int64? = .max
    /// Those who wait for it to sleep.
    private var resters: [CheckedContinuation<Void, Never>] = []

    package func rest(until end: Int64) {
        restsUntil = end
        let resumed = resters
        resters = []
        for rester in resumed { rester.resume() }
    }

    package func endRest() { restsUntil = nil }

    /// Somebody waits for the tick to sleep.
    package var isRestAwaited: Bool { !resters.isEmpty }

    /// Returns when the tick sleeps and will for at least so many microseconds, which a breath is: how many there are.
    func untilAtRest(for length: Int64) async -> Int64 {
        while true {
            let now = clock.uptime
            if let restsUntil, restsUntil - length >= now { return restsUntil - now }
            await withCheckedContinuation { resters.append($0) }
        }
    }

    /// Brings an event of this life; one of an earlier life is dropped.
    func send(_ event: EngineEvent, of life: Int) async {
        if life == self.life { await send(event) }
    }

    private func read(_ ids: [JobID]) async {
        let (known, missing) = state.cached(ids)
        let life = life
        do {
            var jobs = known
            if !missing.isEmpty {
                let read = try await load(missing)
                if life == self.life { for job in read { locate(job.stored) } }
                jobs += read
            }
            await send(.definitions(asked: ids, jobs), of: life)
        } catch {
            // Nobody else looks at them during a pause.
            if state.paused { owesCursors() }
            await send(.readFailed(ids, note(error)), of: life)
        }
    }

    /// Reads and compiles definitions, beside the actor.
    nonisolated func load(_ ids: [JobID]) async throws -> [PlannableJob] {
        let begun = clock.uptime
        var stored = try await store.jobs(ids: ids)
        metrics.took(.read, clock.uptime - begun)
        var changed: [PlannableJob] = []
        let changing = stored.filter(\.isChanging).map(\.id)
        if !changing.isEmpty {
            let found = try await store.changing(changing)
            changed = found.map {
                PlannableJob(
                    $0, definition: lanes.definition(of: $0.job, zones: zones),
                    former: lanes.definition(of: $0.former, zones: zones))
            }
            let others = Set(changing).subtracting(found.map(\.job.id))
            // What was taken up between the two readings is as it is now.
            stored = stored.filter { !$0.isChanging } + (try await store.jobs(ids: others.sorted()))
        }
        let jobs = changed + stored.map { PlannableJob($0, definition: lanes.definition(of: $0, zones: zones)) }
        if jobs.contains(where: { !$0.definition.isReadable }) { await note(faulty: jobs.map { $0.definition }) }
        return jobs
    }

    /// Jobs whose stored definition this build cannot read, as far as anybody has looked.
    private(set) var faulty: [JobID: CompiledJob] = [:]

    /// Says once of each what is wrong; whoever owns it is asked for it anew.
    func note(faulty definitions: [CompiledJob]) {
        for job in definitions where !job.isReadable && faulty.updateValue(job, forKey: job.id) == nil {
            logger.error(
                "a stored job cannot be read; it waits for its next definition",
                metadata: ["job": "\(job.job.name)", "error": "\(job.fault ?? "")"])
        }
    }

    /// Drops from the faulty jobs those that are gone.
    func forget(faulty ids: [JobID]) {
        if !faulty.isEmpty { for id in ids { faulty[id] = nil } }
    }

    /// Takes up new definitions of faulty jobs. Runs that waited for one go out under it.
    func heal(_ jobs: [StoredJob]) async {
        let healed = faulty.isEmpty ? [] : jobs.filter { faulty.removeValue(forKey: $0.id) != nil }
        if !healed.isEmpty { await send(.healed(healed.map { definition($0) })) }
    }

    /// Compiles a job's definition as it is taken into the engine, so that a faulty one is noticed.
    func definition(_ stored: StoredJob) -> CompiledJob {
        let definition = lanes.definition(of: stored, zones: zones)
        note(faulty: [definition])
        return definition
    }

    private func open(_ batch: [JobAdvance]) async {
        let life = life
        do {
            let opened = try await write { [store, clock, metrics] term in
                let begun = clock.uptime
                let opened = try await store.openRuns(batch, under: term, now: clock.now)
                metrics.took(.open, clock.uptime - begun)
                return opened
            }
            answered()
            tell(of: batch, opened)
            await send(.opened(batch, opened), of: life)
        } catch {
            if state.paused { owesCursors() }
            await send(.openFailed(batch, note(error)), of: life)
        }
    }

    /// Sets cursors back after the clock went back: none may stay in the future, or its job would be silent until then.
    private func rewind() async {
        let now = clock.now
        var cursors: [JobCursor] = []
        do {
            while true {
                let limit = state.limits.batch
                // Found and written under one term: afterwards they may be somebody else's.
                let (ahead, back) = try await write(
                    of: { state.held },
                    { [store, zones] held, term in
                        let ahead = try await store.jobs(cursorAfter: now, in: held, limit: limit)
                        let back = ahead.map { stored in
                            let schedule = stored.job.isOn ? CompiledJob(stored, zones: zones).schedule : nil
                            return JobCursor(id: stored.id, nextDue: Planner.nextDue(of: schedule, after: now))
                        }
                        if !back.isEmpty { try await store.rewind(back, under: term, now: now) }
                        return (ahead, back)
                    })
                if ahead.isEmpty { break }
                // One that is changing is taken up at once, whatever its next time.
                cursors = zip(back, ahead).map { cursor, stored in
                    JobCursor(id: cursor.id, nextDue: stored.isChanging ? .distantPast : cursor.nextDue)
                }
                await send(.rewound(cursors))
            }
            logger.warning("the clock went back; schedules were set back with it", metadata: ["to": "\(now)"])
        } catch {
            mustRewind = true
            _ = note(error)
            // Perhaps they were set back and only the answer is lost; a fresh read at the next due time tells.
            if !cursors.isEmpty { await send(.rewound(cursors)) }
        }
    }

    /// The last rewind failed: custody tries it again.
    private var mustRewind = false

    func rewindIfOwed() async {
        guard mustRewind else { return }
        mustRewind = false
        await rewind()
    }

    /// A change of definitions failed, perhaps only its answer: it may have added jobs the heap does not know.
    private var mustReadCursors = false

    func owesCursors() { mustReadCursors = true }

    func readCursorsIfOwed() async {
        guard mustReadCursors else { return }
        mustReadCursors = false
        do {
            let cursors = try await store.cursors()
            await send(.rewound(cursors))
            await takeUpWhatWasChanged(cursors)
        } catch {
            mustReadCursors = true
            _ = note(error)
        }
    }

    /// Rewinds as for a step back of the clock, when one came before these cursors were written.
    func rewind(ifAhead cursors: [Timestamp]) async {
        let margin = clock.now.adding(microseconds: settings.jump)
        if cursors.contains(where: { $0 > margin }) { await rewind() }
    }

    /// Rewinds as for a step back of the clock, when one happened while no daemon ran.
    func rewindIfAhead() async {
        do {
            let margin = clock.now.adding(microseconds: settings.jump)
            if try await !store.jobs(cursorAfter: margin, in: state.held, limit: 1).isEmpty { await rewind() }
        } catch {
            mustRewind = true
            _ = note(error)
        }
    }

    /// Finds runs that are in the ledger and not in the engine: an answer of the store was lost.
    private func sweep() async {
        let life = life
        do {
            var last: RunID?
            while true {
                let page = try await store.activeRuns(after: last, limit: 1_000)
                guard let end = page.last else { break }
                last = end.id
                // Where a job stands is known once it was read.
                let unknown = page.filter { state.run($0.id) == nil }
                if unknown.isEmpty { continue }
                let definitions = try await definitions(of: unknown)
                await send(.adopted(unknown.filter { state.holds($0.jobID) }, definitions), of: life)
            }
            await send(.swept, of: life)
        } catch {
            await send(.sweepFailed(note(error)), of: life)
        }
    }

    /// Reads jobs, and notes where they stand.
    func jobs(_ ids: [JobID]) async throws -> [StoredJob] {
        let life = life
        let stored = try await store.jobs(ids: ids)
        if life == self.life { for job in stored { locate(job) } }
        return stored
    }

    func locate(_ stored: StoredJob) {
        if settings.shares { state.locate(stored.id, stored.pinned, at: stored.revision) }
    }

    func definitions(of runs: [Run]) async throws -> [JobID: CompiledJob] {
        let stored = try await jobs(Array(Set(runs.map(\.jobID))))
        return Dictionary(stored.map { ($0.id, definition($0)) }) { first, _ in first }
    }

    /// Writes changed runs until none is left; failures are tried again by the tick. One after the other, whoever asks: of two that
    /// are on their way at once a store may carry out the older one last.
    func saveAll() async {
        while isSaving { await withCheckedContinuation { saveWaiters.append($0) } }
        isSaving = true
        defer {
            isSaving = false
            let resumed = saveWaiters
            saveWaiters = []
            for waiter in resumed { waiter.resume() }
        }
        let life = life
        while life == self.life {
            do {
                var ended: [Run] = []
                let (runs, versions, unwritten) = try await write(
                    of: { state.unsaved(limit: 2_000) },
                    { [store, clock, metrics] unsaved, term in
                        let (runs, versions) = unsaved
                        if runs.isEmpty { return (runs, versions, Set<RunID>()) }
                        let begun = clock.uptime
                        let unwritten = try await store.record(runs, under: term, now: clock.now)
                        metrics.took(.record, clock.uptime - begun)
                        return (runs, versions, unwritten)
                    })
                if !unwritten.isEmpty {
                    // The others are those whose end was written before, and its answer lost.
                    for run in runs where !run.state.isFinal && unwritten.contains(run.id) {
                        if let known = try await store.run(run.id) { ended.append(known) }
                    }
                }
                answered()
                if let changed = settings.changed, !runs.isEmpty {
                    changed(.runs(unwritten.isEmpty ? runs : runs.filter { !unwritten.contains($0.id) }))
                }
                if !ended.isEmpty {
                    logger.error("runs had ended in the ledger already", metadata: ["runs": "\(ended.count)"])
                    // First: what is over goes out no more, however it is marked.
                    await send(.overruled(ended), of: life)
                }
                await send(.saved(versions), of: life)
                if state.unsavedIDs.isEmpty { return }
            } catch {
                await send(.saveFailed(note(error)), of: life)
                return
            }
        }
    }

    func forgetDefinitions() { state.forgetDefinitions() }

    package func keep(_ retention: Retention) { self.retention = retention }

    // MARK: Telling

    /// Tells of what was opened and of times that did not run, once the ledger has them.
    private func tell(of batch: [JobAdvance], _ opened: Opened) {
        if !opened.new.isEmpty { settings.changed?(.runs(opened.new)) }
        for advance in batch where !advance.skips.isEmpty && !opened.refused.contains(advance.id) {
            if settings.watchedTags != nil { count(advance) }
            settings.changed?(.skips(advance.skips))
            guard let notify = settings.notify else { continue }
            for skip in advance.skips where skip.reason.isMissed { notify(.missed(skip)) }
        }
    }

    private func report(_ run: Run, _ lane: Int) {
        if run.state.isFinal { settings.ended?(run) }
        if run.hasFailed { settings.notify?(.failed(run)) }
        if run.state == .skipped, run.held != nil { settings.notify?(.passedOver(run)) }
        metrics.ended(run, lane)
        let level: Logger.Level =
            switch run.state {
            case .failed: .warning
            case .pending: .info
            default: .debug
            }
        guard level >= logger.logLevel else { return }
        var metadata: Logger.Metadata = [
            "job": "\(run.job)", "run": "\(run.id)", "scheduled": "\(run.scheduledAt)",
        ]
        if let error = run.outcome.error ?? run.earlier.last?.outcome.error { metadata["error"] = "\(error)" }
        let message = run.state == .pending ? "run is tried again" : "run \(run.state.rawValue)"
        logger.log(level: level, "\(message)", metadata: metadata)
    }

    private var lastTrouble: String?

    private func answered() {
        if lastTrouble != nil { logger.notice("the store answers again") }
        lastTrouble = nil
    }

    /// Says an error of the store once, not with every attempt.
    func note(_ error: any Error) -> String {
        let text = "\(error)"
        // A loop that is stopped in the middle of a call says nothing of the store.
        if Task.isCancelled { return text }
        if text != lastTrouble { logger.error("the store failed", metadata: ["error": "\(text)"]) }
        lastTrouble = text
        return text
    }
}
