import ArgumentParser
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import Foundation
import Timetable

struct Operations: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Do something with many jobs or runs at once, and take it back.",
        subcommands: [Start.self, List.self, Show.self, Cancel.self, Undo.self],
        defaultSubcommand: List.self)

    /// Whether to wait for the end, and how to say it.
    struct Ending: ParsableArguments {
        @Flag(help: "Do not ask.") var yes = false
        @Flag(help: "Do not wait for its end.") var detach = false
        @Flag(help: "Print one JSON object.") var json = false
    }

    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Begin one: the daemon goes through what the filter finds, also after a restart.",
            discussion: """
                Jobs are enabled, disabled, resolved, run or stopped; runs that failed are retried, those that go on are cancelled. \
                A time that has another run by then is not run again.

                EXAMPLES
                  carillon operations start disable --tag billing --state enabled
                  carillon operations start run 'pay*' --rate 10
                  carillon operations start retry --since yesterday --rate 2
                """)
        @OptionGroup var place: DaemonLocation
        @OptionGroup var times: TimeOptions
        @Argument(help: "enable, disable, resolve, run, stop; retry, cancel.") var action: BulkOperation.Action
        @Argument(help: "Names of jobs, or patterns such as 'pay*'.", completion: .jobs) var name: [String] = []
        @Option(help: "Only jobs with this tag; may be repeated for jobs that have all of them.") var tag: [String] = []
        @Option(help: "Only jobs, or runs, in this state; may be repeated.") var state: [String] = []
        @Option(help: "Only runs opened by this: schedule, catchUp, manual, boot or backfill.") var trigger: [Trigger] =
            []
        @Option(help: "Only runs scheduled since a time, a date, yesterday, 19:00, or for a span.") var since: String?
        @Option(help: "Only runs scheduled until such a time.") var until: String?
        @Option(help: ArgumentHelp("At most so many a second.", valueName: "number")) var rate: Double?
        @OptionGroup var ending: Ending

        func run() async throws {
            let client = DaemonClient(place: place)
            let choice = try await choice(client)
            let (count, noun): (Int, String)
            switch choice {
            case .jobs(var query):
                query.limit = 1
                let (views, total) = try await client.jobs(query)
                (count, noun) = (total ?? views.count, "job")
            case .runs(var query):
                query.limit = 10_000
                (count, noun) = (try await client.runs(.runs(query)).count, "run")
                if count == query.limit { throw Failure.failed("10,000 runs and more; choose fewer with --since") }
            }
            if count == 0 { throw Failure.failed("no \(noun) is like that") }
            try Operations.ask("\(action.rawValue) \(Counted.noun(count, noun))", count, ending)
            let request = OperationRequest(action, choice, perSecond: rate, expected: count)
            try await Operations.follow(.operate(request), client, ending)
        }

        private func choice(_ client: DaemonClient) async throws -> BulkOperation.Choice {
            guard action == .retry || action == .cancel else {
                if !trigger.isEmpty || since != nil || until != nil {
                    throw Failure.input("--trigger, --since and --until choose runs; \(action.rawValue) is about jobs")
                }
                if name.isEmpty, tag.isEmpty, state.isEmpty {
                    throw Failure.input("give a name, a pattern of names ('*' for all), --tag or --state")
                }
                return .jobs(JobQuery(names: name, tags: tag, states: try words(JobQuery.State.self)))
            }
            guard tag.isEmpty, name.count <= 1 else {
                throw Failure.input("\(action.rawValue) is about runs: of one job, or of all")
            }
            let moment = try times.formatter()
            var zone = try times.asked()
            if zone == nil, let job = name.first, let view = try? await client.job(job) {
                zone = moment.zone(view.timeZone)
            }
            let reader = try TimeReader(moment, place: place, asked: zone)
            var states = try words(RunState.self)
            if states.isEmpty { states = action == .retry ? [.failed] : [.pending, .running, .cancelling] }
            return .runs(
                RunQuery(
                    job: name.first, states: states, since: try since.map { try reader.time($0, option: "--since") },
                    until: try until.map { try reader.end($0, option: "--until") }, triggers: Set(trigger)))
        }

        private func words<Word: RawRepresentable<String> & CaseIterable & Hashable>(
            _ type: Word.Type
        ) throws -> Set<Word> {
            Set(
                try state.map { text in
                    guard let word = Word(rawValue: text) else {
                        let known = type.allCases.map(\.rawValue).joined(separator: ", ")
                        throw Failure.input("--state: expected some of \(known), found '\(text)'")
                    }
                    return word
                })
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The last ones, the newest first.")
        @OptionGroup var place: DaemonLocation
        @OptionGroup var times: TimeOptions
        @OptionGroup var again: WatchOptions
        @Flag(help: "Print one JSON object a line.") var json = false

        func run() async throws {
            try await again.look {
                let views = try await Operations.views(.operations(), DaemonClient(place: place))
                if json {
                    for view in views { try say(json: view) }
                    return
                }
                if views.isEmpty { return say("there is no operation") }
                let moment = try times.formatter()
                var table = TextTable(
                    .fixed("ID"), .fixed("ORDERED"), "BY", .fixed("WHAT"), .fixed("STATE"), .fixed("DONE"), "CHANGED",
                    "REFUSED")
                for view in views {
                    table.add(
                        .init(String(view.id.prefix(10))), .init(moment.relative(view.orderedAt)),
                        .init(view.user ?? view.channel), .init(view.action.rawValue),
                        .init(view.state.rawValue, view.state.colour), .init(Operations.share(view)),
                        .init(Counted.number(view.changed)), .init(Counted.number(view.refused)))
                }
                table.print()
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "All that is known of one.")
        @OptionGroup var place: DaemonLocation
        @OptionGroup var times: TimeOptions
        @Argument(help: "Its id, or the beginning of it.") var id: String
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            guard let view = try await Operations.views(.operations(id), DaemonClient(place: place)).first else {
                throw DaemonClient.otherKind
            }
            if json { return try say(json: view) }
            let moment = try times.formatter()
            say("\(view.id)  \(view.action.rawValue), \(view.state.painted)")
            say("  ordered     \(moment.both(view.orderedAt, "UTC")) by \(view.user ?? view.channel)")
            if let jobs = view.jobs {
                let parts = [("names", jobs.name), ("tags", jobs.tag), ("states", jobs.state.map(\.rawValue))]
                say("  jobs        \(Self.words(parts, "all"))")
            }
            if let runs = view.runs {
                let job: [String] = runs.job.map { [$0] } ?? []
                let since: [String] = runs.since.map { [$0.description] } ?? []
                let until: [String] = runs.until.map { [$0.description] } ?? []
                let parts = [
                    ("job", job), ("states", runs.state.map(\.rawValue)), ("triggers", runs.trigger.map(\.rawValue)),
                    ("since", since), ("until", until),
                ]
                say("  runs        \(Self.words(parts, "all"))")
            }
            if let other = view.undoes { say("  undoes      \(other.id)") }
            if let rate = view.perSecond { say("  rate        \(rate) a second") }
            say("  done        \(Operations.share(view))")
            say("  came of it  \(Operations.outcome(view))")
            if let end = view.endedAt { say("  ended       \(moment.both(end, "UTC"))") }
            if let user = view.cancelledBy { say("  cancelled   by \(user)") }
            for problem in view.problems { say("  refused     \(problem.subject): \(problem.message)") }
            if view.isUndoable { say("\n`carillon operations undo \(view.id.prefix(10))` takes it back") }
        }

        private static func words(_ parts: [(String, [String])], _ none: String) -> String {
            let given = parts.filter { !$0.1.isEmpty }.map { "\($0.0) \($0.1.joined(separator: ", "))" }
            return given.isEmpty ? none : given.joined(separator: "; ")
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Have one end early; what it did stays.")
        @OptionGroup var place: DaemonLocation
        @Argument(help: "Its id, or the beginning of it.") var id: String
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws { try await DaemonClient(place: place).tell(.cancelOperation(id), json: json) }
    }

    struct Undo: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take back what one did, and nothing that was changed since.",
            discussion: """
                Jobs get back what stood before; of runs that were opened, those that have not ended are cancelled. What ran \
                meanwhile stays, and what was missed is not made up for: `carillon backfill` does that.
                """)
        @OptionGroup var place: DaemonLocation
        @Argument(help: "Its id, or the beginning of it.") var id: String
        @OptionGroup var ending: Ending

        func run() async throws {
            let client = DaemonClient(place: place)
            guard let view = try await Operations.views(.operations(id), client).first else {
                throw DaemonClient.otherKind
            }
            try Operations.ask(
                "undo \(view.action.rawValue) of \(Counted.noun(view.changed, "job"))", view.changed, ending)
            try await Operations.follow(.undo(view.id), client, ending)
        }
    }

    // MARK: What they share

    private static func views(_ order: Order, _ client: DaemonClient) async throws -> [OperationView] {
        guard case .operations(let views) = try await client.ask(order) else { throw DaemonClient.otherKind }
        return views
    }

    /// Has a person say that this is meant: where it is about many, by their number. Throws `Failure`.
    private static func ask(_ words: String, _ count: Int, _ ending: Ending) throws {
        if ending.yes { return }
        guard Terminal.isErrorTerminal, isatty(STDIN_FILENO) == 1 else {
            throw Failure.input("this would \(words); say --yes")
        }
        let wanted = count > 100 ? "\(count)" : "yes"
        FileHandle.standardError.write(Data("This will \(words). Type \(wanted) to go on: ".utf8))
        guard readLine()?.replacing(",", with: "") == wanted else { throw Failure.failed("nothing was done") }
    }

    /// Begins one, and shows how far it is until it has ended.
    private static func follow(_ order: Order, _ client: DaemonClient, _ ending: Ending) async throws {
        guard var view = try await views(order, client).first else { throw DaemonClient.otherKind }
        let clock = SystemClock()
        var pace: Int64 = 50_000
        while !ending.detach, view.endedAt == nil {
            if Terminal.isErrorTerminal {
                Terminal.progress("\(view.action.rawValue): \(share(view)), \(Counted.number(view.refused)) refused")
            }
            try await clock.sleep(for: pace)
            pace = min(2 * pace, 1_000_000)
            view = try await views(.operations(view.id), client).first ?? view
        }
        if Terminal.isErrorTerminal, !ending.detach { Terminal.progress("") }
        if ending.json {
            try say(json: view)
        } else if ending.detach {
            say("operation \(view.id)")
        } else {
            say("\(view.action.rawValue) is \(view.state.rawValue): \(outcome(view))")
            for problem in view.problems { Terminal.error("carillon: \(problem.subject): \(problem.message)") }
            if view.isUndoable { say("`carillon operations undo \(view.id.prefix(10))` takes it back") }
        }
        if !ending.detach, view.refused > 0 || view.state == .cancelled { throw Failure(code: 1, message: "") }
    }

    private static func share(_ view: OperationView) -> String {
        "\(Counted.number(view.done)) of \(view.total.map(Counted.number) ?? "10,000+")"
    }

    private static func outcome(_ view: OperationView) -> String {
        var words = ["\(Counted.number(view.changed)) changed"]
        if view.unchanged > 0 { words.append("\(Counted.number(view.unchanged)) left as they are") }
        if view.refused > 0 { words.append("\(Counted.number(view.refused)) refused") }
        if view.ranMeanwhile > 0 { words.append("\(Counted.noun(view.ranMeanwhile, "run")) of meanwhile stay") }
        return words.joined(separator: ", ")
    }
}

extension OperationView.State {
    fileprivate var colour: Terminal.Colour? {
        switch self {
        case .waiting: nil
        case .running, .cancelling: .blue
        case .completed: .green
        case .cancelled: .yellow
        }
    }

    fileprivate var painted: Line { colour.map { Terminal.paint(rawValue, $0) } ?? "\(rawValue)" }
}
