import Glibc
import Listening
import NIOCore
import Synchronization

/// Those who pull, and what none of them has been told yet.
final class PullerQueue: Sendable {
    private struct State {
        var untold: [BusOrder] = []
        var isTelling = false
    }

    private struct Gone: Error {}

    /// Orders that are kept while nobody pulls; the oldest go.
    static let most = 100

    private let waiting: ConnectionLimiter
    private let state = Mutex(State())

    init(most: Int) { waiting = ConnectionLimiter(most: most) }

    /// Tells exactly one of those who wait, or who will.
    func tell(_ order: BusOrder) {
        state.withLock { state in
            state.untold.append(order)
            if state.untold.count > Self.most { state.untold.removeFirst() }
        }
        tellNext()
    }

    /// Takes in a connection, which is told one order, and closed.
    func enter(_ channel: any Channel) {
        waiting.enter(channel)
        tellNext()
    }

    func dismiss() { waiting.closeAll() }

    /// Tells one at a time, so that an order nobody took is still the next.
    private func tellNext() {
        let next = state.withLock { state -> (BusOrder, any Channel)? in
            guard !state.isTelling, let order = state.untold.first, let channel = waiting.takeOldest() else {
                return nil
            }
            state.untold.removeFirst()
            state.isTelling = true
            return (order, channel)
        }
        guard let (order, channel) = next else { return }
        Self.write(order, to: channel).whenComplete { result in
            channel.close(promise: nil)
            self.state.withLock { state in
                state.isTelling = false
                if case .failure = result, state.untold.count < Self.most { state.untold.insert(order, at: 0) }
            }
            self.tellNext()
        }
    }

    /// Writes an order; fails when the puller has left. The kernel knows that before its event comes round, and would
    /// take the bytes nevertheless.
    private static func write(_ order: BusOrder, to channel: any Channel) -> EventLoopFuture<Void> {
        guard let socket = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeFailedFuture(Gone())
        }
        return socket.getTCPInfo().flatMapThrowing { info in
            guard info.tcpi_state == TCP_ESTABLISHED else { throw Gone() }
            return ByteBuffer(string: try order.json)
        }.flatMap { channel.writeAndFlush($0) }
    }
}

/// Nothing is asked of a puller: its connection joins the audience as it is.
final class PullerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let audience: PullerQueue

    init(_ audience: PullerQueue) { self.audience = audience }

    func channelActive(context: ChannelHandlerContext) {
        audience.enter(context.channel)
        context.fireChannelActive()
    }

    /// Drops what it says: it is nobody's business.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
