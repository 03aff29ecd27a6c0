import Timetable

/// Notices a wall clock that moves more or less than time passed.
package struct ClockWatch: Sendable {
    private var now: Timestamp
    private var uptime: Int64

    package init(now: Timestamp, uptime: Int64) {
        self.now = now
        self.uptime = uptime
    }

    /// Microseconds the wall clock jumped since the last look, when that is more than `jump`.
    package mutating func step(now: Timestamp, uptime: Int64, jump: Int64) -> Int64? {
        let step = (now.microseconds &- self.now.microseconds) &- (uptime &- self.uptime)
        self.now = now
        self.uptime = uptime
        return step > jump || step < -jump ? step : nil
    }
}
