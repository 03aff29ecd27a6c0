public import CarillonCore
public import Timetable

/// One thing that somebody does with many jobs or runs at once: what a filter finds is gone through bit by bit, by whichever
/// instance looks after the store, and goes on after a restart.
public struct BulkOperation: Hashable, Sendable, Codable {
    public enum Action: String, Hashable, Sendable, Codable, CaseIterable {
        // Of jobs.
        case enable, disable, resolve, run, stop
        // Of runs.
        case retry, cancel
        /// What another operation did.
        case undo
    }

    /// What it is about.
    public enum Choice: Hashable, Sendable, Codable {
        /// Names, tags and states count.
        case jobs(JobQuery)
        /// The job, states, triggers and times count.
        case runs(RunQuery)
    }

    /// 24 hexadecimal digits.
    public var id: String
    public var action: Action
    public var choice: Choice
    /// What this one undoes.
    public var undoes: Undone?
    /// How many a second at most.
    public var perSecond: Double?
    /// How many there were when it was ordered; nil where nobody counts that far.
    public var total: Int?
    public var user: String?
    public var channel: String
    public var orderedAt: Timestamp

    /// What is known of an operation that another one undoes.
    public struct Undone: Hashable, Sendable, Codable {
        public var id: String
        public var action: Action
        public var orderedAt: Timestamp
    }

    /// How far it is.
    public struct Progress: Hashable, Sendable, Codable {
        public var startedAt: Timestamp
        public var endedAt: Timestamp?
        public var end: End?
        /// Jobs or runs that were looked at.
        public var done = 0
        public var changed = 0
        /// Those that are as they were to be anyway.
        public var unchanged = 0
        public var refused = 0
        /// Why, of the first ones.
        public var problems: [Problem] = []
        /// Of what is undone: runs that there were meanwhile, and that stay.
        public var ranMeanwhile = 0
        /// What may be gone through at once, as of a time, where only so many a second may.
        var credit = 1.0
        var creditedAt: Timestamp
        /// Where it goes on.
        var name: String?
        var run: RunPlace?

        public enum End: String, Hashable, Sendable, Codable, CaseIterable {
            case completed, cancelled
        }

        init(startedAt: Timestamp) {
            self.startedAt = startedAt
            creditedAt = startedAt
        }

        /// Decodes; what an older release did not write has its default.
        public init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            startedAt = try fields.decode(Timestamp.self, forKey: .startedAt)
            endedAt = try fields.decodeIfPresent(Timestamp.self, forKey: .endedAt)
            end = try fields.decodeIfPresent(End.self, forKey: .end)
            done = try fields.decodeIfPresent(Int.self, forKey: .done) ?? 0
            changed = try fields.decodeIfPresent(Int.self, forKey: .changed) ?? 0
            unchanged = try fields.decodeIfPresent(Int.self, forKey: .unchanged) ?? 0
            refused = try fields.decodeIfPresent(Int.self, forKey: .refused) ?? 0
            problems = try fields.decodeIfPresent([Problem].self, forKey: .problems) ?? []
            ranMeanwhile = try fields.decodeIfPresent(Int.self, forKey: .ranMeanwhile) ?? 0
            credit = try fields.decodeIfPresent(Double.self, forKey: .credit) ?? 0
            creditedAt = try fields.decodeIfPresent(Timestamp.self, forKey: .creditedAt) ?? startedAt
            name = try fields.decodeIfPresent(String.self, forKey: .name)
            run = try fields.decodeIfPresent(RunPlace.self, forKey: .run)
        }

        /// Reasons that are kept.
        private static let mostProblems = 20

        mutating func refuse(_ subject: String, _ why: String) {
            refused += 1
            if problems.count < Self.mostProblems { problems.append(Problem(subject: subject, message: why)) }
        }

        /// Answers how many may be gone through by now: however long nobody did, no more than a second's worth.
        mutating func allowance(_ perSecond: Double?, now: Timestamp) -> Int {
            guard let perSecond else { return .max }
            let seconds = Double(max(0, now.microseconds - creditedAt.microseconds)) / 1_000_000
            credit = min(max(1, perSecond), credit + seconds * perSecond)
            creditedAt = now
            return Int(credit)
        }

        /// Answers the microseconds until the next one may be gone through.
        func wait(_ perSecond: Double) -> Int64 { max(1, Int64(saturating: (1 - credit) / perSecond * 1_000_000)) }
    }

    public struct Problem: Hashable, Sendable, Codable {
        /// The name of a job, or the id of a run.
        public var subject: String
        public var message: String
    }
}

/// What somebody asks to be done with many at once.
public struct OperationRequest: Hashable, Sendable, Codable {
    public var action: BulkOperation.Action
    public var choice: BulkOperation.Choice
    public var perSecond: Double?
    /// How many there were when they looked: with another number by now it is refused.
    public var expected: Int?

    public init(
        _ action: BulkOperation.Action, _ choice: BulkOperation.Choice, perSecond: Double? = nil, expected: Int? = nil
    ) {
        self.action = action
        self.choice = choice
        self.perSecond = perSecond
        self.expected = expected
    }
}

/// An operation as people and their programs see it; `--json` prints it as it stands here.
public struct OperationView: Hashable, Sendable, Codable {
    public enum State: String, Hashable, Sendable, Codable, CaseIterable {
        case waiting, running, cancelling, completed, cancelled
    }

