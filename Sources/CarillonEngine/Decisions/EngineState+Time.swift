import CarillonCore
import HeapModule
import Timetable

/// Timers, and a wall clock that jumps.
extension EngineState {
    /// Sets the timers of a run that is out, one for each time-out, when it goes out and when it starts.
    mutating func setTimeOuts(_ id: RunID, _ now: Timestamp) {
        guard let tracked = runs[id], let dispatched = tracked.run.dispatchedAt else { return }
        let policies = tracked.definition.job.policies
        switch tracked.run.state {
        case .pending:
            let since = min(dispatched, now)
            if let limit = policies.startTimeout {
                runs[id]?.startBy = since.adding(microseconds: limit)
                setTimer(tracked, .start, since.adding(microseconds: limit))
            }
        case .running:
            let since = min(tracked.run.startedAt ?? dispatched, now)
            let heard = min(tracked.run.heartbeatAt ?? since, now)
            let sign = tracked.countsFrom == nil ? heard : max(heard, tracked.sign ?? heard)
            runs[id]?.sign = sign
            if let limit = policies.timeout { setTimer(tracked, .execution, since.adding(microseconds: limit)) }
            if let limit = policies.heartbeatTimeout { setTimer(tracked, .heartbeat, sign.adding(microseconds: limit)) }
        case .cancelling:
            // The ledger does not say since when; nobody waits longer than from now on.
            if let limit = policies.signs?.cancelTimeout { setTimer(tracked, .cancel, now.adding(microseconds: limit)) }
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
            if case .timeOut(let what) = timer.what, what != .cancel, let from = tracked.countsFrom, from > now {
                setTimer(tracked, what, from)
                continue
            }
            switch timer.what {
            case .ready: offer(timer.attempt.run, now, &effects)
            case .timeOut(.heartbeat):
                let due = (tracked.sign ?? timer.at).adding(
                    microseconds: tracked.definition.job.policies.heartbeatTimeout ?? 0)
                if due <= now {
                    apply(.overran(.heartbeat), to: timer.attempt.run, at: now, &effects)
                } else if tracked.run.state == .running {
                    // There was a sign of life since.
                    setTimer(tracked, .heartbeat, due)
                }
            case .timeOut(.start) where timer.at < tracked.startBy ?? timer.at: break
            case .timeOut(let what): apply(.overran(what), to: timer.attempt.run, at: now, &effects)
            }
        }
    }

    /// Moves timers with the clock, since they measure elapsed time; scheduled times do not move.
    mutating func clockStepped(
        _ by: Int64, _ isSuspension: Bool, _ now: Timestamp, _ effects: inout [EngineEffect]
    ) {
        let before = now.adding(microseconds: -by)
        timers = Heap(
            timers.unordered.map { RunTimer(at: $0.at.adding(microseconds: by), attempt: $0.attempt, what: $0.what) })
        for var tracked in runs.all {
            tracked.sign = tracked.sign?.adding(microseconds: by)
            tracked.startBy = tracked.startBy?.adding(microseconds: by)
            tracked.countsFrom = tracked.countsFrom?.adding(microseconds: by)
            // What was due stays due, and what waited waits as long as it had to.
            let due = tracked.run.notBefore > before ? tracked.run.notBefore.adding(microseconds: by) : now
            if tracked.run.state == .pending, due < tracked.run.notBefore || tracked.run.notBefore > before {
                tracked.run.notBefore = due
                put(tracked)
            } else {
                runs[tracked.run.id] = tracked
            }
        }
        if let hold = storeRestsUntil { storeRestsUntil = hold.adding(microseconds: by) }
        for lane in lanes.indices { lanes[lane].outage = lanes[lane].outage?.moved(by: by) }
        pace = pace.mapValues { $0.adding(microseconds: by) }
        marksSince = marksSince?.adding(microseconds: by)
        nextLook = now
        if by < 0 {
            live = min(live, now)
            // What the wrong clock has called past is still to come.
            gaps = gaps.compactMap { $0.cut(at: now) }
            tagGaps = tagGaps.compactMap { past in past.gap.cut(at: now).map { TagGap(tag: past.tag, gap: $0) } }
            pausedAt = min(pausedAt, now)
            pausedTags = pausedTags.mapValues { TagPause(reason: $0.reason, since: min($0.since, now)) }
            effects.append(.rewind)
        } else {
            note(Gap(after: before, through: now, reason: isSuspension ? .stall : .clock))
        }
    }

    /// Keeps why nothing was scheduled in a stretch of time; of many the last ones.
    mutating func note(_ gap: Gap) {
        gaps.append(gap)
        if gaps.count > Self.mostGaps { gaps.removeFirst() }
    }

    private static var mostGaps: Int { 32 }

    mutating func shutdown(_ endRuns: Bool, _ now: Timestamp, _ effects: inout [EngineEffect]) {
        stopping = true
        guard endRuns else { return }
        // What a time-out is ending already fails, as it would have without us.
        let ending = runs.all.filter { takesPlace($0) && lanes[$0.lane].isBound && $0.run.state != .cancelling }
        for id in ending.map(\.run.id).sorted() {
            apply(.cancel(reason: "the daemon was stopped"), to: id, at: now, &effects)
        }
    }
}

extension Gap {
    /// What of it lies before a time; nil when nothing does.
    fileprivate func cut(at end: Timestamp) -> Gap? {
        after < end ? Gap(after: after, through: min(through, end), reason: reason, detail: detail) : nil
    }
}
