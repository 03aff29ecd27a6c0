package import CarillonCore
import Timetable

/// Changes of definitions. Each is of the revision that it was made from; times before it is taken up follow the former one.
extension Engine {
    /// Adds or replaces jobs; `id` says which ones exist. Answers what stands in the way of those that it left alone: a name
    /// of another feed, and with a revision given, or with nothing to be replaced, that somebody else was faster.
    ///
    /// With revisions given, all of what is there was read at these: `busy` is thrown when somebody has changed any since.
    package func put(
        _ jobs: [(job: Job, id: JobID?)], replacing: Bool = true, at revision: Int64? = nil,
        reading revisions: [JobID: Int64]? = nil
    ) async throws -> [ConfigProblem] {
        var faults: [ConfigProblem] = []
        let sound = jobs.filter { asked in
            guard let message = asked.job.fault ?? lanes.fault(of: asked.job) else { return true }
            faults.append(ConfigProblem(asked.job, message))
            return false
        }
        if sound.isEmpty { return faults }
        let now = clock.now
        let triesAgain = revision == nil && revisions == nil && replacing
        let answers = try await change(sound.map(\.id), triesAgain: triesAgain) { place, known in
            let job = sound[place].job
            let revision = revision ?? sound[place].id.flatMap { revisions?[$0] }
            if let revision, let id = sound[place].id {
                return .change(id, job.under(known?.job.standing?.afterChange), revision: revision)
            }
            guard let known, !known.isRemoved else { return TakeUp.addition(job, at: now, zones: zones) }
            return .change(known.id, job.under(known.job.standing?.afterChange), revision: known.revision)
        }
        for (asked, answer) in zip(sound, answers) {
            switch answer {
            case .foreign:
                faults.append(ConfigProblem(asked.job, "the name is taken by a job of another feed"))
            case .stale where revisions != nil: throw Self.changedMeanwhile
            case .stale: faults.append(ConfigProblem(asked.job, "it was changed meanwhile; look at it again"))
            case .stored, nil: break
            }
        }
        return faults
    }

    /// Changes what orders have laid upon jobs, and nothing of their definitions. Jobs that are gone are left out, and those that
    /// are so already; answers the others as they stand now.
    @discardableResult
    func lay(_ ids: [JobID], _ change: @Sendable (inout Standing, StoredJob) -> Void) async throws -> [StoredJob] {
        try await self.change(ids) { _, known in
            // What cannot be read cannot be written back either.
            guard let known = known.map(lanes.checked), !known.isRemoved, known.fault == nil else { return nil }
            var standing = known.job.standing ?? Standing()
            change(&standing, known)
            guard standing != known.job.standing ?? Standing() else { return nil }
            var job = known.job
            job.standing = nil
            return .change(known.id, job.under(standing), revision: known.revision)
        }
        .compactMap { $0?.stored }
    }

