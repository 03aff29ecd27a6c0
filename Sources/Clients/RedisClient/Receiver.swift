import NIOCore
import NIOTLS

/// The end of a channel's pipeline; hands everything to the connection once that has chosen this channel.
final class Receiver: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// Nil while addresses race each other: nobody has spoken yet, so the server has nothing to say.
    var connection: Connection?

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let connection else { return context.close(promise: nil) }
        connection.receive(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) { connection?.received() }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent { connection?.secured() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        connection?.hungUp()
        connection = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        connection?.fail(error)
        context.close(promise: nil)
    }
}
