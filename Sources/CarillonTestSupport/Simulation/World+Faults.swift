import CarillonCore
import CarillonEngine
import MemoryStore
import Timetable

/// What goes wrong, and what people do meanwhile.
extension World {
    /// Plans a fault every few days, half of them while somebody is busy.
    func planFault() {
        later(random.span(60_000_000...16 * JobMaker.day / Int64(isOnDocuments ? 3 : instances.count))) {
            if self.faulty {
                let kind = self.random.number(0...99)
                let instance = self.random.pick(self.instances)
                if self.random.chance(0.6) {
                    instance.ambush = { if self.faulty { self.strike(instance, kind) } }
                } else {
                    self.strike(instance, kind)
                }
            }
            self.planFault()
        }
    }

    private func strike(_ instance: SimulatedInstance, _ kind: Int64) {
        switch kind {
        case 0..<18: instance.crashSoon = true
        case 18..<24:
            trace { "the machine goes down" }
            instance.crash()
            // What others have handed over goes on.
            if !instance.isShared || livesOnMachines { instance.executor.endAll(.lost("the machine went down")) }
        case 24..<32:
            // Where several share, their clocks are mostly near each other.
            let far =
                instance.isShared && random.chance(0.7)
                ? random.span(1...30_000_000) : random.span(1_000_000...World.year)
            instance.setClock(error: random.chance(0.5) ? far : -far)
            later(random.span(100_000...20 * JobMaker.day)) { instance.setClock(error: 0) }
        case 32..<38:
            if instance.isShared { return instance.cut() }
            let length = random.span(1_000_000...20 * JobMaker.day)
            trace { "the machine sleeps for \(Span.format(length))" }
            clock.suspend(for: length)
            instance.noticeClock()
        case 38..<46: storeDownUntil = clock.uptime + random.span(100_000...JobMaker.hour)
        case 46..<52: instance.executor.awayUntil = clock.uptime + random.span(100_000...JobMaker.hour)
        case 52..<57:
            let tag = random.chance(0.5) ? JobMaker.pausedTag : nil
            instance.pause("by hand", tag: tag)
            later(random.span(1_000_000...10 * JobMaker.day)) { instance.pause(nil, tag: tag) }
        case 57..<62: instance.stop()
        case 62..<68: instance.openManual()
        case 68..<72: cancelSomething()
        case 72..<78: instance.freeze()
        default: instance.changeSomething()
        }
    }

    private func cancelSomething() {
        let active = ledger.activeRuns(after: nil, limit: 100)
        guard !active.isEmpty else { return }
        let run = random.pick(active)
        // An attempt whose executor denies it for now cannot be told to end.
        guard run.reason?.hasPrefix("waits") != true else { return }
        guard let instance = instances.filter({ $0.isUp && $0.isReady }).randomElement(using: &random) else { return }
        if instance.state.holds(run.jobID) {
            instance.send(.cancel(run.id, reason: "by hand"), lane: Lane.observe)
        } else {
            instance.atOnce { store in
                try await store.post([Mail(to: .shard(Shard(of: run.jobID)), .cancel(run.id, reason: "by hand"))])
            }
        }
    }

    func someJob() -> StoredJob? {
        let present = ledger.jobs.values.filter { !$0.removed }.map(\.stored).sorted { $0.id < $1.id }
        return present.isEmpty ? nil : random.pick(present)
    }
}

/// What happens to one instance.
extension SimulatedInstance {
    /// Makes the daemon stand still, as after SIGSTOP, while clocks, store and executor go on.
    func freeze() {
        guard isUp, !isFrozen else { return }
        let longest = isShared ? JobMaker.day : JobMaker.hour
        freeze(
            for: random.chance(0.8) ? random.span(1_000_000...120_000_000) : random.span(1_000_000...longest))
    }

    func freeze(for length: Int64) {
        guard isUp, !isFrozen else { return }
        totals.freezes += 1
        trace { "is frozen for \(Span.format(length))" }
        let since = wall
        frozenUntil = uptime + length
        later(length) { [process] in
            guard process == self.process, self.isUp else { return }
            self.trace { "goes on" }
            self.listensUntil = self.uptime + 100_000
            self.send(.stalled(since: since), lane: Lane.observe)
            let actions = self.thawing
            self.thawing = []
            for action in actions { action() }
        }
    }

    /// Holds up what it asks of the store, as a network does that heals after a while.
    func cut() {
        let length = random.span(1_000_000...(random.chance(0.5) ? JobMaker.hour : JobMaker.day))
        trace { "is cut from the store for \(Span.format(length))" }
        cutUntil = uptime + length
    }

    /// Does something whatever life it is in by then, as long as it is the same process.
    func onceThawedInAnyLife(_ action: @escaping () -> Void) {
        thawing.append { [process] in if process == self.process, self.isUp { action() } }
    }

    func onceThawed(_ action: @escaping () -> Void) {
        thawing.append { [life] in if life == self.life, self.isUp { action() } }
    }

    func openManual() {
        guard isUp, let stored = world.someJob() else { return }
        let run = Run(
            id: RunID(manualAt: wall, random: random.next()), jobID: stored.id, job: stored.job.name,
            revision: stored.revision, trigger: .manual, scheduledAt: wall, createdAt: wall)
        guard !isStoreDown, isReady, let term else { return }
        call { [wall] store in
            try await store.openOrdered([run], under: term, now: wall)
        } then: { answer in
            guard case .success(let opened) = answer, let new = opened.first ?? nil, self.state.holds(stored.id) else {
                return
            }
            self.send(.adopted([new], [stored.id: CompiledJob(stored, zones: self.zones)]), lane: Lane.observe)
        }
    }

    // MARK: Jobs

    func changeSomething() {
        guard let name = world.someJob()?.job.name else { return addJob() }
        let now = wall
        switch random.number(0...9) {
        case 0..<2: addJob()
        case 2..<3: removeJob(name)
        case 3..<6:
            let schedule = JobMaker.schedule(now, &random)
            change([(name, { $0.schedule = schedule })])
        case 6..<7:
            let mayOverlap = world.someJob()?.job.policies.overlap == .allow
            let policies = JobMaker.policies(mayOverlap: mayOverlap, &random)
            change([
                (
                    name,
                    { job in
                        let overlap = job.policies.overlap
                        job.policies = policies
                        if (overlap == .allow) != mayOverlap { job.policies.overlap = overlap }
                    }
                )
            ])
        default:
            change([(name, { $0.enabled.toggle() })])
            later(random.span(1_000_000...30 * JobMaker.day)) { self.change([(name, { $0.enabled = true })]) }
        }
    }
}
