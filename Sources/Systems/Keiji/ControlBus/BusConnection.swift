import Listening
import NIOCore
import NIOPosix

/// One pull: a connection that ends with its message.
struct BusConnection: Sendable {
    private let open: EventLoopPromise<Void>
    private let whole: EventLoopPromise<[UInt8]>

    /// Begins at once.
    init(host: String, port: Int) {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let (open, whole) = (loop.makePromise(of: Void.self), loop.makePromise(of: [UInt8].self))
        (self.open, self.whole) = (open, whole)
        let connection = ClientBootstrap(group: loop)
            .connectTimeout(.seconds(5))
            // A long poll may be silent for days; a bus whose machine is gone is noticed within minutes.
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.tcpOption(.init(rawValue: TCP_KEEPIDLE)), value: 60)
            .channelOption(.tcpOption(.init(rawValue: TCP_KEEPINTVL)), value: 20)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Gatherer(whole))
                }
            }
            .connect(host: host, port: port)
        connection.map { _ in }.cascade(to: open)
        connection.cascadeFailure(to: whole)
        whole.futureResult.whenComplete { _ in connection.whenSuccess { $0.close(promise: nil) } }
    }

    /// Returns when it is open. Cancelling closes it.
    func opened() async throws {
        try await withTaskCancellationHandler {
            try await open.futureResult.get()
        } onCancel: {
            open.fail(CancellationError())
            whole.fail(CancellationError())
        }
    }

    /// Reads what comes until the end. Cancelling closes it. Throws `RequestFault` when it is too long.
    func message() async throws -> [UInt8] {
        try await withTaskCancellationHandler {
            try await whole.futureResult.get()
        } onCancel: {
            whole.fail(CancellationError())
        }
    }

    private final class Gatherer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let whole: EventLoopPromise<[UInt8]>
        private var received: [UInt8] = []

        init(_ whole: EventLoopPromise<[UInt8]>) { self.whole = whole }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            received += unwrapInboundIn(data).readableBytesView
            guard received.count > RequestLimit.longest else { return }
            whole.fail(RequestFault(message: "more than \(RequestLimit.longest) bytes"))
        }

        func channelInactive(context: ChannelHandlerContext) { whole.succeed(received) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { whole.fail(error) }
    }
}
