package import CarillonCore
package import Timetable

/// The step from one definition of a job to the next: times up to now are the former one's, those after it the present one's.
package struct TakeUp: Sendable {
    package var planner: Planner

    package init(planner: Planner) { self.planner = planner }

    /// Makes the addition of a job that was not there; its times count from now on.
    package static func addition(_ job: Job, at now: Timestamp, zones: ZoneDatabase) -> JobChange {
        let stored = StoredJob(id: JobID(0), job: job, revision: 1, cursor: now, nextDue: nil)
        let schedule = CompiledJob(stored, zones: zones).schedule
        return .add(
            job, cursor: now, nextDue: job.isOn ? Planner.nextDue(of: schedule, after: now) : nil,
            skips: past(schedule, stored, now))
    }

    /// Plans a changed job up to now by its former definition, and says from where on the present one counts.
    ///
    /// What the former one leaves behind because it was off, or cannot be read, is recorded as skipped, and so is what it owes
    /// to a job that was switched off a minute ago or more. What comes after a job is gone is nobody's.
    func advance(_ job: PlannableJob, from former: CompiledJob, activity: Planner.Activity) -> JobAdvance {
        let present = job.definition
        let now = planner.now
        let isSame = former.isReadable && former.job.schedule == present.job.schedule
        // A cursor that is ahead of the clock is so of the old times alone.
        var end = isSame ? max(now, job.cursor) : now
        var before = job.stored
        (before.job, before.revision) = (former.job, former.revision)
        var runs: [Run] = []
        var skips: [Skip] = []
        if former.isRemoved {
            skips = Self.past(present.schedule, job.stored, now)
        } else if !former.isReadable {
            skips = unreadable(job, else: former.job.standing?.off?.reason)
        } else if let schedule = former.schedule {
            var off = off(former, present)
            // A job that was switched off, or is gone, begins no run any more but those that were due just then.
            var (planner, rest) = (planner, planner)
            if off == nil, !present.isOn {
                planner.now = min(now, max(job.changedAt, job.cursor))
                if now.microseconds &- planner.now.microseconds >= Planner.tardy { off = reason(present) }
                // What comes after it is gone is nobody's.
                if present.isRemoved { (rest, end) = (planner, planner.now) }
            }
            if off == nil, let plan = planner.plan(before, schedule: schedule, activity: activity) {
                (runs, skips) = (plan.runs, plan.skips)
                (before.cursor, before.opened) = (plan.to, before.opened + Int64(plan.runs.count))
            }
            if off != nil || !present.isOn {
                let left = rest.skipAll(before, schedule: schedule, reason: off ?? reason(present))
                skips += left.map { [$0] } ?? []
            }
        }
        return JobAdvance(
            id: present.id, revision: present.revision, from: job.cursor, to: end,
            nextDue: present.isOn ? Planner.nextDue(of: present.schedule, after: end) : nil, runs: runs, skips: skips,
            takesUp: true, countsAnew: former.job.schedule != present.job.schedule)
    }

    /// Why no time of the former definition runs any more: it was off, or the job has come to a halt.
    private func off(_ former: CompiledJob, _ present: CompiledJob) -> SkipReason? {
        if !former.job.isOn { return reason(former) }
        if case .halted? = present.job.standing?.off { return .halted }
        return nil
    }

    private func reason(_ definition: CompiledJob) -> SkipReason {
        definition.job.standing?.off?.reason ?? .disabled
    }

    /// Skips what passed while nobody could read the definition. Which times there were only the present schedule can tell.
    private func unreadable(_ job: PlannableJob, else off: SkipReason?) -> [Skip] {
        guard let first = Planner.nextDue(of: job.definition.schedule, after: job.cursor), first <= planner.now else {
            return []
        }
        return [
            Skip(
                jobID: job.definition.id, job: job.definition.job.name, revision: job.definition.revision,
                after: job.cursor, through: planner.now, reason: off ?? .faulty, recordedAt: planner.now)
        ]
    }

    /// Skips the one time of a job that comes when it is over.
    private static func past(_ schedule: Schedule?, _ stored: StoredJob, _ now: Timestamp) -> [Skip] {
        guard case .once(let time)? = schedule?.rule, time <= now else { return [] }
        return [
            Skip(
                jobID: stored.id, job: stored.job.name, revision: stored.revision,
                after: time.adding(microseconds: -1), through: time, reason: .past, recordedAt: now)
        ]
    }
}
