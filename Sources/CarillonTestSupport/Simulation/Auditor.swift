import CarillonCore
import CarillonEngine
import MemoryStore
import Timetable

/// Checks the promises after every step, from what the ledger, the engine and the executor do.
final class Auditor {
    private unowned let world: World
    private(set) var models: [JobID: JobModel] = [:]
    private var names: [String: JobID] = [:]
    private var ids: Set<RunID> = []
    private var begun: Set<AttemptID> = []
    /// Those that were given up with their machine, and run on.
    private var abandoned: Set<AttemptID> = []
    /// When a run that is not final in the ledger was written, in elapsed time.
    private(set) var active: [RunID: Int64] = [:]
    private var prunedBefore: Timestamp = .distantPast
    /// Decisions in a row that were refused.
    private var refusals: [JobID: Int] = [:]
    /// Which process has read what stands in a shard last, and what it is called.
    private var drivers: [Shard: (instance: Int, process: Int)] = [:]

    init(_ world: World) { self.world = world }

    func job(named name: String) -> JobModel? { names[name].flatMap { models[$0] } }

    // MARK: The ledger

    func opened(_ batch: [JobAdvance], _ opened: Opened, by instance: SimulatedInstance) {
        for run in opened.new { written(run) }
        for part in batch where !opened.refused.contains(part.id) {
            refusals[part.id] = nil
            world.expect(
                part.takesUp || part.to >= part.from, .ledgerFirst, "the cursor of job \(part.id.number) went back")
            // Written across a step back, it speaks of a time that has not come; then the cursor is set back too.
            let end = part.takesUp ? min(part.to, instance.wall) : part.to
            account(
                for: part.id, after: part.from, through: end,
                // On documents they follow, and stand where the decision does until then.
                promised: world.isOnDocuments ? part.skips : [],
                fresh: Set(opened.new.filter { $0.jobID == part.id }.map(\.scheduledAt)))
            let times = Set(models[part.id]?.times(after: part.from, through: part.to) ?? [])
            for run in part.runs {
                world.expect(
                    times.contains(run.scheduledAt), .notScheduled, "\(run.job) has a run at \(run.scheduledAt)")
            }
            for run in opened.new where run.jobID == part.id { models[part.id]?.open(at: run.scheduledAt) }
            if part.takesUp { takenUp(part) }
        }
    }

    /// Checks that a skip says why its times did not run, and that this is true at the moment it is decided.
    private func checkReason(of skip: Skip, in part: JobAdvance, by instance: SimulatedInstance) {
        switch skip.reason {
        case .overlap:
            let planned = Set(part.runs.map(\.id))
            let wasActive = active.keys.contains {
                // One of a time that is gone through again is there already.
                world.ledger.runs[$0]?.jobID == part.id && (!planned.contains($0) || instance.state.run($0) != nil)
            }
            world.expect(wasActive, .trueReason, "\(skip.summary) of \(skip.job) is no overlap: nothing was active")
        case .stall, .clock:
            // The newest time that is due is late, and runs, unless it is a minute ago or nobody was there at all.
            let isNewest = models[part.id]?.times(after: skip.through, through: skip.recordedAt).isEmpty ?? false
            let age = skip.recordedAt.microseconds - skip.through.microseconds
            world.expect(
                !isNewest || age >= Planner.tardy || skip.through < instance.state.live, .trueReason,
                "\(skip.summary) of \(skip.job) is only late: \(Span.format(age))")
        default: break
        }
    }

    func written(_ run: Run) {
        world.totals.runs += 1
        active[run.id] = world.clock.uptime
        world.expect(ids.insert(run.id).inserted, .oneRunPerOccurrence, "the id \(run.id) is used twice")
        guard let time = run.occurrence else { return }
        let other = models[run.jobID]?.runs.updateValue(run.id, forKey: time)
        world.expect(other == nil, .oneRunPerOccurrence, "\(run.job) has two runs for \(time)")
    }

