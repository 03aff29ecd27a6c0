import Synchronization

/// What one caller of `send` waits for. Whoever ends it first, on whatever thread, answers the caller.
final class Call: Sendable {
    typealias Replies = Result<[RedisValue], RedisError>
    typealias Continuation = CheckedContinuation<Replies, Never>

    private enum State {
        case new
        case waiting(Continuation)
        case ended
    }

    let commands: [RedisCommand]
    /// Bytes, for the bounds.
    let size: Int
    let hasScripts: Bool
    private let state = Mutex(State.new)

    init(_ commands: [RedisCommand]) {
        self.commands = commands
        size = commands.reduce(0) { $0 + $1.size }
        hasScripts = commands.contains { $0.script != nil }
    }

    /// Begins to wait; false when it has ended before it began: the task was cancelled already.
    func begin(_ continuation: Continuation) -> Bool {
        state.withLock { state in
            guard case .new = state else { return false }
            state = .waiting(continuation)
            return true
        }
    }

    /// Ends the call; the first end counts: true for that one.
    @discardableResult
    func end(_ replies: Replies) -> Bool {
        let before = state.withLock { state in
            defer { state = .ended }
            return state
        }
        switch before {
        case .new: return true
        case .waiting(let continuation):
            continuation.resume(returning: replies)
            return true
        case .ended: return false
        }
    }

    var hasEnded: Bool {
        state.withLock { state in
            if case .ended = state { true } else { false }
        }
    }
}

/// A call on its way, its replies so far. On the event loop only.
final class Batch {
    let call: Call
    /// Answered so far, in order; an answer that is asked for again counts here already.
    private(set) var received = 0
    private var missing: Int
    private var replies: [RedisValue] = []

    init(_ call: Call) {
        self.call = call
        missing = call.commands.count
        replies.reserveCapacity(missing)
    }

    /// Takes the next command's reply; true when it was the last that was missing, and the caller has its answer.
    func add(_ reply: RedisValue) -> Bool {
        replies.append(reply)
        received += 1
        return complete()
    }

    /// Holds the next command's place; answers which it is.
    func skip() -> Int {
        replies.append(.null)
        received += 1
        return received - 1
    }

    /// Fills in the reply for a place that was held.
    func fill(_ index: Int, _ reply: RedisValue) -> Bool {
        replies[index] = reply
        return complete()
    }

    private func complete() -> Bool {
        missing -= 1
        guard missing == 0 else { return false }
        call.end(.success(replies))
        return true
    }
}
