import NIOCore

/// One connection: a request, its answer, the end.
final class BTUConversation: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let crowd: Crowd
    private let answer: @Sendable (BTURequest) async -> String
    private var end = JSONEnd()
    private var received: [UInt8] = []
    private var isAsked = false
    private var timeout: Scheduled<Void>?

    init(_ crowd: Crowd, _ answer: @escaping @Sendable (BTURequest) async -> String) {
        self.crowd = crowd
        self.answer = answer
    }

    func channelActive(context: ChannelHandlerContext) {
        crowd.enter(context.channel)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timeout = context.eventLoop.scheduleTask(in: .seconds(BTUSocket.patience)) {
            let (conversation, context) = bound.value
            conversation.refuse("the request was not complete within \(BTUSocket.patience) s", context)
        }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timeout?.cancel()
        crowd.leave(context.channel)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isAsked else { return }
        let bytes = unwrapInboundIn(data).readableBytesView
        received += bytes
        if received.count > BTUSocket.longest {
            return refuse("a request has at most \(BTUSocket.longest) bytes", context)
        }
        guard end.ends(in: bytes) else { return }
        take(context)
    }

    /// The client has said all it will, and may still read.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { refuse("the request is not complete", context) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func take(_ context: ChannelHandlerContext) {
        isAsked = true
        timeout?.cancel()
        crowd.leave(context.channel)
        let request: BTURequest
        do throws(BTURequest.Fault) {
            request = try BTURequest.read(received)
        } catch {
            return say("ERROR: \(error.message)", context)
        }
        received = []
        if request == .ping { return say("pong", context) }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let promise = context.eventLoop.makePromise(of: String.self)
        promise.completeWithTask { [answer] in await answer(request) }
        promise.futureResult.whenSuccess { text in
            let (conversation, context) = bound.value
            conversation.say(text, context)
        }
    }

    private func refuse(_ why: String, _ context: ChannelHandlerContext) {
        guard !isAsked else { return }
        isAsked = true
        timeout?.cancel()
        crowd.leave(context.channel)
        say("ERROR: \(why)", context)
    }

    private func say(_ text: String, _ context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text))).whenComplete { _ in
            bound.value.close(promise: nil)
        }
    }
}
