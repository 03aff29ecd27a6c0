import ArgumentParser
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import Foundation

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "How the daemon is: jobs, what is due, lateness, feeds, connections.",
        discussion: """
            Exit codes, for whoever checks its health: 0 all is well, 5 the daemon runs and something needs a look, 3 no daemon \
            runs, 4 it does not answer. With --wait it is 0 as soon as the daemon is ready.

            EXAMPLES
              carillon serve & carillon status --wait 10 && echo ready
              carillon status --check
            """)
    @OptionGroup var place: DaemonLocation
    @OptionGroup var again: WatchOptions
    @Option(help: ArgumentHelp("Wait so many seconds for the daemon to be ready.", valueName: "seconds"))
    var wait: Double?
    @Flag(help: "One line: well, or what is not.") var check = false
    @Flag(help: "Print one JSON object.") var json = false

    func validate() throws {
        if let wait, !(0...1_000_000).contains(wait) { throw ValidationError("--wait is 0 to 1000000 seconds") }
    }

    func run() async throws { try await again.look(look) }

    private func look() async throws {
        let status = try await status()
        if json {
            try say(json: status)
        } else if check {
            say(
                status.troubles.isEmpty
                    ? Terminal.paint("well", .green)
                    : Terminal.paint("degraded: ", .yellow) + "\(status.troubles.joined(separator: "; "))")
        } else {
            show(status)
        }
        if wait == nil, !status.troubles.isEmpty { throw Failure.degraded("") }
    }

    private func show(_ status: StatusView) {
        let moment = TimeFormatter(now: status.now)
        say(
            "carillon \(status.version)  instance \(status.instance)  pid \(Int(status.pid))  started \(moment.relative(status.startedAt))"
        )
        if let state = status.stateDirectory { say("state        \(state)") }
        if let configuration = status.configuration { say("settings     \(configuration)") }
        if let reason = status.paused {
            let end = status.pausedUntil.map { "; goes on \(moment.relative($0))" } ?? ""
            say(Terminal.paint("paused: \(reason)\(end)", .yellow))
        }
        for pause in status.pausedTags {
            let end = pause.until.map { "; goes on \(moment.relative($0))" } ?? ""
            say(Terminal.paint("paused: tag \(pause.tag): \(pause.reason)\(end)", .yellow))
        }
        if status.shadow { say(Terminal.paint("shadow: plans and records, dispatches nothing", .yellow)) }
        let next = status.nextDue.map { ", next \(moment.relative($0))" } ?? ""
        say("jobs         \(status.jobs), \(status.enabled) enabled; \(status.due) due\(next)")
        if let instances = status.instances, let shares = status.shares {
            say("instances    \(instances) in force; \(shares) of \(Shard.shares) shares are here")
        }
        let active = [
            (status.active.running, "running"), (status.active.pending, "pending"),
            (status.active.cancelling, "cancelling"),
        ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        let ended = [
            (status.lastDay.completed, "completed"), (status.lastDay.failed, "failed"),
            (status.lastDay.cancelled, "cancelled"), (status.lastDay.skipped, "skipped"),
        ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        say(
            "runs         \(active.isEmpty ? "none active" : active.joined(separator: ", "))"
                + (ended.isEmpty ? "" : "; in 24 h \(ended.joined(separator: ", "))"))
        if let p50 = status.latenessP50Seconds, let p99 = status.latenessP99Seconds,
            let most = status.latenessMaxSeconds
        {
            let text = [p50, p99, most].map { String(format: "%.1f ms", $0 * 1_000) }
            say("lateness     p50 \(text[0]), p99 \(text[1]), most \(text[2]) (of the last dispatches)")
        }
        say("time zones   \(status.tzdata)")
        for connection in status.connections {
            let state = connection.trouble.map { Terminal.paint($0, .red) } ?? Terminal.paint("well", .green)
            say("\(connection.name.padding(toLength: 13, withPad: " ", startingAt: 0))" + state)
            for warning in connection.warnings {
                say("             " + Terminal.paint("warning: ", .yellow) + "\(warning)")
            }
        }
        for feed in status.feeds {
            let name = "feed \(feed.name)".padding(toLength: 13, withPad: " ", startingAt: 0)
            let read = feed.readAt.map { ", read \(moment.relative($0))" } ?? ""
            say(
                "\(name)\(feed.jobs) jobs\(read)" + (feed.problems.isEmpty ? "" : ", problems: \(feed.problems.count)"))
            if let error = feed.error { say("             " + Terminal.paint(error, .red)) }
            for problem in feed.problems {
                say("             " + Terminal.paint("error: ", .red) + "\(problem)")
            }
        }
    }

    /// The daemon's answer; with --wait, the first one that says it is ready.
    private func status() async throws -> StatusView {
        let clock = SystemClock()
        let deadline = clock.uptime + Int64((wait ?? 0) * 1_000_000)
        while true {
            do {
                guard case .status(let status) = try await DaemonClient(place: place).ask(.status) else {
                    throw Failure.failed("the daemon gave an answer of another kind")
                }
                if status.ready || wait == nil { return status }
                if clock.uptime > deadline { throw Failure.failed("the daemon is not ready yet") }
            } catch let failure as Failure where wait != nil && [1, 3, 4].contains(failure.code) {
                if clock.uptime >= deadline { throw failure }
            }
            try await clock.sleep(for: 50_000)
        }
    }
}
