import CarillonCore
import CarillonEngine
package import Timetable

/// Times for people: in the job's zone, and relative.
package struct TimeFormatter {
    package let now: Timestamp
    private let zones = ZoneDatabase()

    package init(now: Timestamp = SystemClock().now) { self.now = now }

    package func zone(_ name: String) -> Zone { (try? zones.zone(name)) ?? .utc }

    /// `2026-11-21 19:00:00 CET`.
    package func absolute(_ time: Timestamp, _ zone: String) -> String { self.zone(zone).format(time) }

    /// `2026-11-21 19:00:00 CET (in 3 h)`.
    package func both(_ time: Timestamp, _ zone: String) -> String { "\(absolute(time, zone)) (\(relative(time)))" }

    /// `in 3 h`, `5 min ago`.
    package func relative(_ time: Timestamp) -> String {
        let seconds = (time.microseconds - now.microseconds) / 1_000_000
        if abs(seconds) < 1 { return "now" }
        let text = Self.rough(abs(seconds))
        return seconds > 0 ? "in \(text)" : "\(text) ago"
    }

    /// The largest unit that says something, of a number of seconds.
    package static func rough(_ seconds: Int64) -> String {
        switch seconds {
        case ..<120: "\(seconds) s"
        case ..<7_200: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3_600) h"
        case ..<63_072_000: "\(seconds / 86_400) d"
        default: "\(seconds / 31_536_000) years"
        }
    }
}
