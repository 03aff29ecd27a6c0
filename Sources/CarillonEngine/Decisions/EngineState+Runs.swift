import CarillonCore
import DequeModule
import HeapModule
import Timetable

/// From the ledger to the dispatchers, and outcomes back.
extension EngineState {
    mutating func adopted(
        _ found: [Run], _ definitions: [JobID: CompiledJob], changed: Set<RunID>, _ now: Timestamp,
        _ effects: inout [EngineEffect]
    ) {
        // What is out comes first: whatever waits must wait behind it.
        let outFirst = found.filter { $0.dispatchedAt != nil } + found.filter { $0.dispatchedAt == nil }
        for run in outFirst where runs[run.id] == nil && !run.state.isFinal {
            if leftSinceSweep?.contains(run.id) ?? false { continue }
            guard let definition = definitions[run.jobID] else { continue }
            track(run, definition, now, &effects)
            var isHalted = halting[run.jobID] != nil
            if case .halted? = definition.job.standing?.off { isHalted = true }
            if isHalted, !run.trigger.isOrdered {
                apply(.skip(.halted), to: run.id, at: now, &effects)
            }
            if changed.contains(run.id), let tracked = runs[run.id], tracked.isSaved { put(tracked) }
        }
    }

    /// Takes a run of the ledger into the engine.
    mutating func track(_ run: Run, _ definition: CompiledJob, _ now: Timestamp, _ effects: inout [EngineEffect]) {
        if case .some = runs[run.id] { return }
        var tracked = TrackedRun(run: run, definition: definition)
        tracked.run.notBefore = min(run.notBefore, now.adding(microseconds: definition.longestWait(of: run)))
        if tracked.isReady(now) {
            // The way of nearly all runs of a burst.
            let lane = definition.lane
            tracked.queued = true
            runs[run.id] = consume tracked
            append(run)
            lanes[lane].queue.append(run.id)
            joinOutage(run.id, lane, now, &effects)
            return
        }
        runs[run.id] = tracked
        // A time that is past replaces nothing, and what waits for one is not in the way.
        if definition.job.policies.overlap == .replace, run.state == .pending, run.trigger != .backfill {
            for older in byJob[run.jobID] ?? [] where !givesPrecedence(older) {
                apply(.cancel(reason: "replaced by a newer run"), to: older, at: now, &effects)
            }
        }
        append(run)
        if run.dispatchedAt != nil {
            if isElsewhere(run) { elsewhere.insert(run.id) } else { lanes[definition.lane].out += 1 }
            // What its worker told meanwhile comes first.
            if lanes[definition.lane].isConfirming { runs[run.id]?.listen(anew: now) }
            setTimeOuts(run.id, now)
            if run.state == .cancelling {
                effects.append(cancellation(of: run, definition.lane))
            }
        } else {
            settleUnreceived(run.id, now, &effects)
            offer(run.id, now, &effects)
        }
    }

    /// Gives runs whose definition could not be read the one their job has now, and those that wait for it their turn.
    mutating func healed(_ definitions: [CompiledJob], _ now: Timestamp, _ effects: inout [EngineEffect]) {
        for definition in definitions {
            for id in byJob[definition.id] ?? [] {
                guard var tracked = runs[id], !tracked.definition.isReadable,
                    !tracked.isOut || tracked.lane == definition.lane
                else { continue }
                if tracked.lane != definition.lane {
                    lanes[tracked.lane].queue.removeAll { $0 == id }
                    tracked.queued = false
                }
                tracked.definition = definition
                if tracked.isOut {
                    // One that is on its way comes back, and then goes out under it.
                    runs[id] = tracked
                    setTimeOuts(id, now)
                } else {
                    tracked.run.notBefore = min(tracked.run.notBefore, now)
                    put(tracked)
                    offer(id, now, &effects)
                }
            }
        }
    }

    private func givesPrecedence(_ id: RunID) -> Bool { runs[id]?.givesPrecedence ?? false }

    private mutating func append(_ run: Run) {
        // Where any give precedence, the last one does.
        if run.trigger != .backfill, let last = byJob[run.jobID]?.last, givesPrecedence(last),
            let place = byJob[run.jobID]?.firstIndex(where: givesPrecedence)
        {
            byJob[run.jobID]?.insert(run.id, at: place)
        } else if byJob[run.jobID]?.append(run.id) == nil {
            byJob[run.jobID] = [run.id]
        }
    }

