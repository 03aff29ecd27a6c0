import ArgumentParser
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import Foundation

struct Why: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Why a job did or did not run, in words, and when it runs next.",
        discussion: """
            EXAMPLES
              carillon why backup
              carillon why backup 02:00                    today, in the job's zone
              carillon why backup '2026-03-08 02:30'
            """)
    @OptionGroup var place: DaemonLocation
    @Argument(help: "The job's name.") var job: String
    @Argument(help: "A time: RFC 3339, local in the job's zone, or HH:MM today.") var time: String?
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        guard case .why(let lines) = try await DaemonClient(place: place).ask(.why(job: job, time: time)) else {
            throw Failure.failed("the daemon gave an answer of another kind")
        }
        if json {
            try say(json: JSONObject([("job", job), ("lines", lines)]))
        } else {
            for line in lines { say("\(line)") }
        }
    }
}

struct Pause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stop all dispatching; times that pass meanwhile follow each job's catch-up policy.")
    @OptionGroup var place: DaemonLocation
    @Argument(help: "Why; everybody who looks sees it.") var reason: String

    func run() async throws { try await DaemonClient(place: place).tell(.pause(reason: reason)) }
}

struct Resume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Go on after `pause`.")
    @OptionGroup var place: DaemonLocation

    func run() async throws { try await DaemonClient(place: place).tell(.resume) }
}

struct Feeds: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Where jobs come from.", subcommands: [List.self, Accept.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The feeds, and what is wrong in them.")
        @OptionGroup var place: DaemonLocation
        @Flag(help: "Print one JSON object a line.") var json = false

        func run() async throws {
            let feeds = try await DaemonClient(place: place).feeds()
            if json {
                for feed in feeds { try say(json: feed) }
                return
            }
            let moment = TimeFormatter()
            var table = TextTable("FEED", "JOBS", "READ", "STATE")
            for feed in feeds {
                let state: TextTable.Cell =
                    feed.error.map { .init($0, .red) }
                    ?? (feed.problems.isEmpty
                        ? .init("well", .green)
                        : .init(feed.problems.count == 1 ? "1 problem" : "\(feed.problems.count) problems", .red))
                table.add(
                    .init(feed.name), .init("\(feed.jobs)"), .init(feed.readAt.map(moment.relative) ?? "never"), state)
            }
            table.print()
            for problem in feeds.flatMap(\.problems) { say(Terminal.paint("error: ", .red) + "\(problem)") }
        }
    }

    struct Accept: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a feed as it is now, although much of it is suddenly gone.")
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The feed's name.") var name: String

        func run() async throws { try await DaemonClient(place: place).tell(.acceptFeed(name)) }
    }
}
