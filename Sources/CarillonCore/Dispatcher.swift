public import Timetable

/// One attempt on its way to an executor.
public struct Dispatch<Body: TargetBody>: Hashable, Sendable {
    public var attempt: AttemptID
    public var job: String
    public var target: Body
    public var scheduledAt: Timestamp
    /// What somebody who asked for the run gave along; only where `takesArguments`.
    public var arguments: [String: String]?
    /// Past this it must not start any more, since somebody else may take it for lost: microseconds of the clock that runs while
    /// the machine sleeps. Only where the dispatcher is `isBound`, and others share the store.
    public var startBy: Int64?

    public init(
        attempt: AttemptID, job: String, target: Body, scheduledAt: Timestamp, arguments: [String: String]? = nil,
        startBy: Int64? = nil
    ) {
        self.attempt = attempt
        self.job = job
        self.target = target
        self.scheduledAt = scheduledAt
        self.arguments = arguments
        self.startBy = startBy
    }
}

/// What a dispatcher says of one `Dispatch`, in the order they were given.
public enum DispatchResult: Hashable, Sendable {
    /// Handed over; whether and when it starts comes as a `DispatchEvent`.
    case accepted
    /// It runs already, from a dispatch before a crash or a lost answer; its events follow all the same.
    case known
    /// It will never run: the attempt fails with this text.
    case refused(String)
    /// Something stands in this attempt's way at the moment; it may be dispatched again later.
    case unavailable(String)
    /// The executor itself is out of reach: this attempt waits, and so does every other.
    case away(String)
}

/// What an executor tells of an attempt, once or more often, in order or not.
public struct DispatchEvent: Hashable, Sendable, Codable {
    public enum What: Hashable, Sendable, Codable {
        case started(ProcessIdentity?)
        case heartbeat
        case succeeded(Outcome)
        case failed(Outcome)
        /// It ended because it was cancelled.
        case cancelled(Outcome)
        /// Nobody can know any more how it ended.
        case lost(String)
        /// The executor lost it before anybody was seen to start it: it may go out again.
        case forgotten(String)
        /// It was taken for accepted, and never got there: it waits like one whose executor was out of reach.
        case unsent(String)
        /// The machine that it was handed over on has never started it, and never will.
        case unstarted(String)
        /// Nobody can hear of it at the moment: its silence means nothing.
        case unheard
    }

    public var attempt: AttemptID
    /// Who told it did not say of which attempt: it counts for the one that the run has by now.
    public var isOfRun: Bool
    public var at: Timestamp
    public var what: What

    public init(attempt: AttemptID, isOfRun: Bool = false, at: Timestamp, what: What) {
        self.attempt = attempt
        self.isOfRun = isOfRun
        self.at = at
        self.what = what
    }
}

/// How a dispatcher is.
public struct DispatcherHealth: Hashable, Sendable {
    /// Nil when it can hand over runs.
    public var trouble: String?
    /// What deserves a look all the same.
    public var warnings: [String]

    public init(trouble: String? = nil, warnings: [String] = []) {
        self.trouble = trouble
        self.warnings = warnings
    }
}

/// Hands runs to their executors and tells how they ended. Implementations pass `DispatcherConformance`.
public protocol Dispatcher<Body>: Sendable {
    /// What it executes. It gets targets of this kind and no other.
    associatedtype Body: TargetBody

    /// Its runs are processes of this machine, which a stop of the daemon may end; the others have a life elsewhere.
    var isBound: Bool { get }

    /// How long the machine of a run may be away before nobody waits for it any more, in microseconds; only where `isBound`.
    var lostAfter: Int64 { get }

    /// Attempts that are under way here, whoever sees to them; only where `isBound`.
    var underWay: [AttemptID] { get }

    /// It hands over for certain, once it has answered: no run is out, as far as the ledger knows, before it has. And what
    /// its executors tell is theirs to repeat until the ledger has it, so it hears of starts too (`noted`).
    var isConfirming: Bool { get }

    /// Whether a run that somebody asks for may come with arguments.
    var takesArguments: Bool { get }

    /// How many attempts may be outstanding at once; nil when the executor queues by itself.
    var capacity: Int? { get }

    /// Says why this daemon, as it was started, can never carry a target out; nil when it can. Asked when a job is given,
    /// so it looks at nothing that changes.
    func refusal(of target: Body) -> String?

