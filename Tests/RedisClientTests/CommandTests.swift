import CarillonTestSupport
import NIOCore
import RedisClient
import Testing

@Suite(.timeLimit(.minutes(5)))
struct CommandTests {
    @Test func everyKindOfReply() async throws {
        let client = try await Rig()
        let replies = try await client.send([
            RedisCommand("PING"), RedisCommand("SET", "a", "7"), RedisCommand("GET", "a"), RedisCommand("GET", "none"),
            RedisCommand("INCR", "a"), RedisCommand("MGET", "a", "none"), RedisCommand("LRANGE", "list", "0", "-1"),
        ])
        #expect(
            replies == [
                .simple("PONG"), .simple("OK"), .bulk("7"), .null, .integer(8), .array([.bulk("8"), .null]), .array([]),
            ])
        #expect(replies[2].integer == 7)
        #expect(try await client.send([]).isEmpty)
    }

    @Test func bytesComeBackAsTheyWere() async throws {
        let client = try await Rig()
        var random = SplitMix64(seed: 1)
        // Some are larger than what one read of the socket brings.
        for size in [0, 1, 2, 255, 4_096, 65_536, 1_000_003, 8_000_000] {
            let bytes = (0..<size).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            var set = RedisCommand("SET", "key\r\n\0")
            set.append(bytes)
            try await client.send(set)
            #expect(try await client.send(RedisCommand("GET", "key\r\n\0")).bytes == bytes)
        }
    }

    @Test func argumentsOfEveryType() async throws {
        let client = try await Rig()
        var push = RedisCommand("RPUSH")
        push.append("list")
        for number in [0, 7, -1, 10, 99, 100, Int.max, Int.min] { push.append(number) }
        push.append(ByteBuffer(string: "buffer"))
        push.append("größer")
        push.append([UInt8]())
        try await client.send(push)
        let list = try await client.send(RedisCommand("LRANGE", "list", "0", "-1")).array?.map(\.text)
        #expect(
            list == ["0", "7", "-1", "10", "99", "100", "\(Int.max)", "\(Int.min)", "buffer", "größer", ""])
    }

    @Test func aHundredTasksGetTheirOwnReplies() async throws {
        let client = try await Rig()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<100 {
                group.addTask {
                    let words = (0..<100).map { "\(task)-\($0)" }
                    // Half of them in one batch, half one after another.
                    if task % 2 == 0 {
                        let replies = try await client.send(words.map { RedisCommand("ECHO", $0) })
                        #expect(replies.map(\.text) == words)
                    } else {
                        for word in words { #expect(try await client.send(RedisCommand("ECHO", word)).text == word) }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await Rig.connections(client) == 2, "one is the fixture's own")
    }

    @Test func anErrorStandsInItsPlace() async throws {
        let client = try await Rig()
        let replies = try await client.send([
            RedisCommand("SET", "text", "x"), RedisCommand("LPUSH", "text", "y"), RedisCommand("NONSENSE"),
            RedisCommand("GET", "text"),
        ])
        #expect(replies[0] == .simple("OK"))
        #expect(replies[1].error?.prefix == "WRONGTYPE")
        #expect(replies[2].error?.code == .server)
        #expect(replies[3].text == "x")
        let error = try await failure { try await client.send(RedisCommand("GET")) }
        #expect(error.code == .server && error.prefix == "ERR")
    }

    @Test func aTransactionStaysTogether() async throws {
        let client = try await Rig()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    let replies = try await client.send([
                        RedisCommand("MULTI"), RedisCommand("INCR", "n"), RedisCommand("DECR", "n"),
                        RedisCommand("EXEC"),
                    ])
                    #expect(replies.last == .array([.integer(1), .integer(0)]))
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func aReplyThatIsTooLargeEndsTheConnection() async throws {
        let rig = try await Rig { $0.largestReply = 100_000 }
        var set = RedisCommand("SET", "large")
        set.append([UInt8](repeating: 1, count: 100_001))
        try await rig.send(set)
        let error = try await failure {
            try await rig.send([RedisCommand("GET", "large")])
        }
        #expect(error.code == .protocolError)
        #expect(try await rig.send(RedisCommand("STRLEN", "large")) == .integer(100_001))
    }

    @Test func whatNobodyAskedForEndsTheConnection() async throws {
        let rig = try await Rig()
        let other = try Rig.client(rig.server.url)
        let id = try await rig.send(RedisCommand("CLIENT", "ID"))
        try await rig.send(RedisCommand("SUBSCRIBE", "news"))
        // Subscribed, so this has a receiver; its message has no caller.
        #expect(try await other.send(RedisCommand("PUBLISH", "news", "x")) == .integer(1))
        try await eventually("another connection") {
            let reply = try? await rig.send(RedisCommand("CLIENT", "ID"))
            return reply?.integer != nil && reply != id
        }
    }
}
