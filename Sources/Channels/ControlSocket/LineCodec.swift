package import NIOCore

/// One message a line: JSON texts, each ended by a newline.
package final class LineDecoder: ByteToMessageDecoder {
    package typealias InboundOut = ByteBuffer

    /// Bytes; a client takes longer replies than a daemon takes requests.
    static let longestRequest = 16 << 20
    static let longestReply = 1 << 30

    package struct TooLong: Error, CustomStringConvertible {
        let longest: Int
        package var description: String { "a line of more than \(longest) bytes" }
    }

    private let longest: Int

    package init(longest: Int) { self.longest = longest }

    package func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        guard let end = buffer.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) else {
            if buffer.readableBytes > longest { throw TooLong(longest: longest) }
            return .needMoreData
        }
        guard let line = buffer.readSlice(length: end - buffer.readerIndex) else { return .needMoreData }
        buffer.moveReaderIndex(forwardBy: 1)
        context.fireChannelRead(wrapInboundOut(line))
        return .continue
    }

    package func decodeLast(
        context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool
    ) throws -> DecodingState {
        while try decode(context: context, buffer: &buffer) == .continue {}
        return .needMoreData
    }
}
