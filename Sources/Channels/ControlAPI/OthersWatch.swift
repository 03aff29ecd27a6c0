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

    package init(_ log: EventLog, _ store: any JobStore, _ clock: Clock, _ logger: Logger) {
        self.log = log
        self.store = store
        self.clock = clock
        self.logger = logger
    }

    /// Looks until it is told to end.
    package func run() async throws {
        try await cancelWhenGracefulShutdown { try await watch() }
    }

    private func watch() async throws {
        var look = OthersLook(since: clock.now)
        while (try? await clock.sleep(for: Self.pace)) != nil {
            guard log.isHeard() else {
                // Whoever begins to listen hears from then on.
                look = OthersLook(since: clock.now)
                continue
            }
            do {
                for change in try await look.next(store, clock.now, log) { log.note(change, byOthers: true) }
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
    /// A run, and where it stands.
    package struct Place: Hashable, Sendable {
        var run: RunID
        var state: RunState
        var attempt: Int

        init(run: RunID, state: RunState, attempt: Int) {
            self.run = run
            self.state = state
            self.attempt = attempt
        }

        init(_ run: Run) { self.init(run: run.id, state: run.state, attempt: run.attempt) }
    }

    /// Microseconds that a look reaches back before the last one: clocks of others may differ by that much.
    private static let reach: Int64 = 60_000_000
    /// Of more than so many at once only the newest are told.
    private static let most = 5_000
    /// Runs that are asked for one by one, since they are in no list any more.
    private static let mostLookedUp = 500

    private var since: Timestamp
    /// Nil before the first look, which only learns.
    private var runs: [RunID: Place]?
    private var skips: Set<Skip> = []
    private var audits: Set<AuditEntry> = []
    /// The event after the last one that was in the log by then.
    private var place: Int64 = 0

    package init(since: Timestamp) { self.since = since }

    /// Answers what has changed since the last look, and is of others than this instance, as its log has it.
    package mutating func next(
        _ store: any JobStore, _ now: Timestamp, _ log: EventLog
    ) async throws -> [LedgerChange] {
        let from = since.adding(microseconds: -Self.reach)
        let active = try await store.activeRuns(after: nil, limit: Self.most)
        let recent = try await store.runs(RunQuery(since: from, limit: Self.most))
        var seen = Dictionary((active + recent).map { ($0.id, $0) }) { $1 }
        // What was active and is in neither list any more has ended; where a list is cut that may be otherwise.
        if active.count < Self.most {
            let gone = (runs ?? [:]).filter { seen[$0.key] == nil && !$0.value.state.isFinal }
            for id in gone.keys.sorted().prefix(Self.mostLookedUp) {
                if let run = try await store.run(id) { seen[id] = run }
            }
        }
        let recorded = Set(
            try await store.skips(RunQuery(since: from, limit: Self.most)).filter { $0.recordedAt >= from })
        let noted = Set(try await store.audits(AuditQuery(since: from, limit: Self.most)))
        let own = log.own(from: place)
        let before = (runs: runs, skips: skips, audits: audits)
        runs = seen.filter { !$0.value.state.isFinal || $0.value.scheduledAt >= from }.mapValues { Place($0) }
        (skips, audits, place, since) = (recorded, noted, own.next, now)
        guard let known = before.runs else { return [] }
        var changes: [LedgerChange] = []
        let moved = seen.values.filter { known[$0.id] != Place($0) && !own.runs.contains(Place($0)) }
            .sorted { ($0.scheduledAt, $0.id) < ($1.scheduledAt, $1.id) }
        if !moved.isEmpty { changes.append(.runs(moved)) }
        let fresh = recorded.subtracting(before.skips).subtracting(own.skips).sorted { $0.through < $1.through }
        if !fresh.isEmpty { changes.append(.skips(fresh)) }
        let ordered = noted.subtracting(before.audits).filter { $0.error == nil && Order.changesJobs($0.action) }
        let changed = Set(ordered.compactMap(\.subject)).subtracting(own.jobs)
        if !changed.isEmpty { changes.append(.jobs(changed.sorted())) }
        return changes
    }
}
