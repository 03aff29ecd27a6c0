import CarillonCore
import CarillonEngine
import MemoryStore
import Timetable

/// Carries out what `Sharing` decides, as the live engine does it.
extension SimulatedInstance {
    private var facts: InstanceFacts { InstanceFacts(id: name, name: name, host: name, lease: World.lease) }

    // MARK: Being in force

    func join() {
        let (sent, nonce) = (uptime, random.next())
        let facts = facts
        ask(Lane.look) { store in
            try await store.join(facts, nonce: nonce)
        } then: { answer in
            guard case .success(let term) = answer else {
                return self.later(World.beat / 4) { [life = self.life] in if life == self.life { self.join() } }
            }
            var sharing = Sharing(facts, term, sent: sent)
            sharing.limits.pace = 0
            self.sharing = sharing
            self.isReady = true
            self.beat()
            if self.world.livesOnMachines { self.act(Lane.look) { self.adoptMachine() } }
            self.act(Lane.look) { self.look() }
            self.work(Lane.look)
        }
    }

    private func again(_ pause: Int64, _ action: @escaping () -> Void) {
        later(random.span(pause / 2...pause)) { [life] in
            guard life == self.life, self.isUp else { return }
            if self.isFrozen { return self.onceThawed(action) }
            action()
        }
    }

    private func beat() {
        again(World.beat) { self.beat() }
        guard let term, lanes[Lane.beat].isIdle else { return }
        beats += 1
        let (sent, count) = (uptime, beats)
        ask(Lane.beat) { store in
            try await store.beat(term, count: count)
        } then: { answer in
            switch answer {
            case .success: if term == self.sharing?.term { self.sharing?.beaten(sent: sent) }
            case .failure(let error): self.refused(error, under: term)
            }
        }
    }

    func refused(_ error: StoreError, under term: Term) {
        guard error.code == .leaseLost, sharing?.isLost(byRefusalOf: term) ?? false else { return }
        if isFrozen { return onceThawed { self.refused(error, under: term) } }
        lose()
    }

    /// Drops everything that it believed of the ledger, and joins again.
    private func lose() {
        trace { "was given up" }
        totals.losses += 1
        life += 1
        begin()
        join()
    }

    // MARK: Looking

    private struct Sight {
        var records: [InstanceRecord]
        var shards: [ShardRecord]
        var mail: [Mail]
        var changed: [StoredJob]
        var opened: [Run]
        var cancelled: [RunID]
        var told: [DispatchEvent]
        var toldRuns: [Run]
        var ended: [AttemptID]
        var pause: String?
        var tagPause: Bool
    }

    private func look() {
        again(World.beat) { self.look() }
        guard let sharing, lanes[Lane.look].isIdle, !isGiving else { return }
        let (term, held) = (sharing.term, sharing.held)
        ask(Lane.look) { store in
            try await self.sight(held, store)
        } then: { answer in
            switch answer {
            case .success(let sight): self.see(sight, under: term)
            case .failure(let error): self.refused(error, under: term)
            }
        }
    }

    private func sight(_ held: Set<Shard>, _ store: any WorldStore) async throws -> Sight {
        let news = try await store.news(for: held, machine: name)
        let crowd = news.instances.filter { $0.term != nil }.map(\.number)
        if news.holdings != holdings.number || crowd != holdings.crowd {
            holdings = Holdings(
                records: Array(try await store.shards(counting: false).prefix(World.shards)), number: news.holdings,
                crowd: crowd)
        }
        let mail = news.mail
        var (changed, opened, cancelled): ([StoredJob], [Run], [RunID]) = ([], [], [])
        var (told, toldRuns, ended): ([DispatchEvent], [Run], [AttemptID]) = ([], [], [])
        func active(_ ids: [RunID]) async throws -> [Run] {
            var runs: [Run] = []
            // What is known by now may be over when the answer comes.
            for id in ids where state.run(id) == nil {
                if let run = try await store.run(id), !run.state.isFinal { runs.append(run) }
            }
            return runs
        }
        for word in mail {
            switch word.word {
            case .changed(let jobs): changed += try await store.jobs(ids: jobs)
            case .opened(let runs): opened += try await active(runs)
            case .cancel(let id, _):
                if state.run(id) == nil {
                    guard let run = try await active([id]).first else { continue }
                    opened.append(run)
                }
                cancelled.append(id)
            case .told(let events):
                told += events
                toldRuns += try await active(events.map(\.attempt.run))
            case .end(let attempt): ended.append(attempt)
            case .read, .accept, .forget, .drain: break
            case nil: break
            }
        }
        return Sight(
            records: news.instances, shards: holdings.records, mail: mail, changed: changed, opened: opened,
            cancelled: cancelled, told: told, toldRuns: toldRuns, ended: ended,
            pause: ledger.notes["pause"], tagPause: ledger.notes[Self.tagNote] != nil)
    }