    /// Checks that every scheduled time in `(after, through]` is a run or inside a skip.
    private func account(
        for id: JobID, after: Timestamp, through: Timestamp, promised: [Skip], fresh: Set<Timestamp>
    ) {
        guard through > after, let model = models[id] else { return }
        // Where the clock was set back, an early one may have grown since: they are in no order.
        let skips = ((world.ledger.skips[id] ?? []) + promised).filter { $0.through >= after && $0.reason != .gap }
        var left = model.job.policies.maxRuns.map { $0 - model.opened } ?? .max
        for time in model.times(after: after, through: through) where left > 0 {
            world.totals.occurrences += 1
            let isSkipped = skips.contains { $0.after < time && time <= $0.through }
            if isSkipped { world.totals.skips += 1 }
            if model.runs[time] != nil {
                world.expect(
                    !isSkipped || time <= model.replayed, .noSilentSkip,
                    "\(model.job.name) ran and skipped \(time): \(skips.map(\.summary)), replayed to \(model.replayed)")
                if fresh.contains(time) { left -= 1 }
            } else {
                world.expect(isSkipped, .noSilentSkip, "\(model.job.name) lost \(time) in (\(after), \(through)]")
            }
        }
    }

    /// Whether somebody has decided that there is a run, or it is there.
    func knows(_ run: Run) -> Bool { run.occurrence.map { models[run.jobID]?.runs[$0] != nil } ?? false }

    /// Checks that a run that comes to be in the documents follows from a decision, or was asked for.
    func inserted(_ run: Run) {
        if run.occurrence == nil { return written(run) }
        world.expect(ids.contains(run.id), .ledgerFirst, "nobody has decided on \(run.id) of \(run.job)")
    }

    func recorded(_ run: Run, before: Run?) {
        guard let now = world.ledger.runs[run.id] else { return }
        if let before, before.state.isFinal {
            world.expect(now == before, .finalStays, "run \(run.id) moved from \(before.state) to \(now.state)")
        }
        if now.state.isFinal { active[run.id] = nil }
        world.expect(
            now.attempt - now.republications <= models[now.jobID]?.mostAttempts ?? 1, .retryBounds,
            "\(now.job) is at try \(now.attempt)")
        if let before { giveUp(before, for: now) }
    }

    func added(_ stored: StoredJob) {
        var model = JobModel(stored.id, stored.job)
        model.define(stored.job, schedule: CompiledJob(stored, zones: world.zones).schedule, after: stored.cursor)
        models[stored.id] = model
        names[stored.job.name] = stored.id
    }

    /// What the ledger has of the job counts after this, and what it had before up to there.
    private func takenUp(_ part: JobAdvance) {
        guard let stored = world.ledger.jobs[part.id]?.stored else { return }
        models[part.id]?.replay(upTo: part.from)
        if stored.isRemoved {
            models[part.id]?.remove(after: part.to)
        } else {
            let schedule = CompiledJob(stored, zones: world.zones).schedule
            models[part.id]?.define(stored.job, schedule: schedule, after: part.to)
        }
    }

    func rewound(_ id: JobID, from cursor: Timestamp, to time: Timestamp) {
        models[id]?.rewind(from: cursor, to: time)
    }

    func prunes(before time: Timestamp) { prunedBefore = max(prunedBefore, time) }

    func pruned(_ runs: [Run]) {
        for run in runs { world.expect(run.state.isFinal, .finalStays, "run \(run.id) was pruned while active") }
    }

    // MARK: The engine

    func decided(_ effect: EngineEffect, by instance: SimulatedInstance) {
        switch effect {
        case .open(let batch):
            // One that may have been replaced knows nothing any more, and its word is refused.
            guard isBelieved(instance) else { return }
            for part in batch { for skip in part.skips { checkReason(of: skip, in: part, by: instance) } }
        case .dispatch(_, let batch):
            guard isBelieved(instance) else { return }
            for outgoing in batch { dispatched(outgoing, by: instance) }
        case .acknowledge(_, let attempts): attempts.forEach(acknowledged)
        default: break
        }
    }

