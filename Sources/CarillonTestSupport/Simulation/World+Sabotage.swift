import CarillonCore
import CarillonEngine
import MemoryStore
import Timetable

/// Promises broken on purpose.
extension World {
    func sabotaged(_ effects: [EngineEffect], after event: EngineEvent) -> [EngineEffect] {
        switch sabotage {
        case .dispatchBeforeLedger:
            return effects.flatMap { effect -> [EngineEffect] in
                guard case .open(let batch) = effect else { return [effect] }
                let runs = batch.flatMap(\.runs).map {
                    Dispatch(
                        attempt: AttemptID(run: $0.id, attempt: 1), job: $0.job,
                        target: .exec(ExecTarget(.argv(["true"]))), scheduledAt: $0.scheduledAt)
                }
                return [.dispatch(.exec, runs), effect]
            }
        case .noRewind:
            return effects.filter {
                if case .rewind = $0 { false } else { true }
            }
        case .acknowledgeBeforeSave:
            guard case .told(let events) = event else { return effects }
            let ended = events.filter {
                switch $0.what {
                case .started, .heartbeat: false
                default: true
                }
            }
            return ended.isEmpty ? effects : [.acknowledge(.exec, ended.map(\.attempt))] + effects
        default: return effects
        }
    }

    func sabotaged(_ batch: [JobAdvance]) -> [JobAdvance] {
        switch sabotage {
        case .noUniqueKey:
            for part in batch {
                for run in part.runs {
                    ledger.occurrences[MemoryLedger.Occurrence(job: run.jobID, at: run.scheduledAt)] = nil
                }
            }
            return batch
        case .reusedRunID:
            guard let part = batch.firstIndex(where: { !$0.runs.isEmpty }), random.chance(0.1),
                let old = ledger.runs.keys.min()
            else { return batch }
            var batch = batch
            batch[part].runs[0].id = old
            ledger.runs[old] = nil
            return batch
        case .skipDropped:
            return batch.map { part in
                var part = part
                part.skips = []
                return part
            }
        default: return batch
        }
    }
}