    /// Ends an attempt that its executor never had, after a crash between the ledger and it: nobody else will end it.
    private mutating func settleUnreceived(_ id: RunID, _ now: Timestamp, _ effects: inout [EngineEffect]) {
        switch runs[id]?.run.state {
        case .cancelling: apply(.cancelled(Outcome()), to: id, at: now, &effects)
        case .running: apply(.lost("its executor does not know it"), to: id, at: now, &effects)
        default: break
        }
    }

    /// Queues a run for its dispatcher when nothing stands against it, or sets the timer that asks again.
    mutating func offer(_ id: RunID, _ now: Timestamp, _ effects: inout [EngineEffect]) {
        guard let tracked = runs[id], tracked.run.state == .pending, tracked.run.dispatchedAt == nil, !tracked.queued
        else { return }
        if tracked.takesTurns, byJob[tracked.run.jobID]?.first != id { return }
        if tracked.run.notBefore > now {
            timers.insert(RunTimer(at: tracked.run.notBefore, attempt: tracked.attempt, what: .ready))
            return
        }
        guard tracked.isInLedger else { return }
        runs[id]?.queued = true
        lanes[tracked.lane].queue.append(id)
        joinOutage(id, tracked.lane, now, &effects)
    }

    mutating func dispatchReady(_ now: Timestamp, _ effects: inout [EngineEffect]) {
        guard !paused, !stopping else { return }
        for lane in lanes.indices where !lanes[lane].queue.isEmpty && lanes[lane].mayDispatch(limits) {
            if let outage = lanes[lane].outage, outage.probeAt > now { continue }
            let room = lanes[lane].room(limits)
            var batch: [Outgoing] = []
            var marked = 0
            while batch.count + marked < room, let id = lanes[lane].queue.popFirst() {
                if stays(id) || rests(id) || givesWay(id, now, &effects) { continue }
                switch runs[id]?.leaveQueue(at: now, from: instance) {
                case nil, .moot: continue
                case .early: offer(id, now, &effects)
                case .late: apply(.skip(.window), to: id, at: now, &effects)
                case .out(let outgoing, let late, let hasTimeOut):
                    if let late { lateness.note(late) }
                    if hasTimeOut { setTimeOuts(id, now) }
                    if marksFirst(lane) {
                        runs[id]?.awaitsMark = outgoing.attempt.attempt
                        runs[id]?.run.machine = machine
                        save(id)
                        marked += 1
                        continue
                    }
                    if lanes[lane].isConfirming {
                        runs[id]?.unanswered = outgoing.attempt.attempt
                    } else {
                        marks.append(id)
                    }
                    batch.append(outgoing)
                }
            }
            lanes[lane].out += marked
            if !batch.isEmpty {
                lanes[lane].out += batch.count
                lanes[lane].sent += 1
                effects.append(.dispatch(lane: lane, batch))
            }
        }
    }

    /// Brings what waits into the order of its times.
    private mutating func sortQueue(_ lane: Int) {
        let timed = lanes[lane].queue.enumerated().map { place, id in
            (time: runs[id]?.run.notBefore ?? .distantPast, place: place, id: id)
        }
        lanes[lane].queue = Deque(timed.sorted { ($0.time, $0.place) < ($1.time, $1.place) }.map(\.id))
    }

    mutating func results(
        _ lane: Int, _ attempts: [AttemptID], _ results: [DispatchResult], _ now: Timestamp,
        _ effects: inout [EngineEffect]
    ) {
        noteReach(lane, attempts, results, now, &effects)
        // Backwards, because what comes back goes to the front.
        for (attempt, result) in zip(attempts, results).reversed() {
            guard runs[attempt.run]?.run.attempt == attempt.attempt else { continue }
            let isAnswer = lanes[lane].isConfirming && runs[attempt.run]?.unanswered == attempt.attempt
            if isAnswer { runs[attempt.run]?.unanswered = nil }
            switch result {
            case .accepted, .known:
                if isAnswer {
                    runs[attempt.run]?.version &+= 1
                    marks.append(attempt.run)
                }
                if runs[attempt.run]?.run.held != nil {
                    apply(.taken, attempt: attempt.attempt, to: attempt.run, at: now, &effects)
                }
            case .refused(let why): apply(.refused(why), attempt: attempt.attempt, to: attempt.run, at: now, &effects)
            case .unavailable(let why), .away(let why):
                apply(.unreachable(why), attempt: attempt.attempt, to: attempt.run, at: now, &effects)
            }
        }
        // Two batches may have come back, the later one last.
        if lanes[lane].outage != nil, results.count > 1 { sortQueue(lane) }
    }