    /// Whether an instance may trust that nobody has ended it; then nobody has.
    private func isBelieved(_ instance: SimulatedInstance) -> Bool {
        guard let sharing = instance.sharing else { return !instance.isShared }
        guard sharing.isSure(at: instance.uptime) else { return false }
        world.expect(
            world.ledger.tables.instances[sharing.term.instance]?.term != nil, .oneDriver,
            "\(instance.name) was ended while it could be sure")
        return true
    }

    /// Checks that a job whose decision was refused can be planned after that.
    func refused(_ jobs: Set<JobID>) {
        for id in jobs {
            refusals[id, default: 0] += 1
            world.expect(refusals[id] ?? 0 < 100, .liveness, "what is decided on job \(id.number) is refused each time")
        }
    }

    /// From here on nobody else writes runs of these shards, unless they are another's by now.
    func took(_ shards: Set<Shard>, under term: Term, _ process: Int, of instance: SimulatedInstance) {
        guard world.ledger.tables.isInForce(term) else { return }
        for shard in shards where world.ledger.tables.shards[Int(shard.number)].holder == term.instance {
            drivers[shard] = (instance.number, process)
        }
    }

    /// Checks that a run was written by nobody but the process that has read its shard last: one that holds it no more may write
    /// until then.
    func wrote(_ run: Run, in shard: Shard, by instance: Int, _ process: Int) {
        guard let driver = drivers[shard] else { return }
        world.expect(
            driver == (instance, process), .oneDriver,
            "process \(process) of daemon \(instance + 1) wrote \(run.id) of \(run.job), which process "
                + "\(driver.process) of daemon \(driver.instance + 1) has taken")
    }

    /// Checks that a write was taken only of who holds the shard.
    func wrote(_ job: JobID, by term: Term, _ instance: SimulatedInstance) {
        guard instance.isShared else { return }
        let holder = world.ledger.tables.shards[Int(Shard(of: job).number)].holder
        world.expect(
            holder == term.instance, .oneDriver,
            "\(instance.name) wrote job \(job.number), which \(holder.map { "\($0.number)" } ?? "nobody") holds")
    }

    private func dispatched(_ outgoing: Outgoing, by instance: SimulatedInstance) {
        let now = instance.wall
        let id = outgoing.attempt
        guard let run = world.ledger.runs[id.run], let model = models[run.jobID] else {
            return world.fail(
                .ledgerFirst,
                "\(id) at \(outgoing.scheduledAt) is dispatched, not in the ledger")
        }
        world.expect(
            run.attempt == id.attempt && !run.state.isFinal, .ledgerFirst,
            "\(id) of \(run.job) is dispatched; the ledger has attempt \(run.attempt), \(run.state)")
        guard !run.trigger.isOrdered else { return }
        let cursor = world.ledger.jobs[run.jobID]?.stored.cursor ?? .distantPast
        world.expect(
            max(cursor, model.replayed) >= run.scheduledAt, .ledgerFirst,
            "\(run.job) at \(run.scheduledAt) is dispatched, its cursor is at \(cursor)")
        // That of a change counts at once, whenever its times do.
        let present = world.ledger.jobs[run.jobID].map(\.stored.job.policies.window) ?? 0
        if let window = model.longestWindow, let present, id.attempt == 1 {
            world.expect(
                run.scheduledAt.adding(microseconds: max(window, present)) >= now, .window,
                "\(run.job) at \(run.scheduledAt) is dispatched at \(now)")
        }
        let isHeldBack = world.ledger.jobs[run.jobID].map { instance.state.isHeldBack($0.stored.job) } ?? false
        world.expect(!instance.state.paused && !isHeldBack, .window, "\(run.job) is dispatched during a pause")
    }

