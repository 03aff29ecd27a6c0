import Foundation
package import Timetable

/// Times for people: in the job's zone unless another is asked for, and relative.
package struct TimeFormatter {
    package let now: Timestamp
    private let zones = ZoneDatabase()
    /// The zone of everything that is shown.
    private let asked: Zone?

    package init(now: Timestamp = SystemClock().now, in asked: Zone? = nil) {
        self.now = now
        self.asked = asked
    }

    /// The zone in which times of a job of this zone are told.
    package func zone(_ name: String) -> Zone { asked ?? (try? zones.zone(name)) ?? .utc }

    /// `2026-11-21 19:00:00 CET`.
    package func absolute(_ time: Timestamp, _ zone: String) -> String { self.zone(zone).format(time) }

    /// `2026-11-21 19:00:00 CET (in 3 h)`.
    package func both(_ time: Timestamp, _ zone: String) -> String { "\(absolute(time, zone)) (\(relative(time)))" }

    /// `19:00 CET` today, `Fri 19:00 CET` within six days, else `2026-12-24 19:00 CET`; seconds where there are any.
    package func short(_ time: Timestamp, _ zone: String) -> String {
        let zone = self.zone(zone)
        let words = zone.format(time).split(separator: " ").map(String.init)
        guard words.count >= 3 else { return zone.format(time) }
        let clock = words[1].hasSuffix(":00") ? String(words[1].dropLast(3)) : String(words[1].prefix(8))
        let days = zone.day(of: time) - zone.day(of: now)
        let day =
            switch days {
            case 0: ""
            case -6...6: Self.weekdays[Int(((zone.day(of: time) + 4) % 7 + 7) % 7)] + " "
            default: words[0] + " "
            }
        return day + clock + " " + words[2...].joined(separator: " ")
    }

    /// From the day of 1970-01-01, a Thursday, on.
    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]

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

    /// A length of time, in as few words as say something: `35 ms`, `2.4 s`, `12 min`.
    package static func length(_ seconds: Double) -> String {
        switch seconds {
        case ..<1: "\(Int(seconds * 1_000)) ms"
        case ..<10: String(format: "%.1f s", seconds)
        default: rough(Int64(seconds))
        }
    }
}

extension Zone {
    /// Days since 1970-01-01 of the local date.
    fileprivate func day(of time: Timestamp) -> Int64 {
        let seconds = time.seconds + Int64(offset(at: time).seconds)
        return seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
    }
}
