import CarillonCore
import CarillonEngine
import MemoryStore
import Timetable

/// The store as the daemon sees it: slow, sometimes down, and not always sure of what it wrote.
extension SimulatedInstance {
    private enum Fault { case none, before, after }

    /// Asks the store; the lane waits. The answer comes late, never when the daemon died meanwhile, and may be a lie.
    func ask<Answer>(
        _ lane: Int, _ body: @escaping (any WorldStore) async throws -> Answer,
        then: @escaping (Result<Answer, StoreError>) -> Void
    ) {
        lanes[lane].isWaiting = true
        let (mine, store) = (life, store)
        // What a cut holds back comes late.
        later(max(0, cutUntil - uptime) + storeDelay()) {
            // A daemon that died may leave a write on its way.
            if mine != self.life, self.random.chance(0.5) { return }
            self.answer(store, body) { answer in
                self.later(self.storeDelay()) {
                    guard mine == self.life, self.isUp else { return }
                    self.lanes[lane].isWaiting = false
                    if case .failure(let error) = answer { self.trace { "the store answers: \(error)" } }
                    then(answer)
                    self.work(lane)
                }
            }
        }
    }

    private func answer<Answer>(
        _ store: any WorldStore, _ body: @escaping (any WorldStore) async throws -> Answer,
        then: @escaping (Result<Answer, StoreError>) -> Void
    ) {
        let fault = fault()
        if fault == .before { return then(.failure(StoreError(.unreachable, "nothing was written"))) }
        world.calls.begin {
            try await body(store)
        } then: { answer in
            guard fault == .after, case .success = answer else { return then(answer) }
            then(.failure(StoreError(.unreachable, "the answer is lost")))
        }
    }

    /// Asks the store beside the lanes; one that died meanwhile hears no answer.
    func call<Answer>(
        _ body: @escaping (any WorldStore) async throws -> Answer,
        then: @escaping (Result<Answer, StoreError>) -> Void
    ) {
        let (store, process) = (store, process)
        world.calls.begin {
            try await body(store)
        } then: { answer in
            if process == self.process, self.isUp { then(answer) }
        }
    }

    /// Has something done at once, with which nothing goes wrong.
    func atOnce(_ body: @escaping (any WorldStore) async throws -> Void) {
        #if MongoDB
            documents?.isSpared = true
            defer { documents?.isSpared = false }
        #endif
        call(body) { _ in }
    }

    private func storeDelay() -> Int64 { random.span(100...(faulty && random.chance(0.02) ? 20_000_000 : 10_000)) }

    /// How long an operation on documents is on its way; nearly always no time worth counting.
    func operationDelay() -> Int64 {
        if cutUntil > uptime { return cutUntil - uptime + storeDelay() }
        return random.chance(0.03) ? storeDelay() : 0
    }

    private func fault() -> Fault {
        // Of documents each operation has its own.
        if world.isOnDocuments { return .none }
        if isStoreDown { return .before }
        guard faulty, random.chance(0.006) else { return .none }
        totals.storeFaults += 1
        return random.chance(0.5) ? .before : .after
    }

    var isStoreDown: Bool { uptime < world.storeDownUntil }

    // MARK: Writes, each checked

    func openRuns(_ batch: [JobAdvance], under term: Term, _ store: any WorldStore) async throws -> Opened {
        if world.isOnDocuments {
            let opened = try await store.openRuns(batch, under: term, now: wall)
            auditor.refused(opened.refused)
            return opened
        }
        let batch = sabotaged(batch)
        let mine = term
        let term = fenced(term)
        let before = batch.map { ledger.jobs[$0.id]?.stored }
        let opened = try await store.openRuns(batch, under: term, now: wall)
        trace { "written: " + batch.map(\.summary).joined(separator: ", ") }
        if sabotage == .cursorNotAdvanced, random.chance(0.3) {
            for stored in before.compactMap({ $0 }) { ledger.jobs[stored.id]?.stored.cursor = stored.cursor }
        }
        auditor.opened(batch, opened, by: self)
        for part in batch where !opened.refused.contains(part.id) { auditor.wrote(part.id, by: mine, self) }
        return opened
    }

    /// Writes runs; answers those that go on here and have ended in the ledger.
    func record(_ runs: [Run], under term: Term, _ store: any WorldStore) async throws -> [Run] {
        if world.isOnDocuments {
            // In an order that a seed brings back: some of them may be written, and some not.
            let runs = runs.sorted { $0.id < $1.id }
            let unwritten = try await store.record(runs, under: term, now: wall)
            return runs.filter { !$0.state.isFinal && unwritten.contains($0.id) }.compactMap { ledger.runs[$0.id] }
        }
        let before = runs.map { ledger.runs[$0.id] }
        let (mine, term) = (term, fenced(term))
        let unwritten = try await store.record(runs, under: term, now: wall)
        if sabotage == .finalRewritten, let final = before.compactMap({ $0 }).first(where: \.state.isFinal) {
            ledger.overwrite(final.id) { $0.state = .failed }
        }
        for (run, before) in zip(runs, before) {
            auditor.recorded(run, before: before)
            if !unwritten.contains(run.id) { auditor.wrote(run.jobID, by: mine, self) }
        }
        return runs.filter { !$0.state.isFinal && unwritten.contains($0.id) }.compactMap { ledger.runs[$0.id] }
    }

    func setBack(
        _ cursors: [JobCursor], under term: Term, now: Timestamp, _ store: any WorldStore
    ) async throws {
        let before = cursors.compactMap { ledger.jobs[$0.id]?.stored }
        try await store.rewind(cursors, under: term, now: now)
        if world.isOnDocuments { return }
        for stored in before where stored.cursor > now {
            auditor.wrote(stored.id, by: term, self)
            trace { "\(stored.job.name) set back from \(stored.cursor) to \(now)" }
            auditor.rewound(stored.id, from: stored.cursor, to: now)
        }
    }

    func apply(_ changes: [JobChange], _ store: any WorldStore) async throws -> [JobAnswer] {
        let before = ledger.jobs
        let answers = try await store.apply(changes, by: term, now: wall)
        totals.jobChanges += changes.count
        for stored in answers.compactMap(\.stored) {
            trace {
                "\(stored.job.name) is at revision \(stored.revision) from \(stored.cursor): "
                    + (stored.isRemoved ? "removed" : stored.job.summary)
            }
            if before[stored.id] == nil, !world.isOnDocuments { auditor.added(stored) }
        }
        return answers
    }
}
