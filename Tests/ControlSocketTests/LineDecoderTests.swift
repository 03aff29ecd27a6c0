import ControlSocket
import NIOCore
import NIOEmbedded
import Testing

/// Lines as they come over a socket: in pieces, several at once, and longer than anybody should write.
@Suite struct LineDecoderTests {
    private let channel = EmbeddedChannel(handler: ByteToMessageHandler(LineDecoder(longest: 8)))

    /// The lines that are complete once these bytes have come too.
    private func lines(after text: String) throws -> [String] {
        try channel.writeInbound(ByteBuffer(string: text))
        var lines: [String] = []
        while let line = try channel.readInbound(as: ByteBuffer.self) { lines.append(String(buffer: line)) }
        return lines
    }

    @Test func aLineMayComeByteByByte() throws {
        for byte in "orde" { #expect(try lines(after: String(byte)) == []) }
        #expect(try lines(after: "r") == [])
        #expect(try lines(after: "\n") == ["order"])
    }

    @Test func severalComeAtOnceAndTheRestWaits() throws {
        #expect(try lines(after: "one\n\ntwo\nth") == ["one", "", "two"])
        #expect(try lines(after: "ree\n") == ["three"])
    }

    /// A carriage return is a byte of the line, which JSON takes for white space.
    @Test func onlyANewlineEndsALine() throws {
        #expect(try lines(after: "a\r\nb\u{2028}\n") == ["a\r", "b\u{2028}"])
    }

    @Test func theLongestLineIsTakenAndALongerOneIsNot() throws {
        #expect(try lines(after: "12345678\n") == ["12345678"])
        let error = #expect(throws: LineDecoder.TooLong.self) { try lines(after: "123456789") }
        #expect(error?.description == "a line of more than 8 bytes")
    }

    @Test func aLineThatWasNotEndedIsNone() throws {
        #expect(try lines(after: "half") == [])
        _ = try channel.finish()
        #expect(try channel.readInbound(as: ByteBuffer.self) == nil)
    }
}
