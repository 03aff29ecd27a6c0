import CarillonCore
import Timetable

/// What a sighting says of an attempt. Pure.
enum Verdict: Hashable, Sendable {
    /// It stands in its queue, or is on its way to a worker.
    case waits
    case started(Timestamp?)
    case ended(DispatchEvent.What, startedAt: Timestamp?, at: Timestamp?)
    /// There is no trace of it.
    case nothing

    init(_ sight: RQJobSnapshot, _ entry: RQEntry?, isCancelled: Bool) {
        switch sight.status {
        case "finished"?: self = .ended(.succeeded(Outcome()), startedAt: sight.startedAt, at: sight.endedAt)
        case "failed"?: self = .ended(.failed(Self.failure(sight)), startedAt: sight.startedAt, at: sight.endedAt)
        case "stopped"?:
            let outcome = Self.failure(sight)
            let text = Outcome(error: "stopped by an order to its worker", outputTail: outcome.outputTail)
            self = .ended(
                isCancelled ? .cancelled(outcome) : .failed(text), startedAt: sight.startedAt, at: sight.endedAt)
        case "canceled"?:
            self = .ended(
                .cancelled(Outcome(error: "cancelled in RQ")), startedAt: sight.startedAt, at: sight.endedAt)
        case "started"?: self = .started(sight.startedAt)
        case nil where sight.guardText == nil: self = .nothing
        case nil where isCancelled: self = .ended(.cancelled(Outcome()), startedAt: nil, at: nil)
        case nil where entry?.resultTTL == 0:
            // RQ keeps a failure whatever result_ttl says; only a success leaves nothing.
            self = .ended(.succeeded(Outcome()), startedAt: nil, at: nil)
        case nil:
            self = .ended(.lost("its job left Redis before its end was seen"), startedAt: nil, at: nil)
        default: self = .waits
        }
    }

    private static func failure(_ sight: RQJobSnapshot) -> Outcome {
        guard let traceback = sight.traceback else { return Outcome(error: "failed; RQ kept no traceback") }
        return Outcome(error: Traceback.headline(traceback), outputTail: traceback)
    }
}
