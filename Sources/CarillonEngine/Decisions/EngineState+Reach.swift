import CarillonCore
import DequeModule
import Timetable

/// A dispatcher that takes nothing at the moment.
struct Outage: Sendable {
    var since: Timestamp
    var why: String
    var failures: Int
    /// One run asks again then.
    var probeAt: Timestamp

    func moved(by microseconds: Int64) -> Outage {
        var moved = self
        moved.since = since.adding(microseconds: microseconds)
        moved.probeAt = probeAt.adding(microseconds: microseconds)
        return moved
    }
}

/// Runs wait in the ledger while their dispatcher is out of reach, and go out by the catch-up policy when it is back.
extension EngineState {
    private static let firstProbe: Int64 = 50_000

    /// Notes outages: one answer that the dispatcher is away speaks for all runs; any other one, that it is there.
    mutating func noteReach(
        _ lane: Int, _ attempts: [AttemptID], _ results: [DispatchResult], _ now: Timestamp,
        _ effects: inout [EngineEffect]
    ) {
        let whys = results.compactMap { if case .away(let why) = $0 { why } else { nil } }
        guard let why = whys.last else {
            // Of a run that nobody can read the dispatcher was not asked.
            let isAnswer = { (attempt: AttemptID) in self.runs[attempt.run]?.definition.isReadable ?? true }
            if lanes[lane].outage != nil, attempts.contains(where: isAnswer) { lanes[lane].outage = nil }
            return
        }
        var outage = lanes[lane].outage ?? Outage(since: now, why: why, failures: 0, probeAt: now)
        outage.why = why
        outage.failures += 1
        let wait = Self.firstProbe << Int64(min(outage.failures - 1, 10))
        outage.probeAt = now.adding(microseconds: min(wait, limits.patience))
        let wasKnown = isLong(lanes[lane].outage, now)
        lanes[lane].outage = outage
        // What stands in the queue has not been tried, and waits all the same.
        if !wasKnown, isLong(outage, now) {
            for id in lanes[lane].queue { hold(id, why, now) }
        }
    }

    /// Whether an outage is longer than a connection takes to come back: worth a word on every run that waits for it.
    private func isLong(_ outage: Outage?, _ now: Timestamp) -> Bool {
        outage.map { $0.since.adding(microseconds: limits.patience) <= now } ?? false
    }

    private mutating func hold(_ id: RunID, _ why: String, _ now: Timestamp) {
        guard var tracked = runs[id], tracked.run.dispatchedAt == nil else { return }
        let policies = tracked.definition.job.policies
        guard RunMachine.apply(.unreachable(why), to: &tracked.run, policies: policies, at: now) != .ignored
        else { return }
        put(tracked)
    }

    /// Lets a run that joins the queue of a dispatcher that is away say so; older ones of its job may have to give way.
    mutating func joinOutage(
        _ id: RunID, _ lane: Int, _ now: Timestamp, _ effects: inout [EngineEffect]
    ) {
        guard let outage = lanes[lane].outage, isLong(outage, now), let job = runs[id]?.run.jobID else { return }
        hold(id, outage.why, now)
        // Those that wait stand behind whatever is out, and the older ones of them have given way before.
        let waiting = (byJob[job] ?? []).reversed().prefix { id in
            runs[id].map { $0.run.state == .pending && $0.run.dispatchedAt == nil } ?? false
        }
        for other in waiting.reversed() where other != id {
            guard let older = runs[other], isPassedOver(older, now) else { break }
            apply(.skip(.unreachable), to: other, at: now, &effects)
        }
        if lanes[lane].queue.count > 2 * runs.count + 10_000 {
            let runs = runs
            lanes[lane].queue.removeAll { runs[$0]?.queued != true }
        }
    }

    /// Whether a run that would go out is skipped instead, or gets a later turn.
    mutating func givesWay(_ id: RunID, _ now: Timestamp, _ effects: inout [EngineEffect]) -> Bool {
        guard !pace.isEmpty || runs[id]?.run.held != nil, var tracked = runs[id], tracked.run.state == .pending,
            tracked.run.dispatchedAt == nil, tracked.run.notBefore <= now
        else { return false }
        tracked.queued = false
        runs[id] = tracked
        if isPassedOver(tracked, now) {
            apply(.skip(.unreachable), to: id, at: now, &effects)
            return true
        }
        // A probe takes nobody's turn.
        guard lanes[tracked.lane].outage == nil, let slot = slot(for: tracked, now) else {
            return false
        }
        tracked.run.notBefore = slot
        tracked.isPaced = true
        put(tracked)
        offer(id, now, &effects)
        return true
    }

    /// Whether the catch-up policy wants no more of a run whose dispatcher was out of reach for long.
    func isPassedOver(_ tracked: TrackedRun, _ now: Timestamp) -> Bool {
        guard isTardy(tracked, now) else { return false }
        return switch tracked.definition.job.policies.catchUp {
        case .skip: true
        case .latest: !isAmongNewest(1, tracked)
        case .all(let limit, _): !isAmongNewest(limit, tracked)
        }
    }

    private func isTardy(_ tracked: TrackedRun, _ now: Timestamp) -> Bool {
        guard let hold = tracked.run.held, hold.until == nil, tracked.run.attempt == 1, !tracked.run.trigger.isOrdered
        else {
            return false
        }
        return hold.since.adding(microseconds: limits.hiccup) <= now
    }

    /// Says when a run may go out that is caught up at a rate, or follows one that is; nil for now.
    mutating func slot(for tracked: TrackedRun, _ now: Timestamp) -> Timestamp? {
        guard case .all(_, let rate) = tracked.definition.job.policies.catchUp, rate > 0, !tracked.isPaced else {
            return nil
        }
        let next = pace[tracked.run.jobID] ?? now
        guard next > now || isTardy(tracked, now) else { return nil }
        if pace.count > 10_000 { pace = pace.filter { $0.value > now } }
        pace[tracked.run.jobID] = max(next, now).adding(microseconds: Int64(saturating: 1_000_000 / rate))
        return next > now ? next : nil
    }

    /// Whether a waiting run is one of the last `count` of its job that wait.
    private func isAmongNewest(_ count: Int, _ tracked: TrackedRun) -> Bool {
        var newer = 0
        for id in (byJob[tracked.run.jobID] ?? []).reversed() {
            if id == tracked.run.id { return true }
            guard let run = runs[id]?.run, run.state == .pending, run.dispatchedAt == nil, !run.trigger.isOrdered
            else { continue }
            newer += 1
            if newer >= count { return false }
        }
        return true
    }

    /// Puts a run that came back from its dispatcher before everything that was never there, or lets it wait alone.
    mutating func wait(_ id: RunID, after event: RunEvent, _ now: Timestamp, _ effects: inout [EngineEffect]) {
        runs[id]?.isPaced = false
        guard var tracked = runs[id] else { return }
        if case .unreachable = event, lanes[tracked.lane].outage == nil || !tracked.definition.isReadable {
            // Others may go out, so this one alone has to be patient, and more so each time.
            let wait = limits.patience << Int64(min(tracked.rebuffs, 10))
            tracked.rebuffs += 1
            tracked.run.notBefore = now.adding(microseconds: min(wait, limits.longestPatience))
            put(tracked)
            offer(id, now, &effects)
        } else if !tracked.queued {
            runs[id]?.queued = true
            lanes[tracked.lane].queue.prepend(id)
        }
    }
}
