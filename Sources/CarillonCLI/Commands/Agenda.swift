import ArgumentParser
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import Timetable

struct Agenda: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "What is to run across all jobs, and what did.",
        discussion: """
            A job with more than twelve times in the window is one line. What lies in the past is what the ledger has: runs, and \
            times that were skipped.

            EXAMPLES
              carillon agenda                          the next 24 hours
              carillon agenda --within 7d --tag payroll
              carillon agenda --from yesterday --to now
            """)
    @OptionGroup var place: DaemonLocation
    @OptionGroup var times: TimeOptions
    @OptionGroup var again: WatchOptions
    @Argument(help: ArgumentHelp("Only these jobs: names, or patterns such as 'pay*'.", valueName: "name"))
    var names: [String] = []
    @Option(help: "Only jobs with this tag; may be repeated.") var tag: [String] = []
    @Option(help: "How far to look ahead; 24h unless you say.") var within: String?
    @Option(help: "From a time, a date, yesterday, 19:00, or a span ago.") var from: String?
    @Option(help: "To such a time.") var to: String?
    @Option(help: "At most so many lines.") var limit = 50
    @Flag(help: "Print one JSON object a line.") var json = false

    func validate() throws {
        if within != nil, to != nil { throw ValidationError("give --within or --to, not both") }
        if !(1...100_000).contains(limit) { throw ValidationError("--limit is 1 to 100000") }
        if let within, (try? Span.parse(within)) == nil {
            throw ValidationError("--within: expected a length of time such as 24h")
        }
    }

    func run() async throws { try await again.look(look) }

    private func look() async throws {
        let moment = try times.formatter()
        let reader = try TimeReader(moment, place: place, asked: try times.asked())
        let start = try from.map { try reader.time($0, option: "--from") } ?? moment.now
        let span = try within.map { try Span.parse($0) }
        // From a time that is past up to now, and from one to come a day ahead, unless somebody says how far.
        let begin = max(start, moment.now)
        let usual =
            start < moment.now && from != nil && span == nil
            ? moment.now : begin.adding(microseconds: span ?? 86_400_000_000)
        let end = try to.map { try reader.end($0, option: "--to") } ?? usual
        guard start < end else { throw Failure.input("the end is not after the beginning") }
        let client = DaemonClient(place: place)
        var table = TextTable(.fixed("WHEN"), "JOB", .fixed("STATE"), .first("WHAT"))
        var cut = false
        var count = 0
        if start < moment.now {
            let past = try await past(client, start, min(end, moment.now))
            cut = past.isCut
            count += past.runs.count
            for run in past.runs.reversed() {
                if json { try say(json: run) } else { add(run, to: &table, moment) }
            }
        }
        var zones: Set<String> = []
        var shown = start
        if end > moment.now {
            let query = AgendaQuery(names: names, tags: tag, from: begin, until: end, limit: limit)
            guard case .agenda(let lines, let isCut) = try await client.ask(.agenda(query)) else {
                throw Failure.failed("the daemon gave an answer of another kind")
            }
            cut = cut || isCut
            count += lines.count
            for line in lines {
                zones.insert(line.timeZone)
                shown = max(shown, line.last.map { min($0, end) } ?? line.at)
                if json { try say(json: line) } else { add(line, to: &table, moment) }
            }
        }
        if json { return }
        if count == 0 {
            say("nothing from \(moment.short(start, reader.zone.name)) to \(moment.short(end, reader.zone.name))")
        }
        if count > 0 { table.print() }
        for zone in zones.sorted() {
            let clock = moment.zone(zone)
            for at in clock.changes(after: begin, through: min(shown, begin.adding(microseconds: Self.farthest))) {
                let change = ClockChangeView(at, clock)
                say(Terminal.paint("note: ", .yellow) + "\(zone): \(change.words); then it is \(clock.format(at))")
            }
        }
        if cut { Terminal.error("the first \(limit) lines; --limit for more") }
    }

    /// Microseconds in which changes of the clocks are looked for.
    private static let farthest: Int64 = 3 * 366 * 86_400_000_000
    /// Runs that are looked through for those of some jobs.
    private static let mostRuns = 100_000

    /// Runs and skips of the jobs that are asked for, newest first, and whether there are more.
    private func past(
        _ client: DaemonClient, _ start: Timestamp, _ end: Timestamp
    ) async throws -> (runs: [RunView], isCut: Bool) {
        let isAll = names.isEmpty && tag.isEmpty
        let most = isAll ? limit : Self.mostRuns
        var runs = try await client.runs(.runs(RunQuery(since: start, until: end, limit: most)))
        var isCut = runs.count == most
        if !isAll {
            var filter = JobFilter()
            (filter.names, filter.tag, filter.state) = (names, tag, [])
            let jobs = Set(try await filter.select(client))
            runs = runs.filter { jobs.contains($0.job) }
        }
        if runs.count > limit { isCut = true }
        return (Array(runs.prefix(limit)), isCut)
    }

    private func add(_ run: RunView, to table: inout TextTable, _ moment: TimeFormatter) {
        table.add(
            .init(moment.cell(run.scheduledAt, run.timeZone)), .init(run.job),
            .init(run.state.rawValue, run.state.colour), .init(run.remark(moment)))
    }

    private func add(_ line: AgendaView, to table: inout TextTable, _ moment: TimeFormatter) {
        var words = line.paused.map { "paused: \($0); " } ?? ""
        words += line.english
        if line.count > 1 {
            let most = line.count >= 1_000_000 ? "at least " : ""
            words += ", \(most)\(Counted.noun(line.count, "time"))"
        }
        table.add(
            .init(moment.cell(line.at, line.timeZone)), .init(line.job),
            line.paused == nil ? .init("to come", .grey) : .init("paused", .yellow), .init(words))
    }
}
