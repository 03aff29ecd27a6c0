import CarillonConfiguration
package import CarillonDaemon
package import CarillonEngine
package import Timetable

/// Times as people type them, the same words for every option: RFC 3339, local times, dates, `19:00`, `yesterday`, `24h`.
package struct TimeReader {
    private let now: Timestamp
    /// Where local words are meant: the zone that is asked for, or else that of the settings.
    package let zone: Zone

    package init(_ moment: TimeFormatter, place: DaemonLocation, asked: Zone?) throws {
        let zones = ZoneDatabase()
        now = moment.now
        zone = try asked ?? zones.zone(try place.settings(zones: zones).timeZone)
    }

    package init(now: Timestamp, zone: Zone) {
        self.now = now
        self.zone = zone
    }

    /// Reads a time; a span is so long ago, a date or a day its beginning. Throws `Failure` that names the option.
    package func time(_ text: String, option: String) throws(Failure) -> Timestamp {
        try bounds(text, option: option).lower
    }

    /// Reads a time at which something ends: a date or a day stands for all of it.
    package func end(_ text: String, option: String) throws(Failure) -> Timestamp {
        try bounds(text, option: option).upper
    }

    private func bounds(_ text: String, option: String) throws(Failure) -> (lower: Timestamp, upper: Timestamp) {
        if text == "now" { return (now, now) }
        if let span = try? Span.parse(text) {
            let time = now.adding(microseconds: -span)
            return (time, time)
        }
        let today = zone.local(now)
        if let days = ["yesterday": -1, "today": 0, "tomorrow": 1][text] {
            // From the day's noon: a day has 23 to 25 hours.
            let noon = try once(date(today) + " 12:00", text, option)
            return try day(date(zone.local(noon.adding(microseconds: Int64(days) * 86_400_000_000))), option)
        }
        if text.utf8.count == 10, text.utf8.allSatisfy({ $0 != UInt8(ascii: ":") }) { return try day(text, option) }
        var words = text
        if (4...8).contains(text.utf8.count), text.contains(":"), !text.contains("-") {
            words =
                date(today) + " " + (text.firstIndex(of: ":") == text.index(text.startIndex, offsetBy: 1) ? "0" : "")
                + text
        }
        let time = try once(words, text, option)
        return (time, time)
    }

    private func day(_ date: String, _ option: String) throws(Failure) -> (lower: Timestamp, upper: Timestamp) {
        let start = try once(date + " 00:00", date, option)
        let next = zone.local(start.adding(microseconds: 36 * 3_600_000_000))
        return (start, try once(self.date(next) + " 00:00", date, option).adding(microseconds: -1))
    }

    private func date(_ local: CivilTime) -> String {
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(local.year)-\(two(local.month))-\(two(local.day))"
    }

    private func once(_ words: String, _ text: String, _ option: String) throws(Failure) -> Timestamp {
        do {
            if case .once(let time) = try Schedule.Rule.once(parsing: words, zone: zone) { return time }
        } catch {
            throw Failure.input(
                "\(option): '\(text)' is no time; expected 2026-11-21, '2026-11-21 19:00', 19:00, yesterday, 24h or RFC 3339"
            )
        }
        throw Failure.input("\(option): '\(text)' is no time")
    }
}
