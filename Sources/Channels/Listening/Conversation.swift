import CarillonCore
package import NIOCore

/// What any request must keep to.
package enum RequestLimit {
    /// Seconds in which a request must be complete.
    package static let patience: Int64 = 5
    /// Bytes of a request.
    package static let longest = 64 << 10
}

/// One connection: a request, its answer, the end.
package final class Conversation<End: RequestEnd>: ChannelInboundHandler {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    private let crowd: ConnectionLimiter
    private let patience: Int64
    private let answer: @Sendable ([UInt8]) throws(RequestFault) -> Answer
    private var end = End()
    private var received: [UInt8] = []
    private var isAsked = false
    private var timeout: Scheduled<Void>?

    /// Takes the `crowd` of the connections that have asked nothing yet; `patience`, in seconds, is how long they may.
    package init(
        _ crowd: ConnectionLimiter, patience: Int64 = RequestLimit.patience,
        _ answer: @escaping @Sendable ([UInt8]) throws(RequestFault) -> Answer
    ) {
        self.crowd = crowd
        self.patience = patience
        self.answer = answer
    }

    package func channelActive(context: ChannelHandlerContext) {
        crowd.enter(context.channel)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timeout = context.eventLoop.scheduleTask(in: .seconds(patience)) {
            let (conversation, context) = bound.value
            conversation.refuse("the request was not complete within \(conversation.patience) s", context)
        }
        context.fireChannelActive()
    }

    package func channelInactive(context: ChannelHandlerContext) {
        timeout?.cancel()
        context.fireChannelInactive()
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isAsked else { return }
        let bytes = unwrapInboundIn(data).readableBytesView
        received += bytes
        if received.count > RequestLimit.longest {
            return refuse("a request has at most \(RequestLimit.longest) bytes", context)
        }
        guard end.ends(in: bytes) else { return }
        take(context)
    }

    /// Takes or refuses the request once the client has said all it will; it may still read.
    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event, !isAsked {
            End.isMetByClosing ? take(context) : refuse("the request is not complete", context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func take(_ context: ChannelHandlerContext) {
        settle(context)
        let answer: Answer
        do throws(RequestFault) {
            answer = try self.answer(received)
        } catch {
            return say("ERROR: \(error.message)", context)
        }
        received = []
        switch answer {
        case .text(let text): say(text, context)
        case .work(let work): say(work, context)
        case .handOver(let take): take(context.channel)
        }
    }

    private func refuse(_ why: String, _ context: ChannelHandlerContext) {
        guard !isAsked else { return }
        settle(context)
        say("ERROR: \(why)", context)
    }

    private func settle(_ context: ChannelHandlerContext) {
        isAsked = true
        timeout?.cancel()
        crowd.leave(context.channel)
    }

    private func say(_ work: @escaping @Sendable () async -> String, _ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let promise = context.eventLoop.makePromise(of: String.self)
        promise.completeWithTask(work)
        promise.futureResult.whenSuccess { text in
            let (conversation, context) = bound.value
            conversation.say(text, context)
        }
    }

    private func say(_ text: String, _ context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        // A client's own words may stand in it, and it reads one line.
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text.oneLine))).whenComplete { _ in
            bound.value.close(promise: nil)
        }
    }
}
