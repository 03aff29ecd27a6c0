import CarillonCore
import CarillonEngine
import MemoryStore
import Timetable

/// Changes of definitions, through the same cut-over as the live engine's.
extension World {
    func addJob() {
        guard ledger.jobs.values.count(where: { !$0.removed }) < 3 else { return }
        // A name that was removed may come back.
        let old = ledger.jobs.values.filter(\.removed).map(\.stored.job).sorted { $0.name < $1.name }
        names += 1
        let returning = old.isEmpty || random.chance(0.5) ? nil : random.pick(old)
        let mayOverlap = returning.map { $0.policies.overlap == .allow } ?? random.chance(0.35)
        let job = JobMaker.job(
            named: returning?.name ?? "job-\(names)", mayOverlap: mayOverlap, now: clock.wall, &random)
        cutOver([]) { cut, _ in [cut.change(to: job, from: nil)] }
        // A job of every second lives for minutes, and is to see a freeze.
        if case .every(let text, _) = job.schedule.rule, ["1s", "5s"].contains(text), faulty {
            later(random.span(1_000_000...120_000_000)) { if self.faulty { self.freeze() } }
        }
    }

    func removeJob(_ name: String) {
        guard let id = ledger.jobs.values.first(where: { $0.stored.job.name == name })?.stored.id else { return }
        cutOver([id]) { cut, before in
            guard let stored = before[id], !(self.ledger.jobs[id]?.removed ?? true) else { return [] }
            guard cut.isBehind(stored) else { return [.remove(id)] }
            var last = stored.job
            last.enabled = false
            return [cut.change(to: last, from: stored), .remove(id)]
        }
    }

    func change(_ edits: [(name: String, edit: (inout Job) -> Void)]) {
        let known = Dictionary(ledger.jobs.values.map { ($0.stored.job.name, $0.stored.id) }) { first, _ in first }
        let ids = edits.compactMap { known[$0.name] }
        cutOver(ids) { cut, before in
            edits.compactMap { name, edit in
                guard let id = known[name], let stored = before[id], !(self.ledger.jobs[id]?.removed ?? true) else {
                    return nil
                }
                var job = stored.job
                edit(&job)
                return cut.change(to: job, from: stored)
            }
        }
    }

    /// Brings jobs to a halt as the live engine does; after a while somebody resolves each.
    func haltLater(tries: Int = 0) {
        // Seldom at last, as long as the store is away.
        later(random.span(1_000...10_000_000) << Int64(min(tries, 16))) { [life] in
            guard life == self.life, self.isUp, !self.state.halting.isEmpty else { return }
            var done: [JobID] = []
            for id in self.state.halting.keys.sorted() {
                guard let row = self.ledger.jobs[id], !row.removed, row.stored.job.standing?.off == nil else {
                    done.append(id)
                    continue
                }
                let name = row.stored.job.name
                self.change([(name, { $0.standing = Standing(off: .halted("it failed")) })])
                guard tries == 0 else { continue }
                self.later(self.random.span(1_000_000...30 * JobMaker.day)) {
                    self.change([(name, { $0.standing = nil })])
                }
            }
            if !done.isEmpty {
                self.act(Lane.custody) { self.send(.halted(done), lane: Lane.custody) }
                self.work(Lane.custody)
            }
            self.haltLater(tries: tries + 1)
        }
    }

    private typealias Changes = (DefinitionChange, [JobID: StoredJob]) -> [JobChange]

    private func cutOver(_ ids: [JobID], _ changes: @escaping Changes) {
        guard isUp, state.frozen.isEmpty, lanes[Lane.orders].isIdle else {
            return later(random.number(1_000...60_000_000)) { self.cutOver(ids, changes) }
        }
        act(Lane.orders) { self.hold(ids, tries: ids.isEmpty ? 0 : 3, before: [:], changes) }
        work(Lane.orders)
    }

    private func hold(_ ids: [JobID], tries: Int, before: [JobID: StoredJob], _ changes: @escaping Changes) {
        let cut = cut(at: clock.wall)
        guard tries > 0, tries == 3 || before.values.contains(where: cut.isBehind) else {
            return apply(ids, cut, before, changes)
        }
        act(Lane.orders) { self.settle(ids, tries, changes) }
        send(.freeze(ids), lane: Lane.orders)
    }

    private func settle(_ ids: [JobID], _ tries: Int, _ changes: @escaping Changes) {
        if state.isPlanning(ids) {
            lanes[Lane.orders].isWaiting = true
            later(2_000) { [life] in
                guard life == self.life, self.isUp else { return }
                self.lanes[Lane.orders].isWaiting = false
                self.act(Lane.orders) { self.settle(ids, tries, changes) }
                self.work(Lane.orders)
            }
            return
        }
        ask(Lane.orders) {
            Dictionary(uniqueKeysWithValues: ids.compactMap { self.ledger.jobs[$0]?.stored }.map { ($0.id, $0) })
        } then: { answer in
            guard case .success(let before) = answer else { return self.giveUp(ids) }
            self.hold(ids, tries: tries - 1, before: before, changes)
        }
    }

    private func apply(_ ids: [JobID], _ cut: DefinitionChange, _ before: [JobID: StoredJob], _ changes: Changes) {
        let changes = changes(cut, before)
        let lease = lease
        ask(Lane.orders) { () throws(StoreError) in
            try self.apply(changes, at: cut.now, lease: lease)
        } then: { answer in
            guard case .success(let stored) = answer else { return self.giveUp(ids) }
            var cursors = stored.compactMap { $0 }.map {
                JobCursor(id: $0.id, nextDue: $0.job.isOn ? $0.nextDue : nil)
            }
            for case .remove(let id) in changes { cursors.append(JobCursor(id: id, nextDue: nil)) }
            // Jobs that were not changed after all go back where they were.
            let changed = Set(cursors.map(\.id))
            let untouched = ids.filter { !changed.contains($0) }
            let written = stored.compactMap { $0?.cursor }
            self.act(Lane.orders) {
                let margin = self.clock.wall.adding(microseconds: 2_000_000)
                if written.contains(where: { $0 > margin }) { self.rewind(Lane.orders) }
            }
            if !untouched.isEmpty {
                self.act(Lane.orders) { self.send(.release(untouched), lane: Lane.orders) }
            }
            self.send(.changed(cursors), lane: Lane.orders)
        }
    }

    private func giveUp(_ ids: [JobID]) {
        readCursorsLater()
        send(.release(ids), lane: Lane.orders)
    }

    private func readCursorsLater() {
        later(10_000_000) { [life] in
            guard life == self.life, self.isUp else { return }
            self.act(Lane.custody) {
                self.ask(Lane.custody) {
                    self.ledger.cursors()
                } then: { answer in
                    switch answer {
                    case .success(let cursors): self.send(.rewound(cursors), lane: Lane.custody)
                    case .failure: self.readCursorsLater()
                    }
                }
            }
            self.work(Lane.custody)
        }
    }

    private func cut(at now: Timestamp) -> DefinitionChange {
        DefinitionChange(storeID: state.storeID, instance: state.instance, now: now, zones: zones)
    }
}
