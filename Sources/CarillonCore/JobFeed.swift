import Synchronization
import Timetable

/// Something wrong in a feed, with the place where it stands.
public struct ConfigProblem: Error, Hashable, Sendable, Codable, CustomStringConvertible {
    /// A file's path, a table's name.
    public var source: String
    /// Counts from 1.
    public var line: Int?
    public var key: String?
    /// The job concerned; nil when the whole source could not be read.
    public var job: String?
    public var message: String

    public init(source: String, line: Int? = nil, key: String? = nil, job: String? = nil, message: String) {
        self.source = source
        self.line = line
        self.key = key
        self.job = job
        self.message = message
    }

    /// `file:line: key: message`, as compilers write it.
    public var description: String {
        source + (line.map { ":\($0)" } ?? "") + ": " + (job.map { "job '\($0)': " } ?? "")
            + (key.map { "\($0): " } ?? "") + message
    }
}

/// What of a feed is worth reading again.
public enum FeedChange: Hashable, Sendable {
    case everything
    /// Jobs by their names; they may be new, or gone.
    case jobs(Set<String>)

    /// Whether a job of this name is part of it.
    public func concerns(_ name: String) -> Bool {
        switch self {
        case .everything: true
        case .jobs(let names): names.contains(name)
        }
    }
}

/// What a feed owns at one moment.
public struct FeedSnapshot: Sendable {
    /// Whatever of it is neither among the jobs nor a problem is gone.
    public var scope: FeedChange
    public var jobs: [Job]
    /// A problem with a `job` keeps that job as it last was; one without keeps every job of its source.
    public var problems: [ConfigProblem]
    /// What deserves a word although it stops nothing.
    public var warnings: [ConfigProblem]
    /// Sources that are as they were when they were last taken up; their jobs are not among the jobs.
    public var unchanged: Set<String> = []
    /// Files that were read besides the sources.
    public var alsoRead: Set<String> = []

    public init(
        scope: FeedChange = .everything, jobs: [Job] = [], problems: [ConfigProblem] = [],
        warnings: [ConfigProblem] = []
    ) {
        self.scope = scope
        self.jobs = jobs
        self.problems = problems
        self.warnings = warnings
    }
}

/// An outside owner of job definitions.
public protocol JobFeed: Sendable {
    /// Unique among the feeds; the `feed` of its jobs' origin.
    var name: String { get }

    /// Each machine has its own of it, such as files; of every other one there is one for all who share a store, and one of them
    /// reads it.
    var isOfMachine: Bool { get }

    /// Whether a sudden loss of half of twenty or more jobs waits for `carillon feeds accept`.
    var guardsAgainstLoss: Bool { get }

    /// Microseconds in which the jobs of a source may return that has suddenly lost all of them, or more than half of
    /// twenty and more; 0 when they are gone at once.
    var lossWait: Int64 { get }

    /// Reads all definitions, or at least the change's. Throws when the feed cannot be read: nothing changes then.
    func snapshot(of change: FeedChange) async throws -> FeedSnapshot

    /// Reads the same part by part, for a feed that holds more than is good to have at once.
    func parts(of change: FeedChange) -> AsyncThrowingStream<FeedSnapshot, any Error>

    /// Learns that what was handed over last is in the store, but for these sources: they are to be handed over again.
    func taken(without sources: Set<String>)

    /// Makes the next reading have these sources whole, whatever it knows of them.
    func readAgain(_ sources: Set<String>)

    /// Yields whenever `snapshot` is worth asking again. Iterated once.
    func changes() -> AsyncStream<FeedChange>

    /// Runs what it does by itself, until its task is cancelled.
    func run() async

    /// Whether orders that switch a job off or on are kept by the feed; its jobs then say themselves what stands.
    var keepsOrders: Bool { get }

    /// Keeps what an order lays upon a job, nil for nothing; may be repeated. Throws when it cannot at the moment.
    func keep(_ off: Standing.Off?, of job: String) async throws

    /// Whether an interval counts anew when its job is stopped by an order.
    var restartsIntervals: Bool { get }
}

extension JobFeed {
    public var isOfMachine: Bool { false }

    public var lossWait: Int64 { 0 }

    public func parts(of change: FeedChange) -> AsyncThrowingStream<FeedSnapshot, any Error> {
        let isRead = Mutex(false)
        return AsyncThrowingStream {
            let isOver = isRead.withLock { isRead in
                defer { isRead = true }
                return isRead
            }
            return isOver ? nil : try await snapshot(of: change)
        }
    }

    public func taken(without sources: Set<String>) {}

    public func readAgain(_ sources: Set<String>) {}

    public func run() async {}

    public var keepsOrders: Bool { false }

    public func keep(_ off: Standing.Off?, of job: String) async throws {}

    public var restartsIntervals: Bool { false }
}

/// What a feed will never keep: the order is taken back.
public struct FeedRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }
}
