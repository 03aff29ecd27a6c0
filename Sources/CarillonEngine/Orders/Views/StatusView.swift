public import CarillonCore
public import Timetable

/// A source of jobs as people and their programs see it; `--json` prints it as it stands here.
public struct FeedView: Sendable, Codable {
    public var name: String
    public var jobs: Int
    public var readAt: Timestamp?
    public var problems: [ConfigProblem]
    public var error: String?
    /// Some of its jobs wait for another feed to give up their names.
    public var waits: Bool
    /// Who reads it, of those who share the store.
    public var instance: String?

    init(name: String) {
        self.name = name
        (jobs, problems, waits) = (0, [], false)
    }
}

/// How a daemon is; `--json` prints it as it stands here.
public struct StatusView: Sendable, Codable {
    public struct Connection: Sendable, Codable {
        public var name: String
        /// Nil when all is well.
        public var trouble: String?
        /// What is well and still deserves a look, such as a queue that no worker listens to.
        public var warnings: [String]
    }

    public struct PausedTag: Sendable, Codable {
        public var tag: String
        public var reason: String
        /// When its jobs go on by themselves.
        public var until: Timestamp?
    }

    public struct Active: Sendable, Codable {
        public var pending: Int
        public var running: Int
        public var cancelling: Int
    }

    public struct Ended: Sendable, Codable {
        public var completed: Int
        public var failed: Int
        public var cancelled: Int
        public var skipped: Int

        init(_ hours: [HourCount]) {
            func count(_ state: RunState) -> Int { hours.reduce(0) { $0 + ($1.state == state ? $1.runs : 0) } }
            completed = count(.completed)
            failed = count(.failed)
            cancelled = count(.cancelled)
            skipped = count(.skipped)
        }
    }

    /// What a glance is enough for.
    public var inOneLine: String {
        if !troubles.isEmpty { return "degraded: " + troubles.joined(separator: "; ") }
        return "well: \(enabled) of \(jobs) jobs enabled, \(active.running) running, \(active.pending) pending"
    }

    /// Why somebody should look, a sentence each; empty when all is well.
    public var troubles: [String]
    public var version: String
    public var pid: Int32
    public var stateDirectory: String?
    /// The settings file.
    public var configuration: String?
    public var instance: String
    public var startedAt: Timestamp
    public var now: Timestamp
    /// Every feed has been read once.
    public var ready: Bool
    public var jobs: Int
    public var enabled: Int
    /// How many runs have not ended.
    public var active: Active
    /// How many runs ended in this hour and the 23 before it.
    public var lastDay: Ended
    public var nextDue: Timestamp?
    /// Jobs whose time has come and that are not planned yet.
    public var due: Int
    /// Dispatches since the start.
    public var dispatched: Int
    /// From due to dispatch, of the last dispatches.
    public var latenessP50Seconds: Double?
    public var latenessP99Seconds: Double?
    public var latenessMaxSeconds: Double?
    public var feeds: [FeedView]
    public var connections: [Connection]
    /// Why nothing is dispatched; nil when it is.
    public var paused: String?
    /// When it goes on by itself.
    public var pausedUntil: Timestamp?
    /// Tags whose jobs are held back.
    public var pausedTags: [PausedTag]
    public var shadow: Bool
    /// Which tzdata is in use, and from where.
    public var tzdata: String
    public var term: Int64
    /// How many instances share the store, how many shares of the jobs this one has, and how many jobs nobody plans; nil for a daemon
    /// that has its store alone.
    public var instances: Int?
    public var shares: Int?
    public var orphans: Int?
}
