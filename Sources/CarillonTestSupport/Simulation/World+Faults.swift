import CarillonCore
import CarillonEngine
import MemoryStore
import Timetable

/// What goes wrong, and what people do meanwhile.
extension World {
    /// Plans a fault every few days, half of them while the daemon is busy.
    func planFault() {
        later(random.span(60_000_000...16 * JobMaker.day)) {
            if self.faulty {
                let kind = self.random.number(0...99)
                if self.random.chance(0.6) {
                    self.ambush = { if self.faulty { self.strike(kind) } }
                } else {
                    self.strike(kind)
                }
            }
            self.planFault()
        }
    }

    private func strike(_ kind: Int64) {
        switch kind {
        case 0..<18: crashSoon = true
        case 18..<24:
            trace { "the machine goes down" }
            crash()
            executor.endAll(.lost("the machine went down"))
        case 24..<32:
            let far = random.span(1_000_000...World.year)
            setClock(error: random.chance(0.5) ? far : -far)
            later(random.span(100_000...20 * JobMaker.day)) { self.setClock(error: 0) }
        case 32..<38:
            let length = random.span(1_000_000...20 * JobMaker.day)
            trace { "the machine sleeps for \(Span.format(length))" }
            clock.suspend(for: length)
            noticeClock()
        case 38..<46: storeDownUntil = clock.uptime + random.span(100_000...JobMaker.hour)
        case 46..<52: executor.awayUntil = clock.uptime + random.span(100_000...JobMaker.hour)
        case 52..<57:
            let tag = random.chance(0.5) ? JobMaker.pausedTag : nil
            pause("by hand", tag: tag)
            later(random.span(1_000_000...10 * JobMaker.day)) { self.pause(nil, tag: tag) }
        case 57..<62: stop()
        case 62..<68: openManual()
        case 68..<72: cancelSomething()
        case 72..<78: freeze()
        default: changeSomething()
        }
    }

    /// Makes the daemon stand still, as after SIGSTOP, while clocks, store and executor go on.
    func freeze() {
        guard isUp, !isFrozen else { return }
        let length = random.chance(0.8) ? random.span(1_000_000...120_000_000) : random.span(1_000_000...JobMaker.hour)
        totals.freezes += 1
        trace { "the daemon is frozen for \(Span.format(length))" }
        let since = clock.wall
        frozenUntil = clock.uptime + length
        later(length) { [life] in
            guard life == self.life, self.isUp else { return }
            self.trace { "the daemon goes on" }
            self.listensUntil = self.clock.uptime + 100_000
            self.send(.stalled(since: since), lane: Lane.observe)
            let actions = self.thawing
            self.thawing = []
            for action in actions where life == self.life { action() }
        }
    }

    func onceThawed(_ action: @escaping () -> Void) {
        thawing.append { [life] in if life == self.life, self.isUp { action() } }
    }

    private func openManual() {
        guard isUp, let stored = someJob() else { return }
        let run = Run(
            id: RunID(manualAt: clock.wall, random: random.next()), jobID: stored.id, job: stored.job.name,
            revision: stored.revision, trigger: .manual, scheduledAt: clock.wall, createdAt: clock.wall)
        guard !isStoreDown, let opened = ledger.insert(run) else { return }
        auditor.written(opened)
        send(.adopted([opened], [stored.id: CompiledJob(stored, zones: zones)]), lane: Lane.observe)
    }

    private func cancelSomething() {
        let active = ledger.activeRuns(after: nil, limit: 100)
        guard isUp, !active.isEmpty else { return }
        let run = random.pick(active)
        // An attempt whose executor denies it for now cannot be told to end.
        guard run.reason?.hasPrefix("waits") != true else { return }
        send(.cancel(run.id, reason: "by hand"), lane: Lane.observe)
    }

    // MARK: Jobs

    func someJob() -> StoredJob? {
        let present = ledger.jobs.values.filter { !$0.removed }.map(\.stored).sorted { $0.id < $1.id }
        return present.isEmpty ? nil : random.pick(present)
    }

    private func changeSomething() {
        guard let name = someJob()?.job.name else { return addJob() }
        let now = clock.wall
        switch random.number(0...9) {
        case 0..<2: addJob()
        case 2..<3: removeJob(name)
        case 3..<6:
            let schedule = JobMaker.schedule(now, &random)
            change([(name, { $0.schedule = schedule })])
        case 6..<7:
            let mayOverlap = someJob()?.job.policies.overlap == .allow
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
