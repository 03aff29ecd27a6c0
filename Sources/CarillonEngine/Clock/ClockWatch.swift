package import Timetable

/// Notices a wall clock that moves more or less than time passed.
package struct ClockWatch: Sendable {
    /// How a wall clock moved beside the time that passed.
    package struct Step: Sendable {
        /// Microseconds.
        package var by: Int64
        /// The machine slept for as long: the clock is right, and nobody looked.
        package var isSuspension: Bool
    }

    private var now: Timestamp
    private var uptime: Int64
    private var sinceBoot: Int64

    /// Starts a watch; `sinceBoot` counts what the machine slept, too; without it nothing is known of that.
    package init(now: Timestamp, uptime: Int64, sinceBoot: Int64? = nil) {
        self.now = now
        self.uptime = uptime
        self.sinceBoot = sinceBoot ?? uptime
    }

    /// Answers how far the wall clock jumped since the last look, when that is more than `jump`.
    package mutating func step(now: Timestamp, uptime: Int64, sinceBoot: Int64? = nil, jump: Int64) -> Step? {
        let sinceBoot = sinceBoot ?? uptime
        let step = (now.microseconds &- self.now.microseconds) &- (uptime &- self.uptime)
        let slept = (sinceBoot &- self.sinceBoot) &- (uptime &- self.uptime)
        self.now = now
        self.uptime = uptime
        self.sinceBoot = sinceBoot
        guard step > jump || step < -jump else { return nil }
        return Step(by: step, isSuspension: step > 0 && abs(step &- slept) <= jump)
    }
}
