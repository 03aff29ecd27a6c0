public import CarillonCore
public import Logging
public import ServiceLifecycle
import Synchronization
import Timetable

/// Keeps what keiji's own tools read of its tasks, and their logs, in step with the ledger.
public actor KeijiMirror: Service {
    private let store: any JobStore
    private let feed: KeijiFeed
    private let tables: any KeijiTables
    private let log: KeijiLog?
    private let clock: any EngineClock
    private let logger: Logger
    /// What stands in the database, by the task's name; empty when nobody knows.
    private var written: [String: KeijiState] = [:]
    private var lastStart: [String: Timestamp] = [:]
    /// Runs that have ended since the last look, in that order.
    private let ended = Mutex<[Run]>([])
    private var isFailing = false

    /// Microseconds between two looks.
    private static let refresh: Int64 = 1_000_000
    /// Ended runs that are kept for a look; past that the oldest stay untold.
    private static let mostEnded = 100_000

    /// Takes what it mirrors; with a `log` the output of each run goes to keiji's log of its task when it has ended.
    public init(
        store: any JobStore, feed: KeijiFeed, tables: any KeijiTables, log: KeijiLog?, clock: any EngineClock,
        logger: Logger
    ) {
        self.store = store
        self.feed = feed
        self.tables = tables
        self.log = log
        self.clock = clock
        self.logger = logger
    }

    /// Notes a run that has ended. Never waits.
    public nonisolated func note(_ run: Run) {
        guard feed.task(ofJob: run.job) != nil else { return }
        if run.state == .failed { feed.note(run) }
        ended.withLock { ended in
            if ended.count >= Self.mostEnded { ended.removeFirst(Self.mostEnded / 2) }
            ended.append(run)
        }
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while true {
                await self.sync()
                do { try await self.clock.sleep(for: Self.refresh) } catch { return }
            }
        }
        // How the last runs ended.
        await sync()
        await tables.close()
    }

    /// Brings the database and the logs in line with the ledger.
    package func sync() async {
        do {
            var states: [String: KeijiState] = [:]
            for job in try await store.jobs(ofFeed: feed.name) {
                states[job.name] = KeijiState(nextExecution: job.nextDue)
            }
            let running = try await store.runs(RunQuery(states: [.running, .cancelling], limit: 100_000))
            let ended = self.ended.withLock { ended in
                defer { ended = [] }
                return ended
            }
            for run in running where states[run.job] != nil { states[run.job]?.isRunning = true }
            for run in running + ended where states[run.job] != nil {
                guard let start = run.startedAt else { continue }
                lastStart[run.job] = max(lastStart[run.job] ?? start, start)
            }
            lastStart = lastStart.filter { states[$0.key] != nil }
            for name in states.keys { states[name]?.lastExecution = lastStart[name] }
            for run in ended where run.startedAt != nil {
                guard let log, let task = feed.task(ofJob: run.job) else { continue }
                await log.append(run, of: task)
                feed.clear(task)
            }
            let changed = states.filter { written[$0.key] != $0.value }
            if !changed.isEmpty { try await tables.write(feed.byTask(changed)) }
            written = states
            isFailing = false
        } catch {
            written = [:]
            if !isFailing {
                logger.warning("keiji's database is not kept in step", metadata: ["error": "\(error)"])
            }
            isFailing = true
        }
    }
}
