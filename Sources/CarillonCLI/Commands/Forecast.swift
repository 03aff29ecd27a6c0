import ArgumentParser
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import Timetable

struct Forecast: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "How much is to come of all jobs together, and which clocks are changed.",
        discussion: """
            It goes by the schedules of all jobs that are on, whatever holds them back. `carillon agenda` says which they are.

            EXAMPLES
              carillon forecast                        the next 24 hours, hour by hour
              carillon forecast --within 7d --parts 28
              carillon forecast --within 365d --parts 0    changes of clocks alone
            """)
    @OptionGroup var place: DaemonLocation
    @OptionGroup var times: TimeOptions
    @Option(help: "How far to look ahead.") var within = "24h"
    @Option(help: "From a time to come, a date, tomorrow or 19:00.") var from: String?
    @Option(help: "In how many parts of equal length, 0 to 1000.") var parts = 24
    @Flag(help: "Print one JSON object.") var json = false

    func validate() throws {
        if !(0...1_000).contains(parts) { throw ValidationError("--parts is 0 to 1000") }
        if ((try? Span.parse(within)) ?? 0) <= 0 {
            throw ValidationError("--within: expected a length of time such as 24h")
        }
    }

    func run() async throws {
        let moment = try times.formatter()
        let reader = try TimeReader(moment, place: place, asked: try times.asked())
        let zone = reader.zone
        let start = max(moment.now, try from.map { try reader.time($0, option: "--from") } ?? moment.now)
        let query = ForecastQuery(
            from: start, until: start.adding(microseconds: try Span.parse(within)), parts: parts)
        guard case .forecast(let view) = try await DaemonClient(place: place).ask(.forecast(query)) else {
            throw Failure.failed("the daemon gave an answer of another kind")
        }
        if json { return try say(json: view) }
        let about = view.isRough ? "about " : ""
        if parts > 0 {
            let most = max(1, view.counts.max() ?? 1)
            var table = TextTable(.fixed("FROM"), .fixed("TIMES"), .first(""))
            for (place, count) in view.counts.enumerated() {
                let at = view.from.adding(microseconds: Int64(place) * view.part)
                let bar = String(repeating: "#", count: count == 0 ? 0 : max(1, count * Self.widest / most))
                table.add(.init(moment.cell(at, zone.name)), .init(Counted.number(count)), .init(bar))
            }
            table.print()
            say("\(about)\(Counted.noun(view.total, "time")) of \(Counted.noun(view.jobs, "job"))")
        }
        for change in view.changes {
            var words = "\(change.timeZone): \(change.words) at \(moment.short(change.at, change.timeZone))"
            words += ", \(change.before) becomes \(change.after); \(Counted.noun(change.jobs, "job"))"
            if change.touched > 0 {
                words += ", \(Counted.number(change.touched)) with a time then"
                if !change.names.isEmpty {
                    words +=
                        ": \(change.names.joined(separator: ", "))" + (change.touched > change.names.count ? ", …" : "")
                }
            }
            say(Terminal.paint("note: ", .yellow) + "\(words)")
        }
        if parts == 0, view.changes.isEmpty { say("no clock that a job goes by is changed") }
    }

    private static let widest = 40
}
