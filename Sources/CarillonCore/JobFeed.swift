import Timetable

/// Something wrong in a feed, with the place where it stands.
public struct FeedProblem: Error, Hashable, Sendable, Codable, CustomStringConvertible {
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

/// Everything a feed owns at one moment.
public struct FeedSnapshot: Sendable {
    public var jobs: [Job]
    /// A problem with a `job` keeps that job as it last was; one without keeps every job of its source.
    public var problems: [FeedProblem]

    public init(jobs: [Job] = [], problems: [FeedProblem] = []) {
        self.jobs = jobs
        self.problems = problems
    }
}

/// An outside owner of job definitions.
public protocol JobFeed: Sendable {
    /// Unique among the feeds; the `feed` of its jobs' origin.
    var name: String { get }

    /// Whether a sudden loss of half of twenty or more jobs waits for `carillon feeds accept`.
    var guardsAgainstLoss: Bool { get }

    /// All definitions. Throws when the feed as a whole cannot be read: nothing changes then.
    func snapshot() async throws -> FeedSnapshot

    /// Yields whenever `snapshot` is worth asking again. Iterated once.
    func changes() -> AsyncStream<Void>
}