    /// Brings jobs to a halt until none is left to; throws when its task is cancelled.
    func haltAll() async throws {
        while !state.halting.isEmpty {
            let owed = state.halting
            do {
                try await lay(Array(owed.keys)) { standing, stored in
                    guard standing.off == nil else { return }
                    standing.off = .halted(owed[stored.id]?.why ?? "")
                    standing.mark = nil
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

    private static var changedMeanwhile: StoreError {
        StoreError(.busy, "jobs were changed by somebody else meanwhile")
    }

    /// Removes jobs; with revisions given, as they were read, and else as they are.
    func remove(_ ids: [JobID], reading revisions: [JobID: Int64]? = nil) async throws {
        let answers = try await change(ids, triesAgain: revisions == nil) { _, known in
            known.flatMap { $0.isRemoved ? nil : .remove($0.id, revision: revisions?[$0.id] ?? $0.revision) }
        }
        forget(faulty: ids)
        let gone = Dictionary(grouping: answers.compactMap { $0?.stored?.job }, by: \.target.kind)
        for (kind, jobs) in gone { await lanes.lane(of: kind)?.dismiss(jobs.map(\.name)) }
        if revisions != nil, answers.contains(where: { if case .stale? = $0 { true } else { false } }) {
            throw Self.changedMeanwhile
        }
    }

    /// How often a change is made anew from what somebody else left, before that is an error: each time somebody got on.
    private static var tries: Int { 100 }

    /// Makes a change for each of these jobs from what the store has of it, and anew from what somebody else has made of it
    /// meanwhile; returns when the changes are taken up. Answers nil where none was to be made.
    private func change(
        _ ids: [JobID?], triesAgain: Bool = true, _ change: (Int, StoredJob?) -> JobChange?
    ) async throws -> [JobAnswer?] {
        let known = Dictionary(try await store.jobs(ids: ids.compactMap { $0 }).map { ($0.id, $0) }) { first, _ in first
        }
        var answers = [JobAnswer?](repeating: nil, count: ids.count)
        var asked = ids.indices.map { (place: $0, known: ids[$0].flatMap { known[$0] }) }
        for _ in 0..<(triesAgain ? Self.tries : 1) where !asked.isEmpty {
            let made = asked.compactMap { asked in
                change(asked.place, asked.known).map { (place: asked.place, change: $0) }
            }
            asked = []
            if made.isEmpty { break }
            let stored: [JobAnswer]
            let begun = clock.uptime
            do {
                stored = try await store.apply(made.map(\.change), by: sharing.term, now: clock.now)
            } catch {
                owesCursors()
                throw error
            }
            metrics.took(.change, clock.uptime - begun)
            for (made, answer) in zip(made, stored) {
                answers[made.place] = answer
                if case .stale(let known) = answer { asked.append((made.place, known)) }
            }
            if let changed = settings.changed {
                let names = stored.compactMap(\.stored?.job.name)
                if !names.isEmpty { changed(.jobs(names)) }
            }
            await takeUp(stored.compactMap(\.stored))
        }
        if triesAgain, !asked.isEmpty {
            throw StoreError(.busy, "others change the same jobs all the time")
        }
        return answers
    }

    /// Takes up what was changed by somebody who did not see to it, whatever stands against planning.
    func takeUpWhatWasChanged(_ cursors: [JobCursor]) async {
        await plan(cursors.filter { $0.nextDue == .distantPast }.map(\.id))
    }

    /// Plans jobs up to now, whatever their next times are.
    func plan(_ jobs: [JobID]) async {
        for start in stride(from: 0, to: jobs.count, by: state.limits.batch) {
            await send(.plan(Array(jobs[start..<min(start + state.limits.batch, jobs.count)])))
        }
    }

    /// Takes up what the store has now, of jobs that are planned here; returns when that is done, or cannot be now.
    private func takeUp(_ stored: [StoredJob]) async {
        await hear(ofChanged: stored)
        for id in stored.lazy.filter(\.isChanging).map(\.id) {
            // Each once: they may be due again by then.
            while state.isPlanning([id]), (try? await untilPerformed()) != nil {}
        }
    }

    /// Begins to take up what the store has now.
    func hear(ofChanged all: [StoredJob]) async {
        if isTaking { missed.jobs.formUnion(all.map(\.id)) }
        for job in all { locate(job) }
        let stored = all.filter { state.holds($0.id) }
        if stored.isEmpty { return }
        if settings.shares { await expect(stored.filter { !$0.isRemoved }.map(\.job)) }
        await send(
            .changed(
                stored.map {
                    JobCursor(
                        id: $0.id, nextDue: $0.isChanging ? .distantPast : $0.job.isOn ? $0.nextDue : nil)
                }))
        if !pausedTags.isEmpty {
            await send(.tagged(Dictionary(stored.map { ($0.id, $0.job.tags) }) { $1 }))
        }
        await heal(stored.filter { !$0.isRemoved })
        let changing = stored.filter(\.isChanging).map(\.id)
        if !changing.isEmpty { await send(.plan(changing)) }
        await rewind(ifAhead: stored.filter { !$0.isChanging }.map(\.cursor))
    }
}

extension ConfigProblem {
    fileprivate init(_ job: Job, _ message: String) {
        self.init(source: job.origin.source, job: job.name, message: message)
    }
}
