public import CarillonCore
public import Timetable

/// A job as people and their programs see it; `--json` prints it as it stands here.
public struct JobView: Sendable, Codable {
    public enum State: String, Sendable, Codable, CaseIterable {
        case enabled, disabled
        /// A run of it failed, and somebody is to look first.
        case halted
        /// By an order; its owner still has the definition.
        case deleted
    }

    public struct Target: Sendable, Codable {
        public var kind: String
        /// What a person reads in one line.
        public var summary: String
    }

    /// Its last run, by the keys of `RunView`.
    public struct LastRun: Sendable, Codable {
        public var id: String
        public var state: RunState
        public var scheduledAt: Timestamp
        public var startedAt: Timestamp?
        public var endedAt: Timestamp?
    }

    public var name: String
    /// As it is written; nil for a job that runs only when it is asked to.
    public var schedule: String?
    /// The schedule in words.
    public var english: String
    public var timeZone: String
    public var target: Target
    /// Whether its schedule counts.
    public var enabled: Bool
    public var state: State
    /// Why it does not run although its definition enables it.
    public var off: String?
    /// Why it is held back, as all dispatching is or a tag of its.
    public var paused: String?
    /// The next time that runs.
    public var next: Timestamp?
    /// Times to come that an order said to skip, the earliest first.
    public var skipping: [Timestamp]
    public var lastRun: LastRun?
    /// How many of its runs in a row have failed, up to the last one that completed or failed.
    public var failuresInRow: Int
    /// How many runs its schedule has opened, those that are kept no longer among them.
    public var opened: Int64
    /// Its runs that have not started, and those that have and go on.
    public var pending: Int
    public var running: Int
    public var origin: Origin
    public var tags: [String]
    /// What is wrong with its definition.
    public var problems: [ConfigProblem]
    /// What stands against its runs just now; only a daemon knows.
    public var warnings: [String]
    public var policies: PolicyView
    public var revision: Int64
}

/// How many runs of a job are active.
public struct JobActivity: Hashable, Sendable {
    public var pending = 0
    public var running = 0

    public init() {}

    mutating func count(_ run: Run) {
        switch run.state {
        case .pending: pending += 1
        case .running, .cancelling: running += 1
        default: break
        }
    }
}

/// The policies of a job, in seconds.
public struct PolicyView: Sendable, Codable, Recurring {
    public struct Retry: Hashable, Sendable, Codable {
        public var attempts: Int
        public var backoffSeconds: Double
        public var longestBackoffSeconds: Double
        public var on: [CarillonCore.Retry.Cause]
    }

    /// `skip`, `latest` or `all`.
    public var catchUp: String
    public var catchUpLimit: Int?
    public var catchUpPerSecond: Double?
    /// `allow`, `skip`, `queue` or `replace`.
    public var overlap: String
    public var overlapQueue: Int?
    public var windowSeconds: Double?
    public var startTimeoutSeconds: Double?
    public var timeoutSeconds: Double?
    public var heartbeatTimeoutSeconds: Double?
    public var retry: Retry
    public var onLost: OnLost
    public var onFailure: OnFailure
    public var maxRuns: Int64?
    public var maxQueue: Int?
    /// Of workers that tell by messages; nil for all else.
    public var cancelTimeoutSeconds: Double?
    public var maxRepublications: Int?
    /// The machine that alone runs it; nil for any.
    public var host: String?
}

extension JobView {
    /// Shows what the store knows of a job; `problems` are those of its feed.
    init(
        _ stored: StoredJob, _ compiled: CompiledJob, last: Run?, activity: JobActivity, problems: [ConfigProblem],
        warning: String?, pauses: Pauses
    ) {
        let job = stored.job
        name = job.name
        if case .manual = job.schedule.rule { schedule = nil } else { schedule = job.schedule.summary }
        english = compiled.words
        timeZone = job.schedule.zone
        target = Target(kind: job.target.kind.rawValue, summary: job.target.summary)
        enabled = job.isOn
        state =
            switch job.standing?.off {
            case .halted: .halted
            case .deleted: .deleted
            case .disabled: .disabled
            case nil: job.enabled ? .enabled : .disabled
            }
        off = job.standing?.off?.words
        paused = pauses.pause(of: job)?.reason
        next = compiled.nextRun(of: stored)
        skipping = job.standing?.skipping.filter { $0 > stored.cursor } ?? []
        lastRun = last.map {
            LastRun(
                id: $0.id.description, state: $0.state, scheduledAt: $0.scheduledAt, startedAt: $0.startedAt,
                endedAt: $0.endedAt)
        }
        failuresInRow = stored.streak
        opened = stored.opened
        pending = activity.pending
        running = activity.running
        origin = job.origin
        tags = job.tags
        self.problems = problems
        if let fault = compiled.fault {
            self.problems.append(ConfigProblem(source: job.origin.description, job: job.name, message: fault))
        }
        warnings = job.isOn ? warning.map { [$0] } ?? [] : []
        policies = PolicyView(job.policies)
        revision = stored.revision
    }
}

extension PolicyView {
    init(_ policies: Policies) {
        let seconds = { (microseconds: Int64?) in microseconds.map { Double($0) / 1_000_000 } }
        switch policies.catchUp {
        case .skip: catchUp = "skip"
        case .latest: catchUp = "latest"
        case .all(let limit, let rate): (catchUp, catchUpLimit, catchUpPerSecond) = ("all", limit, rate)
        }
        switch policies.overlap {
        case .allow: overlap = "allow"
        case .skip: overlap = "skip"
        case .queue(let most): (overlap, overlapQueue) = ("queue", most)
        case .replace: overlap = "replace"
        }
        windowSeconds = seconds(policies.window)
        startTimeoutSeconds = seconds(policies.startTimeout)
        timeoutSeconds = seconds(policies.timeout)
        heartbeatTimeoutSeconds = seconds(policies.heartbeatTimeout)
        retry = Retry(
            attempts: policies.retry.attempts, backoffSeconds: Double(policies.retry.backoff) / 1_000_000,
            longestBackoffSeconds: Double(policies.retry.longestBackoff) / 1_000_000,
            on: policies.retry.on.sorted { $0.rawValue < $1.rawValue })
        onLost = policies.onLost
        onFailure = policies.onFailure
        maxRuns = policies.maxRuns
        maxQueue = policies.maxQueue
        cancelTimeoutSeconds = seconds(policies.signs?.cancelTimeout)
        maxRepublications = policies.signs?.maxRepublications
        host = policies.host
    }
}
