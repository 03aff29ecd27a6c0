package import CarillonCore
package import Timetable

/// The change from one definition of a job to the next. Times before it follow the old one, times after it the new.
package struct DefinitionChange: Sendable {
    package var storeID: UInt64
    package var instance: String
    package var now: Timestamp
    package var zones: ZoneDatabase
    /// Why a job that is on has times that the ledger does not account for, in spite of its plan.
    package var missed = SkipReason.downtime

    package init(storeID: UInt64, instance: String, now: Timestamp, zones: ZoneDatabase) {
        self.storeID = storeID
        self.instance = instance
        self.now = now
        self.zones = zones
    }

    /// Whether scheduled times of this job have come that the ledger does not account for yet.
    package func isBehind(_ stored: StoredJob) -> Bool {
        stored.job.isOn && leftover(of: stored) != nil
    }

    /// Makes the change to a new definition; what the old one leaves behind is recorded as skipped.
    package func change(to job: Job, from before: StoredJob?) -> JobChange {
        let schedule = CompiledJob(
            StoredJob(id: JobID(0), job: job, revision: 0, cursor: now, nextDue: nil), zones: zones
        ).schedule
        var cursor = now
        var skips: [Skip] = []
        if let before, before.fault != nil {
            skips = unreadable(before, now: schedule)
        } else if let before {
            skips = leftover(of: before).map { [$0] } ?? []
            if before.job.schedule == job.schedule { cursor = max(now, before.cursor) }
        } else if case .once(let time)? = schedule?.rule, time <= now {
            skips.append(
                Skip(
                    jobID: JobID(0), job: job.name, revision: 1, after: time.adding(microseconds: -1), through: time,
                    reason: .past, recordedAt: now))
        }
        let nextDue = job.isOn ? Planner.nextDue(of: schedule, after: cursor) : nil
        return .put(job, cursor: cursor, nextDue: nextDue, skips: skips)
    }

    /// Skips what passed while nobody could read the definition. Which times there were only the new schedule can tell.
    private func unreadable(_ stored: StoredJob, now schedule: Schedule?) -> [Skip] {
        guard let first = Planner.nextDue(of: schedule, after: stored.cursor), first <= now else { return [] }
        return [
            Skip(
                jobID: stored.id, job: stored.job.name, revision: stored.revision + 1, after: stored.cursor,
                through: now, reason: reason(stored, else: .faulty), recordedAt: now)
        ]
    }

    private func leftover(of stored: StoredJob) -> Skip? {
        guard let schedule = CompiledJob(stored, zones: zones).schedule else { return nil }
        return Planner(storeID: storeID, instance: instance, now: now, live: now)
            .skipAll(stored, schedule: schedule, reason: reason(stored, else: missed))
    }

    /// Says why the times of a job did not run: it was off, or this.
    private func reason(_ stored: StoredJob, else missed: SkipReason) -> SkipReason {
        stored.job.isOn ? missed : stored.job.standing?.off?.reason ?? .disabled
    }
}
