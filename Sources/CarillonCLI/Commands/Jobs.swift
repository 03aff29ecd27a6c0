import ArgumentParser
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import Foundation
import Timetable

struct Jobs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at jobs and change them.",
        subcommands: [
            List.self, Show.self, Add.self, Update.self, Delete.self, Enable.self, Disable.self, RunNow.self,
            Stop.self, Restart.self, Resolve.self,
        ], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "All jobs, with what is wrong with any of them.",
            discussion:
                "EXAMPLE\n  carillon jobs list --json | jq -r 'select(.problems != [] or .warnings != []) | .name'")
        @OptionGroup var place: DaemonLocation
        @Flag(help: "Print one JSON object a line.") var json = false

        private static let page = 500

        func run() async throws {
            let asking = DaemonClient(place: place)
            let moment = TimeFormatter()
            let problems = try await asking.feeds().flatMap(\.problems)
            var known: Set<String> = []
            var table = TextTable("JOB", "SCHEDULE", "NEXT", "LAST", "STATE")
            var doubts: [String: [String]] = [:]
            var last: String?
            while true {
                let jobs = try await asking.jobs(.jobs(after: last, limit: Self.page))
                for job in jobs {
                    known.insert(job.name)
                    for warning in job.warnings { doubts[warning, default: []].append(job.name) }
                    if json { try say(json: job) } else { add(job, to: &table, moment) }
                }
                guard jobs.count == Self.page, let end = jobs.last else { break }
                last = end.name
            }
            if json { return }
            // Jobs that have never been good are in no store; a person sees them here all the same.
            let broken = Dictionary(grouping: problems.filter { !known.contains($0.job ?? "") }) { $0.job ?? $0.source }
            for (name, _) in broken.sorted(by: { $0.key < $1.key }) {
                table.add(.init(name), .init("-"), .init("-"), .init("-"), .init("error", .red))
            }
            if known.isEmpty, broken.isEmpty {
                say("no jobs; add one with `carillon jobs add`")
            } else {
                table.print()
            }
            for problem in problems { say(Terminal.paint("error: ", .red) + "\(problem)") }
            for (doubt, jobs) in doubts.sorted(by: { $0.key < $1.key }) {
                let more = jobs.count > 3 ? " and \(jobs.count - 3) more" : ""
                let names = jobs.prefix(3).joined(separator: ", ") + more
                say(Terminal.paint("warning: ", .yellow) + "\(doubt) (\(names))")
            }
        }

        private func add(_ job: JobView, to table: inout TextTable, _ moment: TimeFormatter) {
            let next = job.next.map { "\(moment.absolute($0, job.timeZone)) (\(moment.relative($0)))" } ?? "-"
            let last = job.lastRun.map { "\($0.state.rawValue) \(moment.relative($0.scheduledAt))" } ?? "-"
            let state: TextTable.Cell =
                !job.problems.isEmpty
                ? .init("error", .red)
                : !job.warnings.isEmpty
                    ? .init("warning", .yellow) : .init(job.state.rawValue, job.state.colour)
            table.add(
                .init(job.name), .init(job.schedule ?? "-"), .init(next), .init(last, job.lastRun?.state.colour), state)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Everything about one job.")
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The job's name.") var name: String
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            let asking = DaemonClient(place: place)
            guard let job = try await asking.jobs(.job(name)).first else { return }
            if json { return try say(json: job) }
            let moment = TimeFormatter()
            say(Terminal.paint(job.name, .bold))
            say("  runs        \(job.english)")
            say("  schedule    \(job.schedule ?? "only when asked to")   (\(job.timeZone))")
            say("  target      \(job.target.summary)")
            say("  from        \(job.origin)")
            say("  state       \(job.off ?? job.state.rawValue)")
            if let next = job.next { say("  next        \(moment.both(next, job.timeZone))") }
            if !job.tags.isEmpty { say("  tags        \(job.tags.joined(separator: ", "))") }
            for line in job.policies.words { say("  \(line)") }
            for warning in job.warnings { say("  " + Terminal.paint("warning", .yellow) + "     \(warning)") }
            for problem in job.problems { say("  " + Terminal.paint("error", .red) + "       \(problem)") }
            say("")
            RunView.printTable(try await asking.runs(.runs(RunQuery(job: name, limit: 10))), moment)
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a job; its runs stay in the ledger.",
            discussion: "What runs is ended first. A job that a file defines stays away until its definition changes.")
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The job's name.") var name: String

        func run() async throws { try await DaemonClient(place: place).tell(.delete(name)) }
    }

    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a job run again.")
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The job's name.") var name: String

        func run() async throws { try await DaemonClient(place: place).tell(.enable(name, true)) }
    }

    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keep a job from running; the ledger says so for every time it misses.",
            discussion: "What runs goes on; `carillon jobs stop` ends it.")
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The job's name.") var name: String

        func run() async throws { try await DaemonClient(place: place).tell(.enable(name, false)) }
    }

    struct Stop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End what runs of a job now; its next time comes as before.",
            discussion: "Each program is asked to end, and killed with all it started when the grace is over.")
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The job's name.") var name: String

        func run() async throws { try await DaemonClient(place: place).tell(.stop(name)) }
    }

    struct Restart: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End what runs of a job now, and run it anew once that is gone.")
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The job's name.") var name: String
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws { try await DaemonClient(place: place).open(.restart(name), json: json) }
    }

    struct Resolve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a job go on that halted after a failure.",
            discussion:
                "A job with on_failure = \"halt\" runs no more once a run has failed, until somebody has looked.")
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The job's name.") var name: String

        func run() async throws { try await DaemonClient(place: place).tell(.resolve(name)) }
    }

    struct RunNow: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "run", abstract: "Run a job now, outside its schedule.")
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The job's name.") var name: String
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            try await DaemonClient(place: place).open(.start(name), json: json)
        }
    }
}
