public import CarillonCore
public import Logging
import Synchronization
public import Timetable

/// The tasks of keiji's database, which keeps orders itself: its `is_disabled` and `is_error` say what stands.
///
/// A row that cannot be read is marked with its error there, as keiji does, and nobody else is harmed.
public final class KeijiFeed: JobFeed {
    public let name = "keiji"
    public let guardsAgainstLoss = true
    public var keepsOrders: Bool { !isShadow }
    public let restartsIntervals = true

    private let tables: any KeijiTables
    private let folders: KeijiFolders
    private let reader: KeijiJob
    private let clock: any EngineClock
    private let logger: Logger
    /// The ledger's last failed run of a job, for a failure that an earlier process saw.
    private let lastFailure: @Sendable (String) async -> Run?
    private let tell: AsyncStream<FeedChange>.Continuation
    private let told: AsyncStream<FeedChange>
    /// Another scheduler still does the work: nothing is written to its database.
    private let isShadow: Bool
    private let state = Mutex(State())

    private struct State {
        /// The last rows that were taken up whole; nil when they must be.
        var taken: [KeijiTask]?
        /// The last rows that were read.
        var read: [KeijiTask] = []
        /// Ids of tasks that were deleted, and may be among those that were read.
        var deleted: Set<String> = []
        /// How each job's last failed run ended.
        var failures: [String: Outcome] = [:]
    }

    /// Microseconds between two readings: a changed row takes effect within two seconds.
    private static let refresh: Int64 = 1_000_000

    public init(
        tables: any KeijiTables, folders: KeijiFolders, zones: ZoneDatabase, zone: String, prefix: String = "",
        catchUp: CatchUp = .latest, isShadow: Bool = false, clock: any EngineClock, logger: Logger,
        lastFailure: @escaping @Sendable (String) async -> Run? = { _ in nil }
    ) {
        self.tables = tables
        self.folders = folders
        reader = KeijiJob(zones: zones, zone: zone, prefix: prefix, catchUp: catchUp)
        self.isShadow = isShadow
        self.clock = clock
        self.logger = logger
        self.lastFailure = lastFailure
        (told, tell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    public func changes() -> AsyncStream<FeedChange> { told }

    public func snapshot(of change: FeedChange) async throws -> FeedSnapshot {
        let tasks = try await tables.tasks()
        state.withLock { state in
            state.read = tasks
            state.deleted.formIntersection(tasks.map(\.id))
            if change == .everything { state.taken = tasks }
        }
        var snapshot = FeedSnapshot(scope: change)
        for task in tasks {
            if case .jobs(let names) = change, !names.contains(reader.prefix + task.name) { continue }
            switch reader.read(task) {
            case .success(let job): snapshot.jobs.append(job)
            case .failure(let problem): snapshot.problems.append(problem)
            }
        }
        return snapshot
    }

    public func run() async {
        while true {
            do { try await clock.sleep(for: Self.refresh) } catch { return }
            do {
                let tasks = try await tables.tasks()
                if !isShadow { try await mark(tasks) }
                if state.withLock({ $0.taken != tasks }) { tell.yield(.everything) }
            } catch {
                // Whoever reads next says what is wrong.
                tell.yield(.everything)
            }
        }
    }

    /// Marks rows that make no job as in error, as long as nobody says that one is resolved and it still makes none.
    private func mark(_ tasks: [KeijiTask]) async throws {
        for task in tasks where !task.isError && !task.isDisabled {
            guard case .failure(let problem) = reader.read(task) else { continue }
            let key = problem.key.map { "\($0): " } ?? ""
            try await tables.lay(.error(key + problem.message), onTask: task.name)
        }
    }

    public func keep(_ off: Standing.Off?, of job: String) async throws {
        // One of another prefix, or one that is gone, belongs to no task.
        guard let task = try await task(named: job) else { return }
        let name = task.name
        switch off {
        case nil: try await tables.lay(nil, onTask: name)
        case .disabled: try await tables.lay(.disabled, onTask: name)
        case .halted(let error): try await tables.lay(.error(await words(job, error)), onTask: name)
        case .deleted:
            state.withLock { _ = $0.deleted.insert(task.id) }
            do {
                try folders.remove(task)
                try await tables.delete(task: name)
            } catch {
                state.withLock { _ = $0.deleted.remove(task.id) }
                throw error
            }
            logger.notice("task deleted", metadata: ["task": "\(name)"])
        }
    }

    /// Finds the task behind a job, under the name that its database has for it: a job's name has one spelling, theirs
    /// may have another.
    private func task(named job: String) async throws -> KeijiTask? {
        if let known = task(ofJob: job) { return known }
        return try await tables.tasks().first { reader.prefix + $0.name == job }
    }

    /// Notes a run that failed, before anybody is told that its job halted.
    func note(_ run: Run) { state.withLock { $0.failures[run.job] = run.outcome } }

    /// Says what the program said last, and below it what went wrong: keiji's tools show all of it.
    private func words(_ job: String, _ error: String) async -> String {
        var outcome = state.withLock { $0.failures.removeValue(forKey: job) }
        if outcome == nil { outcome = await lastFailure(job)?.outcome }
        guard let outcome, outcome.error == error, let tail = outcome.outputTail, !tail.isEmpty else { return error }
        return (tail.last?.isNewline == true ? tail : tail + "\n") + error
    }

    /// Finds the job that a task's id stands for; nil when there is none. Throws when the database cannot be read.
    public func job(ofTask id: String) async throws -> String? {
        let id = id.lowercased()
        let cached = state.withLock { $0.read.first { $0.id.lowercased() == id } }
        let task = if let cached { cached } else { try await tables.tasks().first { $0.id.lowercased() == id } }
        return task.map { reader.prefix + $0.name }
    }

    /// Answers the same by the names of the tasks, in the spelling of their database.
    func byTask(_ states: [String: KeijiState]) -> [String: KeijiState] {
        let named = state.withLock { $0.read }.compactMap { task in
            states[reader.prefix + task.name].map { (task.name, $0) }
        }
        return Dictionary(named) { first, _ in first }
    }

    /// Removes what was written of a task while it was deleted.
    func clear(_ task: KeijiTask) {
        if state.withLock({ $0.deleted.contains(task.id) }) { try? folders.remove(task) }
    }

    /// Finds the task behind a job, as it was last read.
    func task(ofJob job: String) -> KeijiTask? {
        state.withLock { $0.read.first { reader.prefix + $0.name == job } }
    }
}
