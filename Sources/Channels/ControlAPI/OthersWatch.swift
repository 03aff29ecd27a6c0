package import CarillonCore
import CarillonEngine
package import Logging
import ServiceLifecycle
package import Timetable

/// Looks in the store, each second while somebody listens, what other instances have written, so that the stream of one instance
/// tells of all.
///
/// Runs are seen by their states: what one goes through between two looks is told as where it stands. Jobs are told of that somebody
/// has ordered to be changed; what files bring to another instance is not.
package struct OthersWatch<Clock: EngineClock>: Service {
    /// Microseconds between two looks.
    private static var pace: Int64 { 1_000_000 }

    private let store: any JobStore
    private let clock: Clock
    private let log: EventLog
    private let logger: Logger
    /// The name that runs of this instance carry.
    private let instance: String

    package init(_ log: EventLog, _ store: any JobStore, _ clock: Clock, instance: String, _ logger: Logger) {
        self.log = log
        self.store = store
        self.clock = clock
        self.instance = instance
        self.logger = logger
    }

    package func run() async throws {
        var look = OthersLook(since: clock.now)
        while (try? await clock.sleep(for: Self.pace)) != nil {
            guard log.isHeard() else {
                // Whoever begins to listen hears from then on.
                look = OthersLook(since: clock.now)
                continue
            }
            do {
                for change in try await look.next(store, clock.now, besides: instance, log) { log.note(change) }
            } catch is CancellationError {
                return
            } catch {
                logger.debug("what others write was not looked up", metadata: ["error": "\(error)"])
            }
        }
    }
}

/// What was seen so far of what others write.
package struct OthersLook: Sendable {
    /// Where a run stands.
    private struct Standing: Hashable {
        var state: RunState
        var attempt: Int

        init(_ run: Run) { (state, attempt) = (run.state, run.attempt) }
    }

    /// Microseconds that a look reaches back before the last one: clocks of others may differ by that much.
    private static let reach: Int64 = 60_000_000
    /// Of more than so many at once only the newest are told.
    private static let most = 5_000

    private var since: Timestamp
    /// Nil before the first look, which only learns.
    private var runs: [RunID: Standing]?
    private var skips: Set<Skip> = []
    /// The event after the last one that was in the log by then.
    private var place: Int64 = 0

    package init(since: Timestamp) { self.since = since }

    /// Answers what has changed since the last look, and is of others than this instance.
    package mutating func next(
        _ store: any JobStore, _ now: Timestamp, besides instance: String, _ log: EventLog
    ) async throws -> [LedgerChange] {
        let from = since.adding(microseconds: -Self.reach)
        let active = try await store.activeRuns(after: nil, limit: Self.most)
        let recent = try await store.runs(RunQuery(since: from, limit: Self.most))
        var seen = Dictionary((active + recent).map { ($0.id, $0) }) { $1 }
        let before = runs
        // What was active and is in neither list any more has ended.
        for (id, standing) in before ?? [:] where seen[id] == nil && !standing.state.isFinal {
            if let run = try await store.run(id) { seen[id] = run }
        }
        runs = seen.filter { !$0.value.state.isFinal || $0.value.scheduledAt >= from }.mapValues { Standing($0) }
        let recorded = Set(
            try await store.skips(RunQuery(since: from, limit: Self.most)).filter { $0.recordedAt >= from })
        let audits = try await store.audits(AuditQuery(since: since, until: now, limit: Self.most))
        let (own, names, end) = log.own(from: place)
        defer {
            skips = recorded
            place = end
            since = now
        }
        guard let before else { return [] }
        var changes: [LedgerChange] = []
        let moved = seen.values.filter { $0.instance != instance && before[$0.id] != Standing($0) }
            .sorted { ($0.scheduledAt, $0.id) < ($1.scheduledAt, $1.id) }
        if !moved.isEmpty { changes.append(.runs(moved)) }
        let fresh = recorded.subtracting(skips).subtracting(own).sorted { $0.through < $1.through }
        if !fresh.isEmpty { changes.append(.skips(fresh)) }
        let changed = Set(audits.filter { $0.error == nil && Order.changesJobs($0.action) }.compactMap(\.subject))
            .subtracting(names)
        if !changed.isEmpty { changes.append(.jobs(changed.sorted())) }
        return changes
    }
}
