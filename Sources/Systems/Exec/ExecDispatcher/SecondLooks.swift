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
    private struct State {
        /// How often each was looked at.
        var looks: [AttemptID: Int] = [:]
        /// The timer runs its shortest time.
        var isSoon = false
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
            state.looks[attempt] = 0
            if !state.isSoon { cprocess_set_timer(timer.number, Self.delays[0]) }
            state.isSoon = true
        }
    }

    /// Takes the attempts to look at now, when the timer has run out.
    func due() -> [AttemptID] {
        var count: UInt64 = 0
        guard read(timer.number, &count, 8) == 8 else { return [] }
        return state.withLock { state in
            let due = Array(state.looks.keys)
            state.looks = state.looks.mapValues { $0 + 1 }.filter { $0.value < Self.delays.count }
            state.isSoon = false
            if let next = state.looks.values.min() { cprocess_set_timer(timer.number, Self.delays[next]) }
            return due
        }
    }
}
