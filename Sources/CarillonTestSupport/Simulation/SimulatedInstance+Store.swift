import CarillonCore
import CarillonEngine
import MemoryStore
import Timetable

/// The store as the daemon sees it: slow, sometimes down, and not always sure of what it wrote.
extension SimulatedInstance {
    private enum Fault { case none, before, after }

    /// Asks the store; the lane waits. The answer comes late, never when the daemon died meanwhile, and may be a lie.
    func ask<Answer>(
        _ lane: Int, _ body: @escaping () throws(StoreError) -> Answer,
        then: @escaping (Result<Answer, StoreError>) -> Void
    ) {
        lanes[lane].isWaiting = true
        let mine = life
        // What a cut holds back comes late.
        later(max(0, cutUntil - uptime) + storeDelay()) {
            // A daemon that died may leave a write on its way.
            if mine != self.life, self.random.chance(0.5) { return }
            let answer = self.answer(body)
            self.later(self.storeDelay()) {
                guard mine == self.life, self.isUp else { return }
                self.lanes[lane].isWaiting = false
                if case .failure(let error) = answer { self.trace { "the store answers: \(error)" } }
                then(answer)
                self.work(lane)
            }
        }
    }

    private func answer<Answer>(
        _ body: () throws(StoreError) -> Answer
    ) -> Result<Answer, StoreError> {
        let fault = fault()
        if fault == .before { return .failure(StoreError(.unreachable, "nothing was written")) }
        do {
            let answer = try body()
            return fault == .none ? .success(answer) : .failure(StoreError(.unreachable, "the answer is lost"))
        } catch {
            return .failure(error)
        }
    }

    private func storeDelay() -> Int64 { random.span(100...(faulty && random.chance(0.02) ? 20_000_000 : 10_000)) }

    private func fault() -> Fault {
        if isStoreDown { return .before }
        guard faulty, random.chance(0.006) else { return .none }
        totals.storeFaults += 1
        return random.chance(0.5) ? .before : .after
    }

    var isStoreDown: Bool { uptime < world.storeDownUntil }

    // MARK: Writes, each checked

    func openRuns(_ batch: [JobAdvance], under term: Term) throws(StoreError) -> Opened {
        let batch = sabotaged(batch)
        let mine = term
        let term = fenced(term)
        let before = batch.map { ledger.jobs[$0.id]?.stored }
        let opened = try checked { (ledger) throws in try ledger.openRuns(batch, under: term) }
        trace { "written: " + batch.map(\.summary).joined(separator: ", ") }
        if sabotage == .cursorNotAdvanced, random.chance(0.3) {
            for stored in before.compactMap({ $0 }) { ledger.jobs[stored.id]?.stored.cursor = stored.cursor }
        }
        auditor.opened(batch, opened, by: self)
        for part in batch where !opened.refused.contains(part.id) { auditor.wrote(part.id, by: mine, self) }
        return opened
    }

    /// Writes runs; answers those that go on here and have ended in the ledger.
    func record(_ runs: [Run], under term: Term) throws(StoreError) -> [Run] {
        let before = runs.map { ledger.runs[$0.id] }
        let (mine, term) = (term, fenced(term))
        let unwritten = try checked { (ledger) throws in try ledger.record(runs, under: term) }
        if sabotage == .finalRewritten, let final = before.compactMap({ $0 }).first(where: \.state.isFinal) {
            ledger.overwrite(final.id) { $0.state = .failed }
        }
        for (run, before) in zip(runs, before) {
            auditor.recorded(run, before: before)
            if !unwritten.contains(run.id) { auditor.wrote(run.jobID, by: mine, self) }
        }
        return runs.filter { !$0.state.isFinal && unwritten.contains($0.id) }.compactMap { ledger.runs[$0.id] }
    }

    func setBack(_ cursors: [JobCursor], under term: Term, now: Timestamp) throws(StoreError) {
        let before = cursors.compactMap { ledger.jobs[$0.id]?.stored }
        try checked { (ledger) throws in try ledger.rewind(cursors, under: term, now: now) }
        for stored in before where stored.cursor > now {
            auditor.wrote(stored.id, by: term, self)
            trace { "\(stored.job.name) set back from \(stored.cursor) to \(now)" }
            auditor.rewound(stored.id, from: stored.cursor, to: now)
        }
    }

    func apply(_ changes: [JobChange]) throws(StoreError) -> [JobAnswer] {
        let before = ledger.jobs
        let answers = try checked { [now = wall, term] ledger in ledger.apply(changes, by: term, now: now) }
        totals.jobChanges += changes.count
        for stored in answers.compactMap(\.stored) {
            trace {
                "\(stored.job.name) is at revision \(stored.revision) from \(stored.cursor): "
                    + (stored.isRemoved ? "removed" : stored.job.summary)
            }
            if before[stored.id] == nil { auditor.added(stored) }
        }
        return answers
    }

    /// Makes a write of the ledger; anything but a store's own error is one of these too.
    private func checked<Answer>(_ write: (inout MemoryLedger) throws -> Answer) throws(StoreError) -> Answer {
        do {
            return try write(&ledger)
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(.refused, "\(error)")
        }
    }
}
