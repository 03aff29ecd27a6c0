import ArgumentParser
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import Timetable

struct Backfill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run times of a job that are past: those without a run, or those that failed.",
        discussion: """
            The times are those of the job's present schedule. A time without a run gets it; one that has a run gets another, which \
            names it; the program finds the time in CARILLON_SCHEDULED_AT. Runs go out as the job's overlap policy has it, and what \
            the schedule brings meanwhile goes before them. Look first with --dry-run: what it shows is what runs.

            EXAMPLES
              carillon backfill report --from 2026-11-01 --to 2026-11-07 --dry-run
              carillon backfill report --from yesterday --failed
              carillon backfill sync --from 24h --all --rate 2
            """)
    @OptionGroup var place: DaemonLocation
    @OptionGroup var times: TimeOptions
    @Argument(help: "The job's name.", completion: .jobs) var job: String
    @Option(help: "From a time, a date, yesterday, 19:00, or a span ago.") var from: String
    @Option(help: "To such a time; now unless you say.") var to: String?
    @Flag(help: "Times without a run; this is what happens unless you say.") var missing = false
    @Flag(help: "Times whose last run failed.") var failed = false
    @Flag(help: "All times, but for those whose run goes on.") var all = false
    @Option(help: ArgumentHelp("At most so many runs a second; all at once unless you say.", valueName: "number"))
    var rate: Double?
    @Flag(help: "Only show what would run.") var dryRun = false
    @Flag(help: "Print one JSON object a line.") var json = false

    func validate() throws {
        if [missing, failed, all].count(where: { $0 }) > 1 {
            throw ValidationError("give one of --missing, --failed and --all")
        }
        if let rate, !(rate > 0 && rate.isFinite) { throw ValidationError("--rate: expected more than 0 a second") }
    }

    func run() async throws {
        let moment = try times.formatter()
        let client = DaemonClient(place: place)
        var zone = try times.asked()
        if zone == nil, let view = try await client.job(job) { zone = moment.zone(view.timeZone) }
        let reader = try TimeReader(moment, place: place, asked: zone)
        let query = BackfillQuery(
            job: job, from: try reader.time(from, option: "--from"),
            until: try to.map { try reader.end($0, option: "--to") } ?? moment.now,
            what: failed ? .failed : all ? .all : .missing)
        guard case .missed(let views) = try await client.ask(.missed(query)) else { throw DaemonClient.otherKind }
        if dryRun || views.isEmpty { return try preview(views, query, moment) }
        let order = Order.backfill(
            job: job, views.map { BackfillTime(at: $0.scheduledAt, repeats: $0.repeats) }, rate: rate)
        guard case .backfilled(let runs, let note) = try await client.ask(order) else { throw DaemonClient.otherKind }
        if json {
            for run in runs { try say(json: run) }
            return
        }
        RunView.printTable(runs, moment)
        let others = views.count - runs.count
        if others > 0 { say("\(Counted.noun(others, "time")) got a run by others meanwhile") }
        if let note { say("\(note)") }
    }

    private func preview(_ views: [BackfillView], _ query: BackfillQuery, _ moment: TimeFormatter) throws {
        if json {
            for view in views { try say(json: view) }
            return
        }
        guard let zone = views.first?.timeZone else { return say("no time of \(job) is to run") }
        var table = TextTable(.fixed("SCHEDULED"), .fixed("WAS"), .first("BECAUSE"))
        for view in views {
            table.add(
                .init(moment.cell(view.scheduledAt, view.timeZone)),
                .init(view.was?.rawValue ?? "-", view.was?.colour), .init(view.reason ?? ""))
        }
        table.print()
        say("\(Counted.noun(views.count, "time")) of \(job) would run; times are in \(moment.zone(zone).name)")
    }
}
