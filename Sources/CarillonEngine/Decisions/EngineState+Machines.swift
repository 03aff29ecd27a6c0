import CarillonCore
import Timetable

/// Runs that live on another machine, as programs do: whoever holds the shard decides, and the machine's own instance carries out and
/// tells.
extension EngineState {
    /// Others may have runs of which nothing is known here.
    var isShared: Bool { machine != nil }

    func isElsewhere(_ run: Run) -> Bool { machine != nil && run.machine != nil && run.machine != machine }

    /// Whether a run is one of those that its dispatcher has room for so many of.
    func takesPlace(_ tracked: TrackedRun) -> Bool { tracked.isOut && !isElsewhere(tracked.run) }

    /// What ends a run where it is.
    func cancellation(of run: Run, _ lane: Int) -> EngineEffect {
        let attempt = AttemptID(run: run.id, attempt: run.attempt)
        if let machine = run.machine, isElsewhere(run) { return .end(machine: machine, attempt) }
        return .cancel(lane: lane, attempt)
    }

    /// Gives up what lives on machines that have had no instance in force for longer than their lane waits.
    mutating func present(
        _ machines: Set<String>, at: Int64, _ now: Timestamp, _ effects: inout [EngineEffect]
    ) {
        if elsewhere.isEmpty {
            awaySince = [:]
            return
        }
        var away: [String: Int64] = [:]
        for id in elsewhere.sorted() {
            guard let tracked = runs[id], tracked.isOut, let machine = tracked.run.machine, isElsewhere(tracked.run)
            else {
                elsewhere.remove(id)
                continue
            }
            if machines.contains(machine) { continue }
            let since = awaySince[machine] ?? at
            away[machine] = since
            guard at - since >= lanes[tracked.lane].lostAfter else { continue }
            let name = tracked.run.instance.map { "'\($0)'" } ?? machine
            apply(.lost("the instance \(name) is away"), to: id, at: now, &effects)
        }
        awaySince = away
    }
}
