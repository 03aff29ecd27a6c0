public import CarillonCore
public import Timetable

/// A job as people see it.
public struct JobView: Sendable, Codable {
    public var name: String
    public var schedule: String
    /// The schedule in words.
    public var english: String
    public var timeZone: String
    public var target: Target
    public var enabled: Bool
    /// What an order or a failure laid on it, so that it does not run although it is enabled.
    public var off: Standing.Off?
    public var next: Timestamp?
    public var lastRun: RunView?
    public var origin: String
    public var tags: [String]
    /// What is wrong with its definition, each with its place.
    public var problems: [String]
    /// What stands against its runs just now; only a daemon knows.
    public var doubt: String?
    /// The policies as the store keeps them; only when one job is asked for.
    public var policies: Policies?
    public var revision: Int64
}

extension JobView {
    /// Whether its schedule counts.
    public var isOn: Bool { enabled && off == nil }
}

/// A run, or a stretch of scheduled times that were skipped, as people see it.
public struct RunView: Sendable, Codable {
    public var id: String
    public var job: String
    public var timeZone: String
    public var scheduledAt: Timestamp
    public var state: RunState
    public var trigger: Trigger?
    public var attempt: Int
    public var createdAt: Timestamp
    public var dispatchedAt: Timestamp?
    public var startedAt: Timestamp?
    public var endedAt: Timestamp?
    public var notBefore: Timestamp?
    public var exitCode: Int32?
    public var signal: Int32?
    public var error: String?
    public var reason: String?
    /// When its dispatcher was first out of reach for it, and why.
    public var heldSince: Timestamp?
    public var heldBecause: String?
    public var instance: String?
    public var outputTail: String?
    public var earlier: [EndedAttempt]
    /// Of a skip: its last scheduled time, and how many there were.
    public var through: Timestamp?
    public var count: Int?
}

/// What `status` and `feeds list` tell of a feed.
public struct FeedView: Sendable, Codable {
    public var name: String
    public var jobs: Int
    public var readAt: Timestamp?
    public var problems: [ConfigProblem]
    public var error: String?
    /// Some of its jobs wait for another feed to give up their names.
    public var waits: Bool
}

/// How a daemon is.
public struct StatusView: Sendable, Codable {
    public struct Connection: Sendable, Codable {
        public var name: String
        /// Nil when all is well.
        public var trouble: String?
        /// What is well and still deserves a look, such as a queue that no worker listens to.
        public var warnings: [String]
    }

    public var version: String
    public var instance: String
    public var startedAt: Timestamp
    public var now: Timestamp
    /// Every feed has been read once.
    public var ready: Bool
    public var jobs: Int
    public var enabled: Int
    /// Runs that are not final, by state.
    public var active: [String: Int]
    public var nextDue: Timestamp?
    /// Jobs whose time has come and that are not planned yet.
    public var due: Int
    /// Dispatches since the start.
    public var dispatched: Int
    /// Milliseconds from due to dispatch, of the last dispatches.
    public var latenessP50: Double?
    public var latenessP99: Double?
    public var latenessMax: Double?
    public var feeds: [FeedView]
    public var connections: [Connection]
    public var paused: String?
    public var shadow: Bool
    public var zones: String
    public var term: Int64
}
