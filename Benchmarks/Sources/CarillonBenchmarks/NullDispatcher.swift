import CarillonCore
import CarillonEngine
import ExecDispatcher
import Synchronization
import Timetable

/// Takes everything and does nothing; says at once that it is done, or when told. Notes how late each came.
final class NullDispatcher: Dispatcher {
    private struct Seen {
        var late: [Double] = []
        var last = Timestamp.distantPast
        var withheld: [AttemptID] = []
        var acknowledged = 0
    }

    let capacity: Int? = nil
    let events: AsyncStream<[DispatchEvent]>
    /// Outcomes wait for `release`, as those of an executor that queues by itself do.
    private let withholds: Bool
    private let tell: AsyncStream<[DispatchEvent]>.Continuation
    private let clock = SystemClock()
    private let seen = Mutex(Seen())

    init(withholds: Bool = false) {
        self.withholds = withholds
        (events, tell) = AsyncStream.makeStream()
    }

    /// Milliseconds from scheduled to here, of every dispatch since the last call, and when the last one came.
    func take() -> (late: [Double], last: Timestamp) {
        seen.withLock { seen in
            defer { seen.late = [] }
            return (seen.late, seen.last)
        }
    }

    var count: Int { seen.withLock { $0.late.count } }

    /// How many outcomes the ledger has.
    var acknowledged: Int { seen.withLock { $0.acknowledged } }

    /// Tells the outcomes that were withheld, a thousand at a time.
    func release() {
        let attempts = seen.withLock { seen in
            defer { seen.withheld = [] }
            return seen.withheld
        }
        for start in stride(from: 0, to: attempts.count, by: 1_000) {
            tell(attempts[start..<min(start + 1_000, attempts.count)])
        }
    }

    private func tell(_ attempts: some Collection<AttemptID>) {
        let now = clock.now
        tell.yield(attempts.map { DispatchEvent(attempt: $0, at: now, what: .succeeded(Outcome(exitCode: 0))) })
    }

    func adopt(_ outstanding: [Run]) async -> [AttemptID] {
        outstanding.map { AttemptID(run: $0.id, attempt: $0.attempt) }
    }

    func dispatch(_ batch: [Dispatch<ExecTarget>]) async -> [DispatchResult] {
        let now = clock.now
        seen.withLock { seen in
            for dispatch in batch {
                seen.late.append(Double(now.microseconds - dispatch.scheduledAt.microseconds) / 1_000)
            }
            seen.last = now
            if withholds { seen.withheld += batch.map(\.attempt) }
        }
        if !withholds { tell(batch.map(\.attempt)) }
        return batch.map { _ in .accepted }
    }

    func acknowledge(_ attempts: [AttemptID]) async { seen.withLock { $0.acknowledged += attempts.count } }
    func cancel(_ attempt: AttemptID, grace: Int64) async {}
    func forget(_ runs: [GoneRun]) async {}
    func shutdown() async { tell.finish() }
    func health() async -> DispatcherHealth { DispatcherHealth() }
}
