import CarillonCore
import Logging
import Synchronization

/// What lives on this machine, whoever holds its shard: programs that outlive a hand-over, and a daemon.
///
/// The ledger has the mark of a run, with the machine, before it is handed over, so nobody else starts it. What becomes of it is told
/// to whoever holds the shard; what answers for an end is kept until the ledger has it.
extension Engine {
    /// Whether a lane's runs live on this machine, and may be another instance's to decide.
    private nonisolated func isShared(_ lane: Int) -> Bool {
        settings.shares && outboxes[lane].lane.dispatcher.isBound
    }

    // MARK: Handing over

    /// Begins to hand a batch over; says that it may not go when the life is over in which that was decided, and else when it must
    /// have started: whoever gives this instance up waits longer.
    func begin(_ batch: [Outgoing], of lane: Int, in life: Int) -> (mayGo: Bool, startBy: Int64?) {
        guard isShared(lane) else { return (true, nil) }
        guard life == self.life else { return (false, nil) }
        handing.formUnion(batch.map(\.attempt))
        return (true, heldUntil.withLock { $0 } + outboxes[lane].lane.dispatcher.lostAfter / 2)
    }

    /// Takes what the dispatcher said of a batch: once the life is over in which it was handed over, others are told.
    func end(_ batch: [Outgoing], _ results: [DispatchResult], of lane: Int, in life: Int) async {
        guard isShared(lane) else { return }
        handing.subtract(batch.map(\.attempt))
        if life == self.life { return }
        for (outgoing, result) in zip(batch, results) {
            switch result {
            case .accepted, .known: break
            case .refused(let why):
                await tell(outgoing.attempt, .failed(Outcome(error: why)), of: outgoing.definition.id)
            case .unavailable(let why), .away(let why):
                await tell(outgoing.attempt, .unstarted(why), of: outgoing.definition.id)
            }
        }
    }

    /// Tells of a batch that the ledger has as handed over, and that will not be.
    func tellUnstarted(_ batch: [Outgoing], of lane: Int, in life: Int) async {
        guard isShared(lane), life != self.life else { return }
        for outgoing in batch {
            await tell(outgoing.attempt, .unstarted("its instance was given up"), of: outgoing.definition.id)
        }
    }

    // MARK: Taking up

    /// Takes up what runs on this machine, whoever holds its shards; of what was never started that is told.
    ///
    /// The first time also what a daemon of this name has left that had the store alone, and named no machine.
    func adoptMachine(isFirst: Bool = false) async {
        owesAdoption = true
        mustLookForUnnamed = mustLookForUnnamed || isFirst
        do {
            var active = try await store.activeRuns(on: facts.id)
            if mustLookForUnnamed { active += try await unnamed() }
            let definitions = try await definitions(of: active)
            for (lane, outbox) in outboxes.enumerated() where outbox.lane.dispatcher.isBound {
                let runs = active.filter { definitions[$0.jobID]?.lane == lane }
                // What is being handed over, or was while it was asked, tells itself what becomes of it.
                let before = handing
                let never = Set(await outbox.lane.dispatcher.adopt(runs)).subtracting(before).subtracting(handing)
                let told = runs.filter { never.contains(AttemptID(run: $0.id, attempt: $0.attempt)) }
                await post(
                    told.map { run in
                        let event = DispatchEvent(
                            attempt: AttemptID(run: run.id, attempt: run.attempt), at: clock.now,
                            what: .unstarted("its instance ended before it could"))
                        return Mail(to: .job(run.jobID), .told([event]))
                    })
            }
            owesAdoption = false
            mustLookForUnnamed = false
        } catch {
            _ = note(error)
        }
    }

    private func unnamed() async throws -> [Run] {
        var found: [Run] = []
        var last: RunID?
        while true {
            let page = try await store.activeRuns(after: last, limit: 1_000)
            guard let end = page.last else { return found }
            last = end.id
            found += page.filter { $0.machine == nil && $0.dispatchedAt != nil && $0.instance == facts.name }
        }
    }

    // MARK: Telling others

    private func tell(_ attempt: AttemptID, _ what: DispatchEvent.What, of job: JobID) async {
        let event = DispatchEvent(attempt: attempt, at: clock.now, what: what)
        await post([Mail(to: .job(job), .told([event]))])
    }

    /// Passes on what executors tell of runs that are not known here.
    func ask(_ events: [DispatchEvent]) async {
        for event in events {
            let found: Run?
            do {
                found = try await store.run(event.attempt.run)
            } catch {
                if event.what != .heartbeat { unasked.append(event) }
                continue
            }
            guard let run = found, !run.state.isFinal, event.isOfRun || run.attempt <= event.attempt.attempt else {
                close(event)
                continue
            }
            guard run.machine == facts.id else {
                await passOn(event, of: run)
                continue
            }
            await tellHolder(event, of: run)
        }
    }

