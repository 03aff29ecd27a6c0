import CarillonTestSupport
import NIOCore
import RedisClient
import Testing

@Suite(.timeLimit(.minutes(5)))
struct ParserTests {
    private func parse(_ pieces: [[UInt8]], largest: Int = 1 << 20) throws(RedisError) -> [RedisValue] {
        var parser = ReplyParser(largestReply: largest)
        var replies: [RedisValue] = []
        for piece in pieces { try parser.parse(ByteBuffer(bytes: piece), into: &replies) }
        return replies
    }

    @Test func whatRepliesMean() throws {
        let text = "+OK\r\n-ERR no\r\n:-42\r\n$3\r\na\r\n\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n*2\r\n:1\r\n*1\r\n+x\r\n"
        #expect(
            try parse([Array(text.utf8)]) == [
                .simple("OK"), .error(RedisError(.server, "ERR no")), .integer(-42), .bulk("a\r\n"), .bulk(""), .null,
                .null, .array([]), .array([.integer(1), .array([.simple("x")])]),
            ])
        let numbers = "*4\r\n:0\r\n:+7\r\n:\(Int64.max)\r\n:\(Int64.min)\r\n"
        #expect(
            try parse([Array(numbers.utf8)]) == [
                .array([.integer(0), .integer(7), .integer(.max), .integer(.min)])
            ])
    }

    @Test(arguments: [
        "x", ":\r\n", ":1", ":-\r\n", ":1a\r\n", ":9223372036854775808\r\n", ":-9223372036854775809\r\n",
        ":99999999999999999999\r\n", "$\r\n", "$-2\r\n", "$x\r\n", "$1\r\nab\r\n", "$1\r\na\n\n", "$1\r\na\r\r",
        "*-2\r\n", "*1x\r\n", "+OK\n", "\r\n", "\n", "+\n", ">2\r\n", "%1\r\n", "#t\r\n", "_\r\n", "HTTP/1.1 400\r\n",
        "$9223372036854775807\r\n", "$1048577\r\n", "*9223372036854775807\r\n", "*1000000\r\n",
    ])
    func whatIsRefused(_ text: String) {
        let bytes = Array((text + (text.hasSuffix("\n") || text.hasSuffix("\r") ? "" : "\r\n")).utf8)
        if text == ":1" {
            // The one that is whole with its end.
            #expect(throws: Never.self) { try parse([bytes]) }
            return
        }
        #expect { try parse([bytes]) } throws: { ($0 as? RedisError)?.code == .protocolError }
        #expect { try parse(bytes.map { [$0] }) } throws: { ($0 as? RedisError)?.code == .protocolError }
    }

    @Test func depthAndSizeHaveBounds() throws {
        func nested(_ depth: Int) -> [UInt8] { Array((String(repeating: "*1\r\n", count: depth) + ":1\r\n").utf8) }
        #expect(try parse([nested(ReplyParser.deepest)]).count == 1)
        #expect(throws: RedisError.self) { try parse([nested(ReplyParser.deepest + 1)]) }
        #expect(throws: RedisError.self) { try parse([nested(100_000)]) }
        let endless = [UInt8](repeating: UInt8(ascii: "+"), count: ReplyParser.longestLine + 1)
        #expect(throws: RedisError.self) { try parse([endless]) }
        #expect(throws: RedisError.self) { try parse(endless.map { [$0] }) }
        // Each is small; together they are one reply.
        let many = Array(
            ("*100\r\n" + String(repeating: "$100\r\n\(String(repeating: "x", count: 100))\r\n", count: 100)).utf8)
        #expect(try parse([many], largest: 16_000).count == 1)
        #expect(throws: RedisError.self) { try parse([many], largest: 10_000) }
        // The bound is for each reply anew.
        #expect(try parse([many, many, many], largest: 16_000).count == 3)
    }

    @Test func repliesBeforeTheBadBytesCount() {
        var parser = ReplyParser(largestReply: 1000)
        var replies: [RedisValue] = []
        #expect(throws: RedisError.self) {
            try parser.parse(ByteBuffer(string: ":1\r\n:2\r\n!\r\n"), into: &replies)
        }
        #expect(replies == [.integer(1), .integer(2)])
    }

    /// Were a piece to cost as much as everything before it, this would take minutes.
    @Test func largeRepliesInManyPieces() throws {
        var parser = ReplyParser(largestReply: 1 << 30)
        var replies: [RedisValue] = []
        let piece = ByteBuffer(repeating: 7, count: 1000)
        try parser.parse(ByteBuffer(string: "$64000000\r\n"), into: &replies)
        for _ in 0..<64_000 { try parser.parse(piece, into: &replies) }
        try parser.parse(ByteBuffer(string: "\r\n*1000000\r\n"), into: &replies)
        #expect(replies.count == 1)
        let numbers = ByteBuffer(string: String(repeating: ":12\r\n", count: 1000))
        for _ in 0..<1000 {
            var rest = numbers
            while let part = rest.readSlice(length: min(97, rest.readableBytes)), part.readableBytes > 0 {
                try parser.parse(part, into: &replies)
            }
        }
        #expect(replies.count == 2 && replies.last?.array?.count == 1_000_000)
    }

    @Test func anySplitMeansTheSame() throws {
        for seed in 0..<200 {
            var random = SplitMix64(seed: UInt64(seed))
            let values = (0..<Int(random.number(1...4))).map { _ in Self.value(&random, depth: 3) }
            let bytes = values.flatMap(Self.encode)
            #expect(try parse([bytes]) == values)
            for position in 0...bytes.count {
                #expect(try parse([Array(bytes[..<position]), Array(bytes[position...])]) == values)
            }
            #expect(try parse(bytes.map { [$0] }) == values)
            #expect(try parse(Self.split(bytes, &random)) == values)
        }
    }

    @Test func anyBytesAreSurvived() {
        let alphabet = Array("$*:+-0123456789\r\nab\0".utf8) + [0xff]
        for seed in 0..<20_000 {
            var random = SplitMix64(seed: UInt64(seed))
            var bytes: [UInt8]
            if random.chance(0.5) {
                bytes = (0..<3).flatMap { _ in Self.encode(Self.value(&random, depth: 3)) }
                for _ in 0..<random.number(1...4) where !bytes.isEmpty {
                    let index = Int(random.number(0...Int64(bytes.count - 1)))
                    if random.chance(0.3) { bytes.remove(at: index) } else { bytes[index] = random.pick(alphabet) }
                }
            } else {
                bytes = (0..<random.number(0...60)).map { _ in random.pick(alphabet) }
            }
            // Whole and in pieces it is refused, or understood, alike.
            let whole = Result { () throws(RedisError) in try parse([bytes], largest: 10_000) }
            let pieces = Result { () throws(RedisError) in try parse(Self.split(bytes, &random), largest: 10_000) }
            #expect(whole == pieces, "seed \(seed)")
        }
    }

    private static func split(_ bytes: [UInt8], _ random: inout SplitMix64) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let length = Int(random.number(0...7))
            pieces.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return pieces
    }

    private static func value(_ random: inout SplitMix64, depth: Int) -> RedisValue {
        switch random.number(0...(depth > 0 ? 6 : 4)) {
        case 0: return .null
        case 1: return .integer(Int64(bitPattern: random.next()) >> random.number(0...63))
        case 2:
            return .string(ByteBuffer(bytes: (0..<random.number(0...20)).map { _ in UInt8(random.number(0...255)) }))
        case 3: return .simple(random.pick(["", "OK", "QUEUED", "größer"]))
        case 4: return .error(RedisError(.server, random.pick(["ERR", "NOSCRIPT No matching script.", ""])))
        default: return .array((0..<random.number(0...5)).map { _ in value(&random, depth: depth - 1) })
        }
    }

    private static func encode(_ value: RedisValue) -> [UInt8] {
        switch value {
        case .null: Array("$-1\r\n".utf8)
        case .integer(let number): Array(":\(number)\r\n".utf8)
        case .string(let bytes):
            Array("$\(bytes.readableBytes)\r\n".utf8) + bytes.readableBytesView + Array("\r\n".utf8)
        case .simple(let text): Array("+\(text)\r\n".utf8)
        case .error(let error): Array("-\(error.message)\r\n".utf8)
        case .array(let elements): Array("*\(elements.count)\r\n".utf8) + elements.flatMap(encode)
        }
    }
}
