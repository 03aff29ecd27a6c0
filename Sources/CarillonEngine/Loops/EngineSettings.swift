public import CarillonCore
public import CoreMetrics

/// What a person may set of the engine. Durations are microseconds.
public struct EngineSettings: Sendable {
    /// The longest sleep before the wall clock is read again.
    public var slice: Int64 = 1_000_000
    /// The shortest sleep between two looks, and between two writes: what comes meanwhile is one transaction.
    public var breath: Int64 = 3_000
    /// A wall clock that moves this much more or less than time passed has jumped.
    public var jump: Int64 = 2_000_000
    /// A sleep that takes this much longer than it was to is said, and the ledger has it as the reason of what was missed.
    public var stall: Int64 = 1_000_000
    /// After a stall executors get this long to tell what ended meanwhile.
    public var hearing: Int64 = 100_000
    /// How long a run that is told to end may take before it is ended by force.
    public var grace: Int64 = 10_000_000
    /// Whether a stop of the daemon ends the runs, or leaves them for the next one to adopt.
    public var endRunsOnStop = true
    /// How often it leaves a sign of life in the store.
    public var heartbeat: Int64 = 10_000_000
    /// Between two looks at what is owed to the clock and to the zone database.
    public var custody: Int64 = 10_000_000
    /// Whether a store that cannot be reached at the start is waited for.
    public var waitsForStore = false
    /// Whether other instances may plan jobs of the same store.
    public var shares = false
    public var retention = Retention.standard
    /// Between two looks for what retention no longer keeps.
    public var pruneEvery: Int64 = 60_000_000
    /// Plan and record, dispatch nothing: to run beside another scheduler.
    public var shadow = false

    /// Where what happens is counted.
    public var metrics: any MetricsFactory = MetricsSystem.factory
    /// Tags whose jobs are measured each for itself. Nil where nobody reads figures: then what no event tells is not looked up.
    public var watchedTags: Set<String>?

    /// Told of whatever a person may want to hear of; it must not wait.
    public var notify: (@Sendable (Notice) -> Void)?
    /// Hears of every run that ended for good, shortly before the ledger has it; must not wait.
    public var ended: (@Sendable (Run) -> Void)?
    /// Hears of everything that was written, once the store has it; must not wait.
    public var changed: (@Sendable (LedgerChange) -> Void)?

    public init() {}
}
