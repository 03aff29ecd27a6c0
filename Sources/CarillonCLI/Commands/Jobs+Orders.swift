import ArgumentParser
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport

/// What an order to several jobs takes.
struct JobOrder: ParsableArguments {
    @OptionGroup var place: DaemonLocation
    @OptionGroup var filter: JobFilter
    @Flag(help: "Say which jobs it is about, and do nothing.") var dryRun = false
    @Flag(help: "Print one JSON object a job.") var json = false

    /// Gives the order to one job after the other; one that is refused stands in no other's way.
    func give(_ order: (String) -> Order) async throws {
        let client = DaemonClient(place: place)
        let names = try await filter.select(client)
        var failed: Failure?
        for name in names {
            if dryRun {
                if json { try say(json: JSONObject([("job", name)])) } else { say("\(name)") }
                continue
            }
            do {
                let sentence = try await client.done(order(name))
                if json {
                    try say(json: JSONObject([("job", name), ("done", sentence), ("error", String?.none)]))
                } else {
                    say("\(sentence)")
                }
            } catch let failure as Failure {
                // Of a daemon that is not there every further order would say the same.
                if failure.code > 2 { throw failure }
                if json {
                    try say(json: JSONObject([("job", name), ("done", String?.none), ("error", failure.message)]))
                } else if names.count > 1 {
                    Terminal.error("carillon: \(failure.message)")
                }
                failed = failure
            }
        }
        if dryRun, !json { Terminal.error("\(Counted.noun(names.count, "job")); nothing was done") }
        if let failed { throw names.count > 1 || json ? Failure(code: failed.code, message: "") : failed }
    }
}

extension Jobs {
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove jobs; their runs stay in the ledger.",
            discussion: """
                What runs is ended first. A job that a file defines stays away until its definition changes; a task of keiji \
                goes with its row and its program.
                """)
        @OptionGroup var order: JobOrder
        @Flag(help: "Do not ask, whatever a pattern, tag or state selects.") var yes = false

        func run() async throws {
            if !order.dryRun, !yes {
                let names = try await order.filter.select(DaemonClient(place: order.place))
                if names.count > 1, names != order.filter.names {
                    throw Failure.input(
                        "this would delete \(Counted.noun(names.count, "job")); look with --dry-run, then say --yes")
                }
            }
            try await order.give { .delete($0) }
        }
    }

    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let jobs run again.")
        @OptionGroup var order: JobOrder

        func run() async throws { try await order.give { .enable($0, true) } }
    }

    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keep jobs from running; the ledger says so for every time they miss.",
            discussion: """
                What runs goes on; `carillon jobs stop` ends it.

                EXAMPLES
                  carillon jobs disable backup
                  carillon jobs disable --tag eu --dry-run
                """)
        @OptionGroup var order: JobOrder

        func run() async throws { try await order.give { .enable($0, false) } }
    }

    struct Stop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End what runs of jobs now; their next time comes as before.",
            discussion: "Each program is asked to end, and killed with all it started when the grace is over.")
        @OptionGroup var order: JobOrder

        func run() async throws { try await order.give { .stop($0) } }
    }

    struct Resolve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let jobs go on that halted after a failure.",
            discussion:
                "A job with on_failure = \"halt\" runs no more once a run has failed, until somebody has looked.")
        @OptionGroup var order: JobOrder

        func run() async throws { try await order.give { .resolve($0) } }
    }

    struct Skip: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have jobs skip their next time, or another one that is to come.",
            discussion: """
                The ledger says so once that time has come; all others run as before. `carillon jobs unskip` takes it back.

                EXAMPLES
                  carillon jobs skip payroll
                  carillon jobs skip payroll --at '2026-12-25 19:00'
                """)
        @OptionGroup var order: JobOrder
        @Option(help: "Which time: RFC 3339, or a local time in the job's zone.") var at: String?

        func run() async throws { try await order.give { .skip($0, at: at, true) } }
    }

    struct Unskip: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let jobs run at a time that they were to skip: the first such, or the one that is given.")
        @OptionGroup var order: JobOrder
        @Option(help: "Which time: RFC 3339, or a local time in the job's zone.") var at: String?

        func run() async throws { try await order.give { .skip($0, at: at, false) } }
    }

    struct Restart: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End what runs of a job now, and run it anew once that is gone.")
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The job's name.", completion: .jobs) var name: String
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws { try await DaemonClient(place: place).open(.restart(name), json: json) }
    }

    struct RunNow: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "run", abstract: "Run a job now, outside its schedule.",
            discussion: """
                With --wait it ends when the run has ended, with the program's own exit code, or 1 where there is none.

                EXAMPLES
                  carillon jobs run backup --wait && echo saved
                  carillon jobs run resize --arg width=640 --arg height=480
                """)
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The job's name.", completion: .jobs) var name: String
        @Option(help: "KEY=VALUE for a worker on a bus; may be repeated.") var arg: [String] = []
        @Flag(help: "Wait for the run's end, and end with its exit code.") var wait = false
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            let client = DaemonClient(place: place)
            var arguments: [String: String] = [:]
            for text in arg {
                let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2, !parts[0].isEmpty else {
                    throw Failure.input("--arg: expected KEY=VALUE, found '\(text)'")
                }
                guard arguments.updateValue(String(parts[1]), forKey: String(parts[0])) == nil else {
                    throw Failure.input("--arg: \(parts[0]) is there twice")
                }
            }
            let run = try await client.open(.start(name, arguments: arguments), json: json && !wait)
            if wait { try await client.wait(for: run, json: json) }
        }
    }
}
