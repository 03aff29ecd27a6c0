import ArgumentParser
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import Timetable

struct Jobs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at jobs and change them.",
        subcommands: [
            List.self, Show.self, Add.self, Update.self, Set.self, Edit.self, Copy.self, Export.self, Delete.self,
            Enable.self, Disable.self, RunNow.self, Stop.self, Restart.self, Resolve.self, Skip.self,
            Unskip.self,
        ], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Jobs, when they run next, and what is wrong with any of them.",
            discussion: """
                EXAMPLES
                  carillon jobs list --sort next                 what comes first
                  carillon jobs list 'pay*' --tag eu             by name and tag
                  carillon jobs list --state failed              whose last run failed
                  carillon jobs list --json | jq -r 'select(.warnings != []) | .name'
                """)
        @OptionGroup var place: DaemonLocation
        @OptionGroup var times: TimeOptions
        @OptionGroup var filter: JobFilter
        @OptionGroup var again: WatchOptions
        @Option(help: "By name, or by the next time (next).") var sort = JobQuery.Order.name
        @Option(help: "At most so many; on a terminal 50 unless you say.") var limit: Int?
        @Flag(help: "Print one JSON object a line.") var json = false

        private static let page = 1_000

        func run() async throws { try await again.look(look) }

        private func look() async throws {
            if let limit, limit < 1 { throw Failure.input("--limit: expected 1 or more") }
            let client = DaemonClient(place: place)
            let most = limit ?? (Terminal.isOutputTerminal && !json ? 50 : .max)
            var query = filter.query
            query.order = sort
            if json { return try await lines(client, query, most) }
            var page = JobTable(try times.formatter())
            var shown = 0
            var total: Int?
            while shown < most {
                // By the next time there is no page after a page: all that is wanted comes at once.
                query.limit = sort == .next ? min(most, 1_000_000) : min(most - shown, Self.page)
                let (jobs, count) = try await client.jobs(query)
                total = total ?? count
                shown += jobs.count
                for job in jobs { page.add(job) }
                guard sort == .name, jobs.count == query.limit, let last = jobs.last else { break }
                query.after = last.name
            }
            let problems = filter.isEmpty ? try await client.problems() : []
            page.print(problems: problems)
            if let total, total > shown { Terminal.error("\(shown) of \(Counted.number(total)); --limit for more") }
        }

        /// Prints jobs as the daemon writes them.
        private func lines(_ client: DaemonClient, _ query: JobQuery, _ most: Int) async throws {
            var query = query
            var left = most
            while left > 0 {
                query.limit = query.order == .next ? min(most, 1_000_000) : min(left, Self.page)
                let lines = try await client.lines(query)
                Terminal.write(String(decoding: lines.bytes, as: UTF8.self))
                left -= lines.count
                guard query.order == .name, lines.count == query.limit, let last = lines.last else { return }
                query.after = last
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Everything about one job.",
            discussion:
                "Values of variables whose names speak of secrets are left out; `carillon jobs export` has them.")
        @OptionGroup var place: DaemonLocation
        @OptionGroup var times: TimeOptions
        @Argument(help: "The job's name.", completion: .jobs) var name: String
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            let client = DaemonClient(place: place)
            guard let job = try await client.job(name) else { return }
            let definition = try? await client.definition(name).job
            let table = definition.flatMap { try? JobWriter(targets: Composition.current.targets).table($0) }?.masked
            if json { return try say(json: JobDetail(view: job, definition: table)) }
            let moment = try times.formatter()
            say(Terminal.paint(job.name, .bold))
            say("  runs        \(job.english)")
            say("  schedule    \(job.schedule ?? "only when asked to")   (\(job.timeZone))")
            for (label, line) in Lines.numbered(job.target.summary, "target") { say("  \(label.padded(12))\(line)") }
            say("  from        \(job.origin)")
            say("  state       \(job.off ?? job.state.rawValue)")
            if let next = job.next { say("  next        \(moment.both(next, job.timeZone))") }
            for time in job.skipping { say("  skips       \(moment.both(time, job.timeZone))") }
            if job.pending + job.running > 0 { say("  active      \(job.activeRuns)") }
            if job.failuresInRow > 0 {
                say("  failing     " + (job.failuresInRow == 1 ? "its last run" : "\(job.failuresInRow) runs in a row"))
            }
            if !job.tags.isEmpty { say("  tags        \(job.tags.joined(separator: ", "))") }
            for line in job.policies.words { say("  \(line)") }
            for (key, value) in Self.rest(of: table) { say("  \(key.padded(12))\(value)") }
            for warning in job.warnings { say("  " + Terminal.paint("warning", .yellow) + "     \(warning)") }
            for problem in job.problems { say("  " + Terminal.paint("error", .red) + "       \(problem)") }
            say("")
            RunView.printTable(try await client.runs(.runs(RunQuery(job: name, limit: 10))), moment)
        }

        /// What a line above has already.
        private static let told: Swift.Set = [
            "name", "cron", "every", "at", "day_time", "time_zone", "exec", "shell", "catch_up", "overlap", "window",
            "start_timeout", "timeout", "heartbeat_timeout", "retry", "on_lost", "on_failure", "max_runs",
            "max_queue", "cancel_timeout", "max_republications", "host", "enabled",
            "tags",
        ]

        private static func rest(of table: ConfigNode?) -> [(key: String, value: String)] {
            guard case .table(let entries)? = table?.value else { return [] }
            return entries.filter { !told.contains($0.key) }.map { ($0.key, TOMLText.value($0.value) ?? "null") }
        }
    }
}

