import CProcess
import CarillonCore
import Glibc
import Synchronization

/// Attempts to look at once more, because their status file was still locked when somebody looked for their end.
///
/// The kernel tells that a file is closed before it gives up the file's lock (`__fput` in its fs/file_table.c), so whoever
/// looks at once may take a shim that was killed for one that lives, and nobody tells of it again.
final class SecondLooks: Sendable {
    /// Readable when it is time to look.
    let timer: Descriptor
    private struct Waiting {
        /// How often it was looked at.
        var looks = 0
        /// Milliseconds since then, as far as the timer has counted them.
        var waited: Int32 = 0
    }

    private struct State {
        var waiting: [AttemptID: Waiting] = [:]
        /// What the timer runs; 0 for nothing.
        var running: Int32 = 0
    }

    private let state = Mutex(State())
    /// Milliseconds from look to look. The lock goes within microseconds, later on a machine that hardly gets to work.
    private static let delays: [Int32] = [10, 100, 1000, 10_000]

    /// Creates the timer; throws `SystemError` when the system has no room for it.
    init() throws(SystemError) {
        let number = cprocess_timer()
        guard number >= 0 else { throw SystemError("create a timer") }
        timer = Descriptor(owning: number)
    }

    /// Has an attempt looked at again, soon and then ever later, a few times in all.
    func add(_ attempt: AttemptID) {
        state.withLock { state in
            state.waiting[attempt] = Waiting()
            guard state.running != Self.delays[0] else { return }
            state.running = Self.delays[0]
            cprocess_set_timer(timer.number, state.running)
        }
    }

    /// Takes the attempts to look at now, when the timer has run out.
    func due() -> [AttemptID] {
        var count: UInt64 = 0
        guard read(timer.number, &count, 8) == 8 else { return [] }
        return state.withLock { state in
            var due: [AttemptID] = []
            for (attempt, var waiting) in state.waiting {
                waiting.waited += state.running
                if waiting.waited >= Self.delays[waiting.looks] {
                    due.append(attempt)
                    waiting = Waiting(looks: waiting.looks + 1)
                }
                state.waiting[attempt] = waiting.looks < Self.delays.count ? waiting : nil
            }
            state.running = state.waiting.values.map { Self.delays[$0.looks] - $0.waited }.min() ?? 0
            if state.running > 0 { cprocess_set_timer(timer.number, state.running) }
            return due
        }
    }
}
