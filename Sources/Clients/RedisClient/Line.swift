import DequeModule
import Logging
import NIOCore

/// What waits for the connection, and when there is one. On its event loop only.
final class Line {
    private enum State {
        case idle
        case opening(Connection)
        case ready(Connection)
        case closed
    }

    private let configuration: RedisConfiguration
    private let loop: any EventLoop
    private let logger: Logger
    private let greet: RedisClient.Greeter
    private var state = State.idle
    private var backoff = Backoff()
    private var waiting = Deque<Batch>()
    /// At most so many of those that wait have been cancelled.
    private var cancelled = 0

    init(
        _ configuration: RedisConfiguration, loop: any EventLoop, logger: Logger, greet: @escaping RedisClient.Greeter
    ) {
        self.configuration = configuration
        self.loop = loop
        self.logger = logger
        self.greet = greet
    }

    /// Queues calls in their order, and opens the connection when there is none.
    func add(_ calls: [Call]) {
        switch state {
        case .closed:
            for call in calls { call.end(.failure(.clientClosed)) }
        case .idle:
            if let error = backoff.error(at: loop.now) {
                for call in calls { call.end(.failure(error)) }
                return
            }
            for call in calls { waiting.append(Batch(call)) }
            let connection = Connection(configuration, loop: loop, line: self, greet: greet)
            state = .opening(connection)
            connection.open()
        case .opening:
            for call in calls { waiting.append(Batch(call)) }
        case .ready(let connection):
            for call in calls { waiting.append(Batch(call)) }
            pump()
            connection.flush()
        }
    }

    /// Hands the connection as much as it has room for; it is not sent before its `flush`.
    func pump() {
        guard case .ready(let connection) = state else { return }
        while let next = waiting.first {
            guard next.call.hasEnded || connection.take(next) else { return }
            waiting.removeFirst()
        }
    }

    /// Counts a cancelled one that may be waiting. Sweeps when they are many, since a stuck server moves nothing on.
    func noteCancelled() {
        cancelled += 1
        guard cancelled >= 64, cancelled > waiting.count / 2 else { return }
        waiting.removeAll { $0.call.hasEnded }
        cancelled = 0
    }

    func greeted(_ connection: Connection) {
        guard case .opening(let current) = state, current === connection else { return }
        logger.info("connected to Redis", metadata: ["address": "\(configuration.address)"])
        backoff.succeed()
        state = .ready(connection)
        pump()
        connection.flush()
    }

    /// Fails what waits; the next call opens a connection again, after the backoff when this one never came to be.
    func ended(_ connection: Connection, _ error: RedisError) {
        var metadata: Logger.Metadata = ["address": "\(configuration.address)", "error": "\(error)"]
        switch state {
        case .opening(let current) where current === connection:
            // Once; while it lasts, every call tells its caller.
            let level: Logger.Level = backoff.hasFailed ? .debug : .warning
            let wait = backoff.fail(error, at: loop.now)
            metadata["retry_after_ms"] = "\(wait / 1000)"
            logger.log(level: level, "cannot connect to Redis", metadata: metadata)
        case .ready(let current) where current === connection:
            logger.warning("lost the connection to Redis", metadata: metadata)
        default: return
        }
        state = .idle
        failWaiting(error)
    }

    /// Ends everything for good; answers when the socket is closed.
    func close() -> EventLoopFuture<Void> {
        let before = state
        state = .closed
        failWaiting(.clientClosed)
        switch before {
        case .opening(let connection), .ready(let connection): return connection.close()
        case .idle, .closed: return loop.makeSucceededVoidFuture()
        }
    }

    private func failWaiting(_ error: RedisError) {
        let failed = waiting
        waiting = []
        cancelled = 0
        for batch in failed { batch.call.end(.failure(error)) }
    }
}