    mutating func told(_ events: [DispatchEvent], _ now: Timestamp, _ effects: inout [EngineEffect]) {
        var unknown: [DispatchEvent] = []
        defer { if !unknown.isEmpty { effects.append(.ask(unknown)) } }
        for event in events {
            let id = event.attempt.run
            guard let tracked = runs[id] else {
                if isShared {
                    unknown.append(event)
                    continue
                }
                // Final in the ledger, or never in it: whatever is kept to answer for it may go.
                if event.what.isEnd {
                    effects.append(contentsOf: acknowledgements([event.attempt]))
                } else if case .started = event.what {
                    // One that confirms keeps this, too, until the ledger has it.
                    let keeping = lanes.indices.filter { lanes[$0].isConfirming }
                    effects.append(contentsOf: keeping.map { .acknowledge(lane: $0, [event.attempt]) })
                }
                continue
            }
            // An attempt that the ledger does not have as ended is acknowledged when it does.
            if event.attempt.attempt < tracked.savedAttempt, event.what.isEnd {
                effects.append(.acknowledge(lane: tracked.lane, [event.attempt]))
            }
            if case .unheard = event.what {
                runs[id]?.listen(anew: now)
                continue
            }
            // An executor's word may come from a clock that runs ahead, or behind.
            let time = min(max(event.at, tracked.run.dispatchedAt ?? event.at), now)
            guard let what = RunEvent(event.what) else { continue }
            apply(what, attempt: event.isOfRun ? nil : event.attempt.attempt, to: id, at: time, &effects)
        }
    }

    /// Moves a run, and does what follows from it; nobody else does.
    mutating func apply(
        _ event: RunEvent, attempt: Int? = nil, to id: RunID, at time: Timestamp, _ effects: inout [EngineEffect]
    ) {
        guard var tracked = runs[id] else { return }
        let step = RunMachine.apply(
            event, attempt: attempt, to: &tracked.run, policies: tracked.definition.job.policies, at: time)
        guard step != .ignored else { return }
        put(tracked)
        switch step {
        case .ignored: break
        case .moved:
            if case .started = event { effects.append(tracked.start) }
            if case .heartbeat = event {
                runs[id]?.sign = max(tracked.sign ?? time, time)
            } else if tracked.run.state != .cancelling {
                setTimeOuts(id, time)
            }
        case .cancelling:
            effects.append(cancellation(of: tracked.run, tracked.lane))
            setTimeOuts(id, time)
        case .waiting: wait(id, after: event, time, &effects)
        case .retrying:
            effects.append(.report(tracked.run, lane: tracked.lane))
            timers.insert(RunTimer(at: tracked.run.notBefore, attempt: tracked.attempt, what: .ready))
        case .ended:
            effects.append(.report(tracked.run, lane: tracked.lane))
            if tracked.halts(after: event) { halt(tracked.run, time, &effects) }
            leaveJob(tracked.run, time, &effects)
        }
    }

    /// Lets a final run give way to the next of its job.
    mutating func leaveJob(_ run: Run, _ now: Timestamp, _ effects: inout [EngineEffect]) {
        byJob[run.jobID]?.removeAll { $0 == run.id }
        guard let next = byJob[run.jobID]?.first else {
            byJob[run.jobID] = nil
            return
        }
        offer(next, now, &effects)
    }

    func acknowledgements(_ attempts: [AttemptID]) -> [EngineEffect] {
        lanes.indices.map { .acknowledge(lane: $0, attempts) }
    }
}

extension DispatchEvent.What {
    var isEnd: Bool {
        switch self {
        case .started, .heartbeat, .forgotten, .unsent, .unstarted, .unheard: false
        case .succeeded, .failed, .cancelled, .lost: true
        }
    }
}

extension RunEvent {
    /// Nil for what happens to no run.
    init?(_ what: DispatchEvent.What) {
        switch what {
        case .started(let process): self = .started(process)
        case .heartbeat: self = .heartbeat
        case .succeeded(let outcome): self = .succeeded(outcome)
        case .failed(let outcome): self = .failed(outcome)
        case .cancelled(let outcome): self = .cancelled(outcome)
        case .lost(let why): self = .lost(why)
        case .forgotten(let why): self = .forgotten(why)
        case .unsent(let why): self = .unreachable(why)
        case .unstarted(let why): self = .unstarted(why)
        case .unheard: return nil
        }
    }
}
