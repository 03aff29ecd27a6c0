import CarillonTestSupport
import RedisClient
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5)))
struct FailureTests {
    /// So many calls, each with a number of its own; how each ended.
    private func echo(
        _ count: Int, _ client: some RedisServer, padding: String = ""
    ) async -> [Result<RedisValue, RedisError>] {
        await withTaskGroup(of: (Int, Result<RedisValue, RedisError>).self) { group in
            for number in 0..<count {
                group.addTask {
                    do throws(RedisError) {
                        return (number, .success(try await client.send(RedisCommand("ECHO", "\(padding)\(number)"))))
                    } catch {
                        return (number, .failure(error))
                    }
                }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }.sorted { $0.key < $1.key }.map(\.value)
        }
    }

    private func code(_ result: Result<RedisValue, RedisError>) -> RedisError.Code? {
        if case .failure(let error) = result { error.code } else { nil }
    }

    @Test func aCrashFailsWhatWaitsAndARestartHeals() async throws {
        let rig = try await Rig()
        try await rig.send(RedisCommand("PING"))
        try await rig.server.suspend()
        async let results = echo(100, rig)
        await rig.server.kill()
        for result in await results {
            #expect([.closed, .unreachable].contains(code(result)))
        }
        try await rig.server.start()
        try await eventually("a connection") { (try? await rig.send(RedisCommand("PING"))) != nil }
    }

    @Test func whileNobodyListensEveryCallFailsAtOnce() async throws {
        let rig = try await Rig()
        await rig.server.stop()
        let first = try await failure { try await rig.send(RedisCommand("PING")) }
        #expect(first.code == .unreachable && first.message.contains("Connection refused"))
        #expect(first.message.contains("127.0.0.1:\(rig.server.port)"))
        for result in await echo(1000, rig) { #expect(code(result) == .unreachable) }
    }

    @Test func aServerThatHangsIsGivenUp() async throws {
        let rig = try await Rig { $0.replyTimeout = 200_000 }
        try await rig.send(RedisCommand("PING"))
        try await rig.server.suspend()
        for result in await echo(10, rig) { #expect(code(result) == .timedOut) }
        rig.server.resume()
        try await eventually("a connection") { (try? await rig.send(RedisCommand("PING"))) != nil }
    }

    @Test func aGreetingThatHangsIsGivenUp() async throws {
        let rig = try await Rig { $0.connectTimeout = 200_000 }
        // The kernel accepts; nobody answers.
        try await rig.server.suspend()
        for result in await echo(10, rig) { #expect(code(result) == .unreachable) }
        rig.server.resume()
        try await eventually("a connection") { (try? await rig.send(RedisCommand("PING"))) != nil }
    }

    @Test func aSlowServerIsNotGivenUpWhileItSpeaks() async throws {
        let rig = try await Rig { $0.replyTimeout = 400_000 }
        // Longer than the time-out together, and none longer alone.
        let commands = (0..<8).map { RedisCommand("BLPOP", "none\($0)", "0.1") }
        #expect(try await rig.send(commands).allSatisfy(\.isNull))
    }

    @Test func cancellationKeepsThePairing() async throws {
        let rig = try await Rig { $0.mostInFlight = 4 }
        try await rig.send(RedisCommand("PING"))
        try await rig.server.suspend()
        // Four are sent, the others wait for room; some of both are cancelled.
        let tasks = (0..<12).map { number in
            Task { () -> Result<RedisValue, RedisError> in
                do throws(RedisError) {
                    return .success(try await rig.send(RedisCommand("ECHO", "\(number)")))
                } catch {
                    return .failure(error)
                }
            }
        }
        for task in tasks.enumerated() where task.offset % 2 == 0 {
            task.element.cancel()
            // Before the server runs again: it does not wait for a reply.
            #expect(code(await task.element.value) == .cancelled)
        }
        rig.server.resume()
        for task in tasks.enumerated() where task.offset % 2 == 1 {
            #expect(try await task.element.value.get().text == "\(task.offset)")
        }
        #expect(try await rig.send(RedisCommand("ECHO", "after")).text == "after")
    }

    @Test func closeFailsWhatWaitsAndWhatComes() async throws {
        let rig = try await Rig()
        try await rig.send(RedisCommand("PING"))
        try await rig.server.suspend()
        async let results = echo(50, rig)
        await rig.close()
        for result in await results { #expect(code(result) == .closed) }
        let error = try await failure { try await rig.send(RedisCommand("PING")) }
        #expect(error.code == .closed)
        await rig.close()
    }

    @Test func whatExceedsTheBoundWaits() async throws {
        let rig = try await Rig()
        let proxy = try await CuttingProxy(to: rig.server.port)
        let padding = String(repeating: "x", count: 1000)
        for bound in ["commands", "bytes"] {
            let client = try Rig.client("redis://127.0.0.1:\(proxy.port)") {
                if bound == "commands" { $0.mostInFlight = 100 } else { $0.mostBufferedBytes = 100_000 }
            }
            try await client.send(RedisCommand("PING"))
            let before = proxy.requestBytes
            try await rig.server.suspend()
            async let results = echo(3000, client, padding: padding)
            try await eventually("a full connection") { proxy.requestBytes - before > 90_000 }
            for _ in 0..<20 {
                try await Task.sleep(for: .milliseconds(10))
                #expect(proxy.requestBytes - before < 110_000)
            }
            rig.server.resume()
            for (number, result) in await results.enumerated() {
                #expect(try result.get().text == "\(padding)\(number)")
            }
            // One batch beyond the bound goes alone.
            let replies = try await client.send((0..<500).map { RedisCommand("ECHO", "\(padding)\($0)") })
            #expect(replies.map(\.text) == (0..<500).map { "\(padding)\($0)" })
        }
    }

    @Test func aCutInTheMiddleOfAReply() async throws {
        let rig = try await Rig()
        let proxy = try await CuttingProxy(to: rig.server.port)
        let client = try Rig.client("redis://127.0.0.1:\(proxy.port)")
        try await client.send(RedisCommand("SET", "large", String(repeating: "x", count: 200_000)))
        for count in [0, 1, 3, 9, 10, 100_000, 200_008] {
            proxy.cut(afterReplyBytes: count)
            let error = try await failure {
                try await client.send([RedisCommand("GET", "large")])
            }
            #expect(error.code == .closed)
            #expect(try await client.send(RedisCommand("STRLEN", "large")) == .integer(200_000))
        }
    }

    @Test func resetsAndRefusals() async throws {
        let rig = try await Rig()
        let proxy = try await CuttingProxy(to: rig.server.port)
        let client = try Rig.client("redis://127.0.0.1:\(proxy.port)")
        try await client.send(RedisCommand("PING"))
        try await rig.server.suspend()
        let before = proxy.requestBytes
        async let results = echo(20, client)
        try await eventually("commands under way") { proxy.requestBytes > before }
        proxy.refuse(true)
        proxy.cutAll()
        for result in await results { #expect([.closed, .unreachable].contains(code(result))) }
        rig.server.resume()
        // Twenty tries at once are one connection: its failure stands for a while.
        let accepted = proxy.accepted
        for result in await echo(20, client) { #expect(code(result) == .unreachable) }
        #expect(proxy.accepted - accepted <= 1)
        proxy.refuse(false)
        try await eventually("a connection") { (try? await client.send(RedisCommand("PING"))) != nil }
    }
}