    private func see(_ sight: Sight, under term: Term) {
        if isFrozen { return onceThawed { self.see(sight, under: term) } }
        guard let steps = sharing?.look(sight.records, sight.shards, at: uptime) else { return }
        // The last one first, as steps of a lane are taken.
        act(Lane.look) { self.read(sight, under: term) }
        for step in steps.reversed() { act(Lane.look) { self.carryOut(step) } }
        if world.livesOnMachines {
            passOnAgain()
            let inForce = Set(sight.records.filter { $0.term != nil }.map(\.facts.id))
            send(.present(inForce, at: uptime), lane: Lane.observe)
        }
        if sight.pause != state.pauseReason { send(.paused(sight.pause), lane: Lane.observe) }
        send(.tagPaused(JobMaker.pausedTag, sight.tagPause ? "by hand" : nil), lane: Lane.observe)
        work(Lane.look)
    }

    private func carryOut(_ step: Sharing.Step) {
        trace { "does \(step.summary)" }
        switch step {
        case .take(let shards): take(shards)
        case .end(let beat):
            ask(Lane.look) { store in
                try await store.end(beat.number, term: beat.term, beat: beat.count)
            } then: { _ in
            }
        case .deal(let moves):
            ask(Lane.look) { store in
                try await store.deal(moves)
            } then: { _ in
            }
        case .give(let moves): give(moves)
        case .lose: lose()
        }
    }

    // MARK: Taking and giving

    private func take(_ shards: Set<Shard>) {
        guard let sharing else { return }
        let term = sharing.term
        let since = wall.adding(microseconds: -sharing.silence(of: shards, at: uptime))
        ask(Lane.look) { store in
            try await self.take(shards, under: term, store)
        } then: { answer in
            switch answer {
            case .failure(let error):
                self.sharing?.notTaken(shards)
                self.refused(error, under: term)
            case .success(let taken):
                if self.isFrozen { return self.onceThawed { self.took(shards, taken, since: since, under: term) } }
                self.took(shards, taken, since: since, under: term)
            }
        }
    }

    private func take(_ shards: Set<Shard>, under term: Term, _ store: any WorldStore) async throws -> Taken {
        let process = process
        let taken = try await store.take(shards, under: term)
        auditor.took(shards, under: term, process, of: self)
        return taken
    }

    private func took(_ shards: Set<Shard>, _ taken: Taken, since: Timestamp, under term: Term) {
        guard sharing?.term == term else { return }
        totals.takes += 1
        sharing?.taken(shards)
        act(Lane.look) { self.rewindIfAhead(Lane.look) }
        act(Lane.look) { self.takeUp(taken.cursors, Lane.look) }
        act(Lane.look) { self.send(.took(shards, taken.cursors, since: since), lane: Lane.look) }
        if sabotage != .planBeforeTake { act(Lane.look) { self.adopt(taken.runs, Lane.look) } }
        work(Lane.look)
    }

    private func give(_ moves: [ShardMove]) {
        isGiving = true
        let shards = Set(moves.map(\.shard))
        send(.leave(shards), lane: Lane.observe)
        waitForQuiet(shards, until: uptime + 3 * World.lease)
    }

    private func waitForQuiet(_ shards: Set<Shard>, until deadline: Int64) {
        if state.isQuiet, writes == 0 {
            isGateClosed = true
            guard let give = sharing?.give(nonce: random.next()) else { return }
            return send(give)
        }
        guard uptime < deadline else { return keep(shards) }
        again(1_000_000) { self.waitForQuiet(shards, until: deadline) }
    }

    private func send(_ give: Sharing.Give) {
        ask(Lane.look) { store in
            try await store.give(give.moves, under: give.term, nonce: give.nonce)
        } then: { answer in
            if self.isFrozen { return self.onceThawed { self.hear(of: give, answer) } }
            self.hear(of: give, answer)
        }
    }

    private func hear(of give: Sharing.Give, _ answer: Result<Term, StoreError>) {
        switch answer {
        case .success(let term):
            guard let gone = sharing?.gave(term, at: uptime) else { return }
            totals.gives += 1
            (isGateClosed, isGiving) = (false, false)
            send(.gave(gone), lane: Lane.observe)
        case .failure(let error) where error.code == .leaseLost: lose()
        case .failure: again(60_000_000) { self.send(give) }
        }
    }

    /// Goes on with shards that were to go.
    private func keep(_ shards: Set<Shard>) {
        sharing?.keep()
        guard let term else { return }
        ask(Lane.look) { store in
            try await self.take(shards, under: term, store)
        } then: { answer in
            guard case .success(let taken) = answer else { return self.lose() }
            self.isGiving = false
            self.send(.took(shards, taken.cursors, since: self.wall), lane: Lane.observe)
        }
    }

