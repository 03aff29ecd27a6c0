import CarillonCore
import CarillonEngine
import MemoryStore
import Timetable

/// Carries effects out as the live engine does: lanes that wait for answers while others go on.
extension SimulatedInstance {
    func send(_ event: EngineEvent, lane: Int) {
        if isFrozen { return onceThawed { self.send(event, lane: lane) } }
        let now = wall
        var effects: [EngineEffect] = []
        if let step = watch.step(now: now, uptime: uptime, jump: 2_000_000) {
            trace { "clock stepped by \(Span.format(step.by))" }
            effects = state.handle(.clockStepped(by: step.by, isSuspension: step.isSuspension), at: now)
        }
        trace { "lane \(lane): \(event.summary)" }
        effects += state.handle(event, at: now)
        effects = sabotaged(effects, after: event)
        for effect in effects { auditor.decided(effect, by: self) }
        lanes[lane].steps.append(contentsOf: effects.reversed().map { .effect($0) })
        work(lane)
    }

    /// Does what a lane has to do until it waits or has nothing left.
    func work(_ lane: Int) {
        if isFrozen { return onceThawed { self.work(lane) } }
        let mine = life
        while isUp, life == mine, !lanes[lane].isWaiting, let step = lanes[lane].steps.popLast() {
            switch step {
            case .effect(let effect): perform(effect, lane)
            case .act(let action): action()
            }
            if crashSoon, isUp, life == mine, random.chance(0.3) { crash() }
        }
    }

    /// Appends an action, for which the rest of a lane waits.
    func act(_ lane: Int, _ action: @escaping () -> Void) { lanes[lane].steps.append(.act(action)) }

    private func perform(_ effect: EngineEffect, _ lane: Int) {
        trace { "lane \(lane) does \(effect.summary)" }
        switch effect {
        case .read(let ids): read(ids, lane)
        case .readAhead(let ids):
            later(0) { [life] in
                guard life == self.life else { return }
                self.act(Lane.ahead) { self.readAhead(ids) }
                self.work(Lane.ahead)
            }
        case .open(let batch): open(batch, lane)
        case .dispatch(_, let batch): deliver(.dispatch(batch))
        case .cancel(_, let attempt): deliver(.cancel(attempt))
        case .acknowledge(_, let attempts): deliver(.acknowledge(attempts))
        case .noted, .abandon: break
        case .end(let machine, let attempt): post([Mail(to: .machine(machine), .end(attempt))])
        case .ask(let events): if world.livesOnMachines { passOn(events) } else { ask(of: events, lane) }
        case .save:
            // One task saves; a signal while it works is kept.
            lanes[Lane.save].steps.insert(.act { self.saveAll() }, at: 0)
            later(0) { [life] in if life == self.life { self.work(Lane.save) } }
        case .rewind: rewind(lane)
        case .sweep: sweep(after: nil, lane)
        case .halt: haltLater()
        case .started, .report: break
        }
        switch effect {
        case .open, .dispatch, .save:
            guard let action = ambush, random.chance(0.3) else { break }
            ambush = nil
            later(random.span(0...100_000), action)
        default: break
        }
    }

    private func read(_ ids: [JobID], _ lane: Int) {
        let (known, missing) = state.cached(ids)
        if missing.isEmpty { return act(lane) { self.send(.definitions(asked: ids, known), lane: lane) } }
        ask(lane) { store in
            try await self.plannable(missing, store)
        } then: { answer in
            switch answer {
            case .success(let jobs): self.send(.definitions(asked: ids, known + jobs), lane: lane)
            case .failure(let error): self.send(.readFailed(ids, error.message), lane: lane)
            }
        }
    }

    private func readAhead(_ ids: [JobID]) {
        ask(Lane.ahead) { store in
            try await self.plannable(ids, store)
        } then: { answer in
            self.send(.ahead(asked: ids, (try? answer.get()) ?? []), lane: Lane.ahead)
        }
    }

    private func plannable(_ ids: [JobID], _ store: any WorldStore) async throws -> [PlannableJob] {
        let stored = try await store.jobs(ids: ids)
        let changing = stored.contains(where: \.isChanging) ? try await store.changing(ids) : []
        return stored.map { job in
            if let one = changing.first(where: { $0.job.id == job.id }) { return PlannableJob(one, zones: zones) }
            return PlannableJob(job, zones: zones)
        }
    }

    private func open(_ batch: [JobAdvance], _ lane: Int) {
        askToWrite(lane) { store, term in
            try await self.openRuns(batch, under: term, store)
        } then: { answer in
            switch answer {
            case .success(let opened): self.send(.opened(batch, opened), lane: lane)
            case .failure(let error): self.send(.openFailed(batch, error.message), lane: lane)
            }
        }
    }

    private func saveAll() {
        let (runs, versions) = state.unsaved(limit: 1_000)
        askToWrite(Lane.save) { store, term in
            try await self.record(runs, under: term, store)
        } then: { answer in
            switch answer {
            case .success(let ended):
                self.act(Lane.save) { if !self.state.unsavedIDs.isEmpty { self.saveAll() } }
                // First: what is over goes out no more, however it is marked.
                if !ended.isEmpty { self.send(.overruled(ended), lane: Lane.save) }
                self.send(.saved(versions), lane: Lane.save)
            case .failure(let error): self.send(.saveFailed(error.message), lane: Lane.save)
            }
        }
    }

