public import CarillonCore
public import Synchronization
public import Timetable

/// Takes every run, and ends none unless the test says so.
public final class StubDispatcher: Dispatcher {
    public let isBound = true
    public let capacity: Int? = nil
    public let events: AsyncStream<[DispatchEvent]>
    /// What was dispatched, and then cancelled.
    public let news: AsyncStream<AttemptID>
    /// What was dispatched, in order.
    public let dispatched = Mutex<[Dispatch<SampleTarget>]>([])
    private let tell: AsyncStream<[DispatchEvent]>.Continuation
    private let note: AsyncStream<AttemptID>.Continuation

    public init() {
        (events, tell) = AsyncStream.makeStream()
        (news, note) = AsyncStream.makeStream()
    }

    public func tell(_ attempt: AttemptID, _ what: DispatchEvent.What, at time: Timestamp) {
        tell.yield([DispatchEvent(attempt: attempt, at: time, what: what)])
    }

    /// Answers runs of another one's time, which never got here.
    public func adopt(_ outstanding: [Run]) async -> [AttemptID] {
        let known = dispatched.withLock { Set($0.map(\.attempt)) }
        return outstanding.map { AttemptID(run: $0.id, attempt: $0.attempt) }.filter { !known.contains($0) }
    }

    public func dispatch(_ batch: [Dispatch<SampleTarget>]) async -> [DispatchResult] {
        dispatched.withLock { $0 += batch }
        for dispatch in batch { note.yield(dispatch.attempt) }
        return batch.map { _ in .accepted }
    }

    public func cancel(_ attempt: AttemptID, grace: Int64) async { note.yield(attempt) }
    public func acknowledge(_ attempts: [AttemptID]) async {}
    public func forget(_ runs: [GoneRun]) async {}
    public func shutdown() async { tell.finish() }
    public func health() async -> DispatcherHealth { DispatcherHealth() }
}
