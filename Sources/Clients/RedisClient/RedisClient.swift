public import Logging
import NIOCore
import NIOPosix
import Synchronization

/// One connection to a Redis server, opened when it is first needed, on which all callers' commands are pipelined.
///
/// When the connection drops, every call that waits fails and nothing is sent twice; the next call connects again. While
/// the server cannot be reached, calls fail at once with the last error until a backoff of 100 ms to 5 s has passed.
public final class RedisClient: RedisServer {
    /// Judges a server by the lines of its `INFO`, empty when the user may not ask; what it throws, the callers get.
    ///
    /// It is called for each new connection, before any command goes out, on the connection's thread: it must not block.
    public typealias Greeter = @Sendable ([String: String]) throws(RedisError) -> Void

    /// Calls on their way to the event loop; those that come while it is being woken go with the first.
    private final class Entrance: Sendable {
        let calls = Mutex<[Call]>([])
    }

    private let loop: any EventLoop
    private let line: NIOLoopBoundBox<Line>
    private let entrance = Entrance()

    /// Does nothing yet. `Code.refused`, thrown by `greet`, is not tried again for 5 s.
    public init(
        _ configuration: RedisConfiguration, logger: Logger, greet: @escaping Greeter = { _ in }
    ) {
        loop = MultiThreadedEventLoopGroup.singleton.any()
        line = .makeBoxSendingValue(
            Line(configuration, loop: loop, logger: logger, greet: greet), eventLoop: loop)
    }

    deinit { loop.execute { [line] in _ = line.value.close() } }

    /// Sends commands; throws `Code.cancelled`, too, once the task is cancelled; they may be carried out all the same.
    public nonisolated(nonsending) func send(_ commands: [RedisCommand]) async throws(RedisError) -> [RedisValue] {
        guard !commands.isEmpty else { return [] }
        let call = Call(commands)
        return try await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if call.begin(continuation) {
                    enter(call)
                } else {
                    continuation.resume(returning: .failure(.taskCancelled))
                }
            }
        } onCancel: {
            if call.end(.failure(.taskCancelled)) { loop.execute { [line] in line.value.noteCancelled() } }
        }.get()
    }

    /// Returns when the socket is closed.
    public func close() async {
        await withCheckedContinuation { continuation in
            loop.execute { [line, entrance] in
                Self.admit(entrance, line.value)
                line.value.close().whenComplete { _ in continuation.resume() }
            }
        }
    }

    private func enter(_ call: Call) {
        let isFirst = entrance.calls.withLock { calls in
            calls.append(call)
            return calls.count == 1
        }
        guard isFirst else { return }
        loop.execute { [line, entrance] in Self.admit(entrance, line.value) }
    }

    private static func admit(_ entrance: Entrance, _ line: Line) {
        let calls = entrance.calls.withLock { calls in
            defer { calls = [] }
            return calls
        }
        if !calls.isEmpty { line.add(calls) }
    }
}