    func acknowledged(_ id: AttemptID) {
        guard let run = world.ledger.runs[id.run] else { return }
        world.expect(
            run.state.isFinal || run.attempt > id.attempt, .acknowledgedTooEarly,
            "\(id) of \(run.job) is acknowledged; the ledger has attempt \(run.attempt), \(run.state)")
    }

    /// Checks that a queue holds no more than it may.
    func checkQueues() {
        for (id, model) in models {
            guard let most = model.mostWaiting else { continue }
            let waiting = model.runs.values.reduce(0) { count, run in
                guard active[run] != nil, let run = state(of: run), run.trigger != .catchUp else { return count }
                return count + (run.state == .pending && run.dispatchedAt == nil && run.attempt == 1 ? 1 : 0)
            }
            world.expect(waiting <= most, .overlap, "\(waiting) runs of job \(id.number) wait; \(most) may")
        }
    }

    // MARK: The executor

    func begins(_ id: AttemptID, of job: JobModel) {
        world.expect(begun.insert(id).inserted, .startedOnce, "\(id) of \(job.job.name) started twice")
        if world.livesOnMachines, let run = world.ledger.runs[id.run] {
            world.expect(
                !run.state.isFinal && run.attempt == id.attempt, .startedOnce,
                "\(id) of \(job.job.name) starts; the ledger has attempt \(run.attempt), \(run.state)")
        }
        models[job.id]?.executing += 1
        world.expect(
            job.mayOverlap || job.executing == 0, .overlap, "\(id) of \(job.job.name) starts beside another run")
        if id.attempt > 1 {
            let earlier = AttemptID(run: id.run, attempt: id.attempt - 1)
            world.expect(
                abandoned.contains(earlier) || !world.executors.contains { $0.attempts[earlier]?.isExecuting ?? false },
                .startedOnce, "\(earlier) still runs")
        }
    }

    func ends(_ id: AttemptID, of job: JobID) {
        if abandoned.remove(id) == nil { models[job]?.executing -= 1 }
    }

    /// Counts an attempt no more that was given up with its machine: it may run on, and nobody can know.
    private func giveUp(_ before: Run, for now: Run) {
        let attempt = AttemptID(run: before.id, attempt: before.attempt)
        guard now.state.isFinal || now.attempt > before.attempt,
            (now.earlier.last { $0.attempt == before.attempt }?.outcome ?? now.outcome).error?.hasSuffix("is away")
                ?? false,
            world.executors.contains(where: { $0.attempts[attempt]?.isExecuting ?? false })
        else { return }
        world.totals.givenUp += 1
        abandoned.insert(attempt)
        models[now.jobID]?.executing -= 1
    }

    // MARK: When all is well

    /// As whoever drives it has it.
    private func state(of run: RunID) -> Run? {
        world.instances.lazy.filter(\.isUp).compactMap { $0.state.run(run) }.first
    }

