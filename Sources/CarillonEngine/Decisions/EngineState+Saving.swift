import CarillonCore
import Timetable

/// Runs on their way into the ledger: many changes of one run become one write.
extension EngineState {
    /// Keeps a changed run, to be saved, and counts it in or out of what its dispatcher has.
    mutating func put(_ tracked: TrackedRun) {
        var tracked = tracked
        let tookPlace = runs[tracked.run.id].map(takesPlace) ?? false
        if tookPlace != takesPlace(tracked) { lanes[tracked.lane].out += tookPlace ? -1 : 1 }
        tracked.version &+= 1
        runs[tracked.run.id] = tracked
        save(tracked.run.id)
    }

    /// Marks a run for the ledger to have as it is, but for one that failed and whose job is still to halt.
    mutating func save(_ id: RunID) {
        if !halting.isEmpty, let run = runs[id]?.run, halting[run.jobID]?.runs.contains(id) == true { return }
        unsavedIDs.insert(id)
    }

    /// Saves marks when nothing else is due or on its way out, after a while in any case, and often together with the
    /// outcome.
    ///
    /// They may wait, because to dispatch a run again would harm nobody.
    private mutating func ripen(_ now: Timestamp) {
        guard !marks.isEmpty else { return }
        let since = marksSince ?? now
        marksSince = since
        let isBusy = !planning.isEmpty || lanes.contains { !$0.queue.isEmpty || $0.dispatching > 0 }
        guard !isBusy || stopping || since.adding(microseconds: limits.markLag) <= now else { return }
        unsavedIDs.reserveCapacity(unsavedIDs.count + marks.count)
        for id in marks where runs[id].map({ !$0.isSaved }) ?? false { save(id) }
        marks = []
        marksSince = nil
    }

    mutating func saveIfNeeded(_ now: Timestamp, _ effects: inout [EngineEffect]) {
        ripen(now)
        guard !saving, !unsavedIDs.isEmpty, storeRestsUntil.map({ $0 <= now }) ?? true else { return }
        saving = true
        effects.append(.save)
    }

    mutating func saved(_ versions: [RunID: UInt32], _ now: Timestamp, _ effects: inout [EngineEffect]) {
        saving = false
        storeTrouble = nil
        var ended = [[AttemptID]](repeating: [], count: lanes.count)
        var started = ended
        var marked: [RunID] = []
        // Oldest first, which is the order they are dispatched in.
        for (id, version) in versions.sorted(by: { $0.key < $1.key }) {
            guard var tracked = runs[id] else {
                unsavedIDs.remove(id)
                continue
            }
            tracked.saved = version
            guard tracked.isSaved else {
                runs[id] = tracked
                continue
            }
            for attempt in tracked.savedAttempt..<tracked.run.attempt {
                ended[tracked.lane].append(AttemptID(run: id, attempt: attempt))
            }
            tracked.savedAttempt = tracked.run.attempt
            if lanes[tracked.lane].isConfirming, tracked.run.startedAt != nil, tracked.notedStart < tracked.run.attempt
            {
                tracked.notedStart = tracked.run.attempt
                started[tracked.lane].append(tracked.attempt)
            }
            if tracked.awaitsMark != nil { marked.append(id) }
            runs[id] = tracked
            unsavedIDs.remove(id)
            if tracked.run.state.isFinal {
                ended[tracked.lane].append(tracked.attempt)
                runs[id] = nil
                leftSinceSweep?.insert(id)
            } else {
                offer(id, now, &effects)
            }
        }
        for (lane, attempts) in started.enumerated() where !attempts.isEmpty {
            effects.append(.noted(lane: lane, attempts))
        }
        for (lane, attempts) in ended.enumerated() where !attempts.isEmpty {
            effects.append(.acknowledge(lane: lane, attempts))
        }
        handOver(marked, now, &effects)
    }

    /// Takes runs as the ledger has them, and is done with them.
    mutating func overruled(_ runs: [Run], _ now: Timestamp, _ effects: inout [EngineEffect]) {
        for run in runs where run.state.isFinal {
            guard var tracked = self.runs[run.id], !tracked.run.state.isFinal else { continue }
            // Whatever the ledger counts, what is out here is of this attempt.
            let attempt = max(run.attempt, tracked.run.attempt)
            tracked.run = run
            tracked.run.attempt = attempt
            put(tracked)
            leaveJob(run, now, &effects)
        }
    }

    mutating func saveFailed(_ why: String, _ now: Timestamp) {
        saving = false
        storeTrouble = why
        storeRestsUntil = now.adding(microseconds: limits.patience)
    }
}
