import CarillonTestSupport
import RedisClient
import Testing

@Suite(.timeLimit(.minutes(5)))
struct ScriptTests {
    private static let add = RedisScript("return redis.call('INCRBY', KEYS[1], ARGV[1])")

    private func add(_ number: Int) -> RedisCommand {
        var command = RedisCommand.script(Self.add, keys: ["sum"])
        command.append(number)
        return command
    }

    private func calls(of command: String, _ client: some RedisServer) async throws -> Int {
        let lines = try await client.send(RedisCommand("INFO", "commandstats")).text ?? ""
        let line = lines.split(whereSeparator: \.isNewline).first { $0.hasPrefix("cmdstat_\(command):calls=") }
        return line.flatMap { Int($0.split(separator: "=")[1].prefix { $0 != "," }) } ?? 0
    }

    @Test func aScriptIsLoadedOnce() async throws {
        let client = try await Rig()
        for number in 1...20 { try await client.send(add(number)) }
        #expect(try await client.send(RedisCommand("GET", "sum")).integer == 210)
        #expect(try await calls(of: "script|load", client) == 1)
        #expect(try await calls(of: "evalsha", client) == 20)
        #expect(try await calls(of: "eval", client) == 0)
    }

    @Test func aFlushIsNotNoticed() async throws {
        let client = try await Rig()
        for round in 1...3 {
            try await client.send(RedisCommand("SCRIPT", "FLUSH"))
            let replies = try await client.send([
                RedisCommand("ECHO", "a"), add(1), RedisCommand("ECHO", "b"), add(1), RedisCommand("ECHO", "c"),
            ])
            #expect(replies.enumerated().filter { $0.offset % 2 == 0 }.map(\.element.text) == ["a", "b", "c"])
            #expect(Set([replies[1].integer, replies[3].integer]) == [Int64(round * 2 - 1), Int64(round * 2)])
        }
        #expect(try await client.send(add(0)) == .integer(6))
        // In the first round, and in the third: the second found it gone, and had its calls repeated as EVAL.
        #expect(try await calls(of: "script|load", client) == 2)
        #expect(try await calls(of: "eval", client) == 2)
    }

    @Test func aFlushUnderManyCallsLosesNone() async throws {
        let rig = try await Rig()
        let other = try Rig.client(rig.server.url)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    for _ in 0..<20 { try await rig.send(add(1)) }
                }
            }
            for _ in 0..<20 { try await other.send(RedisCommand("SCRIPT", "FLUSH")) }
            try await group.waitForAll()
        }
        #expect(try await other.send(RedisCommand("GET", "sum")).integer == 1000)
    }

    @Test func aBrokenScriptHarmsNobodyElse() async throws {
        let client = try await Rig()
        let broken = RedisScript("this is no Lua")
        let replies = try await client.send([
            add(1), RedisCommand.script(broken, keys: []), RedisCommand("GET", "sum"),
        ])
        #expect(replies[0] == .integer(1))
        #expect(replies[1].error?.message.contains("Error compiling script") == true)
        #expect(replies[2].text == "1")
    }

    @Test func aReconnectLoadsItAgain() async throws {
        let rig = try await Rig()
        try await rig.send(add(1))
        try await rig.server.restart()
        try await eventually("a connection") { (try? await rig.send(add(1))) == .integer(1) }
    }

    @Test func theSameSourceIsTheSameScript() {
        #expect(RedisScript("return 1") == RedisScript("return 1"))
        #expect(RedisScript("return 1") != RedisScript("return 2"))
    }
}
