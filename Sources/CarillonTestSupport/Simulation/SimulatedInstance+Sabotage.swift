import CarillonCore
import CarillonEngine
import MemoryStore
import Timetable

/// Promises broken on purpose.
extension SimulatedInstance {
    func sabotaged(_ effects: [EngineEffect], after event: EngineEvent) -> [EngineEffect] {
        switch sabotage {
        case .dispatchBeforeLedger:
            return effects.flatMap { effect -> [EngineEffect] in
                guard case .open(let batch) = effect else { return [effect] }
                let runs = batch.flatMap(\.runs).compactMap { run in
                    ledger.jobs[run.jobID].map {
                        Outgoing(
                            attempt: AttemptID(run: run.id, attempt: 1),
                            definition: CompiledJob($0.stored, zones: zones), scheduledAt: run.scheduledAt)
                    }
                }
                return [.dispatch(lane: 0, runs), effect]
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
            return ended.isEmpty ? effects : [.acknowledge(lane: 0, ended.map(\.attempt))] + effects
        case .falseReason:
            return changed(effects) { part in
                for index in part.skips.indices where part.skips[index].reason == .stall {
                    part.skips[index].reason = .overlap
                }
            }
        case .formerForgotten:
            return changed(effects) { part in if part.takesUp { (part.runs, part.skips) = ([], []) } }
        case .newestMissed:
            return changed(effects) { part in
                guard let run = part.runs.last, run.trigger == .schedule, let skip = part.skips.last,
                    skip.reason == .stall, part.to == run.scheduledAt
                else { return }
                part.runs.removeLast()
                var missed = skip
                missed.after = part.runs.last?.scheduledAt ?? skip.through
                missed.through = run.scheduledAt
                part.skips.append(missed)
            }
        default: return effects
        }
    }

    private func changed(_ effects: [EngineEffect], _ change: (inout JobAdvance) -> Void) -> [EngineEffect] {
        effects.map { effect in
            guard case .open(var batch) = effect else { return effect }
            for index in batch.indices { change(&batch[index]) }
            return .open(batch)
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
