public import Timetable

/// Why scheduled times did not become runs.
public enum SkipReason: String, Hashable, Sendable, Codable, CaseIterable {
    case downtime, stall, unreachable, paused, clock, overlap, disabled, halted, ordered, faulty, window, gap, calendar,
        past, full
    /// A later release knows it.
    case unknown

    /// What a person reads.
    public var words: String {
        switch self {
        case .downtime: "nobody was scheduling at that time"
        case .stall: "nothing was scheduled at that time: the machine, the daemon or its store stood still"
        case .unreachable: "its dispatcher was out of reach, and its catch_up wants no more of those times"
        case .paused: "dispatching was paused at that time"
        case .clock: "the clock jumped over that time"
        case .overlap: "an earlier run was still active"
        case .disabled: "the job was disabled"
        case .halted: "an earlier run had failed, and nobody had resolved it"
        case .ordered: "an order said to skip this time"
        case .faulty: "its stored definition could not be read"
        case .window: "it was too late: past its window"
        case .gap: "no such local time: the clocks went forward"
        case .calendar: "excluded by a calendar"
        case .full: "as many runs were pending as its max_queue allows"
        case .past: "its time had passed when the job was added"
        case .unknown: "a later release recorded a reason that this one does not know"
        }
    }
}

/// A stretch of scheduled times of one job that did not run: all in `(after, through]`.
///
/// How many it covers is counted when somebody reads it, with the schedule of `revision`.
public struct Skip: Hashable, Sendable, Codable {
    public var jobID: JobID
    public var job: String
    public var revision: Int64
    public var after: Timestamp
    public var through: Timestamp
    public var reason: SkipReason
    /// The calendar's name, or which run stood in the way.
    public var detail: String?
    public var recordedAt: Timestamp

    public init(
        jobID: JobID, job: String, revision: Int64, after: Timestamp, through: Timestamp, reason: SkipReason,
        detail: String? = nil, recordedAt: Timestamp
    ) {
        self.jobID = jobID
        self.job = job
        self.revision = revision
        self.after = after
        self.through = through
        self.reason = reason
        self.detail = detail
        self.recordedAt = recordedAt
    }
}

extension Skip {
    /// A shorter stretch is one that a restart or a moment's stall makes in a job of every few seconds.
    private static let short: Int64 = 60_000_000

    /// Whether it is less than a minute in which nothing was scheduled.
    public var isShortGap: Bool {
        switch reason {
        case .downtime, .stall, .clock: through.microseconds &- after.microseconds < Self.short
        default: false
        }
    }
}

/// A stretch of time in which nothing was scheduled: what falls due in it is missed, for this reason.
public struct Gap: Hashable, Sendable {
    public var after: Timestamp
    public var through: Timestamp
    public var reason: SkipReason
    /// What a person said of it, such as why dispatching was paused.
    public var detail: String?

    public init(after: Timestamp, through: Timestamp, reason: SkipReason, detail: String? = nil) {
        self.after = after
        self.through = through
        self.reason = reason
        self.detail = detail
    }
}
