import CarillonCore
import CarillonEngine
import MemoryStore
import Timetable

/// Changes of definitions, made and taken up as the live engine does it.
extension SimulatedInstance {
    func addJob() {
        guard ledger.jobs.values.count(where: { !$0.removed }) < 3 else { return }
        // A name that was removed may come back.
        let old = ledger.jobs.values.filter(\.removed).map(\.stored.job).sorted { $0.name < $1.name }
        world.names += 1
        let returning = old.isEmpty || random.chance(0.5) ? nil : random.pick(old)
        let mayOverlap = returning.map { $0.policies.overlap == .allow } ?? random.chance(0.35)
        let job = JobMaker.job(
            named: returning?.name ?? "job-\(world.names)", mayOverlap: mayOverlap, now: wall, &random)
        change { [TakeUp.addition(job, at: self.wall, zones: self.zones)] }
        // A job of every second lives for minutes, and is to see a freeze.
        if case .every(let text, _) = job.schedule.rule, ["1s", "5s"].contains(text), faulty {
            later(random.span(1_000_000...120_000_000)) { if self.faulty { self.freeze() } }
        }
    }

    func removeJob(_ name: String) {
        change { self.present(name).map { [.remove($0.id, revision: $0.revision)] } ?? [] }
    }

    func change(_ edits: [(name: String, edit: (inout Job) -> Void)]) {
        change {
            edits.compactMap { name, edit in
                guard let stored = self.present(name) else { return nil }
                var job = stored.job
                edit(&job)
                return .change(stored.id, job, revision: stored.revision)
            }
        }
    }

    private func present(_ name: String) -> StoredJob? {
        ledger.jobs.values.first { $0.stored.job.name == name && !$0.removed }?.stored
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

    /// Makes changes from what the store has then, and has them taken up.
    private func change(_ changes: @escaping () -> [JobChange]) {
        guard isUp, lanes[Lane.orders].isIdle else {
            return later(random.number(1_000...60_000_000)) { self.change(changes) }
        }
        act(Lane.orders) {
            let made = changes()
            self.ask(Lane.orders) { store in
                try await self.apply(made, store)
            } then: { answer in
                guard case .success(let answers) = answer else { return self.readCursorsLater() }
                let stored = answers.compactMap(\.stored)
                self.act(Lane.orders) {
                    let margin = self.wall.adding(microseconds: 2_000_000)
                    if stored.contains(where: { !$0.isChanging && $0.cursor > margin }) { self.rewind(Lane.orders) }
                }
                let changing = stored.filter(\.isChanging).map(\.id)
                if !changing.isEmpty { self.act(Lane.orders) { self.send(.plan(changing), lane: Lane.orders) } }
                let cursors = stored.map { job in
                    JobCursor(
                        id: job.id, nextDue: job.isChanging ? .distantPast : job.job.isOn ? job.nextDue : nil)
                }
                self.send(.changed(cursors), lane: Lane.orders)
            }
        }
        work(Lane.orders)
    }

    private func readCursorsLater() {
        later(10_000_000) { [life] in
            guard life == self.life, self.isUp else { return }
            self.act(Lane.custody) {
                self.ask(Lane.custody) { _ in
                    self.ledger.cursors()
                } then: { answer in
                    switch answer {
                    case .success(let cursors):
                        self.takeUp(cursors, Lane.custody)
                        self.send(.rewound(cursors), lane: Lane.custody)
                    case .failure: self.readCursorsLater()
                    }
                }
            }
            self.work(Lane.custody)
        }
    }

    /// Has those taken up that somebody has changed before.
    func takeUp(_ cursors: [JobCursor], _ lane: Int) {
        let changing = cursors.filter { $0.nextDue == .distantPast }.map(\.id)
        if !changing.isEmpty { act(lane) { self.send(.plan(changing), lane: lane) } }
    }
}
