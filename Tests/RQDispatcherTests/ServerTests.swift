import CarillonCore
import CarillonEngine
import CarillonTestSupport
import RQDispatcher
import RedisClient
import Testing
import Timetable

/// The dispatcher and a real Redis, without a worker.
@Suite(.timeLimit(.minutes(5))) struct ServerTests {
    private static let target = RQTarget(function: "tasks.sync", queue: "default")

    private func dispatch(_ numbers: ClosedRange<Int>, target: RQTarget = Self.target) -> [Dispatch<RQTarget>] {
        numbers.map { number in
            Dispatch(
                attempt: AttemptID(run: RunID(second: 1_800_000_000, hash: UInt64(number)), attempt: 1), job: "j",
                target: target, scheduledAt: Timestamp(seconds: 1_800_000_000))
        }
    }

    private func dispatcher(_ url: String, _ change: (inout RQConfiguration) -> Void = { _ in }) throws -> RQDispatcher
    {
        var configuration = RQConfiguration(redis: try RedisConfiguration(url: url), identity: "test")
        change(&configuration)
        return RQDispatcher(configuration, clock: SystemClock(), logger: .silent)
    }

    private func redis(_ arguments: [String] = []) async throws -> (RedisFixture, RedisClient) {
        let fixture = try RedisFixture(arguments)
        try await fixture.start()
        return (fixture, RedisClient(try RedisConfiguration(url: fixture.url), logger: .silent))
    }

    @Test func aBatchStandsInItsQueuesInOrderAndOnce() async throws {
        let (fixture, client) = try await redis()
        let dispatcher = try dispatcher(fixture.url) {
            $0.queuePrefix = "home-bench"
            // Many scripts on their way at once.
            $0.batch = 20
        }
        let batch = dispatch(1...12_000)
        #expect(await dispatcher.dispatch(batch).allSatisfy { $0 == .accepted })
        #expect(await dispatcher.dispatch(Array(batch.prefix(3))) == [.known, .known, .known])
        let list = try await client.send(RedisCommand("LRANGE", "rq:queue:home-bench:default", "0", "-1"))
        #expect(list.array?.compactMap(\.text) == batch.map(\.attempt.sentName))
        let queues = try await client.send(RedisCommand("SMEMBERS", "rq:queues")).array ?? []
        #expect(queues.map(\.text) == ["rq:queue:home-bench:default"])
        let ttl = try await client.send(RedisCommand("TTL", "carillon:guard:\(batch[0].attempt.sentName)")).integer
        #expect((604_000...604_800).contains(ttl ?? 0))
        let meta = try await client.send(RedisCommand("HGET", "rq:job:\(batch[0].attempt.sentName)", "meta"))
        #expect(meta.bytes?.contains(Array(batch[0].attempt.traceparent.utf8)) == true)
        let depth = await dispatcher.queues(limit: 5)
        #expect(depth == [QueueDepth(name: "home-bench:default", jobs: 12_000, workers: 0)], "\(depth)")
        await dispatcher.acknowledge([batch[0].attempt])
        let rest = try await client.send(RedisCommand("TTL", "carillon:guard:\(batch[0].attempt.sentName)")).integer
        #expect((3_500...3_600).contains(rest ?? 0))
        await dispatcher.shutdown()
    }

    /// A machine that stood still for hours sends the rest of what it wrote, and the guards of that are gone.
    @Test func whatComesTooLateIsNotEnqueued() async throws {
        let (fixture, client) = try await redis()
        _ = fixture
        let words = ["id-1", "default", "data", "2027-01-01T00:00:00Z", "words", "60", "60", "60 default", "meta"]
        func enqueue(sendBy: Int?) async throws -> RedisValue {
            var command = RedisCommand.script(RQScripts.enqueue, keys: [])
            for word in words { command.append(word) }
            if let sendBy { command.append(sendBy) }
            return try await client.send(command)
        }
        let now = try #require(try await client.send(RedisCommand("TIME")).array?.first?.text.flatMap { Int($0) })
        let late = try? await enqueue(sendBy: now - 5)
        #expect(late?.error?.message.contains("too long on its way") ?? true, "\(String(describing: late))")
        #expect(late?.array == nil)
        #expect(try await client.send(RedisCommand("DBSIZE")).integer == 0)
        #expect(try await enqueue(sendBy: now + 60).array?.first?.integer == 1)
        #expect(try await enqueue(sendBy: nil).array?.first?.integer == 0)
        await client.close()
    }

    /// The server's clock counts, not this machine's, and one that is set is read again.
    @Test func aClockOfItsOwnKeepsNothingFromGoingOut() async throws {
        let (fixture, client) = try await redis()
        let clock = ManualClock(now: Timestamp(seconds: 1_000))
        let configuration = RQConfiguration(redis: try RedisConfiguration(url: fixture.url), identity: "test")
        let dispatcher = RQDispatcher(configuration, clock: clock, logger: .silent)
        #expect(await dispatcher.dispatch(dispatch(1...1)) == [.accepted])
        // As if the server's clock had been set ahead by hours, which nobody can have a real one do.
        await dispatcher.noteServerClock(Timestamp(seconds: 1_000))
        let late = await dispatcher.dispatch(dispatch(2...2))
        #expect(late.allSatisfy { if case .away = $0 { true } else { false } }, "\(late)")
        #expect(await dispatcher.dispatch(dispatch(2...2)) == [.accepted])
        #expect(try await client.send(RedisCommand("LLEN", "rq:queue:default")).integer == 2)
        await dispatcher.shutdown()
        await client.close()
    }

    @Test func aQueueThatIsNoListIsRefusedAndLeavesNothing() async throws {
        let (fixture, client) = try await redis()
        try await client.send(RedisCommand("SET", "rq:queue:default", "no list"))
        let dispatcher = try dispatcher(fixture.url)
        let results = await dispatcher.dispatch(dispatch(1...2))
        for result in results {
            guard case .refused(let why) = result else {
                Issue.record("not refused: \(result)")
                continue
            }
            #expect(why.contains("WRONGTYPE"))
        }
        let keys = try await client.send(RedisCommand("KEYS", "*")).array ?? []
        #expect(keys.map(\.text) == ["rq:queue:default"])
        await dispatcher.shutdown()
    }

    @Test func aFullServerTakesNothingAndThenAll() async throws {
        let (fixture, client) = try await redis(["--maxmemory", "300kb"])
        let dispatcher = try dispatcher(fixture.url)
        let results = await dispatcher.dispatch(dispatch(1...3))
        #expect(results.allSatisfy { if case .away(let why) = $0 { why.contains("OOM") } else { false } }, "\(results)")
        try await client.send(RedisCommand("CONFIG", "SET", "maxmemory", "0"))
        #expect(await dispatcher.dispatch(dispatch(1...3)) == [.accepted, .accepted, .accepted])
        await dispatcher.shutdown()
    }

    @Test(arguments: [
        (["--cluster-enabled", "yes"], "Redis Cluster"), (["--replicaof", "127.0.0.1", "1"], "replica"),
    ])
    func aServerThatCannotServeIsRefused(_ arguments: [String], _ word: String) async throws {
        let (fixture, _) = try await redis(arguments)
        let dispatcher = try dispatcher(fixture.url)
        let results = await dispatcher.dispatch(dispatch(1...1))
        guard case .away(let why) = results[0] else {
            Issue.record("taken: \(results)")
            return
        }
        #expect(why.contains(word))
        await dispatcher.expect([("a", Self.target)])
        #expect(await dispatcher.health().trouble?.contains(word) == true)
        await dispatcher.shutdown()
    }

    @Test func anEvictingPolicyIsWarnedOf() async throws {
        let (fixture, _) = try await redis(["--maxmemory", "100mb", "--maxmemory-policy", "volatile-lru"])
        let dispatcher = try dispatcher(fixture.url)
        _ = await dispatcher.dispatch(dispatch(1...1))
        try await dispatcher.round()
        let warnings = await dispatcher.health().warnings
        #expect(warnings.contains { $0.contains("volatile-lru") })
        #expect(warnings.contains("no worker listens to queue 'default'"))
        #expect(await dispatcher.doubts(of: [("a", Self.target)]) == ["no worker listens to queue 'default'"])
        await dispatcher.shutdown()
    }

    /// Redis comes back empty: everything that was out and not started is told as forgotten, and may go out again.
    @Test(arguments: [true, false])
    func aLostMemoryIsNoticed(_ isRestarted: Bool) async throws {
        let (fixture, client) = try await redis()
        let dispatcher = try dispatcher(fixture.url)
        let batch = dispatch(1...50)
        #expect(await dispatcher.dispatch(batch).allSatisfy { $0 == .accepted })
        try await dispatcher.round()
        // One of them is known to have been started.
        try await client.send(RedisCommand("HSET", "rq:job:\(batch[0].attempt.sentName)", "status", "started"))
        try await dispatcher.round()
        if isRestarted {
            await fixture.kill()
            try await fixture.start()
        } else {
            try await client.send(RedisCommand("FLUSHALL"))
        }
        // The first answer after a restart may be that the connection is gone.
        do { try await dispatcher.round() } catch { try await rounds(dispatcher) }
        await dispatcher.shutdown()
        var forgotten: Set<AttemptID> = []
        var lost: [AttemptID] = []
        for await events in dispatcher.events {
            for event in events {
                switch event.what {
                case .forgotten: forgotten.insert(event.attempt)
                case .lost: lost.append(event.attempt)
                default: break
                }
            }
        }
        #expect(forgotten == Set(batch.dropFirst().map(\.attempt)))
        #expect(lost == [batch[0].attempt])
    }

    /// Until the client's backoff has passed.
    private func rounds(_ dispatcher: RQDispatcher) async throws {
        for _ in 0..<100 {
            do { return try await dispatcher.round() } catch { try await Task.sleep(for: .milliseconds(20)) }
        }
        try await dispatcher.round()
    }

    @Test func aServerOutOfReachIsAnAnswerAtOnceAndSaidOnce() async throws {
        let dispatcher = try dispatcher("redis://:secret@127.0.0.1:1")
        for _ in 0..<3 {
            guard case .away(let why) = await dispatcher.dispatch(dispatch(1...1))[0] else {
                Issue.record("taken by nobody")
                return
            }
            #expect(why.contains("127.0.0.1:1") && !why.contains("secret"))
        }
        await dispatcher.shutdown()
    }
}
