import ArgumentParser
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import Foundation
import Timetable

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
    @Argument(help: "The job's name.", completion: .jobs) var job: String
    @Argument(help: "A time: RFC 3339, local in the job's zone, or HH:MM today.") var time: String?
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        guard case .why(let view) = try await DaemonClient(place: place).ask(.why(job: job, time: time)) else {
            throw Failure.failed("the daemon gave an answer of another kind")
        }
        if json {
            try say(json: view)
        } else {
            for line in view.lines { say(sentence: "\(line)") }
        }
    }
}

struct Pause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Hold back all jobs, or those with a tag; times that pass meanwhile follow their catch-up policy.",
        discussion: """
            What runs already runs on. `carillon agenda` marks what will be missed.

            EXAMPLES
              carillon pause 'the disk is changed' --for 1h
              carillon pause 'the bank is closed' --tag payroll
            """)
    @OptionGroup var place: DaemonLocation
    @Argument(help: "Why; everybody who looks sees it.") var reason: String
    @Option(name: .customLong("for"), help: ArgumentHelp("Go on by itself after so long.", valueName: "span"))
    var length: String?
    @Option(help: "Only jobs with this tag, also those to come; may be repeated.") var tag: [String] = []
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let span: Int64?
        do {
            span = try length.map { try Span.parse($0) }
        } catch let error as ScheduleError {
            throw Failure.input("--for: \(error.message)")
        }
        try await DaemonClient(place: place).tell(.pause(reason: reason, length: span, tags: tag), json: json)
    }
}

struct Resume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Go on after `pause`.")
    @OptionGroup var place: DaemonLocation
    @Option(help: "Go on with the jobs that have this tag; may be repeated.") var tag: [String] = []
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws { try await DaemonClient(place: place).tell(.resume(tags: tag), json: json) }
}

struct Reload: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Have the daemon read its settings again, and reopen its log.",
        discussion:
            "Changes are noticed within a second without it. What needs a restart is named, here and in `status`.")
    @OptionGroup var place: DaemonLocation
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws { try await DaemonClient(place: place).tell(.reload, json: json) }
}

struct Config: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at the settings.", subcommands: [Show.self], defaultSubcommand: Show.self)

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The settings that are given, and where; all others have their defaults.",
            discussion: "These are the settings a daemon would start with now. Secrets are only said to be there.")
        @OptionGroup var place: DaemonLocation
        @Flag(help: "Print one JSON object a line.") var json = false

        func run() async throws {
            let settings = try place.settings(zones: ZoneDatabase())
            if json {
                for setting in settings.given { try say(json: setting) }
                return
            }
            let file = try place.configFile()
            say("settings     \(file.path)\(file.exists ? "" : " (there is none)")")
            say("job files    \(settings.jobsFolder(beside: file.path))")
            say("state        \(place.stateDirectory)")
            let driver = try Composition.current.driver(of: settings.store)
            say("store        \(driver.place(of: settings.store))")
            say("")
            if settings.given.isEmpty { return say("nothing is set: every setting has its default") }
            var table = TextTable(.fixed("KEY"), "VALUE", .first("FROM"))
            for setting in settings.given {
                let place = setting.line.map { "\(setting.source):\($0)" } ?? setting.source
                table.add(.init(setting.key), .init(setting.value), .init(place, .grey))
            }
            table.print()
            for warning in settings.warnings { say(Terminal.paint("warning: ", .yellow) + "\(warning)") }
        }
    }
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
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws { try await DaemonClient(place: place).tell(.acceptFeed(name), json: json) }
    }
}
