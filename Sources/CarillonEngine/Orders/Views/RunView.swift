public import CarillonCore
public import Timetable

/// A run, or a stretch of scheduled times that were skipped, as people and their programs see it; `--json` prints it as it
/// stands here.
public struct RunView: Sendable, Codable {
    /// A try that another one followed.
    public struct Attempt: Sendable, Codable {
        public var attempt: Int
        public var startedAt: Timestamp?
        public var endedAt: Timestamp
        public var exitCode: Int32?
        public var signal: Int32?
        public var error: String?
        public var outputTail: String?
    }

    public var id: String
    /// As many digits as tell it from all others; all of them in a long list.
    public var shortID: String
    public var job: String
    public var timeZone: String
    public var scheduledAt: Timestamp
    public var state: RunState
    /// Nil for a skip.
    public var trigger: Trigger?
    /// Why it is there, in words, where its trigger alone does not say.
    public var cause: String?
    /// The run before it that had the same time, when it repeats one.
    public var repeats: String?
    /// Counts from 1; 0 for a skip.
    public var attempt: Int
    public var createdAt: Timestamp
    /// Not dispatched before this; nil for a skip.
    public var notBefore: Timestamp?
    public var dispatchedAt: Timestamp?
    public var startedAt: Timestamp?
    public var endedAt: Timestamp?
    /// From the start to the end of the last attempt.
    public var durationSeconds: Double?
    public var exitCode: Int32?
    public var signal: Int32?
    public var error: String?
    /// Why it is where it is, in words; of a skip, why it did not run.
    public var reason: String?
    /// When its dispatcher was first out of reach for it, and why.
    public var heldSince: Timestamp?
    public var heldBecause: String?
    /// Who opened it, or handed it over last, and the count of the term that it was opened under.
    public var instance: String?
    public var term: Int64?
    public var pid: Int32?
    /// What was given along by who asked for it.
    public var arguments: [String: String]?
    /// The last lines it wrote, kept for failures.
    public var outputTail: String?
    /// The tries before the last one.
    public var earlier: [Attempt]
    /// Of a skip: a word for its reason, its last scheduled time, and how many there were.
    public var skipReason: SkipReason?
    public var through: Timestamp?
    public var count: Int?
}

extension RunView {
    init(_ run: Run, zone: String) {
        id = run.id.description
        shortID = id
        job = run.job
        timeZone = zone
        scheduledAt = run.scheduledAt
        state = run.state
        trigger = run.trigger
        cause = run.cause?.words
        if case .repeats(let other) = run.cause { repeats = other.description }
        attempt = run.attempt
        createdAt = run.createdAt
        notBefore = run.notBefore
        dispatchedAt = run.dispatchedAt
        startedAt = run.startedAt
        endedAt = run.endedAt
        if let start = run.startedAt, let end = run.endedAt {
            durationSeconds = Double(end.microseconds - start.microseconds) / 1_000_000
        }
        exitCode = run.outcome.exitCode
        signal = run.outcome.signal
        error = run.outcome.error
        reason = run.reason
        heldSince = run.held?.since
        heldBecause = run.held?.why
        instance = run.instance
        term = run.term
        pid = run.process?.pid
        outputTail = run.outcome.outputTail
        arguments = run.arguments
        earlier = run.earlier.map {
            Attempt(
                attempt: $0.attempt, startedAt: $0.startedAt, endedAt: $0.endedAt, exitCode: $0.outcome.exitCode,
                signal: $0.outcome.signal, error: $0.outcome.error, outputTail: $0.outcome.outputTail)
        }
    }

    /// Shows a skip, of which `first` is the first scheduled time.
    init(_ skip: Skip, id: RunID, first: Timestamp, count: Int, zone: String) {
        self.id = id.description
        shortID = self.id
        job = skip.job
        timeZone = zone
        scheduledAt = first
        state = .skipped
        attempt = 0
        createdAt = skip.recordedAt
        endedAt = skip.recordedAt
        reason = skip.reason.words + (skip.detail.map { " (\($0))" } ?? "")
        earlier = []
        skipReason = skip.reason
        through = skip.through
        self.count = count
    }
}

extension Cause {
    /// What a person reads.
    var words: String {
        switch self {
        case .missed(let reason, let detail): reason.words + (detail.map { " (\($0))" } ?? "")
        case .repeats(let run): "repeats run \(run)"
        case .asked: "asked for under a key"
        }
    }
}
