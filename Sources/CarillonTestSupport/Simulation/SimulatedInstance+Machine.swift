import CarillonCore
import CarillonEngine
import MemoryStore
import Timetable

/// What lives on its machine, as the live engine sees to it: started by this instance, decided by whoever holds the shard.
extension SimulatedInstance {
    // MARK: Handing over

    /// Starts a batch on this machine, unless it comes to that too late; a process that is frozen starts it when it goes on.
    func launch(_ batch: [Outgoing]) {
        let (mine, process) = (life, process)
        let startBy = (sharing?.deadline ?? 0) + World.lostAfter / 2
        handing.formUnion(batch.map(\.attempt))
        // So late that somebody may have started it elsewhere: left to freezes alone that is seldom.
        let isLate = sabotage == .startedLate && random.chance(0.2)
        later(isLate ? random.span(World.lease...3 * JobMaker.day) : random.span(50...20_000)) {
            // One that died may have come to it just before.
            if process != self.process || !self.isUp {
                if self.random.chance(0.5) { _ = self.arrive(batch, startBy) }
                return
            }
            if self.isFrozen { return self.onceThawedInAnyLife { self.launch(batch, startBy, of: mine) } }
            self.launch(batch, startBy, of: mine)
        }
    }

    private func launch(_ batch: [Outgoing], _ startBy: Int64, of mine: Int) {
        let results = arrive(batch, startBy)
        let process = process
        later(random.span(50...20_000)) {
            guard process == self.process, self.isUp else { return }
            self.handing.subtract(batch.map(\.attempt))
            if mine == self.life { return self.delivered(.dispatch(batch), results) }
            for (outgoing, result) in zip(batch, results) {
                switch result {
                case .accepted, .known: break
                case .refused(let why):
                    self.tell(outgoing.attempt, .failed(Outcome(error: why)), of: outgoing.definition.id)
                case .unavailable(let why), .away(let why):
                    self.tell(outgoing.attempt, .unstarted(why), of: outgoing.definition.id)
                }
            }
        }
    }

    private func arrive(_ batch: [Outgoing], _ startBy: Int64) -> [DispatchResult] {
        if uptime > startBy, sabotage != .startedLate { return batch.map { _ in .unavailable("it came too late") } }
        return arrive(.dispatch(batch))
    }

    // MARK: Taking up

    /// Takes up what runs on this machine, whoever holds its shards.
    func adoptMachine() {
        ask(Lane.look) { [name] store in
            try await store.activeRuns(on: name)
        } then: { answer in
            guard case .success(let active) = answer else {
                return self.later(World.beat / 4) { [life = self.life] in
                    guard life == self.life else { return }
                    self.act(Lane.look) { self.adoptMachine() }
                    self.work(Lane.look)
                }
            }
            self.takeUp(active)
        }
    }

    private func takeUp(_ active: [Run]) {
        if isFrozen { return onceThawed { self.takeUp(active) } }
        let attempts = active.map { AttemptID(run: $0.id, attempt: $0.attempt) }
        let never = Set(executor.adopt(attempts, alone: true)).subtracting(handing)
        if sabotage == .markWithoutReport { return }
        for run in active {
            let attempt = AttemptID(run: run.id, attempt: run.attempt)
            if never.contains(attempt) {
                tell(attempt, .unstarted("its instance ended before it could"), of: run.jobID)
            }
        }
    }

    // MARK: Telling others

    private func tell(_ attempt: AttemptID, _ what: DispatchEvent.What, of job: JobID) {
        post([Mail(to: .shard(Shard(of: job)), .told([DispatchEvent(attempt: attempt, at: wall, what: what)]))])
    }

    /// Passes on what the executor tells of runs that are not known here.
    func passOn(_ events: [DispatchEvent]) {
        unasked += events
        act(Lane.orders) { self.passOn() }
        later(0) { [life] in if life == self.life { self.work(Lane.orders) } }
    }

    private func passOn() {
        let events = unasked.filter { $0.what != .heartbeat }
        unasked = []
        if events.isEmpty { return }
        ask(Lane.orders) { store in
            var runs: [Run?] = []
            for event in events { runs.append(try await store.run(event.attempt.run)) }
            return runs
        } then: { answer in
            guard case .success(let runs) = answer else {
                self.unasked += events
                return
            }
            for (event, run) in zip(events, runs) {
                guard let run, !run.state.isFinal, run.attempt <= event.attempt.attempt else {
                    if event.what.isEnd {
                        self.acknowledge([event.attempt])
                    } else {
                        self.deliver(.cancel(event.attempt))
                    }
                    continue
                }
                guard run.machine == self.name else { continue }
                if event.what.isEnd {
                    if self.sabotage == .toldAcknowledged { self.acknowledge([event.attempt]) }
                    self.owed.insert(event.attempt)
                }
                self.tell(event.attempt, event.what, of: run.jobID)
            }
        }
    }

    /// Passes on what could not be before, and lets go of what the ledger has by now.
    func passOnAgain() {
        if !unasked.isEmpty { passOn([]) }
        post([])
        let asked = owed.sorted(by: AttemptID.byRun)
        if asked.isEmpty { return }
        act(Lane.custody) {
            self.ask(Lane.custody) { store in
                var over: [AttemptID] = []
                for attempt in asked {
                    let run = try await store.run(attempt.run)
                    if run.map({ $0.state.isFinal || $0.attempt > attempt.attempt }) ?? true { over.append(attempt) }
                }
                return over
            } then: { answer in
                guard case .success(let over) = answer, !over.isEmpty else { return }
                self.owed.subtract(over)
                self.acknowledge(over)
            }
        }
        later(0) { [life] in if life == self.life { self.work(Lane.custody) } }
    }

    private func acknowledge(_ attempts: [AttemptID]) {
        attempts.forEach(auditor.acknowledged)
        deliver(.acknowledge(attempts))
    }

    func post(_ mail: [Mail]) {
        letters += mail
        if isPosting || letters.isEmpty { return }
        isPosting = true
        let process = process
        later(random.span(100...10_000)) {
            guard process == self.process, self.isUp else { return }
            if self.isFrozen { return self.onceThawedInAnyLife { self.postNow() } }
            self.postNow()
        }
    }

    private func postNow() {
        if isStoreDown || cutUntil > uptime || faulty && random.chance(0.006) {
            isPosting = false
            return
        }
        call { [letters] store in
            try await store.post(letters)
            return letters.count
        } then: { answer in
            self.isPosting = false
            // The answer may be lost, and then it comes twice.
            guard case .success(let count) = answer, !(self.faulty && self.random.chance(0.02)) else { return }
            self.letters.removeFirst(count)
        }
    }

    /// Takes in what another machine tells of a run whose shard is here.
    func hear(ofOthers events: [DispatchEvent], _ runs: [Run]) {
        let unknown = runs.filter { state.run($0.id) == nil && state.holds($0.jobID) }
        if !unknown.isEmpty { send(.adopted(unknown, definitions(of: unknown)), lane: Lane.observe) }
        let known = events.filter { state.run($0.attempt.run) != nil }
        if !known.isEmpty { send(.told(known), lane: Lane.observe) }
    }
}
