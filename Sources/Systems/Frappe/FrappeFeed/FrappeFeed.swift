public import CarillonCore
public import Logging
import Synchronization
public import Timetable

/// The schedules of a Frappe site on which the app Background Tasks Unleashed is installed.
///
/// A row that cannot be read shows its error and keeps its last good definition; while the database is away every schedule runs on
/// as it was last read.
public final class FrappeFeed: JobFeed {
    public let name = "frappe"
    public let guardsAgainstLoss = true

    let tables: any FrappeTables
    /// A way of its own for single rows, which a reading of all must not delay.
    let few: any FrappeTables
    let reader: FrappeJob
    let clock: any EngineClock
    let logger: Logger
    /// Microseconds between two full readings.
    private let refresh: Int64
    let tell: AsyncStream<FeedChange>.Continuation
    private let told: AsyncStream<FeedChange>
    let news: AsyncStream<Void>
    let announce: AsyncStream<Void>.Continuation
    let announced = Mutex(Announced())

    public init(
        tables: any FrappeTables, few: any FrappeTables, zones: ZoneDatabase, prefix: String = "",
        catchUp: CatchUp = .latest, startTimeout: Int64? = nil, refresh: Int64, clock: any EngineClock, logger: Logger
    ) {
        self.tables = tables
        self.few = few
        self.reader = FrappeJob(zones: zones, prefix: prefix, catchUp: catchUp, startTimeout: startTimeout)
        self.refresh = refresh
        self.clock = clock
        self.logger = logger
        (told, tell) = AsyncStream.makeStream()
        (news, announce) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    public func changes() -> AsyncStream<FeedChange> { told }

    public func snapshot(of change: FeedChange) async throws -> FeedSnapshot {
        let reader = reader
        let make: @Sendable (FrappeRow, FrappeZones) -> (FrappeRow, FrappeJob.Reading) = { row, zones in
            // Only what cancels are compared with is kept of the row.
            (FrappeRow(name: row.name, modified: row.modified, enabled: row.enabled), reader.read(row, zones))
        }
        switch change {
        case .everything:
            announced.withLock { $0.owesAll = false }
            return gather(try await tables.rows(named: nil, make), .everything)
        case .jobs(let jobs):
            let names = jobs.map { String($0.dropFirst(reader.prefix.count)) }
            // What was cancelled is gone, also while nobody can read its row.
            let cancelled = announced.withLock { announced in names.allSatisfy { announced.cancelled[$0] != nil } }
            do {
                return gather(try await few.rows(named: names, make), change)
            } catch {
                if cancelled { return FeedSnapshot(scope: change) }
                throw error
            }
        }
    }

    private func gather(_ rows: [(FrappeRow, FrappeJob.Reading)], _ scope: FeedChange) -> FeedSnapshot {
        var snapshot = FeedSnapshot(scope: scope)
        var names: Set<String> = []
        for (row, reading) in rows {
            names.insert(reader.prefix + row.name)
            if isCancelled(row) { continue }
            switch reading {
            case .job(let job, let remark):
                snapshot.jobs.append(job)
                if let remark { snapshot.problems.append(remark) }
            case .problem(let problem): snapshot.problems.append(problem)
            case .nothing: break
            }
        }
        // MariaDB finds names whatever their case.
        if case .jobs(let asked) = scope { snapshot.scope = .jobs(asked.union(names)) }
        return snapshot
    }

    /// Asks for a full reading every so often, and looks at rows that were announced.
    public func run() async {
        await withTaskGroup { group in
            group.addTask {
                while true {
                    do { try await self.clock.sleep(for: self.refresh) } catch { return }
                    // One is enough while nobody has come to it.
                    let isOwed = self.announced.withLock { announced in
                        defer { announced.owesAll = true }
                        return announced.owesAll
                    }
                    if !isOwed { self.tell.yield(.everything) }
                }
            }
            group.addTask { await self.watch() }
        }
        await tables.close()
        await few.close()
    }
}
