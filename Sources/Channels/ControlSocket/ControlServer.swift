import CarillonCore
public import CarillonEngine
public import Foundation
import Listening
public import Logging
import NIOCore
import NIOPosix
public import ServiceLifecycle
import Synchronization

/// The daemon's own socket in its state directory: orders in, replies out, one JSON line each.
///
/// Mode 0600; with a group 0660, and who is neither root nor the daemon's own user may ask and order nothing.
public struct ControlServer: Service {
    private let path: String
    private let group: gid_t?
    private let logger: Logger
    private let mostConnections: Int
    private let handle: @Sendable (Order, Caller) async -> Reply

    /// Takes its path; whoever binds holds the state directory's lock, so a socket file there is a dead daemon's. Past
    /// `mostConnections` at once the one that has asked nothing for longest is closed.
    public init(
        path: String, group: gid_t? = nil, mostConnections: Int = Self.room, logger: Logger,
        handle: @escaping @Sendable (Order, Caller) async -> Reply
    ) {
        self.path = path
        self.group = group
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
        let listener = Listener()
        try await withGracefulShutdownHandler {
            try await withThrowingDiscardingTaskGroup { connections in
                while true {
                    let server = try await listen(crowd)
                    guard listener.take(server.channel) else { break }
                    connections.addTask { await watch(server.channel) }
                    try await server.executeThenClose { arrivals in
                        for try await connection in arrivals {
                            connections.addTask { await serve(connection, crowd) }
                        }
                    }
                    if listener.isStopped { break }
                    logger.warning(
                        "the control socket was taken away; there is a new one", metadata: ["path": "\(path)"])
                }
            }
        } onGracefulShutdown: {
            listener.stop()
        }
        unlink(path)
    }

    /// What listens just now.
    private final class Listener: Sendable {
        private let state = Mutex((channel: (any Channel)?.none, isStopped: false))

        var isStopped: Bool { state.withLock { $0.isStopped } }

        /// False, and the channel is closed, when nothing is to listen any more.
        func take(_ channel: any Channel) -> Bool {
            let isWanted = state.withLock { state in
                state.channel = channel
                return !state.isStopped
            }
            if !isWanted { channel.close(promise: nil) }
            return isWanted
        }

        func stop() {
            let channel = state.withLock { state in
                state.isStopped = true
                return state.channel
            }
            channel?.close(promise: nil)
        }
    }

    private func listen(
        _ crowd: ConnectionLimiter
    ) async throws -> NIOAsyncChannel<NIOAsyncChannel<ByteBuffer, ByteBuffer>, Never> {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(try PrivateSocket.bind(at: path, group: group)) { channel in
                crowd.enter(channel)
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        ByteToMessageHandler(LineDecoder(longest: LineDecoder.longestRequest)))
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
    }

    /// Closes the channel once its socket is no more in the file system, as after a cleaner of old files; nobody could reach
    /// the daemon any more.
    private func watch(_ channel: any Channel) async {
        let (clock, own) = (SystemClock(), Self.inode(path))
        try? await cancelWhenGracefulShutdown {
            while channel.isActive {
                try await clock.sleep(for: 1_000_000)
                if Self.inode(path) == own { continue }
                // It may be another one's by now; whoever holds the lock has the right to the path.
                unlink(path)
                try? await channel.close()
            }
        }
    }

    private static func inode(_ path: String) -> UInt64? {
        var facts = stat()
        return lstat(path, &facts) == 0 ? UInt64(facts.st_ino) : nil
    }

    private func serve(_ connection: NIOAsyncChannel<ByteBuffer, ByteBuffer>, _ crowd: ConnectionLimiter) async {
        let peer = try? await PeerCredentials.of(connection.channel)
        let caller = Caller(user: peer?.name, channel: "control socket")
        let mayOrder = peer?.isOwn ?? false
        do {
            try await connection.executeThenClose { requests, replies in
                try await cancelWhenGracefulShutdown {
                    for try await request in requests {
                        crowd.leave(connection.channel)
                        let reply = ByteBuffer(bytes: try await answer(request, caller, mayOrder: mayOrder))
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

    private func answer(_ request: ByteBuffer, _ caller: Caller, mayOrder: Bool) async throws -> [UInt8] {
        let order: Order
        do {
            order = try JSONText.decode(Order.self, String(buffer: request))
        } catch {
            return try Self.line(.failed(code: "bad", message: "not an order: \(Self.brief(error))"))
        }
        guard mayOrder || order.isForOnlookers else {
            logger.notice(
                "an order was refused", metadata: ["user": "\(caller.user ?? "")", "order": "\(order.action)"])
            return try Self.line(
                .failed(
                    code: "refused",
                    message: "you may look, as a member of the daemon's control.group, and order nothing"))
        }
        do {
            let reply = await handle(order, caller)
            if case .lines(let lines) = reply { return try Self.line(reply) + lines.bytes }
            return try Self.line(reply)
        } catch {
            return try Self.line(
                .failed(code: "refused", message: "the answer cannot be written: \(Self.brief(error))"))
        }
    }

    private static func line(_ reply: Reply) throws -> [UInt8] {
        try CanonicalJSON.encode(reply, escapingSlashes: false) + [UInt8(ascii: "\n")]
    }
}
