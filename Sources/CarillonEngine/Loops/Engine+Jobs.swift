package import CarillonCore
import Timetable

/// Changes of definitions. Times before a change is taken up follow the old schedule.
extension Engine {
    /// Adds or replaces jobs; `id` says which ones exist. Answers names that belong to another feed.
    package func put(_ jobs: [(job: Job, id: JobID?)]) async throws -> [ConfigProblem] {
        var faults: [ConfigProblem] = []
        let jobs = jobs.filter { asked in
            guard let fault = asked.job.fault ?? lanes.fault(of: asked.job.target) else { return true }
            faults.append(ConfigProblem(source: asked.job.origin.source, job: asked.job.name, message: fault))
            return false
        }
        if jobs.isEmpty { return faults }
        let ids = jobs.compactMap(\.id)
        let stored = try await cutOver(ids) { cut, before in
            jobs.map { asked in
                let known = asked.id.flatMap { before[$0] }
                return cut.change(to: asked.job.under(known?.job.standing?.afterChange), from: known)
            }
        }
        await taken(stored, of: ids)
        return faults
            + zip(jobs, stored).compactMap { asked, stored in
                stored != nil
                    ? nil
                    : ConfigProblem(
                        source: asked.job.origin.source, job: asked.job.name,
                        message: "the name is taken by a job of another feed")
            }
    }

    /// Changes what orders have laid upon jobs, and nothing of their definitions. Jobs that are gone are left out.
    ///
    /// `missed` is why times up to now did not run, if there are any.
    func lay(
        _ ids: [JobID], missed: SkipReason = .downtime, _ change: (inout Standing, StoredJob) -> Void
    ) async throws {
        let stored = try await cutOver(ids) { cut, before in
            var cut = cut
            cut.missed = missed
            // What cannot be read cannot be written back either.
            return before.values.filter { !$0.isRemoved && $0.fault == nil }.map { known in
                var standing = known.job.standing ?? Standing()
                change(&standing, known)
                var job = known.job
                job.standing = nil
                return cut.change(to: job.under(standing), from: known)
            }
        }
        await taken(stored, of: ids)
    }

    /// Brings jobs to a halt until none is left to; throws when its task is cancelled.
    func haltAll() async throws {
        while !state.halting.isEmpty {
            let owed = state.halting
            do {
                try await lay(Array(owed.keys), missed: .halted) { standing, stored in
                    guard standing.off == nil else { return }
                    standing.off = .halted(owed[stored.id]?.why ?? "")
                    standing.isOwed = true
                }
                await send(.halted(Array(owed.keys)))
            } catch {
                try Task.checkCancellation()
                _ = note(error)
                try await clock.sleep(for: 1_000_000)
            }
        }
    }

    /// Takes up what the store has now; a job of another feed, or one that is gone, is as it was.
    private func taken(_ stored: [StoredJob?], of ids: [JobID]) async {
        await send(
            .changed(
                stored.compactMap { stored in
                    stored.map { JobCursor(id: $0.id, nextDue: $0.job.isOn ? $0.nextDue : nil) }
                }))
        if !pausedTags.isEmpty {
            let tags = stored.compactMap { stored in stored.map { ($0.id, $0.job.tags) } }
            await send(.tagged(Dictionary(tags) { $1 }))
        }
        await heal(stored.compactMap { $0 })
        let changed = Set(stored.compactMap { $0?.id })
        let refused = ids.filter { !changed.contains($0) }
        if !refused.isEmpty { await send(.release(refused)) }
        await rewind(ifAhead: stored.compactMap { $0?.cursor })
    }

    func remove(_ ids: [JobID]) async throws {
        var gone: [Job] = []
        _ = try await cutOver(ids) { cut, before in
            gone = before.values.map(\.job)
            return ids.flatMap { id -> [JobChange] in
                guard let stored = before[id], cut.isBehind(stored) else { return [.remove(id)] }
                var last = stored.job
                last.enabled = false
                return [cut.change(to: last, from: stored), .remove(id)]
            }
        }
        forget(faulty: ids)
        for (kind, jobs) in Dictionary(grouping: gone, by: \.target.kind) {
            await lanes.lane(of: kind)?.dismiss(jobs.map(\.name))
        }
        await send(.changed(ids.map { JobCursor(id: $0, nextDue: nil) }))
    }

    /// Plans jobs up to now, keeps the tick off them and changes them; one change at a time.
    private func cutOver(
        _ ids: [JobID], _ changes: (DefinitionChange, [JobID: StoredJob]) -> [JobChange]
    ) async throws -> [StoredJob?] {
        while !state.frozen.isEmpty { try await untilPerformed() }
        do {
            var before: [JobID: StoredJob] = [:]
            var cut = DefinitionChange(storeID: state.storeID, instance: instance, now: clock.now, zones: zones)
            // A plan may fail, and it opens only so many runs: what is still missing then is recorded as skipped.
            for _ in 0..<3 where !ids.isEmpty {
                // The new definitions count from here: whatever comes due during the plan is theirs.
                cut.now = clock.now
                await send(.freeze(ids))
                while state.isPlanning(ids) { try await untilPerformed() }
                before = Dictionary(try await store.jobs(ids: ids).map { ($0.id, lanes.checked($0)) }) { first, _ in
                    first
                }
                if !before.values.contains(where: cut.isBehind) { break }
            }
            return try await store.apply(changes(cut, before), lease: lease, now: cut.now)
        } catch {
            owesCursors()
            await send(.release(ids))
            throw error
        }
    }
}
