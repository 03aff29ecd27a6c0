package import CarillonCore
import Timetable

/// Shards come and go: what stands in one is planned and driven here as long as it is held, and forgotten once it is not.
extension EngineState {
    /// Whether a job is this instance's to plan.
    package func holds(_ job: JobID) -> Bool {
        if !pins.isEmpty, let pinned = pins[job]?.shard { return held.contains(pinned) }
        return isEverythingHeld || held.contains(Shard(of: job))
    }

    private var isEverythingHeld: Bool { heldShares >= Shard.shares && leaving.isEmpty }

    /// Whether a job is in a shard that is to go: nothing new of it begins.
    func isLeaving(_ job: JobID) -> Bool { !leaving.isEmpty && leaving.contains(shard(of: job)) }

    /// Where a job stands, as far as is known here.
    func shard(of job: JobID) -> Shard { (pins.isEmpty ? nil : pins[job]?.shard) ?? Shard(of: job) }

    /// Notes where a job stood at a revision; what is known of a later one counts, as each move begins another.
    package mutating func locate(_ job: JobID, _ pinned: Shard?, at revision: Int64) {
        if pinned == nil, pins.isEmpty || pins[job] == nil { return }
        if let known = pins[job], known.revision > revision { return }
        pins[job] = Pin(shard: pinned, revision: revision)
    }

    /// Notes where jobs stand of which nothing is known yet.
    mutating func locateUnknown(_ cursors: [JobCursor]) {
        for cursor in cursors where cursor.pinned != nil && pins[cursor.id] == nil {
            pins[cursor.id] = Pin(shard: cursor.pinned, revision: 0)
        }
    }

    /// Where a job stands that is not in the share of its number, or was not, by the revision of which that is known.
    struct Pin: Hashable, Sendable {
        /// Nil for the share of its number.
        var shard: Shard?
        var revision: Int64
    }

    /// Whether a plan is of a job that stands elsewhere by now, or of one that nobody should have planned here.
    func isElsewhere(_ job: PlannableJob) -> Bool {
        guard isShared, job.pinned != nil || !pins.isEmpty else { return false }
        let id = job.definition.id
        return !holds(id) || !held.contains(job.pinned ?? Shard(of: id))
    }

    /// Where a job stands of which this instance knows but that it is not here any more.
    private static let elsewhere = Shard(-1)

    /// Whether a job is to go elsewhere with its present definition.
    func moves(_ job: PlannableJob) -> Place? {
        guard isShared, let former = job.former, job.definition.isReadable, !job.definition.isRemoved else {
            return nil
        }
        let place = Place(of: job.definition.job.policies)
        let isThere = Place(of: former.job.policies) == place && (place == .share) == (job.pinned == nil)
        return isThere ? nil : place
    }

    /// Forgets a job that stands elsewhere since a revision after this one, unless more is known of it already: answers false then.
    mutating func moved(_ job: JobID, after revision: Int64) -> Bool {
        cache[job] = nil
        if let known = pins[job], known.revision > revision { return false }
        heap.remove(job)
        pins[job] = Pin(shard: Self.elsewhere, revision: revision + 1)
        return true
    }

    /// The jobs of a shard that have a next time.
    private func jobs(in shard: Shard) -> [JobID] {
        if pins.isEmpty { return heap.jobs(in: shard) }
        // Few shards are no shares.
        guard shard.number >= Shard.shares else { return heap.jobs(in: shard).filter { pins[$0]?.shard == nil } }
        return pins.filter { $0.value.shard == shard }.map(\.key).filter { heap.nextDue(of: $0) != nil }
    }

    /// Keeps a run of a shard that is to go out of the queues.
    mutating func stays(_ id: RunID) -> Bool {
        guard !leaving.isEmpty, let job = runs[id]?.run.jobID, isLeaving(job) else { return false }
        runs[id]?.queued = false
        return true
    }

    /// Whether runs of a lane go out only when the ledger has that they do: what lives on one machine may not be started by the
    /// next holder once more, and that one knows nothing but the ledger.
    func marksFirst(_ lane: Int) -> Bool { isShared && lanes[lane].isBound }

    /// Whether something came up while the store took its time to mark a run as handed over.
    private func mustStay(_ tracked: TrackedRun, _ now: Timestamp) -> Bool {
        stopping || paused || isLeaving(tracked.run.jobID) || isHeldBack(tracked) || tracked.isPastWindow(now)
    }

    /// Hands runs over that the ledger has as handed over, unless something came up meanwhile.
    mutating func handOver(_ marked: [RunID], _ now: Timestamp, _ effects: inout [EngineEffect]) {
        var batches = [[Outgoing]](repeating: [], count: lanes.count)
        for id in marked {
            guard var tracked = runs[id], let attempt = tracked.awaitsMark else { continue }
            tracked.awaitsMark = nil
            runs[id] = tracked
            guard attempt == tracked.run.attempt else { continue }
            switch tracked.run.state {
            case .pending where mustStay(tracked, now):
                // As if it had never left: nobody has it.
                tracked.run.dispatchedAt = nil
                tracked.run.machine = nil
                put(tracked)
                offer(id, now, &effects)
            case .pending:
                batches[tracked.lane].append(
                    Outgoing(
                        attempt: tracked.attempt, definition: tracked.definition, scheduledAt: tracked.run.scheduledAt,
                        arguments: tracked.run.arguments))
            // Nobody else will end what nobody has.
            case .cancelling: apply(.cancelled(Outcome()), to: id, at: now, &effects)
            default: break
            }
        }
        for (lane, batch) in batches.enumerated() where !batch.isEmpty {
            lanes[lane].sent += 1
            effects.append(.dispatch(lane: lane, batch))
        }
    }

