import CarillonCore
import Timetable

/// A job on its way to a halt.
public struct Halt: Hashable, Sendable {
    /// The error of the run that failed first.
    public var why: String
    /// Its failed runs, which the ledger learns of afterwards: a crash in between must not leave them behind unnoticed.
    var runs: [RunID]
}

extension TrackedRun {
    /// Whether its job comes to a halt by this end.
    func halts(after event: RunEvent) -> Bool {
        guard run.hasFailed, definition.job.policies.onFailure == .halt else { return false }
        switch event {
        case .lost, .forgotten: return false
        default: return true
        }
    }
}

/// After a failure nothing more of a job goes out until an order resolves it.
extension EngineState {
    mutating func halt(_ run: Run, _ now: Timestamp, _ effects: inout [EngineEffect]) {
        unsavedIDs.remove(run.id)
        let isNew = halting[run.jobID] == nil
        halting[run.jobID, default: Halt(why: run.outcome.error ?? "no reason given", runs: [])].runs.append(run.id)
        if isNew { effects.append(.halt) }
        for id in byJob[run.jobID] ?? [] where runs[id]?.run.dispatchedAt == nil {
            apply(.skip(.halted), to: id, at: now, &effects)
        }
    }

    mutating func halted(_ ids: [JobID]) {
        for id in ids {
            for run in halting.removeValue(forKey: id)?.runs ?? [] { save(run) }
        }
    }
}
