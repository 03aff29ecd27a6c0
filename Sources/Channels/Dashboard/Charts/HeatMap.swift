import CarillonCore
package import CarillonEngine
package import Timetable

/// Weeks of a job, a day a cell: what ran, what did not, and what is still to come, by the clock of the job's zone.
package struct HeatMap {
    /// A day.
    package struct Cell: Sendable {
        /// Days since 1970-01-01.
        package var day: Int
        package var good = 0
        package var bad = 0
        package var skipped = 0
        package var active = 0
        package var coming = 0
        /// One of its times.
        var time: Timestamp?

        var count: Int { good + bad + skipped + active + coming }
    }

    package static let weeks = 12
    /// Times of a day that are counted.
    private static let mostCounted = 100_000

    /// By their days.
    package private(set) var cells: [Int: Cell] = [:]
    private let zone: Zone
    private let today: Int
    /// The Monday that it begins with.
    private let first: Int
    /// The first day that is known, where there was more before it.
    package let since: Int?

    /// Makes that of runs and skips, and of a schedule for what is to come; nil for one that does not count. Some of those times
    /// are to be skipped. `isCut` where the ledger had more runs than these.
    package init(
        _ runs: [RunView], isCut: Bool = false, coming schedule: Schedule?, skipping: [Timestamp] = [],
        now: Timestamp, zone: Zone
    ) {
        self.zone = zone
        today = Self.day(of: now, zone)
        first = Self.first(today)
        for run in runs {
            let day = Self.day(of: run.scheduledAt, zone)
            var cell = cells[day] ?? Cell(day: day)
            switch run.state {
            case .completed, .cancelled: cell.good += 1
            case .failed: cell.bad += 1
            case .skipped: cell.skipped += run.count ?? 1
            case .pending, .running, .cancelling: cell.active += 1
            }
            cell.time = run.scheduledAt
            cells[day] = cell
        }
        let oldest = cells.keys.min() ?? today
        since = isCut && oldest > first ? oldest : nil
        guard let schedule else { return }
        for day in today..<first + 7 * Self.weeks {
            let begin = max(now, Self.begin(of: day, zone).adding(microseconds: -1))
            let end = Self.begin(of: day + 1, zone).adding(microseconds: -1)
            let count = schedule.count(after: begin, through: end, limit: Self.mostCounted)
            guard count > 0 else { continue }
            let skipped = skipping.count { begin < $0 && $0 <= end }
            cells[day, default: Cell(day: day)].coming = count - skipped
            cells[day]?.skipped += skipped
            if cells[day]?.time == nil { cells[day]?.time = schedule.next(after: begin) }
        }
    }

    private static func day(of time: Timestamp, _ zone: Zone) -> Int {
        let local = zone.local(time)
        return Civil.days(year: local.year, month: local.month, day: local.day)
    }

    /// This week is the last one.
    private static func first(_ today: Int) -> Int { today - (Civil.weekday(days: today) + 6) % 7 - 7 * (weeks - 1) }

    /// From when on it asks for runs.
    static func start(of now: Timestamp, _ zone: Zone) -> Timestamp { begin(of: first(day(of: now, zone)), zone) }

    /// The first moment of a day, which need not be a midnight.
    private static func begin(of day: Int, _ zone: Zone) -> Timestamp {
        let (year, month, number) = Civil.date(days: day)
        for hour in 0..<24 {
            if let time = zone.instant(of: CivilTime(year: year, month: month, day: number, hour: hour)) { return time }
        }
        // A day that a zone has left out.
        return begin(of: day + 1, zone)
    }

    private static let weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Fields of `{{> heatmap}}`: a row a weekday, a column a week.
    func fields(job: String) -> Fields {
        let most = cells.values.map { $0.good + $0.bad }.max() ?? 1
        return Fields([
            "weeks": (0..<Self.weeks).map { week in
                let (_, month, day) = Civil.date(days: first + 7 * week)
                return Fields(["words": "\(Self.months[month - 1]) \(day)", "isShown": week % 2 == 0])
            },
            "since": since.map(Self.date),
            "rows": (0..<7).map { weekday in
                Fields([
                    "weekday": Self.weekdays[weekday],
                    "cells": (0..<Self.weeks).map { week in cell(first + 7 * week + weekday, most, job) }.joined(),
                ])
            },
        ])
    }

    /// The markup of a day, of which a page has 84.
    private func cell(_ day: Int, _ most: Int, _ job: String) -> String {
        let (look, shape, words, link) = self.look(day, most, job)
        let label = Markup.escape(words)
        let inner =
            link.map {
                "<a href=\"\(Markup.escape($0))\" title=\"\(label)\" aria-label=\"\(label)\">\(shape)</a>"
            } ?? "<span class=\"unseen\">\(label)</span>"
        return "<td class=\"\(look)\">\(inner)</td>"
    }

    private func look(
        _ day: Int, _ most: Int, _ job: String
    ) -> (class: String, shape: String, words: String, link: String?) {
        let date = Self.date(of: day)
        if let since, day < since { return ("none unknown", "", "\(date): not shown", nil) }
        let why = path("jobs", job, "why") + "?at="
        guard let cell = cells[day], cell.count > 0 else {
            return (
                day > today ? "none ahead" : "none", "", "\(date): nothing",
                day > today ? nil : why + Form.encoded(date + " 12:00")
            )
        }
        var words: [String] = []
        if cell.bad > 0 { words.append("\(cell.bad) failed") }
        if cell.good > 0 { words.append("\(cell.good) completed") }
        if cell.skipped > 0 { words.append("\(cell.skipped) skipped") }
        if cell.active > 0 { words.append("\(cell.active) going on") }
        if cell.coming > 0 { words.append("\(cell.coming) to come") }
        let look =
            if cell.bad > 0 { "bad" } else if cell.good > 0 {
                // Darker where more ran.
                "good l\(min(4, 1 + 4 * cell.good / max(1, most + 1)))" + (cell.skipped > 0 ? " holed" : "")
            } else if cell.active > 0 { "running" } else if cell.skipped > 0 { "skipped" } else { "coming" }
        let shape =
            if cell.bad > 0 { RunState.failed.shape } else if cell.skipped > 0 { RunState.skipped.shape } else { "" }
        return (
            look + (day == today ? " today" : ""), shape, "\(date): \(words.joined(separator: ", "))",
            cell.count == 1 ? cell.time.map { why + Form.encoded($0.rfc3339) } : runs(of: job, on: day)
        )
    }

    static func date(of day: Int) -> String {
        let (year, month, number) = Civil.date(days: day)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(two(month))-\(two(number))"
    }

    /// Where all runs of a day are listed.
    private func runs(of job: String, on day: Int) -> String {
        let begin = Self.begin(of: day, zone)
        let end = Self.begin(of: day + 1, zone).adding(microseconds: -1)
        return
            "/runs?job=\(Form.encoded(job))&from=\(Form.encoded(begin.rfc3339))&until=\(Form.encoded(end.rfc3339Microseconds))"
    }
}
