import NIOCore

/// One message a line: JSON texts, each ended by a newline.
final class LineDecoder: ByteToMessageDecoder {
    typealias InboundOut = ByteBuffer

    /// The longest line, in bytes.
    static let longest = 16 << 20

    struct TooLong: Error, CustomStringConvertible {
        var description: String { "a request of more than \(LineDecoder.longest) bytes" }
    }

    func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        guard let end = buffer.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) else {
            if buffer.readableBytes > Self.longest { throw TooLong() }
            return .needMoreData
        }
        guard let line = buffer.readSlice(length: end - buffer.readerIndex) else { return .needMoreData }
        buffer.moveReaderIndex(forwardBy: 1)
        context.fireChannelRead(wrapInboundOut(line))
        return .continue
    }

    func decodeLast(
        context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool
    ) throws -> DecodingState {
        while try decode(context: context, buffer: &buffer) == .continue {}
        return .needMoreData
    }
}
