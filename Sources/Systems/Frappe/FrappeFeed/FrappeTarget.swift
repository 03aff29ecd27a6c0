public import CarillonCore

/// A task of a Frappe site: its web server says at the moment of the run what a worker of Python RQ is to call.
public struct FrappeTarget: TargetBody {
    public static let kind = Target.Kind(rawValue: "frappe")

    /// `name` of the row in `tabBTU Task`.
    public var task: String
    /// `name` of the row in `tabBTU Task Schedule`; nil for a task that runs without one.
    public var schedule: String?
    /// The task's Python function, for people: the site's answer decides.
    public var function: String
    /// Without the prefix that a whole site's queues may have.
    public var queue: String
    /// Seconds after which the worker ends the call; -1 means never.
    public var timeout: Int64
    /// What the worker logs.
    public var describedAs: String

    /// `max_task_duration` of a task that says none.
    public static let defaultTimeout: Int64 = 600

    public init(
        task: String, schedule: String? = nil, function: String = "", queue: String = "default",
        timeout: Int64 = FrappeTarget.defaultTimeout, describedAs: String = ""
    ) {
        self.task = task
        self.schedule = schedule
        self.function = function
        self.queue = queue
        self.timeout = timeout
        self.describedAs = describedAs
    }

    public var summary: String { "\(function.isEmpty ? task : function) on \(queue)" }

    public var fault: String? { timeout < -1 ? "its time-out is below -1" : nil }

    /// Decodes; what an older release did not write has its default.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(task: try fields.decode(String.self, forKey: .task))
        schedule = try fields.decodeIfPresent(String.self, forKey: .schedule)
        function = try fields.decodeIfPresent(String.self, forKey: .function) ?? function
        queue = try fields.decodeIfPresent(String.self, forKey: .queue) ?? queue
        timeout = try fields.decodeIfPresent(Int64.self, forKey: .timeout) ?? timeout
        describedAs = try fields.decodeIfPresent(String.self, forKey: .describedAs) ?? describedAs
    }
}
