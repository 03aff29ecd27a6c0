/// Owns a resource that blocks, such as a C client's handle, on a thread of its own, and calls it one call at a time; or
/// several of them, each on a thread of its own, which take the calls that come from one queue.
///
/// A resource never leaves its thread, so it need not be `Sendable`. Cancelling a task does not interrupt a call that
/// runs; whoever owns the resource sets its time-outs. An actor with an executor of its own would leave the callers of a
/// stuck call hanging after `close`, because an executor must run every job it was given; a queue may drop them.
public final class BlockingConnection<Resource>: Sendable {
    private let queue: CallQueue<Resource>

    /// Starts so many threads, at least one, whose name has at most 15 bytes, on each of which `open` makes a resource and `close` ends it.
    ///
    /// A resource that can fail to open, or to stay open, is an optional inside a structure. Throws
    /// `BlockingThread.Unavailable`.
    public init(
        name: String, threads: Int = 1, open: @escaping @Sendable () -> Resource,
        close: @escaping @Sendable (inout Resource) -> Void = { _ in }
    ) throws(BlockingThread.Unavailable) {
        let queue = CallQueue<Resource>()
        self.queue = queue
        for _ in 0..<max(1, threads) {
            queue.enter()
            do {
                try BlockingThread.start(name: name) {
                    var resource = open()
                    while let call = queue.next() { call.perform(&resource) }
                    close(&resource)
                    queue.leave()
                }
            } catch {
                // Those that have started end.
                queue.leave()
                queue.close()
                throw error
            }
        }
    }

    deinit { queue.close() }

    /// Runs `body` on a thread that is free, after the calls before it.
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

    /// Refuses further calls and fails those that wait, both at once; a resource ends when its current call returns.
    public func close() { queue.close() }

    /// Waits, after `close`, until every resource has ended.
    public func closed() async { await queue.released() }
}