    // MARK: Mail and what executors tell

    private func read(_ sight: Sight, under term: Term) {
        if sight.mail.isEmpty { return }
        let numbers = sight.mail.map(\.number)
        let told = Set(sight.told.map(\.attempt.run)).union(sight.cancelled)
        again(2) { self.removeMail(numbers, told, under: term) }
        if sabotage == .mailUnread { return }
        let runs = sight.opened.filter { state.run($0.id) == nil && state.holds($0.jobID) }
        if !runs.isEmpty { send(.adopted(runs, definitions(of: runs)), lane: Lane.observe) }
        hear(ofOthers: sight.told, sight.toldRuns)
        for attempt in sight.ended { deliver(.cancel(attempt)) }
        for id in sight.cancelled { send(.cancel(id, reason: "by hand"), lane: Lane.observe) }
        let stored = sight.changed.filter { state.holds($0.id) }
        let cursors = stored.map { job in
            JobCursor(id: job.id, nextDue: job.isChanging ? .distantPast : job.job.isOn ? job.nextDue : nil)
        }
        if cursors.isEmpty { return }
        send(.changed(cursors), lane: Lane.observe)
        let changing = stored.filter(\.isChanging).map(\.id)
        if !changing.isEmpty { send(.plan(changing), lane: Lane.observe) }
        // Whoever changed them may have another time.
        act(Lane.observe) { self.rewindIfAhead(Lane.observe) }
        work(Lane.observe)
    }

    /// Removes mail once the ledger has what it said of runs, as the live engine does: whoever comes after this one finds one
    /// of them.
    private func removeMail(_ numbers: [Int64], _ told: Set<RunID>, under term: Term) {
        guard sharing?.term == term else { return }
        guard lanes[Lane.look].isIdle, state.unsavedIDs.isDisjoint(with: told) else {
            return again(1_000_000) { self.removeMail(numbers, told, under: term) }
        }
        ask(Lane.look) { store in
            try await store.done(numbers, under: term)
        } then: { answer in
            if case .failure(let error) = answer { self.refused(error, under: term) }
        }
    }

    /// Finds out whether runs that are not known here are over.
    func ask(of events: [DispatchEvent], _ lane: Int) {
        let ended = events.filter { $0.what.isEnd }.map(\.attempt)
        if ended.isEmpty { return }
        if sabotage == .unknownAcknowledged { return deliver(.acknowledge(ended)) }
        ask(lane) { store in
            var over: [AttemptID] = []
            for attempt in ended {
                guard let run = try await store.run(attempt.run) else { continue }
                if run.state.isFinal || run.attempt > attempt.attempt { over.append(attempt) }
            }
            return over
        } then: { answer in
            if case .success(let over) = answer, !over.isEmpty { self.deliver(.acknowledge(over)) }
        }
    }

    // MARK: Writing

    /// Asks for a write under the term that is in force, once no give is on its way.
    func askToWrite<Answer>(
        _ lane: Int, _ body: @escaping (any WorldStore, Term) async throws -> Answer,
        then: @escaping (Result<Answer, StoreError>) -> Void
    ) {
        if isGateClosed {
            lanes[lane].isWaiting = true
            return later(1_000_000) { [life] in
                guard life == self.life else { return }
                self.lanes[lane].isWaiting = false
                self.askToWrite(lane, body, then: then)
            }
        }
        guard let term else { return then(.failure(StoreError(.leaseLost, "not joined"))) }
        writes += 1
        ask(lane) { store in
            try await body(store, term)
        } then: { [life] answer in
            self.writes -= 1
            if case .failure(let error) = answer { self.refused(error, under: term) }
            if life == self.life { then(answer) }
        }
    }

    /// The term under which the store sees a write: where its fence is sabotaged, one that is in force.
    func fenced(_ term: Term) -> Term {
        guard sabotage == .noFence else { return term }
        return ledger.tables.instances.values.compactMap(\.term).min { $0.count < $1.count } ?? term
    }
}

/// Shards as they were read, and what was known then of changes since.
struct Holdings {
    var records: [ShardRecord] = []
    var number: Int64 = -1
    var crowd: [InstanceNumber] = []
}

extension Sharing.Step {
    fileprivate var summary: String {
        switch self {
        case .take(let shards): "take \(shards.count) shards"
        case .end(let beat): "end \(beat.number.number)"
        case .deal(let moves): "deal \(moves.count) shards"
        case .give(let moves): "give \(moves.count) shards"
        case .lose: "lose"
        }
    }
}