    /// What became of attempts, batch by batch; ends after `shutdown`. Iterated once.
    var events: AsyncStream<[DispatchEvent]> { get }

    /// Runs what it does by itself, until its task is cancelled: asking for outcomes, say.
    func run() async

    /// Takes over the ledger's outstanding attempts, those of earlier processes included: before all else, and again for those
    /// whose jobs another instance has given to this one.
    ///
    /// Answers which of them the executor never received: these may be dispatched again. For every other one an event
    /// follows: it still runs, it ended, or it is lost.
    func adopt(_ outstanding: [Run]) async -> [AttemptID]

    /// Hands over a batch; one result per element. Repeating a dispatch never starts an attempt twice.
    func dispatch(_ batch: [Dispatch<Body>]) async -> [DispatchResult]

    /// Asks an attempt to end: gently, then after `grace` (microseconds) by force. Unknown attempts are ignored.
    func cancel(_ attempt: AttemptID, grace: Int64) async

    /// Learns that the ledger has these outcomes: whatever was kept to answer for them may go.
    func acknowledge(_ attempts: [AttemptID]) async

    /// Learns that the ledger has the start of these attempts; only where `isConfirming`.
    func noted(_ attempts: [AttemptID]) async

    /// Learns that another instance sees to these attempts from now on: nothing of them is ended or cleaned up any more. What is
    /// told of them all the same goes nowhere.
    func abandon(_ attempts: [AttemptID]) async

    /// Learns that somebody else was told, for good, the oldest word of each of these attempts, whose runs it does not know; only
    /// where `isConfirming`.
    func passedOn(_ attempts: [AttemptID]) async

    /// Learns what another instance has heard of attempts that this one has; only where `isConfirming`.
    func heard(_ events: [DispatchEvent]) async

    /// Learns that these runs left the ledger: their logs may go too.
    func forget(_ runs: [GoneRun]) async

    /// Stops listening; attempts that run go on and are adopted by the next process.
    func shutdown() async

    /// Reads at most `limit` bytes of what a run wrote, all its attempts one after the other, from an offset on: none past
    /// the end. Nil where it keeps no output, and none of this run.
    func output(of run: RunID, job: String, from offset: Int64, limit: Int) async throws -> [UInt8]?

    /// Says how `status` shows it.
    func health() async -> DispatcherHealth

    /// Counts what waits in the queues that its runs go to, and who listens; where nobody knows, of as many as are known. Asked
    /// for figures, every few seconds, with how many queues they are wanted of.
    func queues(limit: Int) async -> [QueueDepth]
}

/// A queue of executors' elsewhere.
public struct QueueDepth: Hashable, Sendable {
    /// As its workers know it.
    public var name: String
    public var jobs: Int
    public var workers: Int

    public init(name: String, jobs: Int, workers: Int) {
        self.name = name
        self.jobs = jobs
        self.workers = workers
    }
}

extension Dispatcher {
    public var isBound: Bool { false }
    public var lostAfter: Int64 { 120_000_000 }
    public var underWay: [AttemptID] { [] }
    public var isConfirming: Bool { false }
    public var takesArguments: Bool { false }

    public func noted(_ attempts: [AttemptID]) async {}

    public func queues(limit: Int) async -> [QueueDepth] { [] }

    public func abandon(_ attempts: [AttemptID]) async {}

    public func passedOn(_ attempts: [AttemptID]) async {}

    public func heard(_ events: [DispatchEvent]) async {}

    public func refusal(of target: Body) -> String? { nil }

    public func run() async {}

    public func output(of run: RunID, job: String, from offset: Int64, limit: Int) async throws -> [UInt8]? { nil }
}

/// A dispatcher whose executors may or may not be there for a target, such as workers that listen to its queue.
public protocol ListenedDispatcher<Body>: Dispatcher {
    /// Learns that these jobs are there now: what stands against them matters before the first run.
    func expect(_ jobs: [(job: String, target: Body)]) async

    /// Learns that jobs of these names are gone; runs of theirs may still be out.
    func dismiss(_ jobs: [String]) async

    /// Says what stands against a run of each of these jobs just now; nil for nothing.
    func doubts(of jobs: [(job: String, target: Body)]) async -> [String?]
}

extension ListenedDispatcher {
    public func dismiss(_ jobs: [String]) async {}
}
