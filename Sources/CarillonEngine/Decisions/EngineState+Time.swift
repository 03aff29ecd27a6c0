import CarillonCore
import HeapModule
import Timetable

/// Timers, and a wall clock that jumps.
extension EngineState {
    /// Sets the timers of a run that is out.
    mutating func setTimeOuts(_ id: RunID) {
        guard let tracked = runs[id], let dispatched = tracked.run.dispatchedAt else { return }
        let policies = tracked.definition.job.policies
        switch tracked.run.state {
        case .pending:
            if let limit = policies.startTimeout { setTimer(tracked, .start, dispatched.adding(microseconds: limit)) }
        case .running:
            let started = tracked.run.startedAt ?? dispatched
            if let limit = policies.timeout { setTimer(tracked, .execution, started.adding(microseconds: limit)) }
            if let limit = policies.heartbeatTimeout {
                let sign = tracked.run.heartbeatAt ?? started
                setTimer(tracked, .heartbeat, sign.adding(microseconds: limit))
            }
        default: break
        }
    }

    private mutating func setTimer(_ tracked: TrackedRun, _ what: TimeOut, _ at: Timestamp) {
        timers.insert(RunTimer(at: at, attempt: tracked.attempt, what: .timeOut(what)))
    }

    /// Handles every timer that has come.
    mutating func ring(_ now: Timestamp, _ effects: inout [EngineEffect]) {
        while let timer = timers.min, timer.at <= now {
            timers.removeMin()
            guard let tracked = runs[timer.attempt.run], tracked.attempt == timer.attempt else { continue }
            switch timer.what {
            case .ready: offer(timer.attempt.run, now, &effects)
            case .timeOut(.heartbeat):
                // A sign of life since then has set a timer of its own.
                let limit = tracked.definition.job.policies.heartbeatTimeout ?? 0
                let sign = tracked.run.heartbeatAt ?? tracked.run.startedAt ?? timer.at
                if sign.adding(microseconds: limit) <= now {
                    apply(.overran(.heartbeat), to: timer.attempt.run, at: now, &effects)
                }
            case .timeOut(let what): apply(.overran(what), to: timer.attempt.run, at: now, &effects)
            }
        }
    }

    /// Timers measure elapsed time, so they move with the clock; scheduled times do not.
    mutating func clockStepped(_ by: Int64, _ now: Timestamp, _ effects: inout [EngineEffect]) {
        let before = now.adding(microseconds: -by)
        timers = Heap(
            timers.unordered.map { RunTimer(at: $0.at.adding(microseconds: by), attempt: $0.attempt, what: $0.what) })
        for (id, tracked) in runs where tracked.run.state == .pending && tracked.run.notBefore > before {
            runs[id]?.run.notBefore = tracked.run.notBefore.adding(microseconds: by)
        }
        if let hold = holdUntil { holdUntil = hold.adding(microseconds: by) }
        live = now
        missed = .clock
        if by < 0 { effects.append(.rewind) }
    }

    mutating func pause(_ value: Bool, _ now: Timestamp) {
        if paused, !value {
            live = now
            missed = .paused
        }
        paused = value
    }

    mutating func shutdown(_ endRuns: Bool, _ now: Timestamp, _ effects: inout [EngineEffect]) {
        stopping = true
        guard endRuns else { return }
        for id in runs.values.filter(\.isOut).map(\.run.id) {
            apply(.cancel(reason: "the daemon was stopped"), to: id, at: now, &effects)
        }
    }
}
