import Dispatch
import Foundation
import Synchronization

/// The threads that read: as many at once as there are connections to read by, so that nobody waits for one on a thread. Whoever
/// is done takes up the next question, as waking another thread costs more than most questions do.
final class ReadingThreads: Sendable {
    private struct State {
        var busy = 0
        /// What waits, the next one last once `later` has been turned around.
        var next: [@Sendable () -> Void] = []
        var later: [@Sendable () -> Void] = []

        mutating func take() -> (@Sendable () -> Void)? {
            if next.isEmpty {
                next = later.reversed()
                later.removeAll(keepingCapacity: true)
            }
            return next.popLast()
        }
    }

    private let most: Int
    private let isYielding: Bool
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "carillon.store.reading", qos: .userInitiated, attributes: .concurrent)

    /// Those that yield have a processor after whoever schedules.
    init(most: Int, isYielding: Bool = false) {
        self.most = most
        self.isYielding = isYielding
    }

    /// Runs `body` on one of them, in turn.
    func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            let work: @Sendable () -> Void = { continuation.resume(with: Result { try body() }) }
            let starts = state.withLock { state in
                state.later.append(work)
                guard state.busy < most else { return false }
                state.busy += 1
                return true
            }
            if starts { start() }
        }
    }

    private func start() {
        guard isYielding else { return queue.async { self.work() } }
        Thread.detachNewThread {
            // Of this thread alone (setpriority(2)), which ends for it: no thread gets its priority back.
            setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
            self.work()
        }
    }

    private func work() {
        while true {
            let next = state.withLock { state in
                let next = state.take()
                if next == nil { state.busy -= 1 }
                return next
            }
            guard let next else { return }
            next()
        }
    }
}
