/// What a cron schedule does where the zone's offset changes; nil takes the default of its class (R8, R9).
public struct DSTPolicy: Hashable, Sendable, Codable {
    /// Matching wall times which a forward change leaves out.
    public enum Gap: String, Hashable, Sendable, Codable, CaseIterable {
        /// One run at the moment of the change, when the gap is shorter than three hours. Default of a fixed schedule.
        case run
        /// No run. Default of an interval schedule.
        case skip
    }

    /// Matching wall times which a backward change repeats.
    public enum Overlap: String, Hashable, Sendable, Codable, CaseIterable {
        /// The earlier pass. Default of a fixed schedule.
        case first
        /// The later pass.
        case second
        /// Both passes. Default of an interval schedule.
        case both
    }

    /// For wall times that do not exist.
    public var gap: Gap?
    /// For wall times that exist twice.
    public var overlap: Overlap?

    public init(gap: Gap? = nil, overlap: Overlap? = nil) {
        self.gap = gap
        self.overlap = overlap
    }
}
