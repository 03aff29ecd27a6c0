/// Owns a resource that blocks, such as a C client's handle, on a thread of its own, and calls it one call at a time.
///
/// The resource never leaves its thread, so it need not be `Sendable`. Cancelling a task does not interrupt a call that
/// runs; whoever owns the resource sets its time-outs. An actor with an executor of its own would leave the callers of a
/// stuck call hanging after `close`, because an executor must run every job it was given; a queue may drop them.
public final class BlockingConnection<Resource>: Sendable {
    private let queue: CallQueue<Resource>

    /// Starts a thread, whose name has at most 15 bytes, on which `open` makes the resource and `close` ends it.
    ///
    /// A resource that can fail to open, or to stay open, is an optional inside a structure. Throws
    /// `BlockingThread.Unavailable`.
    public init(
        name: String, open: @escaping @Sendable () -> Resource,
        close: @escaping @Sendable (inout Resource) -> Void = { _ in }
    ) throws(BlockingThread.Unavailable) {
        let queue = CallQueue<Resource>()
        self.queue = queue
        try BlockingThread.start(name: name) {
            var resource = open()
            while let call = queue.next() { call.perform(&resource) }
            close(&resource)
            queue.release()
        }
    }

    deinit { queue.close() }

    /// Runs `body` on the thread, after the calls before it.
    ///
    /// Throws what `body` throws, and `ConnectionClosed` at once after `close`, or when `close` comes before its turn.
    public func call<Value: Sendable>(
        _ body: @escaping @Sendable (inout Resource) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let added = queue.add(
                CallQueue.Call(
                    perform: { resource in continuation.resume(with: Result { try body(&resource) }) },
                    abandon: { continuation.resume(throwing: ConnectionClosed()) }))
            if !added { continuation.resume(throwing: ConnectionClosed()) }
        }
    }

    /// Refuses further calls and fails those that wait, both at once; the resource ends when its current call returns.
    public func close() { queue.close() }

    /// Waits, after `close`, until the resource has ended.
    public func closed() async { await queue.released() }
}
