/// When a job is due: a rule, the zone it is meant in, and what narrows or moves its occurrences.
public struct Schedule: Hashable, Sendable {
    /// What makes the occurrences.
    public enum Rule: Hashable, Sendable {
        case cron(CronExpression)
        /// anchor + k · interval of elapsed time for k = 1, 2, …; microseconds, above zero (R13).
        case every(interval: Int64, anchor: Timestamp)
        case once(Timestamp)
        /// Once for each boot of the machine: no time of its own (R12).
        case reboot
    }

    public var rule: Rule
    public var zone: Zone
    public var dst: DSTPolicy
    /// The most an occurrence is delayed, in microseconds, at least 0.
    public var jitter: Int64
    /// No occurrence before this.
    public var startsAt: Timestamp?
    /// No occurrence after this.
    public var endsAt: Timestamp?
    public var exclusions: [Exclusion]

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
