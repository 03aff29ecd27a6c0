public import CarillonCore
import Timetable

/// Everything `carillon.toml` and its environment may set, jobs apart. Durations are microseconds.
public struct Settings: Sendable {
    public enum LogFormat: String, Sendable, CaseIterable { case text, json, logfmt }
    public enum LogLevel: String, Sendable, CaseIterable { case trace, debug, info, notice, warning, error, critical }
    public enum OnStop: String, Sendable, CaseIterable {
        /// A stop of the daemon ends the runs within the grace.
        case end
        /// They go on, and the next daemon adopts them.
        case leave
    }

    public struct Log: Sendable {
        public var level: LogLevel?
        public var format: LogFormat?
        /// Standard error when nil.
        public var file: String?
        /// Bytes; a longer file is rotated.
        public var largest: Int64 = 10 << 20
        /// Rotated files kept beside the current one.
        public var keep: Int64 = 5
    }

    public struct Exec: Sendable {
        /// Children at once; the dispatcher's own measure when nil.
        public var most: Int64?
        /// Bytes of output kept per run.
        public var logLimit: Int64 = 10 << 20
        public var grace: Int64 = 10_000_000
        public var inheritEnvironment: [String] = []
        public var onStop: OnStop = .end
    }

    /// The Redis of Python RQ's workers.
    public struct Redis: Sendable {
        public var url = "redis://127.0.0.1:6379/0"
        public var user: String?
        public var password: String?
        public var queuePrefix = ""
        public var caFile: String?
        public var certificateFile: String?
        public var keyFile: String?
        public var verifies = true
    }

    public var timeZone = "UTC"
    public var instance: String?
    /// Where job files lie, relative to the configuration's folder.
    public var jobsDirectory = "jobs.d"
    /// Bytes; a larger job file is refused.
    public var jobsFileLimit = Int64(Bounds.bytes)
    public var storeURL = "sqlite:carillon.db"
    public var retention = Retention.standard
    public var log = Log()
    public var exec = Exec()
    public var redis = Redis()
    /// A Frappe site that is scheduled for.
    public var frappe: Frappe?
    /// Where the Frappe app says that a schedule changes.
    public var socket: Socket?
    /// A keiji whose tasks are run.
    public var keiji: Keiji?
    public var controlBus: ControlBus?
    public var email: Email?
    /// Whether the daemon starts, and keeps trying, while the Redis and the database it is to use cannot be reached.
    public var startsUnconnected = true
    /// What a person should hear of, though nothing is wrong with what was read.
    public var warnings: [FeedProblem] = []

    public init() {}

    /// Where the job files of a configuration lie.
    public func jobsFolder(beside configuration: String) -> String {
        if jobsDirectory.hasPrefix("/") { return jobsDirectory }
        let slash = configuration.lastIndex(of: "/") ?? configuration.startIndex
        return configuration[..<slash] + "/" + jobsDirectory
    }

    /// The path of the store's file, relative to the state directory.
    public func storePath(in state: String) -> String? {
        guard storeURL.hasPrefix("sqlite:") else { return nil }
        let path = String(storeURL.dropFirst("sqlite:".count))
        return path.hasPrefix("/") ? path : state + "/" + path
    }
}
