public import CarillonCore
import Timetable

/// From the heap to the ledger.
extension EngineState {
    mutating func tick(_ now: Timestamp, _ effects: inout [EngineEffect]) {
        ring(now, &effects)
        if let hold = storeRestsUntil, hold <= now { storeRestsUntil = nil }
        guard storeRestsUntil == nil, !stopping else { return }
        // What a plan under way opens would look unknown.
        if mustSweep, planning.isEmpty {
            mustSweep = false
            leftSinceSweep = []
            effects.append(.sweep)
        }
        // Nothing is planned on top of runs that are not known yet.
        guard mayPlan else { return }
        let room = min(max(2 * lastBatch, limits.firstBatch), limits.batch)
        let due = heap.popDue(at: now, limit: room)
        lastBatch = due.count == room ? room : 0
        requestDefinitions(due, &effects)
        if lastBatch == 0 { lookAhead(now, &effects) }
    }

    /// Takes jobs out of the heap until their plan is in the ledger.
    mutating func requestDefinitions(_ ids: [JobID], _ effects: inout [EngineEffect]) {
        let fresh = ids.filter { !isLeaving($0) && planning.insert($0) }
        if !readingAhead.isEmpty { readingAhead.subtract(fresh) }
        if !fresh.isEmpty { effects.append(.read(fresh)) }
    }

    /// Answers the definitions that need no reading, and the jobs whose definitions do.
    public func cached(_ ids: [JobID]) -> (known: [PlannableJob], missing: [JobID]) {
        var known: [PlannableJob] = []
        known.reserveCapacity(ids.count)
        var missing: [JobID] = []
        for id in ids {
            if let job = cache[id] { known.append(job) } else { missing.append(id) }
        }
        return (known, missing)
    }

    mutating func planned(
        _ asked: [JobID], _ jobs: [PlannableJob], _ now: Timestamp, _ effects: inout [EngineEffect]
    ) {
        let planner = planner(at: now)
        var batch: [JobAdvance] = []
        batch.reserveCapacity(jobs.count)
        var again: [JobID] = []
        var rewind = false
        for job in jobs {
            let id = job.definition.id
            if isLeaving(id) { continue }
            // It stands elsewhere by now.
            if isElsewhere(job) {
                cache[id] = nil
                outdated.remove(id)
                continue
            }
            if !outdated.isEmpty, outdated.remove(id) != nil {
                again.append(id)
                continue
            }
            // Times before a change are planned even so: the present definition may not wait for them.
            if job.former == nil, isHeldBack(job.definition.job) {
                cache[id] = nil
                restingJobs.insert(id)
                heap.set(JobCursor(id: id, nextDue: nil))
                continue
            }
            cache[id] = job
            if isAhead(job.cursor, now) { rewind = true }
            if let former = job.former {
                var step = TakeUp(planner: self.planner(planner, for: former.job.tags))
                let place = moves(job)
                if place != nil {
                    // What runs on one machine ends there, before another begins with it.
                    if byJob[id] != nil {
                        heap.set(JobCursor(id: id, nextDue: now.adding(microseconds: Self.untilMove)))
                        continue
                    }
                    // Whatever came after the change is the other machine's.
                    step.planner.now = min(now, max(job.changedAt, job.cursor))
                }
                // It was for a machine that was away, and is for none now.
                if job.definition.isRemoved, job.definition.job.policies.host != nil, job.pinned == nil, isShared {
                    step.planner.now = job.cursor
                }
                var advance = step.advance(job, from: former, activity: activity(of: id))
                advance.moves = place
                batch.append(advance)
                continue
            }
            let isOn = job.definition.isOn && (halting.isEmpty || halting[id] == nil)
            guard let schedule = job.definition.schedule, isOn,
                let advance = self.planner(planner, for: job.definition.job.tags)
                    .plan(job.stored, schedule: schedule, activity: activity(of: id))
            else {
                let next = isOn ? restingDue(job, now) : nil
                if !isKept(until: next, now) { cache[id] = nil }
                heap.set(JobCursor(id: id, nextDue: next))
                continue
            }
            batch.append(advance)
        }
        if batch.count < asked.count {
            let waiting = Set(batch.map(\.id))
            for id in asked where !waiting.contains(id) { planning.remove(id) }
        }
        if !batch.isEmpty { effects.append(.open(batch)) }
        requestDefinitions(again, &effects)
        if rewind { effects.append(.rewind) }
    }

    /// The planner for jobs of any tags. While everything is held back, what is planned was missed for that reason.
    private func planner(at now: Timestamp) -> Planner {
        var planner = Planner(
            storeID: storeID, instance: instance, now: now, live: live, gaps: gaps, bootedAt: bootedAt)
        if let pauseReason {
            planner.gaps.append(Gap(after: pausedAt, through: now, reason: .paused, detail: pauseReason))
            planner.live = now
        }
        return planner
    }