    /// Which jobs; by the words of a question for jobs.
    public struct Jobs: Hashable, Sendable, Codable {
        public var name: [String]
        public var tag: [String]
        public var state: [JobQuery.State]
        public var zone: String?
        public var target: String?
        public var feed: String?
    }

    /// Which runs; by the words of a question for runs.
    public struct Runs: Hashable, Sendable, Codable {
        public var job: String?
        public var state: [RunState]
        public var trigger: [Trigger]
        public var since: Timestamp?
        public var until: Timestamp?
    }

    public var id: String
    public var action: BulkOperation.Action
    public var state: State
    public var jobs: Jobs?
    public var runs: Runs?
    public var undoes: BulkOperation.Undone?
    public var perSecond: Double?
    public var total: Int?
    public var done: Int
    public var changed: Int
    public var unchanged: Int
    public var refused: Int
    public var problems: [BulkOperation.Problem]
    public var ranMeanwhile: Int
    public var user: String?
    public var channel: String
    public var orderedAt: Timestamp
    public var startedAt: Timestamp?
    public var endedAt: Timestamp?
    public var cancelledBy: String?
    /// Whether it can be undone as it is now.
    public var isUndoable: Bool
}

extension OperationRequest {
    /// Whether who orders it must be allowed to change jobs, and not only to run them.
    public var changesJobs: Bool { action.changesJobs }
}

extension OperationView {
    /// The same of one that is there, and of undoing it.
    public var changesJobs: Bool { (undoes?.action ?? action).changesJobs }
}

extension BulkOperation.Choice {
    /// For people: what they chose.
    var words: String {
        func list(_ word: String, _ values: [String]) -> String? {
            values.isEmpty ? nil : "\(word) \(values.joined(separator: ", "))"
        }
        switch self {
        case .jobs(let query):
            let parts = [
                list("name", query.names), list("tag", query.tags),
                list("state", query.states.map(\.rawValue).sorted()), query.zone.map { "zone \($0)" },
                query.target.map { "target \($0.rawValue)" }, query.feed.map { "feed \($0)" },
            ].compactMap { $0 }
            return parts.isEmpty ? "all jobs" : "jobs with \(parts.joined(separator: "; "))"
        case .runs(let query):
            let parts = [
                list("job", query.job.map { [$0] } ?? []), list("state", query.states.map(\.rawValue).sorted()),
                list("trigger", query.triggers.map(\.rawValue).sorted()), query.since.map { "since \($0)" },
                query.until.map { "until \($0)" },
            ].compactMap { $0 }
            return parts.isEmpty ? "all runs" : "runs with \(parts.joined(separator: "; "))"
        }
    }
}

extension BulkOperation.Action {
    /// Whether it changes jobs, in a way that each remembers.
    var laysStanding: Bool { [.enable, .disable, .resolve].contains(self) }

    var isOfJobs: Bool { laysStanding || [.run, .stop].contains(self) }

    /// Whether there is a way back.
    var isUndoable: Bool { laysStanding || self == .run }

    /// Whether who orders it must be allowed to change jobs, and not only to run them.
    var changesJobs: Bool { laysStanding }
}

/// What an operation does to one job that it comes to.
enum OperationVerdict: Equatable {
    /// This is to stand; `switches` where the definition itself is to be switched on or off.
    case lay(Standing, switches: Bool? = nil)
    case unchanged
    /// It was changed before, and the operation has come here again after a restart.
    case changed
    case refused(String)

    /// Decides what enabling, disabling or resolving does, and what undoing that.
    init(_ action: BulkOperation.Action, _ operation: String, undoes other: String? = nil, _ stored: StoredJob) {
        if stored.isRemoved {
            self = .unchanged
            return
        }
        if let fault = stored.fault {
            self = .refused("it waits for a new definition: \(fault)")
            return
        }
        let job = stored.job
        var standing = job.standing ?? Standing()
        if standing.mark?.operation == operation, action != .undo {
            self = .changed
            return
        }
        let before = standing.off
        func mark(switched: Bool = false) -> Standing.Mark {
            Standing.Mark(operation: operation, before: before, switched: switched)
        }
        switch (action, before) {
        case (.disable, .halted),
            (.disable, nil) where job.enabled:
            (standing.off, standing.mark) = (.disabled, mark())
            self = .lay(standing)
        case (.enable, .halted(let error)):
            self = .refused("it halted after a failure (\(error)), and is to be resolved")
        case (.enable, .disabled),
            (.enable, nil) where !job.isOn:
            guard job.enabled || job.origin.feed == Origin.orders.feed else {
                self = .refused("it belongs to \(job.origin), where it is switched off")
                return
            }
            (standing.off, standing.mark) = (nil, mark(switched: !job.enabled))
            self = .lay(standing, switches: job.enabled ? nil : true)
        case (.resolve, .halted):
            (standing.off, standing.mark) = (nil, mark())
            self = .lay(standing)
        case (.undo, _):
            guard let mark = standing.mark, mark.operation == other else {
                self = .unchanged
                return
            }
            (standing.off, standing.mark) = (mark.before, nil)
            self = .lay(standing, switches: mark.switched ? false : nil)
        default: self = .unchanged
        }
    }
}
