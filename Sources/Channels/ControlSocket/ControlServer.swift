import CarillonCore
public import CarillonEngine
import Foundation
import Listening
public import Logging
import NIOCore
import NIOPosix
public import ServiceLifecycle

/// The daemon's own socket in its state directory, mode 0600: orders in, replies out, one JSON line each.
public struct ControlServer: Service {
    private let path: String
    private let logger: Logger
    private let mostConnections: Int
    private let handle: @Sendable (Order) async -> Reply

    /// Takes its path; whoever binds holds the state directory's lock, so a socket file there is a dead daemon's. Past
    /// `mostConnections` at once the one that has asked nothing for longest is closed.
    public init(
        path: String, mostConnections: Int = Self.room, logger: Logger,
        handle: @escaping @Sendable (Order) async -> Reply
    ) {
        self.path = path
        self.mostConnections = mostConnections
        self.logger = logger
        self.handle = handle
    }

    /// A quarter of the descriptors we may have, at most 512: who connects must not take those that accepting itself needs.
    public static var room: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 128 }
        return min(512, max(8, Int(clamping: limit.rlim_cur) / 4))
    }

    public func run() async throws {
        unlink(path)
        let crowd = ConnectionLimiter(most: mostConnections)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(try PrivateSocket.bind(at: path)) { channel in
                crowd.enter(channel)
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        ByteToMessageHandler(LineDecoder(longest: LineDecoder.longestRequest)))
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        try await withGracefulShutdownHandler {
            try await server.executeThenClose { connections in
                try await withThrowingDiscardingTaskGroup { group in
                    for try await connection in connections { group.addTask { await serve(connection, crowd) } }
                }
            }
        } onGracefulShutdown: {
            server.channel.close(promise: nil)
        }
        unlink(path)
    }

    private func serve(_ connection: NIOAsyncChannel<ByteBuffer, ByteBuffer>, _ crowd: ConnectionLimiter) async {
        do {
            try await connection.executeThenClose { requests, replies in
                try await cancelWhenGracefulShutdown {
                    for try await request in requests {
                        crowd.leave(connection.channel)
                        let reply = ByteBuffer(string: try await answer(request) + "\n")
                        crowd.comeBack(connection.channel)
                        try await replies.write(reply)
                    }
                }
            }
        } catch is CancellationError {
        } catch {
            logger.debug("a control connection ended", metadata: ["error": "\(error)"])
        }
    }

    /// Says what is wrong and where, and not the whole of what was read.
    private static func brief(_ error: any Error) -> String { String("\(error)".prefix(500)) }

    private func answer(_ request: ByteBuffer) async throws -> String {
        let order: Order
        do {
            order = try JSONText.decode(Order.self, String(buffer: request))
        } catch {
            return try JSONText.encode(Reply.failed(code: "bad", message: "not an order: \(Self.brief(error))"))
        }
        do {
            return try JSONText.encode(await handle(order))
        } catch {
            return try JSONText.encode(
                Reply.failed(code: "refused", message: "the answer cannot be written: \(Self.brief(error))"))
        }
    }
}
