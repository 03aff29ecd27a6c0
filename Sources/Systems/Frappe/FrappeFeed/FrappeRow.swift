/// One schedule of a Frappe site with its task, as the tables have them; everything may be NULL but the name.
public struct FrappeRow: Hashable, Sendable {
    public var name: String
    /// The text of datetime(6): only whether it differs is of interest.
    public var modified: String?
    public var enabled: Bool
    public var queue: String?
    public var frequency: String?
    public var cron: String?
    public var weekday: String?
    public var day: String?
    public var month: String?
    public var hour: String?
    public var minute: String?
    public var words: String?
    public var task: String?
    /// What the row with that name in `tabBTU Task` says; nil when there is none.
    public var taskRow: Task?

    public init(name: String, modified: String? = nil, enabled: Bool = true) {
        self.name = name
        self.modified = modified
        self.enabled = enabled
    }

    public struct Task: Hashable, Sendable {
        public var words: String?
        public var function: String?
        public var longest: String?
        public var queue: String?

        public init(words: String? = nil, function: String? = nil, longest: String? = nil, queue: String? = nil) {
            self.words = words
            self.function = function
            self.longest = longest
            self.queue = queue
        }
    }
}

/// The zones a site's schedules are written in.
public struct FrappeZones: Hashable, Sendable {
    /// Of `Cron Style` rows: `BTU Configuration.cron_time_zone`.
    public var cron: String
    /// Of all others: the site's own.
    public var site: String

    public init(cron: String, site: String) {
        self.cron = cron
        self.site = site
    }
}
