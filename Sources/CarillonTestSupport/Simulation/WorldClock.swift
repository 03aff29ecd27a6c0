import CarillonEngine
import Timetable

/// Elapsed time that only grows, and the wall time it truly is; machines may believe another one.
struct WorldClock {
    /// Microseconds the machine has been running; what the agenda counts in.
    private(set) var uptime: Int64 = 0
    private var truth: Int64

    init(start: Timestamp) { truth = start.microseconds }

    var wall: Timestamp { Timestamp(microseconds: uptime + truth) }

    /// Answers the elapsed time of a moment that is still to come.
    func uptime(at wall: Timestamp) -> Int64 { max(uptime, wall.adding(microseconds: -truth).microseconds) }

    mutating func advance(to time: Int64) { uptime = max(uptime, time) }

    /// Lets time pass while nothing runs.
    mutating func suspend(for time: Int64) { truth += time }
}
