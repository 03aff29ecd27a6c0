import CarillonCore
import Timetable

/// Changes of definitions. Times before a change is taken up follow the old schedule.
extension Engine {
    /// Adds or replaces jobs; `id` says which ones exist. Answers names that belong to another feed.
    func put(_ jobs: [(job: Job, id: JobID?)]) async throws -> [FeedProblem] {
        let ids = jobs.compactMap(\.id)
        if !ids.isEmpty { await send(.plan(ids)) }
        let now = clock.now
        let before = Dictionary(
            uniqueKeysWithValues: try await store.jobs(ids: ids).map { ($0.id, $0) })
        let changes = jobs.map { change(to: $0.job, from: $0.id.flatMap { before[$0] }, now) }
        let stored = try await store.apply(changes, lease: lease, now: now)
        await send(
            .changed(
                stored.compactMap { stored in
                    stored.map { JobCursor(id: $0.id, nextDue: $0.job.enabled ? $0.nextDue : nil) }
                }))
        return zip(jobs, stored).compactMap { asked, stored in
            stored != nil
                ? nil
                : FeedProblem(
                    source: asked.job.origin.source, job: asked.job.name,
                    message: "the name is taken by a job of another feed")
        }
    }

    /// What a new definition does to the cursor.
    private func change(to job: Job, from before: StoredJob?, _ now: Timestamp) -> JobChange {
        let schedule = Definition(
            StoredJob(id: JobID(0), job: job, revision: 0, cursor: now, nextDue: nil), zones: zones
        ).schedule
        var cursor = now
        var skips: [Skip] = []
        if let before {
            let planner = Planner(
                storeID: state.storeID, instance: instance, now: now, live: now, missed: .disabled)
            if before.job.schedule == job.schedule, before.job.enabled == job.enabled {
                cursor = before.cursor
            } else if !before.job.enabled, job.enabled,
                let old = Definition(before, zones: zones).schedule,
                let skip = planner.skipAll(before, schedule: old, reason: .disabled)
            {
                skips.append(skip)
            } else if !job.enabled {
                cursor = before.cursor
            }
        } else if case .once(let time)? = schedule?.rule, time <= now {
            skips.append(
                Skip(
                    jobID: JobID(0), job: job.name, revision: 1, after: time.adding(microseconds: -1), through: time,
                    reason: .past, recordedAt: now))
        }
        let nextDue = job.enabled ? Planner.nextDue(of: schedule, after: cursor) : nil
        return .put(job, cursor: cursor, nextDue: nextDue, skips: skips)
    }

    func remove(_ ids: [JobID]) async throws {
        await send(.plan(ids))
        _ = try await store.apply(ids.map { .remove($0) }, lease: lease, now: clock.now)
        await send(.changed(ids.map { JobCursor(id: $0, nextDue: nil) }))
    }
}