    /// Whether a cursor is ahead: a write from before a step back of the clock came after the cursors were set back.
    private func isAhead(_ cursor: Timestamp, _ now: Timestamp) -> Bool {
        cursor > now.adding(microseconds: limits.ahead)
    }

    /// Says where a job that had nothing to open waits: never at a time that is past, or the tick would spin on it.
    private func restingDue(_ job: PlannableJob, _ now: Timestamp) -> Timestamp? {
        guard let schedule = job.definition.schedule else { return nil }
        return Planner.nextDue(of: schedule, after: max(job.cursor, now))
    }

    /// Microseconds before it is seen again whether a job that is to go elsewhere has come to rest.
    private static let untilMove: Int64 = 1_000_000

    private func activity(of id: JobID) -> Planner.Activity {
        guard let ids = byJob[id] else { return .none }
        var activity = Planner.Activity.none
        for id in ids {
            guard let tracked = runs[id], !tracked.givesPrecedence else { continue }
            activity.active += 1
            if tracked.run.dispatchedAt == nil { activity.waiting += 1 }
            if tracked.run.state == .pending { activity.pending += 1 }
        }
        return activity
    }

    mutating func opened(
        _ batch: [JobAdvance], _ opened: Opened, _ now: Timestamp, _ effects: inout [EngineEffect]
    ) {
        storeTrouble = nil
        var again: [JobID] = []
        var formers: [JobID: CompiledJob] = [:]
        // By their places: a copy of each would be most of the work.
        for place in batch.indices {
            let id = batch[place].id
            planning.remove(id)
            let isOutdated = !outdated.isEmpty && outdated.remove(id) != nil
            if batch[place].moves != nil {
                if opened.refused.contains(id) {
                    // A run of it is not known here yet.
                    cache[id] = nil
                    heap.set(JobCursor(id: id, nextDue: now.adding(microseconds: Self.untilMove)))
                } else if !moved(id, after: batch[place].revision) {
                    // It came here, or somewhere else, before this was answered.
                    again.append(id)
                }
                continue
            }
            if isOutdated || opened.refused.contains(id) {
                cache[id] = nil
                again.append(id)
                continue
            }
            let planned = cache[id]?.follow(batch[place])
            if batch[place].takesUp { formers[id] = planned }
            if isLeaving(id) { continue }
            heap.set(JobCursor(id: id, nextDue: batch[place].nextDue))
        }
        let gone = Set(batch.lazy.filter { $0.moves != nil }.map(\.id))
        for run in opened.new where gone.isEmpty || !gone.contains(run.jobID) {
            guard let job = cache[run.jobID] else {
                mustSweep = true
                continue
            }
            cache[run.jobID]?.opened += 1
            track(run, formers.isEmpty ? job.definition : formers[run.jobID] ?? job.definition, now, &effects)
            // It was on its way into the ledger when an earlier one failed.
            if !halting.isEmpty, halting[run.jobID] != nil { apply(.skip(.halted), to: run.id, at: now, &effects) }
        }
        for place in batch.indices where batch[place].takesUp || !isKept(until: batch[place].nextDue, now) {
            cache[batch[place].id] = nil
        }
        requestDefinitions(again, &effects)
        if batch.contains(where: { isAhead($0.to, now) }) { effects.append(.rewind) }
    }

    /// Puts the jobs back, as nothing is known to be written; the ledger is compared once it answers again.
    mutating func planFailed(_ parts: [(JobID, JobAdvance?)], _ why: String, _ now: Timestamp) {
        storeTrouble = why
        storeRestsUntil = now.adding(microseconds: limits.patience)
        mustSweep = true
        for (id, _) in parts {
            planning.remove(id)
            outdated.remove(id)
            cache[id] = nil
            // At once when the store is back, whatever the clock says then: a fresh read tells how far the job got.
            heap.set(JobCursor(id: id, nextDue: .distantPast))
        }
    }

    mutating func sweepFailed(_ why: String, _ now: Timestamp) {
        leftSinceSweep = nil
        planFailed([], why, now)
    }

    mutating func changed(_ cursors: [JobCursor]) {
        for cursor in cursors where holds(cursor.id) && !isLeaving(cursor.id) {
            cache[cursor.id] = nil
            readingAhead.remove(cursor.id)
            if planning.contains(cursor.id) {
                outdated.insert(cursor.id)
            } else {
                heap.set(cursor)
            }
        }
    }

    /// Takes up cursors as the store had them a moment ago. Whoever stands earlier was changed since, perhaps: none is put off.
    mutating func rewound(_ cursors: [JobCursor]) {
        if isShared { locateUnknown(cursors) }
        changed(
            cursors.filter { cursor in
                guard let due = cursor.nextDue else { return false }
                return heap.nextDue(of: cursor.id).map { due <= $0 } ?? true
            })
    }

    /// Drops every definition at hand: the zone database changed.
    public mutating func forgetDefinitions() {
        cache.removeAll()
        readingAhead.removeAll()
    }
}