/// A job with all of its definition, by the keys of a job file.
private struct JobDetail: Encodable {
    var view: JobView
    /// Nil for a job that no key of a job file says.
    var definition: ConfigNode?

    private enum Key: CodingKey { case definition }

    func encode(to encoder: any Encoder) throws {
        try view.encode(to: encoder)
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(definition, forKey: .definition)
    }
}

/// Jobs as people see them, and below what is wrong with any.
extension JobView {
    /// Its runs that have not ended, in words.
    fileprivate var activeRuns: String {
        [(running, "running"), (pending, "pending")].filter { $0.0 > 0 }
            .map { "\(Counted.number($0.0)) \($0.1)" }.joined(separator: ", ")
    }
}

private struct JobTable {
    private let moment: TimeFormatter
    private var table = TextTable("JOB", .fixed("STATE"), .fixed("NEXT"), .fixed("LAST"), .first("SCHEDULE"))
    private var known: Swift.Set<String> = []
    private var warnings: [String: [String]] = [:]

    init(_ moment: TimeFormatter) { self.moment = moment }

    mutating func add(_ job: JobView) {
        known.insert(job.name)
        for warning in job.warnings { warnings[warning, default: []].append(job.name) }
        // Of one run that is active the last says it all.
        let last =
            job.pending + job.running > 1
            ? job.activeRuns : job.lastRun.map { "\($0.state.rawValue) \(moment.relative($0.scheduledAt))" } ?? "-"
        let state: TextTable.Cell =
            !job.problems.isEmpty
            ? .init("error", .red)
            : !job.warnings.isEmpty
                ? .init("warning", .yellow) : .init(job.state.rawValue, job.state.colour)
        table.add(
            .init(job.name), state, .init(job.next.map { moment.cell($0, job.timeZone) } ?? "-"),
            .init(last, job.lastRun?.state.colour), .init(job.schedule ?? "-"))
    }

    mutating func print(problems: [ConfigProblem]) {
        // Jobs that have never been good are in no store; a person sees them here all the same.
        let broken = Swift.Set(problems.compactMap(\.job)).subtracting(known)
        for name in broken.sorted() { table.add(.init(name), .init("error", .red), .init("-"), .init("-"), .init("-")) }
        if known.isEmpty, broken.isEmpty {
            say("no jobs\(problems.isEmpty ? "; add one with `carillon jobs add`" : "")")
        } else {
            table.print()
        }
        for problem in problems { say(Terminal.paint("error: ", .red) + "\(problem)") }
        for (warning, jobs) in warnings.sorted(by: { $0.key < $1.key }) {
            let more = jobs.count > 3 ? " and \(jobs.count - 3) more" : ""
            let names = jobs.prefix(3).joined(separator: ", ") + more
            say(Terminal.paint("warning: ", .yellow) + "\(warning) (\(names))")
        }
    }
}