    /// Leaves out what is not planned here.
    func ours(_ ids: [JobID]) -> [JobID] {
        isEverythingHeld && pins.isEmpty ? ids : ids.filter { holds($0) && !isLeaving($0) }
    }

    /// Plans what stands in shards from now on. Their active runs are known already: nothing is planned on top of runs that are
    /// not. `since` is when their last holder was there for the last time.
    mutating func took(
        _ shards: Set<Shard>, _ cursors: [JobCursor], since: Timestamp, _ now: Timestamp,
        _ effects: inout [EngineEffect]
    ) {
        let stayed = leaving.intersection(shards)
        hold(held.union(shards))
        // Whoever holds a shard moves what stands in it, and nobody else.
        for cursor in cursors where cursor.pinned != nil || pins[cursor.id] != nil {
            pins[cursor.id] = Pin(shard: cursor.pinned, revision: pins[cursor.id]?.revision ?? 0)
        }
        leaving.subtract(shards)
        if since < now { note(Gap(after: since, through: now, reason: .downtime)) }
        changed(cursors)
        // What waited to go out goes on, where the shard stays after all.
        if stayed.isEmpty { return }
        for run in runs.all.map(\.run) where stayed.contains(shard(of: run.jobID)) { offer(run.id, now, &effects) }
    }

    /// Lets nothing new of these shards begin; `isQuiet` says when nothing of them is on its way any more.
    mutating func leave(_ shards: Set<Shard>) {
        leaving.formUnion(shards)
        for shard in shards { for job in jobs(in: shard) { heap.remove(job) } }
        forgetDefinitions(of: shards)
        // Whatever is on its way to a dispatcher now has come back by then.
        leavingBatches = lanes.map { $0.sent }
        // Marks do not wait: the next holder reads the ledger.
        for id in marks where runs[id].map({ isLeaving($0.run.jobID) && !$0.isSaved }) ?? false { save(id) }
    }

    /// Whether nothing of the shards that are to go is planned, on its way to a dispatcher, or unknown to the ledger.
    package var isQuiet: Bool {
        guard zip(lanes, leavingBatches).allSatisfy({ $0.answered >= $1 }), !mustSweep, leftSinceSweep == nil else {
            return false
        }
        if planning.contains(where: isLeaving) || halting.keys.contains(where: isLeaving) { return false }
        return !runs.all.contains { isLeaving($0.run.jobID) && !$0.isSaved }
    }

    /// Forgets everything about shards that are somebody else's now.
    mutating func gave(_ shards: Set<Shard>, _ effects: inout [EngineEffect]) {
        hold(held.subtracting(shards))
        leaving.subtract(shards)
        let (places, isPinned) = (pins, !pins.isEmpty)
        let isGone = { (job: JobID) in shards.contains((isPinned ? places[job]?.shard : nil) ?? Shard(of: job)) }
        for shard in shards { for job in jobs(in: shard) { heap.remove(job) } }
        forgetDefinitions(of: shards)
        var abandoned = [[AttemptID]](repeating: [], count: lanes.count)
        for tracked in Array(runs.all) where isGone(tracked.run.jobID) {
            abandoned[tracked.lane].append(tracked.attempt)
            if takesPlace(tracked) { lanes[tracked.lane].out -= 1 }
            runs[tracked.run.id] = nil
            byJob[tracked.run.jobID] = nil
            unsavedIDs.remove(tracked.run.id)
        }
        for (lane, attempts) in abandoned.enumerated() where !attempts.isEmpty {
            effects.append(.abandon(lane: lane, attempts))
        }
        for job in outdated where isGone(job) { outdated.remove(job) }
        for job in restingJobs where isGone(job) { restingJobs.remove(job) }
        pace = pace.filter { !isGone($0.key) }
        presentTags = presentTags.filter { !isGone($0.key) }
    }

    private mutating func hold(_ shards: Set<Shard>) {
        held = shards
        heldShares = shards.shares.count
    }

    private mutating func forgetDefinitions(of shards: Set<Shard>) {
        let (places, isPinned) = (pins, !pins.isEmpty)
        let isGone = { (job: JobID) in shards.contains((isPinned ? places[job]?.shard : nil) ?? Shard(of: job)) }
        // What is planned just now is still needed to take up its runs.
        for job in Array(cache.allKeys) where isGone(job) && !planning.contains(job) { cache[job] = nil }
        for job in readingAhead where isGone(job) { readingAhead.remove(job) }
        toReadAhead.removeAll(where: isGone)
    }
}
