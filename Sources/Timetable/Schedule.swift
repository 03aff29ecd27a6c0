/// When a job is due: a rule, the zone it is meant in, and what narrows or moves its occurrences.
public struct Schedule: Hashable, Sendable {
    /// What makes the occurrences.
    public enum Rule: Hashable, Sendable {
        /// The wall times an expression matches, in the schedule's zone.
        case cron(CronExpression)
        /// anchor + k · interval of elapsed time for k = 1, 2, …; microseconds, above zero (R13).
        case every(interval: Int64, anchor: Timestamp)
        /// One instant.
        case once(Timestamp)
        /// Once for each boot of the machine: no time of its own (R12).
        case reboot
    }

    /// What makes the occurrences.
    public var rule: Rule
    /// Whose wall clock a cron rule and the exclusions go by.
    public var zone: Zone
    /// What a cron rule does where the offset changes.
    public var dst: DSTPolicy
    /// The most an occurrence is delayed, in microseconds, at least 0.
    public var jitter: Int64
    /// No occurrence before this.
    public var startsAt: Timestamp?
    /// No occurrence after this.
    public var endsAt: Timestamp?
    /// Days without a run; occurrences on them still exist, to be recorded as skipped.
    public var exclusions: [Exclusion]

    /// Makes a schedule; all but the rule and the zone may be left out.
    public init(
        rule: Rule,
        zone: Zone,
        dst: DSTPolicy = .init(),
        jitter: Int64 = 0,
        startsAt: Timestamp? = nil,
        endsAt: Timestamp? = nil,
        exclusions: [Exclusion] = []
    ) {
        self.rule = rule
        self.zone = zone
        self.dst = dst
        self.jitter = jitter
        self.startsAt = startsAt
        self.endsAt = endsAt
        self.exclusions = exclusions
    }
}
