import NIOCore
import NIOPosix
import Synchronization

/// A TCP proxy on 127.0.0.1 that cuts connections when a test says so.
public final class CuttingProxy: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isRefusing = false
        var accepted = 0
        var requestBytes = 0
        var allowance: Int?
    }

    private let state = Mutex(State())
    private let target: Int
    private let listener = Mutex<(any Channel)?>(nil)
    public let port: Int

    /// Listens on a port of its own, to pass everything on to `target` of 127.0.0.1.
    public init(to target: Int) async throws {
        self.target = target
        port = try FreePort.find()
        let bound = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { [weak self] channel in
                self?.accept(channel) ?? channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: port).get()
        listener.withLock { $0 = bound }
    }

    deinit {
        listener.withLock { $0 }?.close(promise: nil)
        for channel in state.withLock({ $0.channels.values }) { channel.close(promise: nil) }
    }

    /// Connections that came, the refused ones too.
    public var accepted: Int { state.withLock { $0.accepted } }

    /// Bytes that clients have sent, all connections together.
    public var requestBytes: Int { state.withLock { $0.requestBytes } }

    /// Resets every connection, both ways.
    public func cutAll() {
        let channels = state.withLock { state in
            defer { state.channels = [:] }
            return Array(state.channels.values)
        }
        for channel in channels { Self.reset(channel) }
    }

    /// Resets each new connection at once, until false.
    public func refuse(_ refuse: Bool) { state.withLock { $0.isRefusing = refuse } }

    /// Lets so many more bytes of replies through, all connections together, then cuts them all, once.
    public func cut(afterReplyBytes count: Int) { state.withLock { $0.allowance = count } }

    private func accept(_ client: any Channel) -> EventLoopFuture<Void> {
        let isRefused = state.withLock { state in
            state.accepted += 1
            if !state.isRefusing { state.channels[ObjectIdentifier(client)] = client }
            return state.isRefusing
        }
        guard !isRefused else {
            // Not from within its own registration.
            client.eventLoop.execute { Self.reset(client) }
            return client.eventLoop.makeSucceededVoidFuture()
        }
        // On the client's loop, so that each end may call the other.
        return ClientBootstrap(group: client.eventLoop)
            .connect(host: "127.0.0.1", port: target)
            .flatMapThrowing { [weak self] server in
                self?.state.withLock { $0.channels[ObjectIdentifier(server)] = server }
                try client.pipeline.syncOperations.addHandler(
                    Pump(to: server) { count in
                        self?.state.withLock { $0.requestBytes += count }
                        return count
                    })
                try server.pipeline.syncOperations.addHandler(
                    Pump(to: client) { count in self?.admit(count) ?? 0 })
            }
            .flatMapErrorThrowing { _ in Self.reset(client) }
    }

    /// Says how many of so many bytes may pass; the rest cuts everything, after those have been written.
    private func admit(_ count: Int) -> Int {
        state.withLock { state in
            guard let allowance = state.allowance else { return count }
            state.allowance = count < allowance ? allowance - count : nil
            return min(count, allowance)
        }
    }

    /// Resets a connection: no lingering makes close(2) send RST (socket(7)).
    private static func reset(_ channel: any Channel) {
        guard let socket = channel as? any SocketOptionProvider else { return channel.close(promise: nil) }
        socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in channel.close(promise: nil) }
    }

    /// Writes to the other end what comes in at this one, as far as it may.
    private final class Pump: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let other: any Channel
        private let admit: (Int) -> Int

        init(to other: any Channel, admit: @escaping (Int) -> Int) {
            self.other = other
            self.admit = admit
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            let count = admit(bytes.readableBytes)
            let isCut = count < bytes.readableBytes
            other.writeAndFlush(bytes.readSlice(length: count) ?? bytes, promise: nil)
            guard isCut else { return }
            // The bytes that passed must arrive, so this is an orderly close, in the middle of a reply.
            other.close(promise: nil)
            context.close(promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { other.close(promise: nil) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
