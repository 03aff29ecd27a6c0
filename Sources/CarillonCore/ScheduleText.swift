public import Timetable

/// A schedule as people write it and stores keep it; `compile` turns it into the timetable's own form.
public struct ScheduleText: Hashable, Sendable, Codable {
    public enum Rule: Hashable, Sendable, Codable {
        /// A cron expression, with its dialect and the anchor of `@every`.
        case cron(String, Dialect, anchor: Timestamp)
        /// An interval such as `15m`, from an anchor.
        case every(String, anchor: Timestamp)
        /// One instant, RFC 3339 or local time.
        case once(String)
        /// A weekday and a time of day: `Friday 10:00PM`.
        case dayAndTime(String)
        /// No schedule: the job runs when somebody asks.
        case manual
    }

    /// A named list of dates on which the job does not run.
    public struct Calendar: Hashable, Sendable, Codable {
        public var name: String
        public var dates: [String]

        public init(name: String, dates: [String]) {
            self.name = name
            self.dates = dates
        }
    }

    public var rule: Rule
    /// An IANA name.
    public var zone: String
    public var dst: DSTPolicy
    /// Microseconds; each occurrence is delayed by a stable part of it.
    public var jitter: Int64
    /// Shifts an `every` by a stable phase.
    public var spread: Bool
    public var startsAt: Timestamp?
    public var endsAt: Timestamp?
    public var exclusions: [Calendar]

    public init(
        _ rule: Rule, zone: String = "UTC", dst: DSTPolicy = DSTPolicy(), jitter: Int64 = 0, spread: Bool = false,
        startsAt: Timestamp? = nil, endsAt: Timestamp? = nil, exclusions: [Calendar] = []
    ) {
        self.rule = rule
        self.zone = zone
        self.dst = dst
        self.jitter = jitter
        self.spread = spread
        self.startsAt = startsAt
        self.endsAt = endsAt
        self.exclusions = exclusions
    }

    /// Decodes; what an older release did not write has its default.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(try fields.decode(Rule.self, forKey: .rule))
        zone = try fields.decodeIfPresent(String.self, forKey: .zone) ?? zone
        dst = try fields.decodeIfPresent(DSTPolicy.self, forKey: .dst) ?? dst
        jitter = try fields.decodeIfPresent(Int64.self, forKey: .jitter) ?? 0
        spread = try fields.decodeIfPresent(Bool.self, forKey: .spread) ?? false
        startsAt = try fields.decodeIfPresent(Timestamp.self, forKey: .startsAt)
        endsAt = try fields.decodeIfPresent(Timestamp.self, forKey: .endsAt)
        exclusions = try fields.decodeIfPresent([Calendar].self, forKey: .exclusions) ?? []
    }

    /// Compiles; throws `ScheduleError` for an expression, interval, date or zone that is none; nil for a manual job.
    public func compile(job: String, zones: ZoneDatabase) throws(ScheduleError) -> Schedule? {
        let zone = try zones.zone(zone)
        var compiled: Schedule.Rule
        switch rule {
        case .manual: return nil
        case .cron(let text, let dialect, let anchor):
            compiled = try .cron(parsing: text, dialect: dialect, hashKey: job, anchor: anchor)
        case .every(let text, let anchor): compiled = try .every(parsing: text, anchor: anchor)
        case .once(let text): compiled = try .once(parsing: text, zone: zone)
        case .dayAndTime(let text): compiled = try .dayAndTime(parsing: text)
        }
        if spread { compiled = compiled.spread(key: job) }
        var dates: [Exclusion] = []
        for calendar in exclusions { dates.append(try Exclusion(name: calendar.name, dates: calendar.dates)) }
        return Schedule(
            rule: compiled, zone: zone, dst: dst, jitter: jitter, startsAt: startsAt, endsAt: endsAt,
            exclusions: dates)
    }

    /// The rule as its owner wrote it, without the zone.
    public var summary: String {
        switch rule {
        case .cron(let text, _, _): text
        case .every(let text, _): "every \(text)"
        case .once(let text): "at \(text)"
        case .dayAndTime(let text): text
        case .manual: "-"
        }
    }
}
