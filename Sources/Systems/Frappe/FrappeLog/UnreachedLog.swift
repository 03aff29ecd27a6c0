public import CarillonCore
import FrappeFeed
public import Logging
public import ServiceLifecycle
import Synchronization
public import Timetable

/// Writes a row into a site's log for each run of its schedules that ended and that no worker was seen to start: of all
/// others the app writes one itself.
///
/// A row is written once the ledger has the run's end, and again until it is there; the ledger tells the next process which
/// ones were still owed. Nobody waits for it.
public actor UnreachedLog: Service {
    /// Ended runs whose rows are owed.
    private struct Owed {
        /// The oldest first.
        var runs: [RunID] = []
        /// More of them may be in the ledger.
        var isCut = true
    }

    private nonisolated let owed = Mutex(Owed())
    private let store: any JobStore
    private let feed: String
    private let table: any LogTable
    private let zones: ZoneDatabase
    private let clock: any EngineClock
    private let logger: Logger
    /// Why rows are not written just now.
    private var trouble: String?
    private var hasForm = false
    /// Rows were settled that the mark does not count yet.
    private var isMarkBehind = false

    /// The note that says until when all ended runs have their rows, RFC 3339.
    private static let mark = "frappe.log"
    /// Microseconds between two looks, and after one that failed.
    private static let refresh: Int64 = 1_000_000
    private static let patience: Int64 = 30_000_000
    /// Rows in one look.
    private static let batch = 100
    /// Runs that are remembered, and that one look into the ledger finds.
    private static let most = 10_000
    /// Microseconds for which rows stay owed, and for which a run may have waited before it ended.
    private static let week: Int64 = 7 * 86_400_000_000
    /// Microseconds by which the mark stays behind: a run is told of shortly after the moment of its end.
    private static let slack: Int64 = 60_000_000

    /// Takes the feed's name, whose jobs are the site's schedules.
    public init(
        store: any JobStore, feed: String, table: any LogTable, zones: ZoneDatabase, clock: any EngineClock,
        logger: Logger
    ) {
        self.store = store
        self.feed = feed
        self.table = table
        self.zones = zones
        self.clock = clock
        self.logger = logger
    }

    /// Notes a run that has ended. Never waits.
    public nonisolated func note(_ run: Run) {
        guard run.reachedNoWorker else { return }
        owed.withLock { owed in
            if owed.runs.count < Self.most { owed.runs.append(run.id) } else { owed.isCut = true }
        }
    }

    /// Says why rows are not written, and how many are owed.
    public func warnings() -> [String] {
        guard let trouble else { return [] }
        let count = owed.withLock { $0.runs.count }
        let waiting = count == 0 ? "" : "; \(count) row\(count == 1 ? "" : "s") to be written"
        return ["log_unreached: \(trouble)\(waiting)"]
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while true {
                let pause = await self.sync()
                do { try await self.clock.sleep(for: pause) } catch { return }
            }
        }
        // Of the last runs; what is still owed then is the next process's.
        if trouble == nil { _ = await sync() }
        await table.close()
    }

    /// Writes rows that are owed; answers how many microseconds to wait before the next time.
    @discardableResult
    package func sync() async -> Int64 {
        do {
            try await lookIntoLedger()
            let now = clock.now
            let batch = owed.withLock { Array($0.runs.prefix(Self.batch)) }
            // The first look says at the start what stands in the way.
            if !batch.isEmpty || !hasForm || trouble != nil { try await write(batch) }
            hasForm = true
            let isDone = owed.withLock { $0.runs.isEmpty && !$0.isCut }
            if isDone, isMarkBehind {
                try await setMark(now.adding(microseconds: -Self.slack))
                isMarkBehind = false
            }
            if trouble != nil { logger.notice("runs that reach no worker are written into the site's log again") }
            trouble = nil
            return Self.refresh
        } catch {
            // What is cut short by a stop says nothing of the table.
            if Task.isCancelled { return Self.patience }
            if trouble == nil {
                logger.warning(
                    "runs that reach no worker are not written into the site's log", metadata: ["error": "\(error)"])
            }
            trouble = "\(error)"
            return Self.patience
        }
    }

    private func write(_ batch: [RunID]) async throws {
        let form = try await table.form()
        let zone = try zones.zone(form.zone)
        for id in batch {
            do {
                guard try await settle(id, form, zone) else { continue }
            } catch {
                // The others have their turn before it is tried again.
                owed.withLock { owed in
                    owed.runs.removeAll { $0 == id }
                    owed.runs.append(id)
                }
                throw error
            }
            owed.withLock { $0.runs.removeAll { $0 == id } }
            isMarkBehind = true
        }
    }

    /// Writes the row of a run, if it is one of the site's; answers whether nothing is owed of it any more.
    private func settle(_ id: RunID, _ form: LogForm, _ zone: Zone) async throws -> Bool {
        // It may have left the ledger.
        guard let run = try await store.run(id) else { return true }
        // Until the ledger has its end, another process may see it end otherwise.
        guard run.state.isFinal else { return false }
        guard run.reachedNoWorker, let job = try await store.definition(of: run.jobID, revision: run.revision),
            job.origin.feed == feed, let target = try? job.target.open(as: FrappeTarget.self)
        else { return true }
        try await table.insert(LogRow(run, target, form, zone: zone))
        return true
    }

    /// Finds runs that ended since the mark, where more of them may be than are remembered; a site without a mark begins now.
    private func lookIntoLedger() async throws {
        let isCut = owed.withLock { owed in
            defer { owed.isCut = false }
            return owed.isCut
        }
        guard isCut else { return }
        do {
            let now = clock.now
            guard let mark = try await store.note(Self.mark).flatMap({ Timestamp(rfc3339: $0) }) else {
                return try await setMark(now)
            }
            let since = max(mark, now.adding(microseconds: -Self.week))
            let found = try await unreached(endedSince: since)
            owed.withLock { owed in
                let known = Set(owed.runs)
                owed.runs = found.filter { !known.contains($0) }.reversed() + owed.runs
            }
        } catch {
            owed.withLock { $0.isCut = true }
            throw error
        }
    }

    /// Reads the runs that ended since then and that no worker was seen to start, the newest first, page by page.
    private func unreached(endedSince since: Timestamp) async throws -> [RunID] {
        var query = RunQuery(
            states: [.failed, .cancelled, .skipped], since: since.adding(microseconds: -Self.week), limit: Self.most)
        var found: [RunID] = []
        var seen: Set<RunID> = []
        while true {
            let page = try await store.runs(query)
            for run in page where run.reachedNoWorker && run.endedAt.map({ $0 >= since }) ?? false {
                if seen.insert(run.id).inserted { found.append(run.id) }
            }
            guard page.count == query.limit, let last = page.last else { return found }
            // Runs of one time may stand on two pages; a time with more runs than a page has is left behind.
            query.until = last.scheduledAt == query.until ? last.scheduledAt.adding(microseconds: -1) : last.scheduledAt
        }
    }

    private func setMark(_ time: Timestamp) async throws {
        try await store.setNote(Self.mark, time.rfc3339Microseconds)
    }
}
