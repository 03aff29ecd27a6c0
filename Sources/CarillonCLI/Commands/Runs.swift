import ArgumentParser
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import ExecDispatcher
import Foundation
import Timetable

struct Runs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look at the ledger.", subcommands: [List.self, Show.self, Cancel.self, Logs.self],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Runs and skipped times, newest first.",
            discussion: """
                EXAMPLES
                  carillon runs list --job backup --since 2026-11-01
                  carillon runs list --state failed --since 24h --json
                """)
        @OptionGroup var place: DaemonLocation
        @Option(help: "Only in this state: \(Self.states). May be repeated.") var state: [RunState] = []
        @Option(help: "Only this job's.") var job: String?
        @Option(help: "Scheduled since a time (RFC 3339, or local) or for a span such as 24h.") var since: String?
        @Option(help: "At most so many.") var limit = 50
        @Flag(help: "Print one JSON object a line.") var json = false

        func run() async throws {
            var query = RunQuery(job: job, limit: limit)
            guard limit > 0 else { throw Failure.input("--limit: expected 1 or more") }
            query.states = Set(state)
            let moment = TimeFormatter()
            let zones = ZoneDatabase()
            let zone = try zones.zone(try place.settings(zones: zones).timeZone)
            query.since = try since.map { try Self.time($0, moment.now, zone) }
            let runs = try await DaemonClient(place: place).runs(.runs(query))
            guard json else { return RunView.printTable(runs, moment) }
            for run in runs { try say(json: run) }
        }

        private static var states: String { RunState.allCases.map(\.rawValue).joined(separator: ", ") }

        static func time(_ text: String, _ now: Timestamp, _ zone: Zone) throws -> Timestamp {
            if let span = try? Span.parse(text) { return now.adding(microseconds: -span) }
            do {
                let day = text.count == 10 ? text + "T00:00" : text
                if case .once(let time) = try Schedule.Rule.once(parsing: day, zone: zone) {
                    return time
                }
            } catch {
                throw Failure.input("--since: \(error.message)")
            }
            throw Failure.input("--since: '\(text)' is no time")
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The story of one run.")
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The run's id, or the beginning of it.") var run: String
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            let asking = DaemonClient(place: place)
            guard let view = try await asking.runs(.run(self.run)).first else { return }
            if json { return try say(json: view) }
            let moment = TimeFormatter()
            say("\(Terminal.paint(view.job, .bold))  run \(view.id)")
            let tell = { (label: String, time: Timestamp?) in
                if let time { say("  \(label)  \(moment.both(time, view.timeZone))") }
            }
            tell("scheduled ", view.scheduledAt)
            tell("planned   ", view.createdAt)
            for earlier in view.earlier {
                tell("attempt \(earlier.attempt) ", earlier.startedAt)
                tell("  failed  ", earlier.endedAt)
                say("              \(earlier.error ?? "no reason given")")
            }
            if view.state == .pending { tell("not before", view.notBefore) }
            if let why = view.heldBecause {
                tell("held since", view.heldSince)
                say("              \(why)")
            }
            tell("dispatched", view.dispatchedAt)
            tell("started   ", view.startedAt)
            tell("ended     ", view.endedAt)
            say("  state       \(Terminal.paint(view.state.rawValue, view.state.colour))")
            if view.state == .pending, view.dispatchedAt != nil {
                // Its job may be gone by now.
                let job = try? await asking.job(view.job)
                say(
                    "  waits for   \(job?.warnings.first ?? job.map { "a worker: \($0.target.summary)" } ?? "a worker")"
                )
            }
            if let code = view.exitCode { say("  exit code   \(code)") }
            if let signal = view.signal { say("  signal      \(signal)") }
            if let error = view.error { say("  error       \(error)") }
            if let reason = view.reason, reason != view.error { say("  reason      \(reason)") }
            if let instance = view.instance { say("  instance    \(instance)") }
            if let tail = view.outputTail, !tail.isEmpty {
                say("  its last words:")
                for line in tail.split(whereSeparator: \.isNewline) { say("    \(line)") }
            }
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a run: SIGTERM to its whole group, after the grace SIGKILL.")
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The run's id, or the beginning of it.") var run: String

        func run() async throws { try await DaemonClient(place: place).tell(.cancel(self.run)) }
    }

    struct Logs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What a run wrote on both its streams.",
            discussion:
                "On a terminal, what would play with it is written out; into a file or a pipe every byte goes as it is."
        )
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The run's id, or the beginning of it.") var run: String
        @Flag(name: .shortAndLong, help: "Go on printing until the run ends.") var follow = false

        func run() async throws {
            let asking = DaemonClient(place: place)
            guard let view = try await asking.runs(.run(self.run)).first, let id = RunID(view.id) else { return }
            let fit = TerminalText()
            func write(_ data: Data, isLast: Bool) -> Bool {
                let bytes = Terminal.isOutputTerminal ? fit.take(data, isLast: isLast) : data
                return (try? FileHandle.standardOutput.write(contentsOf: bytes)) != nil
            }
            let path = RunLog.path(of: id, job: view.job, in: place.stateDirectory)
            var printed: UInt64 = 0
            while true {
                // Asked before reading, so that nothing written before the end is missed.
                let ended = try await asking.runs(.run(view.id)).first?.state.isFinal ?? true
                if let file = FileHandle(forReadingAtPath: path) {
                    try file.seek(toOffset: printed)
                    while let data = try file.read(upToCount: 1 << 16), !data.isEmpty {
                        printed += UInt64(data.count)
                        guard write(data, isLast: false) else { return }
                    }
                    try file.close()
                }
                if !follow || ended { break }
                try await SystemClock().sleep(for: 200_000)
            }
            _ = write(Data(), isLast: true)
            if printed == 0, !follow { Terminal.error("run \(view.id) has written nothing") }
        }
    }
}