    private func sweep(after last: RunID?, _ lane: Int) {
        ask(lane) { store in
            try await store.activeRuns(after: last, limit: 50)
        } then: { answer in
            switch answer {
            case .failure(let error): self.send(.sweepFailed(error.message), lane: lane)
            case .success(let page):
                guard let end = page.last else { return self.send(.swept, lane: lane) }
                let unknown = page.filter { self.state.run($0.id) == nil && self.state.holds($0.jobID) }
                self.act(lane) { self.sweep(after: end.id, lane) }
                guard !unknown.isEmpty else { return }
                self.ask(lane) { _ in
                    self.definitions(of: unknown)
                } then: { answer in
                    switch answer {
                    case .success(let definitions): self.send(.adopted(unknown, definitions), lane: lane)
                    case .failure(let error):
                        self.lanes[lane].steps.removeLast()
                        self.send(.sweepFailed(error.message), lane: lane)
                    }
                }
            }
        }
    }

    func definitions(of runs: [Run]) -> [JobID: CompiledJob] {
        let stored = Set(runs.map(\.jobID)).compactMap { ledger.jobs[$0]?.stored }
        return Dictionary(uniqueKeysWithValues: stored.map { ($0.id, CompiledJob($0, zones: zones)) })
    }

    func rewind(_ lane: Int) {
        let now = wall
        ask(lane) { _ in
            self.ledger.jobs.values.map(\.stored).filter { $0.cursor > now && self.state.holds($0.id) }.sorted {
                $0.id < $1.id
            }
        } then: { answer in
            guard case .success(let found) = answer else { return self.oweRewind() }
            let ahead = found.filter { !(self.ledger.jobs[$0.id]?.removed ?? true) }
            if ahead.isEmpty { return }
            let cursors = ahead.map { stored in
                let schedule = stored.job.isOn ? CompiledJob(stored, zones: self.zones).schedule : nil
                return JobCursor(id: stored.id, nextDue: Planner.nextDue(of: schedule, after: now))
            }
            self.askToWrite(lane) { store, term in
                try await self.setBack(cursors, under: term, now: now, store)
            } then: { answer in
                if case .failure = answer { self.oweRewind() } else { self.act(lane) { self.rewind(lane) } }
                let due = zip(cursors, ahead).map { cursor, job in
                    JobCursor(id: cursor.id, nextDue: job.isChanging ? .distantPast : cursor.nextDue)
                }
                self.send(.rewound(due), lane: lane)
            }
        }
    }

    private func oweRewind() {
        guard !mustRewind else { return }
        mustRewind = true
        later(10_000_000) { [life] in
            guard life == self.life, self.mustRewind else { return }
            self.mustRewind = false
            self.act(Lane.custody) { self.rewind(Lane.custody) }
            self.work(Lane.custody)
        }
    }

    func rewindIfAhead(_ lane: Int) {
        let margin = wall.adding(microseconds: 2_000_000)
        if ledger.jobs.values.contains(where: {
            !$0.removed && $0.stored.cursor > margin && state.holds($0.stored.id)
        }) {
            rewind(lane)
        }
    }

    // MARK: The dispatcher

    func deliver(_ item: OutboxItem) {
        outbox.append(item)
        later(0) { [life] in if life == self.life { self.deliverNext() } }
    }

    func deliverNext() {
        guard isUp, !lanes[Lane.deliver].isWaiting, outboxStart < outbox.count else { return work(Lane.deliver) }
        if isFrozen { return onceThawed { self.deliverNext() } }
        guard sharing?.isSure(at: uptime) ?? true else {
            // Until the next sign of life gets through, or everything is dropped.
            return later(World.beat / 4) { [life] in if life == self.life { self.deliverNext() } }
        }
        let item = outbox[outboxStart]
        outboxStart += 1
        if outboxStart == outbox.count { (outbox, outboxStart) = ([], 0) }
        lanes[Lane.deliver].isWaiting = true
        if world.livesOnMachines, case .dispatch(let batch) = item { return launch(batch) }
        let mine = life
        later(random.span(50...20_000)) {
            // What left the daemon arrives, alive or dead; half of it, when it died.
            if mine != self.life, self.random.chance(0.5) { return }
            let results = self.arrive(item)
            self.later(self.random.span(50...20_000)) {
                guard mine == self.life, self.isUp else { return }
                self.delivered(item, results)
            }
        }
    }

    func delivered(_ item: OutboxItem, _ results: [DispatchResult]) {
        lanes[Lane.deliver].isWaiting = false
        if case .dispatch(let batch) = item {
            send(.results(lane: 0, batch.map(\.attempt), results), lane: Lane.deliver)
        }
        deliverNext()
    }

    func arrive(_ item: OutboxItem) -> [DispatchResult] {
        switch item {
        case .dispatch(let batch): return batch.map { executor.dispatch($0, from: self) }
        case .cancel(let attempt): executor.cancel(attempt)
        case .acknowledge(let attempts): attempts.forEach(executor.acknowledge)
        }
        return []
    }

    func hear(_ event: DispatchEvent) {
        guard isUp else { return }
        // Nobody listens before the ledger's runs are taken up; until then it waits in the dispatcher's stream.
        guard isReady else {
            return later(100_000) { [life] in if life == self.life { self.hear(event) } }
        }
        send(.told([event]), lane: Lane.observe)
    }
}