    /// Tells whoever holds the shard of what lives here; what answers for an end is kept until the ledger has it.
    private func tellHolder(_ event: DispatchEvent, of run: Run) async {
        if event.what.isEnd { owed.insert(event.attempt) }
        var what = event.what
        if case .unsent(let why) = what { what = .unstarted(why) }
        await tell(event.attempt, what, of: run.jobID)
    }

    /// Passes on what came to this instance alone, as a bus gives a word to one who listens; of all others whoever has the shard hears
    /// itself.
    private func passOn(_ event: DispatchEvent, of run: Run) async {
        do {
            guard let lane = try await definitions(of: [run])[run.jobID]?.lane, lane < outboxes.count else { return }
            let dispatcher = outboxes[lane].lane.dispatcher
            if dispatcher.isBound, run.machine == nil { return await tellHolder(event, of: run) }
            guard dispatcher.isConfirming else { return }
            var event = event
            let place = event.attempt
            if case .started = event.what, event.isOfRun {
                // Whose start it is nobody says: of an attempt that is out, or it is an old word.
                guard run.dispatchedAt != nil else { return await dispatcher.passedOn([place]) }
                (event.attempt.attempt, event.isOfRun) = (run.attempt, false)
            }
            try await store.post([Mail(to: .job(run.jobID), .told([event]))])
            // It is in the store, and nobody need repeat it. Of a sign of life nothing is kept.
            if event.what != .heartbeat { await dispatcher.passedOn([place]) }
        } catch {
            if event.what != .heartbeat { unasked.append(event) }
        }
    }

    /// Lets go of an attempt that the ledger has closed: what answers for it may go, and what still runs for it ends.
    private func close(_ event: DispatchEvent) {
        for outbox in outboxes {
            if event.what.isEnd || outbox.lane.dispatcher.isConfirming && event.what != .heartbeat {
                outbox.put.yield(.acknowledge([event.attempt]))
            } else if outbox.lane.dispatcher.isBound {
                outbox.put.yield(.cancel(event.attempt))
            }
        }
    }

    /// Passes on what could not be before, and lets go of what the ledger has by now.
    func passOn() async {
        if !unasked.isEmpty {
            let events = unasked
            unasked = []
            await ask(events)
        }
        await post([])
        guard !owed.isEmpty, owedAt.map({ clock.sinceBoot - $0 >= facts.lease }) ?? true else { return }
        owedAt = clock.sinceBoot
        for attempt in owed {
            guard let run = try? await store.run(attempt.run) else { continue }
            guard run.state.isFinal || run.attempt > attempt.attempt else { continue }
            owed.remove(attempt)
            for outbox in outboxes { outbox.put.yield(.acknowledge([attempt])) }
        }
    }

    /// Puts word to others into the store, in order, and again as long as it does not answer.
    func post(_ mail: [Mail]) async {
        letters += mail
        if isPosting { return }
        isPosting = true
        defer { isPosting = false }
        while !letters.isEmpty {
            let count = letters.count
            do {
                try await store.post(letters)
                letters.removeFirst(count)
            } catch {
                _ = note(error)
                return
            }
        }
    }

    /// Takes in what another machine tells of a run whose shard is here.
    func hear(ofOthers events: [DispatchEvent]) async throws {
        for event in events where state.run(event.attempt.run) == nil {
            if let run = try await store.run(event.attempt.run), !run.state.isFinal { try await takeUp([run]) }
        }
        let known = events.filter { state.run($0.attempt.run) != nil }
        for outbox in outboxes where outbox.lane.dispatcher.isConfirming { await outbox.lane.dispatcher.heard(known) }
        await send(.told(known))
    }

    /// Has everybody forget what is kept of runs that left the ledger.
    func forget(_ gone: [GoneRun]) async {
        let byMachine = Dictionary(grouping: gone) { $0.machine ?? facts.id }
        for (machine, runs) in byMachine where settings.shares && machine != facts.id {
            await post([Mail(to: .machine(machine), .forget(runs))])
        }
        let here = settings.shares ? byMachine[facts.id] ?? [] : gone
        for lane in lanes.served { await lane.dispatcher.forget(here) }
    }

    // MARK: Ending

    /// Whether anything is under way here.
    var hasStrangers: Bool { settings.shares && outboxes.contains { !$0.lane.dispatcher.underWay.isEmpty } }

    /// Ends what runs here for shards that others hold, as a stop of the daemon does with its own.
    func endStrangers() async {
        for outbox in outboxes where outbox.lane.dispatcher.isBound {
            for attempt in outbox.lane.dispatcher.underWay where state.run(attempt.run) == nil {
                if let run = try? await store.run(attempt.run), !run.state.isFinal {
                    await post([
                        Mail(to: .job(run.jobID), .cancel(run.id, reason: "the daemon was stopped"))
                    ])
                }
                outbox.put.yield(.cancel(attempt))
            }
        }
    }
}
