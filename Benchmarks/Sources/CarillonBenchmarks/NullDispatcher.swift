import CarillonCore
import CarillonEngine
import Synchronization
import Timetable

/// Takes everything, does nothing, and says at once that it is done; notes how late each came.
final class NullDispatcher: Dispatcher {
    let kind = Target.Kind.exec
    let capacity: Int? = nil
    let events: AsyncStream<[DispatchEvent]>
    private let tell: AsyncStream<[DispatchEvent]>.Continuation
    private let clock = SystemClock()
    private let seen = Mutex<(late: [Double], last: Timestamp)>(([], .distantPast))

    init() { (events, tell) = AsyncStream.makeStream() }

    /// Milliseconds from scheduled to here, of every dispatch since the last call, and when the last one came.
    func take() -> (late: [Double], last: Timestamp) {
        seen.withLock { seen in
            defer { seen.late = [] }
            return seen
        }
    }

    var count: Int { seen.withLock { $0.late.count } }

    func adopt(_ outstanding: [Run]) async -> [AttemptID] {
        outstanding.map { AttemptID(run: $0.id, attempt: $0.attempt) }
    }

    func dispatch(_ batch: [Dispatch]) async -> [DispatchResult] {
        let now = clock.now
        seen.withLock { seen in
            for dispatch in batch {
                seen.late.append(Double(now.microseconds - dispatch.scheduledAt.microseconds) / 1_000)
            }
            seen.last = now
        }
        tell.yield(batch.map { DispatchEvent(attempt: $0.attempt, at: now, what: .succeeded(Outcome(exitCode: 0))) })
        return batch.map { _ in .accepted }
    }

    func cancel(_ attempt: AttemptID, grace: Int64) async {}
    func acknowledge(_ attempts: [AttemptID]) async {}
    func forget(_ runs: [(id: RunID, job: String)]) async {}
    func shutdown() async { tell.finish() }
    func health() async -> DispatcherHealth { DispatcherHealth() }
}
