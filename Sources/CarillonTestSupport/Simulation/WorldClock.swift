import CarillonEngine
import Timetable

/// Elapsed time that only grows, and a wall clock that may stand anywhere beside it.
struct WorldClock {
    /// Microseconds the machine has been running; what the agenda counts in.
    private(set) var uptime: Int64 = 0
    /// Where the wall clock would stand had nobody set it.
    private var truth: Int64
    /// How far it is from there.
    private(set) var error: Int64 = 0

    init(start: Timestamp) { truth = start.microseconds }

    var wall: Timestamp { Timestamp(microseconds: uptime + truth + error) }

    /// Answers the elapsed time at which the wall clock shows a moment, if nobody sets it.
    func uptime(at wall: Timestamp) -> Int64 { max(uptime, wall.adding(microseconds: -(truth + error)).microseconds) }

    mutating func advance(to time: Int64) { uptime = max(uptime, time) }

    /// Lets time pass while nothing runs.
    mutating func suspend(for time: Int64) { truth += time }

    mutating func set(error: Int64) { self.error = error }
}
