import Synchronization

/// The calls that wait for a thread, in order.
final class CallQueue<Resource>: Sendable {
    struct Call: Sendable {
        /// Runs on a thread.
        var perform: @Sendable (inout Resource) -> Void
        /// Runs instead, on whatever thread closes the queue.
        var abandon: @Sendable () -> Void
    }

    private struct State {
        var calls: [Call] = []
        var next = 0
        var isClosed = false
        /// Threads whose resource has not ended.
        var threads = 0
        var waiters: [CheckedContinuation<Void, Never>] = []

        mutating func take() -> Call? {
            guard next < calls.count else { return nil }
            defer {
                next += 1
                if next == calls.count {
                    calls.removeAll(keepingCapacity: next <= 1024)
                    next = 0
                }
            }
            return calls[next]
        }
    }

    private let state = Mutex(State())
    private let news = Semaphore()

    /// Adds a call; false when the queue is closed: the call is then dropped without a word.
    func add(_ call: Call) -> Bool {
        let added = state.withLock { state in
            if !state.isClosed { state.calls.append(call) }
            return !state.isClosed
        }
        if added { news.signal() }
        return added
    }

    /// Waits for the next call; nil once the queue is closed.
    func next() -> Call? {
        while true {
            news.wait()
            let (call, isClosed) = state.withLock { ($0.take(), $0.isClosed) }
            if call == nil, isClosed {
                // For the next thread.
                news.signal()
                return nil
            }
            if let call { return call }
        }
    }

    /// Lets no further call in and abandons those that wait; the one that runs goes on.
    func close() {
        let abandoned = state.withLock { state in
            state.isClosed = true
            defer {
                state.calls = []
                state.next = 0
            }
            return Array(state.calls[state.next...])
        }
        for call in abandoned { call.abandon() }
        news.signal()
    }

    /// Counts a thread, before it starts.
    func enter() { state.withLock { $0.threads += 1 } }

    /// Says that a thread's resource is gone: its last word. The last of all tells those who wait for it.
    func leave() {
        let waiters = state.withLock { state in
            state.threads -= 1
            guard state.threads == 0 else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func released() async {
        await withCheckedContinuation { waiter in
            let isReleased = state.withLock { state in
                if state.threads > 0 { state.waiters.append(waiter) }
                return state.threads == 0
            }
            if isReleased { waiter.resume() }
        }
    }
}
