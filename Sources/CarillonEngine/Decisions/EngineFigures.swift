import CarillonCore
import Timetable

/// What the engine has in memory, as numbers.
struct EngineFigures: Sendable {
    struct Lane: Sendable {
        var pending = 0
        var running = 0
        var cancelling = 0
        /// Runs that wait for their dispatcher to be back.
        var held = 0
        var isUp = true
    }

    /// By their numbers; the last one is of runs that no dispatcher is there for.
    var lanes: [Lane]
    var nextDue: Timestamp?
    var due: Int
    var isPaused: Bool
}

extension EngineState {
    func figures(at now: Timestamp) -> EngineFigures {
        var figures = lanes.map { EngineFigures.Lane(isUp: $0.outage == nil) }
        for tracked in runs.all {
            switch tracked.run.state {
            case .pending: figures[tracked.lane].pending += 1
            case .running: figures[tracked.lane].running += 1
            case .cancelling: figures[tracked.lane].cancelling += 1
            case .completed, .failed, .cancelled, .skipped: continue
            }
            if let hold = tracked.run.held, hold.until == nil { figures[tracked.lane].held += 1 }
        }
        return EngineFigures(lanes: figures, nextDue: earliestDue, due: due(now), isPaused: paused)
    }
}