    /// Checks that every shard is planned by somebody, and that all have their part.
    private func checkSharing() {
        guard let first = world.instances.first, first.isShared else { return }
        let shards = world.ledger.tables.shards.prefix(World.shards)
        for record in shards {
            let holder = world.instances.first { $0.isUp && $0.term?.instance == record.holder }
            world.expect(
                holder?.sharing?.held.contains(record.shard) ?? false, .takenOver,
                "nobody plans shard \(record.shard.number), which "
                    + "\(record.holder.map { "\($0.number)" } ?? "nobody") has")
        }
        let counts = world.instances.map { instance in shards.count { $0.holder == instance.term?.instance } }
        world.expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1, .takenOver, "they have \(counts) shards")
    }

    /// Checks that after two days without a fault everything that was due has happened.
    func checkLiveness() {
        let now = world.clock.wall
        for instance in world.instances {
            instance.trace { [state = instance.state, isUp = instance.isUp] in
                "is \(isUp ? "up" : "down"), \(state.predicament)"
            }
        }
        checkQueues()
        checkSharing()
        for (id, row) in world.ledger.jobs.sorted(by: { $0.key < $1.key }) where !row.removed {
            let cursor = row.stored.cursor
            world.expect(
                cursor <= now.adding(microseconds: 2_000_000), .liveness, "\(row.stored.job.name) rests at \(cursor)")
            if !row.stored.isChanging, let model = models[id] {
                world.expect(
                    row.stored.opened == model.opened, .ledgerFirst,
                    "\(row.stored.job.name) has opened \(model.opened) runs, and says \(row.stored.opened)")
            }
            guard row.stored.job.isOn, !isNewToHolder(id, at: now), let model = models[id] else { continue }
            let late = model.times(after: cursor, through: now.adding(microseconds: -120_000_000)).first
            world.expect(
                late == nil, .liveness,
                "\(row.stored.job.name) has not planned \(late ?? now); its cursor is at \(cursor)")
        }
        // What was decided has followed by now.
        if world.isOnDocuments { audit(through: now.adding(microseconds: -JobMaker.hour)) }
        let old = world.clock.uptime - JobMaker.day * 3 / 2
        for (id, since) in active where since < old {
            let run = world.ledger.runs[id]
            world.fail(
                .liveness,
                "run \(id) of \(run?.job ?? "?") is \(run?.state.rawValue ?? "?") since days; engine: "
                    + (state(of: id).map { "\($0.state) not before \($0.notBefore)" } ?? "unknown"))
        }
    }

    /// Whether whoever plans a job may not have looked since somebody else changed it.
    private func isNewToHolder(_ id: JobID, at now: Timestamp) -> Bool {
        guard world.isShared, let changing = world.ledger.changing([id]).first else { return false }
        return changing.changedAt > now.adding(microseconds: -2 * World.beat)
    }

    /// Checks that nothing runs once no job is enabled any more.
    func checkNothingLeft() {
        world.expect(active.isEmpty, .leak, "\(active.count) runs of the ledger are not final")
        for state in world.instances.map(\.state) {
            world.expect(state.trackedRuns == 0, .leak, "the engine tracks \(state.trackedRuns) runs")
            world.expect(state.unsavedIDs.isEmpty, .leak, "\(state.unsavedIDs.count) runs are not saved")
        }
        for executor in world.executors {
            world.expect(executor.isIdle, .leak, "\(executor.attempts.count) attempts are not acknowledged")
        }
    }

    /// Goes through the whole history once more, against what the ledger holds now.
    func audit(through end: Timestamp = .distantFuture) {
        var keys: Set<MemoryLedger.Occurrence> = []
        for run in world.ledger.runs.values {
            guard let time = run.occurrence else { continue }
            let isNew = keys.insert(MemoryLedger.Occurrence(job: run.jobID, at: time)).inserted
            world.expect(isNew, .oneRunPerOccurrence, "\(run.job) has two runs for \(time)")
        }
        for (id, model) in models.sorted(by: { $0.key < $1.key }) {
            guard let start = model.segments.first?.after, let row = world.ledger.jobs[id] else { continue }
            let skips = (world.ledger.skips[id] ?? []).filter { $0.reason != .gap }.sorted { $0.after < $1.after }
            var at = 0
            // Of the skips that begin before a time; they may lie in one another.
            var skippedThrough = Timestamp.distantPast
            for time in model.times(after: max(start, prunedBefore), through: min(row.stored.cursor, end)) {
                while at < skips.count, skips[at].after < time {
                    skippedThrough = max(skippedThrough, skips[at].through)
                    at += 1
                }
                let isSkipped = time <= skippedThrough
                let isRun = keys.contains(MemoryLedger.Occurrence(job: id, at: time))
                world.expect(isRun || isSkipped, .noSilentSkip, "\(model.job.name) lost \(time)")
            }
        }
    }
}
