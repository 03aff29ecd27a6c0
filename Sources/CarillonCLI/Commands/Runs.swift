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
        abstract: "Look at the ledger.",
        subcommands: [List.self, Show.self, Logs.self, Retry.self, Cancel.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Runs and skipped times, newest first.",
            discussion: """
                EXAMPLES
                  carillon runs list --failed --since yesterday
                  carillon runs list --job backup --since 2026-11-01 --until 2026-11-07
                  carillon runs list --state skipped --since 24h --json
                """)
        @OptionGroup var place: DaemonLocation
        @OptionGroup var times: TimeOptions
        @OptionGroup var again: WatchOptions
        @Option(help: "Only in this state: \(Self.states). May be repeated.") var state: [RunState] = []
        @Flag(help: "The same as --state failed.") var failed = false
        @Option(help: "Only this job's.", completion: .jobs) var job: String?
        @Option(help: "Only opened by this: schedule, catchUp, manual, boot or backfill.") var trigger: [Trigger] = []
        @Option(help: "Scheduled since a time, a date, yesterday, 19:00, or for a span such as 24h.") var since: String?
        @Option(help: "Scheduled until such a time.") var until: String?
        @Option(help: "At most so many.") var limit = 50
        @Flag(help: "Print one JSON object a line.") var json = false

        func run() async throws { try await again.look(look) }

        private func look() async throws {
            guard limit > 0 else { throw Failure.input("--limit: expected 1 or more") }
            let client = DaemonClient(place: place)
            let moment = try times.formatter()
            // Local times are the job's, where one is named.
            var zone = try times.asked()
            if zone == nil, since != nil || until != nil, let job, let view = try? await client.job(job) {
                zone = moment.zone(view.timeZone)
            }
            let reader = try TimeReader(moment, place: place, asked: zone)
            var query = RunQuery(job: job, states: Set(state + (failed ? [.failed] : [])), limit: limit)
            query.triggers = Set(trigger)
            query.since = try since.map { try reader.time($0, option: "--since") }
            query.until = try until.map { try reader.end($0, option: "--until") }
            let runs = try await client.runs(.runs(query))
            if json {
                for run in runs { try say(json: run) }
                return
            }
            RunView.printTable(runs, moment)
            if let since = query.since, zone == nil, runs.isEmpty {
                Terminal.error("since \(moment.absolute(since, reader.zone.name))")
            }
            if runs.count == limit { Terminal.error("the newest \(limit); --limit for more") }
        }

        private static var states: String { RunState.allCases.map(\.rawValue).joined(separator: ", ") }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run again what has ended, for its own scheduled time.",
            discussion: """
                The new run is one by hand; the old one stays in the ledger as it is, and `carillon audit` names both. The \
                program finds the old time in CARILLON_SCHEDULED_AT.

                EXAMPLE
                  carillon runs retry 6b07d8e418 --wait
                """)
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The run's id, or the beginning of it.", completion: .runs) var run: String
        @Flag(help: "Wait for the run's end, and end with its exit code.") var wait = false
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            let client = DaemonClient(place: place)
            let view = try await client.open(.retry(self.run), json: json && !wait)
            if wait { try await client.wait(for: view, json: json) }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The story of one run.")
        @OptionGroup var place: DaemonLocation
        @OptionGroup var times: TimeOptions
        @Argument(help: "The run's id, or the beginning of it.", completion: .runs) var run: String
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            let asking = DaemonClient(place: place)
            guard let view = try await asking.runs(.run(self.run)).first else { return }
            if json { return try say(json: view) }
            let moment = try times.formatter()
            if view.state == .skipped, view.trigger == nil { return Self.tell(view, moment) }
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
            if let instance = view.instance {
                say("  instance    \(instance)\(view.term.map { " (term \($0))" } ?? "")")
            }
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
        @Argument(help: "The run's id, or the beginning of it.", completion: .runs) var run: String

        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws { try await DaemonClient(place: place).tell(.cancel(self.run), json: json) }
    }

    struct Logs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What a run wrote on both its streams.",
            discussion: """
                On a terminal, what would play with it is written out; into a file or a pipe every byte goes as it is.

                EXAMPLES
                  carillon runs logs 6b07d8e418 --tail 20
                  carillon runs logs --job backup -f         the last run of a job
                """)
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The run's id, or the beginning of it.", completion: .runs) var run: String?
        @Option(help: "The last run of this job.", completion: .jobs) var job: String?
        @Option(help: ArgumentHelp("Only the last lines.", valueName: "lines")) var tail: Int?
        @Flag(name: .shortAndLong, help: "Go on printing until the run ends.") var follow = false

        func validate() throws {
            if (run == nil) == (job == nil) { throw ValidationError("give a run's id, or --job NAME") }
            if let tail, tail < 1 { throw ValidationError("--tail: expected 1 or more") }
        }

        func run() async throws {
            let asking = DaemonClient(place: place)
            guard let view = try await view(asking), let id = RunID(view.id) else { return }
            guard view.trigger != nil else {
                throw Failure.failed("\(view.job) did not run at that time: \(view.reason ?? "it was skipped")")
            }
            let fit = TerminalText()
            func write(_ data: Data, isLast: Bool) -> Bool {
                let bytes = Terminal.isOutputTerminal ? fit.take(data, isLast: isLast) : data
                return (try? FileHandle.standardOutput.write(contentsOf: bytes)) != nil
            }
            let path = RunLog.path(of: id, job: view.job, in: place.stateDirectory)
            // Who may only ask cannot read it, and who asks from elsewhere has none.
            let isElsewhere = try place.remote() != nil
            let isClosed =
                isElsewhere || access(place.stateDirectory + "/logs", X_OK) != 0 && errno == EACCES
            var printed = isClosed ? 0 : try tail.map { try Self.start(ofLast: $0, in: path) } ?? 0
            if isClosed, let tail {
                let all = try await asking.output(view.id, from: 0)
                printed = UInt64(all.count - Self.end(ofLast: tail, in: all))
            }
            let begun = printed
            while true {
                // Asked before reading, so that nothing written before the end is missed.
                let ended = try await asking.runs(.run(view.id)).first?.state.isFinal ?? true
                if isClosed {
                    let data = try await asking.output(view.id, from: Int64(printed))
                    printed += UInt64(data.count)
                    guard write(data, isLast: false) else { return }
                } else if let file = FileHandle(forReadingAtPath: path) {
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
            if printed == begun {
                Terminal.error("run \(view.id) has \(view.startedAt == nil ? "not started" : "written nothing")")
            }
        }

        /// Counts the bytes of the last so many lines.
        private static func end(ofLast lines: Int, in data: Data) -> Int {
            var newlines = 0
            for (place, byte) in data.enumerated().reversed()
            where byte == UInt8(ascii: "\n") && place + 1 < data.count {
                newlines += 1
                if newlines == lines { return data.count - place - 1 }
            }
            return data.count
        }

        private func view(_ client: DaemonClient) async throws -> RunView? {
            if let run { return try await client.runs(.run(run)).first }
            let states = Set(RunState.allCases).subtracting([.skipped])
            guard let last = try await client.runs(.runs(RunQuery(job: job, states: states, limit: 1))).first else {
                throw Failure.failed("\(job ?? "") has not run yet")
            }
            return last
        }

        /// Finds where the last so many lines of a file begin, reading from its end.
        private static func start(ofLast lines: Int, in path: String) throws -> UInt64 {
            guard let file = FileHandle(forReadingAtPath: path) else { return 0 }
            defer { try? file.close() }
            let size = try file.seekToEnd()
            var (end, newlines) = (size, 0)
            while end > 0 {
                let start = end > 1 << 16 ? end - 1 << 16 : 0
                try file.seek(toOffset: start)
                let bytes = try file.read(upToCount: Int(end - start)) ?? Data()
                // A newline at the very end ends the last line and begins none.
                for (place, byte) in bytes.enumerated().reversed()
                where byte == UInt8(ascii: "\n") && start + UInt64(place) + 1 < size {
                    newlines += 1
                    if newlines == lines { return start + UInt64(place) + 1 }
                }
                end = start
            }
            return 0
        }
    }
}

extension Runs.Show {
    /// Times that did not run.
    fileprivate static func tell(_ skip: RunView, _ moment: TimeFormatter) {
        say("\(Terminal.paint(skip.job, .bold))  skipped \(Counted.noun(skip.count ?? 1, "time"))")
        say("  first       \(moment.both(skip.scheduledAt, skip.timeZone))")
        if let last = skip.through, last != skip.scheduledAt {
            say("  last        \(moment.both(last, skip.timeZone))")
        }
        say("  because     \(skip.reason ?? "of something a later release knows")")
        say("  recorded    \(moment.both(skip.createdAt, skip.timeZone))")
    }
}
