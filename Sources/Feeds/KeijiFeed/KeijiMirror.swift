import CarillonCore
import Logging
import ServiceLifecycle
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
    /// Runs that were not final at the last look.
    private var open: Set<RunID> = []
    /// Ended runs that have been looked at, since when.
    private var seen: [RunID: Timestamp] = [:]
    private let startedAt: Timestamp
    private var isFailing = false

    /// Microseconds between two looks.
    private static let refresh: Int64 = 1_000_000
    /// Microseconds of scheduled times that a look goes back: a run that begins and ends between two looks is among them.
    private static let reach: Int64 = 10_000_000

    /// With a `log` the output of each run goes to keiji's log of its task when it has ended.
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
        startedAt = clock.now
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
            let now = clock.now
            var states: [String: KeijiState] = [:]
            for job in try await store.jobs(ofFeed: feed.name) {
                states[job.name] = KeijiState(nextExecution: job.nextDue)
            }
            let recent = try await store.runs(RunQuery(since: now.adding(microseconds: -Self.reach), limit: 100_000))
            let active = try await store.runs(RunQuery(states: [.pending, .running, .cancelling], limit: 100_000))
            var ended = recent.filter { $0.state.isFinal }
            for id in open.subtracting(active.map(\.id)).subtracting(ended.map(\.id)) {
                if let run = try await store.run(id) { ended.append(run) }
            }
            open = []
            for run in active + ended where states[run.job] != nil {
                if !run.state.isFinal { open.insert(run.id) }
                guard let start = run.startedAt else { continue }
                lastStart[run.job] = max(lastStart[run.job] ?? start, start)
                if !run.state.isFinal { states[run.job]?.isRunning = true }
            }
            lastStart = lastStart.filter { states[$0.key] != nil }
            for name in states.keys { states[name]?.lastExecution = lastStart[name] }
            await write(ended, now)
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

    /// Output of runs that have ended since the last look.
    private func write(_ ended: [Run], _ now: Timestamp) async {
        guard let log else { return }
        let news = ended.filter { run in
            guard let end = run.endedAt, run.startedAt != nil, end >= startedAt else { return false }
            return seen[run.id] == nil
        }
        for run in news.sorted(by: { ($0.endedAt ?? now) < ($1.endedAt ?? now) }) {
            guard let task = feed.task(ofJob: run.job) else { continue }
            await log.append(run, of: task)
            seen[run.id] = now
        }
        seen = seen.filter { now.microseconds - $0.value.microseconds < 4 * Self.reach }
    }
}
