/// What happens to scheduled times that passed while nobody was scheduling.
public enum CatchUp: Hashable, Sendable, Codable {
    /// None of them runs.
    case skip
    /// The latest one runs.
    case latest
    /// The newest `limit` of them run, oldest first, at most `rate` a second.
    case all(limit: Int, rate: Double)

    public static let mostAll = 1000
    public static let defaultRate = 10.0
    /// Runs a second.
    public static let rates = 0.001...10_000.0
}

/// What happens when a run is due while another of its job still runs; a pending run counts as running.
public enum Overlap: Hashable, Sendable, Codable {
    case allow
    case skip
    /// At most this many wait, one runs at a time.
    case queue(max: Int)
    /// The running one is cancelled and the new one takes its place.
    case replace
}

/// When a failed attempt is tried again.
public struct Retry: Hashable, Sendable, Codable {
    /// Which ends of an attempt deserve another.
    public enum Cause: String, Hashable, Sendable, Codable, CaseIterable {
        /// The target said it failed: an exit code, a signal, an exception.
        case failure
        /// The attempt took longer than its time-out.
        case timeout
    }

    /// Tries in all, the first included; 1 means no retry.
    public var attempts: Int
    /// Microseconds before the second attempt; doubles with each further one.
    public var backoff: Int64
    /// Microseconds; no wait grows past it.
    public var longestBackoff: Int64
    public var on: Set<Cause>

    public static let none = Retry(attempts: 1)

    public init(
        attempts: Int, backoff: Int64 = 10_000_000, longestBackoff: Int64 = 3_600_000_000,
        on: Set<Cause> = [.failure, .timeout]
    ) {
        self.attempts = attempts
        self.backoff = backoff
        self.longestBackoff = longestBackoff
        self.on = on
    }

    /// Encodes like the compiler's own, but for the order of `on`: equal values have equal texts, in every process.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(attempts, forKey: .attempts)
        try container.encode(backoff, forKey: .backoff)
        try container.encode(longestBackoff, forKey: .longestBackoff)
        try container.encode(on.sorted { $0.rawValue < $1.rawValue }, forKey: .on)
    }

    private enum CodingKeys: CodingKey { case attempts, backoff, longestBackoff, on }

    /// Decodes; what an older release did not write has its default.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(attempts: try fields.decode(Int.self, forKey: .attempts))
        backoff = try fields.decodeIfPresent(Int64.self, forKey: .backoff) ?? backoff
        longestBackoff = try fields.decodeIfPresent(Int64.self, forKey: .longestBackoff) ?? longestBackoff
        on = try fields.decodeIfPresent(Set<Cause>.self, forKey: .on) ?? on
    }

    /// Answers the microseconds to wait after this attempt failed; attempts count from 1.
    public func delay(afterAttempt attempt: Int) -> Int64 {
        let (grown, overflow) = backoff.multipliedReportingOverflow(by: 1 << Int64(min(max(attempt - 1, 0), 40)))
        return overflow ? longestBackoff : min(grown, longestBackoff)
    }
}

/// What becomes of a run whose outcome nobody can know any more.
public enum OnLost: String, Hashable, Sendable, Codable, CaseIterable {
    case fail
    case retry
}

/// What a failed run, its retries used up, means for its job.
public enum OnFailure: String, Hashable, Sendable, Codable, CaseIterable {
    /// Its next run comes all the same.
    case proceed
    /// None comes until the failure is resolved by an order. A run whose outcome nobody knows is none that failed.
    case halt
}

/// What silence means of an executor that is out of sight and tells by messages, as workers on a bus do.
///
/// A run of such a job that gives no sign of life for its `heartbeatTimeout` goes out again, and one that a time-out ends is
/// `cancelled` in the end, not `failed`; it counts as a failure all the same.
public struct Signs: Hashable, Sendable, Codable {
    public static let usualCancelTimeout: Int64 = 30_000_000

    /// Microseconds from the wish that a run ends to its executor's word; without one it then counts as cancelled.
    public var cancelTimeout: Int64
    /// How often a run goes out again after a silence; nil means as often as it takes.
    public var maxRepublications: Int?

    public init(cancelTimeout: Int64 = Self.usualCancelTimeout, maxRepublications: Int? = nil) {
        self.cancelTimeout = cancelTimeout
        self.maxRepublications = maxRepublications
    }
}

/// Everything about a job but what and when. Durations are microseconds, nil means unbounded.
public struct Policies: Hashable, Sendable, Codable {
    public var catchUp: CatchUp
    /// A run never starts later than this after its scheduled time.
    public var window: Int64?
    public var overlap: Overlap
    public var retry: Retry
    /// From dispatch to start.
    public var startTimeout: Int64?
    /// From start to end.
    public var timeout: Int64?
    /// From one sign of life to the next.
    public var heartbeatTimeout: Int64?
    public var onLost: OnLost
    public var onFailure: OnFailure
    /// The schedule opens at most this many runs.
    public var maxRuns: Int64?
    /// At most this many runs are pending: what is due past it is skipped.
    public var maxQueue: Int?
    /// Nil where the executor is in sight.
    public var signs: Signs?
    /// The machine that alone plans and runs it, of those that share a store: a host's name or an instance's; nil for any.
    public var host: String?

    public init(
        catchUp: CatchUp = .latest, window: Int64? = nil, overlap: Overlap = .skip, retry: Retry = .none,
        startTimeout: Int64? = nil, timeout: Int64? = nil, heartbeatTimeout: Int64? = nil, onLost: OnLost = .fail,
        onFailure: OnFailure = .proceed, maxRuns: Int64? = nil, maxQueue: Int? = nil, signs: Signs? = nil
    ) {
        self.catchUp = catchUp
        self.window = window
        self.overlap = overlap
        self.retry = retry
        self.startTimeout = startTimeout
        self.timeout = timeout
        self.heartbeatTimeout = heartbeatTimeout
        self.onLost = onLost
        self.onFailure = onFailure
        self.maxRuns = maxRuns
        self.maxQueue = maxQueue
        self.signs = signs
    }

    /// Decodes; what an older release did not write has its default.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        catchUp = try fields.decodeIfPresent(CatchUp.self, forKey: .catchUp) ?? catchUp
        window = try fields.decodeIfPresent(Int64.self, forKey: .window)
        overlap = try fields.decodeIfPresent(Overlap.self, forKey: .overlap) ?? overlap
        retry = try fields.decodeIfPresent(Retry.self, forKey: .retry) ?? retry
        startTimeout = try fields.decodeIfPresent(Int64.self, forKey: .startTimeout)
        timeout = try fields.decodeIfPresent(Int64.self, forKey: .timeout)
        heartbeatTimeout = try fields.decodeIfPresent(Int64.self, forKey: .heartbeatTimeout)
        onLost = try fields.decodeIfPresent(OnLost.self, forKey: .onLost) ?? onLost
        onFailure = try fields.decodeIfPresent(OnFailure.self, forKey: .onFailure) ?? onFailure
        maxRuns = try fields.decodeIfPresent(Int64.self, forKey: .maxRuns)
        maxQueue = try fields.decodeIfPresent(Int.self, forKey: .maxQueue)
        signs = try fields.decodeIfPresent(Signs.self, forKey: .signs)
        host = try fields.decodeIfPresent(String.self, forKey: .host)
    }
}
