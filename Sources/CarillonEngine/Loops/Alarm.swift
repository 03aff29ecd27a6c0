import CarillonCore
import Synchronization

/// A sleep that somebody else can end: the tick waits on it for the next due time or a change.
final class Alarm: Sendable {
    private struct State {
        var rung = false
        var sleeper: Task<Void, Never>?
    }

    private let state = Mutex(State())

    /// Returns after the time, on `ring`, at once when it rang since the last sleep, or when the task is cancelled.
    func sleep(for microseconds: Int64, clock: some EngineClock) async {
        let sleeper: Task<Void, Never>? = state.withLock { state in
            if state.rung {
                state.rung = false
                return nil
            }
            let task = Task { _ = try? await clock.sleep(for: microseconds) }
            state.sleeper = task
            return task
        }
        guard let sleeper else { return }
        await withTaskCancellationHandler {
            await sleeper.value
        } onCancel: {
            sleeper.cancel()
        }
        state.withLock {
            $0.sleeper = nil
            $0.rung = false
        }
    }

    func ring() {
        state.withLock {
            $0.rung = true
            $0.sleeper?.cancel()
        }
    }
}
