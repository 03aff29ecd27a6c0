public import Timetable

/// A row of `task_models`, keiji's table of tasks, as far as it says what to do; odd values are kept as they are.
public struct KeijiTask: Hashable, Sendable {
    /// `task_id`, a UUID.
    public var id: String
    /// Unique.
    public var name: String
    /// What its log's folder is called.
    public var slug: String
    /// `HMS` or `DayTime`.
    public var type: String?
    /// JSON.
    public var scheduleInfo: String?
    /// A path that ends in `.bin`.
    public var executable: String?
    public var logPath: String?
    public var isError: Bool
    public var errorText: String?
    public var isDisabled: Bool
    /// As text, `2024-08-10 18:43:43.123456789+03:00` or RFC 3339.
    public var createdAt: String?

    public init(
        id: String, name: String, slug: String, type: String?, scheduleInfo: String?, executable: String?,
        logPath: String? = nil, isError: Bool = false, errorText: String? = nil, isDisabled: Bool = false,
        createdAt: String? = nil
    ) {
        self.id = id
        self.name = name
        self.slug = slug
        self.type = type
        self.scheduleInfo = scheduleInfo
        self.executable = executable
        self.logPath = logPath
        self.isError = isError
        self.errorText = errorText
        self.isDisabled = isDisabled
        self.createdAt = createdAt
    }
}

/// What keiji's own tools read of a task's present state; written and never believed.
public struct KeijiState: Hashable, Sendable {
    public var isRunning: Bool
    /// Nil leaves the column as it is.
    public var lastExecution: Timestamp?
    public var nextExecution: Timestamp?

    public init(isRunning: Bool = false, lastExecution: Timestamp? = nil, nextExecution: Timestamp? = nil) {
        self.isRunning = isRunning
        self.lastExecution = lastExecution
        self.nextExecution = nextExecution
    }
}

/// What is asked of keiji's database. Every call may throw, and is bounded in time.
public protocol KeijiTables: Sendable {
    /// Reads every task that is not deleted, in the order of their names.
    func tasks() async throws -> [KeijiTask]

    /// Makes each task's switches say what is given: neither disabled nor in error for nil.
    func lay(_ off: KeijiOff?, onTask name: String) async throws

    func write(_ states: [String: KeijiState]) async throws

    func delete(task name: String) async throws

    func close() async
}

/// Why a task is not picked up.
public enum KeijiOff: Hashable, Sendable {
    case disabled
    case error(String)
}
