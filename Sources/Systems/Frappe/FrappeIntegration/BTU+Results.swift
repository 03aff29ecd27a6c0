import ArgumentParser
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import FrappeFeed
import Timetable

extension BTU {
    struct Results: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "results", abstract: "What became of the runs of the site's schedules, newest first.",
            discussion: """
                This is Carillon's own record, which has every run, also one that no worker ever started. The daemon is asked, \
                or what the last one left: --state-dir and --config are those of `carillon runs list`.

                EXAMPLES
                  carillon btu results --since yesterday --state-dir /var/lib/carillon-btu
                  carillon btu results TS-000012 --limit 5
                """)
        @OptionGroup var place: DaemonLocation
        @OptionGroup var times: TimeOptions
        @Argument(help: "Only of this schedule: its name on the site, or the job's.", completion: .jobs)
        var schedule: String?
        @Option(help: "Due since a time, a date, yesterday, 19:00, or for a span such as 24h.") var since: String?
        @Option(help: "At most so many.") var limit = 50
        @Flag(help: "Print one JSON object a line.") var json = false

        func run() async throws {
            guard limit > 0 else { throw Failure.input("--limit: expected 1 or more") }
            var place = place
            // BTU Scheduler's own file is what the other commands take; it says nothing of where the ledger is.
            if let file = place.config, BTUReader.isOne(file) { place.config = nil }
            var site = SiteLedger(client: DaemonClient(place: place))
            let job = if let schedule { try await site.job(ofSchedule: schedule) } else { String?.none }
            let moment = try times.formatter()
            var query = RunQuery(job: job, limit: limit)
            if let since {
                // Local times are the schedule's, where one is named.
                var zone = try times.asked()
                if zone == nil { zone = await site.zone(ofJob: job).map(moment.zone) }
                query.since = try TimeReader(moment, place: place, asked: zone).time(since, option: "--since")
            }
            let results = try await site.results(query)
            if json {
                for result in results { try say(json: result) }
                return
            }
            BTUResult.printTable(results, moment)
            if results.count == limit { Terminal.error("the newest \(limit); --limit for more") }
        }
    }
}

/// A run, or a stretch of skipped times, of a schedule of the site; `--json` prints it as it stands here.
struct BTUResult: Encodable {
    /// Its name on the site; nil where nobody knows the job any more.
    var schedule: String?
    /// What people call its task.
    var description: String?
    var task: String?
    /// Dotted Python path.
    var function: String?
    var queue: String?
    var run: RunView

    init(_ target: FrappeTarget?, _ run: RunView) {
        schedule = target?.schedule
        description = target?.describedAs
        task = target?.task
        function = target?.function
        queue = target?.queue
        self.run = run
    }

    /// Prints a line for each, and below it the words on one that did not simply complete.
    static func printTable(_ results: [BTUResult], _ moment: TimeFormatter) {
        if results.isEmpty { return say("no runs") }
        var table = TextTable(.fixed("DUE"), "SCHEDULE", "TASK", "FUNCTION", .fixed("STATE"), .fixed("TOOK"))
        for result in results {
            let run = result.run
            table.add(
                .init(moment.cell(run.scheduledAt, run.timeZone)), .init(result.schedule ?? run.job),
                .init(result.description ?? ""), .init(result.function ?? result.task ?? ""),
                .init(run.state.rawValue, run.state.colour), .init(run.length))
        }
        let lines = table.lines(width: Terminal.limit)
        say(lines[0])
        for (result, line) in zip(results, lines.dropFirst()) {
            say(line)
            let words = result.words(moment)
            if words.isEmpty { continue }
            let below = "  run \(result.run.shortID): \(words)".oneLine
            say("\(Terminal.limit.map { below.cut(to: $0) } ?? below)")
        }
    }

    /// Says why it did not complete, or its last words; of one that completed, what was unusual about it.
    private func words(_ moment: TimeFormatter) -> String {
        let remark = run.state == .completed ? run.remark : run.remark(moment)
        guard remark.isEmpty, run.state == .failed else { return remark }
        return run.outputTail?.split(whereSeparator: \.isNewline).last.map(String.init) ?? ""
    }
}

/// What the ledger has of the site's schedules.
private struct SiteLedger {
    let client: DaemonClient
    /// By the job's name; nil for a job that is none of the site's, or is gone.
    private var targets: [String: FrappeTarget?] = [:]

    init(client: DaemonClient) { self.client = client }

    /// Runs and skips of all jobs in one answer, before the site's own are picked out.
    private static let most = 100_000

    /// Finds the job of a schedule by its name on the site, or by its own. A name that nobody knows is answered as it is: a
    /// schedule that is gone still has its history. Throws `Failure` for a job that is none of the site's.
    mutating func job(ofSchedule name: String) async throws -> String {
        if try await target(ofJob: name) != nil { return name }
        let pattern = "*" + name.map { "*?[".contains($0) ? "[\($0)]" : String($0) }.joined()
        for view in try await client.jobs(JobQuery(names: [pattern], limit: 1_000)).views {
            if try await target(ofJob: view.name)?.schedule == name { return view.name }
            if view.name == name { throw Failure.failed("'\(name)' is no schedule of a Frappe site") }
        }
        return name
    }

    func zone(ofJob name: String?) async -> String? {
        guard let name else { return nil }
        return try? await client.job(name)?.timeZone
    }

    /// Answers what the site's schedules came to, newest first.
    mutating func results(_ query: RunQuery) async throws -> [BTUResult] {
        var query = query
        let wanted = query.limit
        while true {
            let runs = try await client.runs(.runs(query))
            var results: [BTUResult] = []
            for run in runs where results.count < wanted {
                let target = try await target(ofJob: run.job)
                if target != nil || query.job != nil { results.append(BTUResult(target, run)) }
            }
            // Other jobs may have most of the newest runs.
            if results.count == wanted || runs.count < query.limit || query.limit >= Self.most { return results }
            query.limit = min(4 * query.limit, Self.most)
        }
    }

    private mutating func target(ofJob name: String) async throws -> FrappeTarget? {
        if let known = targets[name] { return known }
        var target: FrappeTarget?
        do {
            let job = try await client.definition(name).job
            target = try? job.target.open(as: FrappeTarget.self)
        } catch let failure as Failure where failure.code == 1 {
            // There is no such job, or no more.
        }
        targets[name] = .some(target)
        return target
    }
}
