public import CarillonCore
import Synchronization
public import Timetable

/// A clock that stands still until a test moves it.
///
/// The handshake: a test waits until the code under test sleeps, then advances past it.
public final class ManualClock: EngineClock {
    private struct Sleeper {
        let until: Int64
        let wake: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now: Timestamp
        var uptime: Int64 = 0
        var nextID = 0
        var sleepers: [Int: Sleeper] = [:]
        var cancelled: Set<Int> = []
        var waiting = Waiters<Void>()
    }

    private let state: Mutex<State>

    public init(now: Timestamp) { state = Mutex(State(now: now)) }

    public var now: Timestamp { state.withLock { $0.now } }
    public var uptime: Int64 { state.withLock { $0.uptime } }

    public func sleep(for microseconds: Int64) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                state.withLock { state in
                    if state.cancelled.remove(id) != nil { return continuation.resume(throwing: CancellationError()) }
                    state.sleepers[id] = Sleeper(until: state.uptime + max(microseconds, 0), wake: continuation)
                    state.waiting.wake(())
                }
            }
        } onCancel: {
            let sleeper = state.withLock { state -> Sleeper? in
                if let sleeper = state.sleepers.removeValue(forKey: id) { return sleeper }
                state.cancelled.insert(id)
                return nil
            }
            sleeper?.wake.resume(throwing: CancellationError())
        }
    }

    /// Returns once something sleeps.
    public func untilSleeping() async {
        await state.withLock { $0.sleepers.isEmpty ? $0.waiting.add { true } : nil }?.ended()
    }

    /// Lets time pass: both clocks move, and whoever slept long enough wakes.
    public func advance(by microseconds: Int64) {
        let due = state.withLock { state -> [Sleeper] in
            state.now = state.now.adding(microseconds: microseconds)
            state.uptime += microseconds
            let due = state.sleepers.filter { $0.value.until <= state.uptime }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.sorted { $0.until < $1.until }
        }
        for sleeper in due { sleeper.wake.resume() }
    }

    /// Sets the wall clock; no time passes.
    public func step(by microseconds: Int64) {
        state.withLock { $0.now = $0.now.adding(microseconds: microseconds) }
    }
}
