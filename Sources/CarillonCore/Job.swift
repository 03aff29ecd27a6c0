public import Timetable

/// A store's short number for a job; dense, small, never reused for another name.
public struct JobID: Hashable, Comparable, Sendable, Codable {
    public var number: Int32

    public init(_ number: Int32) { self.number = number }

    public static func < (a: JobID, b: JobID) -> Bool { a.number < b.number }

    public init(from decoder: any Decoder) throws {
        number = try decoder.singleValueContainer().decode(Int32.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(number)
    }
}

/// Who owns a job's definition: a feed by its name, or an order given over a control channel.
public struct Origin: Hashable, Sendable, Codable, CustomStringConvertible {
    public var feed: String
    /// Where inside the feed the definition stands, such as a file's path.
    public var source: String

    public init(feed: String, source: String = "") {
        self.feed = feed
        self.source = source
    }

    /// Jobs added through the command line or an API; no feed reconciles them.
    public static let orders = Origin(feed: "orders")

    public var description: String { source.isEmpty ? feed : source }
}

/// What to run, when, and under which policies.
public struct Job: Hashable, Sendable, Codable {
    /// The longest name, in UTF-8 bytes.
    public static let longestName = 200

    /// Unique in a store, in its `canonical` form; 1 to 200 bytes without control characters.
    public var name: String {
        didSet { name = Job.canonical(name) }
    }
    public var schedule: ScheduleText
    public var target: Target
    public var policies: Policies
    public var enabled: Bool
    public var tags: [String]
    public var origin: Origin
    /// Nil as long as no order says anything.
    public var standing: Standing?

    public init(
        name: String, schedule: ScheduleText, target: Target, policies: Policies = Policies(overlap: .skip),
        enabled: Bool = true,
        tags: [String] = [], origin: Origin = .orders
    ) {
        self.name = Job.canonical(name)
        self.schedule = schedule
        self.target = target
        self.policies = policies
        self.enabled = enabled
        self.tags = tags
        self.origin = origin
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            name: try fields.decode(String.self, forKey: .name),
            schedule: try fields.decode(ScheduleText.self, forKey: .schedule),
            target: try fields.decode(Target.self, forKey: .target),
            policies: try fields.decodeIfPresent(Policies.self, forKey: .policies) ?? Policies(overlap: .skip),
            enabled: try fields.decodeIfPresent(Bool.self, forKey: .enabled) ?? true,
            tags: try fields.decodeIfPresent([String].self, forKey: .tags) ?? [],
            origin: try fields.decodeIfPresent(Origin.self, forKey: .origin) ?? .orders)
        standing = try fields.decodeIfPresent(Standing.self, forKey: .standing)
    }

    /// Says why a name cannot be a job's; nil when it can.
    public static func fault(inName name: String) -> String? {
        let name = canonical(name)
        if name.isEmpty { return "a job's name must not be empty" }
        if name.utf8.count > longestName {
            return "a job's name has at most \(longestName) bytes; this one has \(name.utf8.count)"
        }
        if name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) {
            return "a job's name must not hold control characters"
        }
        return nil
    }
}

/// A job as a store keeps it, with how far its schedule has been accounted for.
public struct StoredJob: Hashable, Sendable {
    public var id: JobID
    public var job: Job
    /// Grows with every change of the definition.
    public var revision: Int64
    /// Every scheduled time up to and including this one is in the ledger.
    public var cursor: Timestamp
    /// The scheduled time the engine must look at next; nil when there is none.
    public var nextDue: Timestamp?
    /// How many runs its schedule has opened; bounds `Policies.maxRuns`.
    public var opened: Int64
    /// How many of its runs in a row have failed, up to the last one that completed or failed.
    public var streak: Int
    /// Its owner has it no more; it is kept for its history.
    public var isRemoved: Bool
    /// Its cursor still follows the definition before this one, until whoever plans the job takes it up.
    public var isChanging: Bool
    /// Where it stands, if not in the share of its number: under the label of a machine.
    public var pinned: Shard?
    /// Why this build cannot read what is stored of it; then it waits, alone, for its next good definition, and whatever
    /// of `job` could not be read says nothing.
    public var fault: String?

    public init(
        id: JobID, job: Job, revision: Int64, cursor: Timestamp, nextDue: Timestamp?, opened: Int64 = 0,
        streak: Int = 0, isRemoved: Bool = false, isChanging: Bool = false, fault: String? = nil
    ) {
        self.id = id
        self.job = job
        self.revision = revision
        self.cursor = cursor
        self.nextDue = nextDue
        self.opened = opened
        self.streak = streak
        self.isRemoved = isRemoved
        self.isChanging = isChanging
        self.fault = fault
    }
}
