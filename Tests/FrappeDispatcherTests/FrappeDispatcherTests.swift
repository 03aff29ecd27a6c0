import CarillonCore
import CarillonTestSupport
import FrappeDispatcher
import FrappeFeed
import FrappeSite
import RedisClient
import Testing
import Timetable

/// What every dispatcher must do, with calls that a site's web server makes.
@Suite(.timeLimit(.minutes(5))) struct ConformanceTests {
    @Test(arguments: DispatcherConformance.allCases)
    func conforms(_ rule: DispatcherConformance) async throws { try await rule.run(try await FrappeFixture()) }
}

/// A site that is slow, wrong or away.
@Suite(.timeLimit(.minutes(5))) struct SiteTests {
    private func dispatches(_ tasks: [String]) -> [Dispatch<FrappeTarget>] {
        tasks.enumerated().map { number, task in
            Dispatch(
                attempt: AttemptID(run: RunID(second: 1_800_000_000, hash: UInt64(number)), attempt: 1), job: task,
                target: FrappeTarget(task: task, schedule: "TS-\(number)", timeout: 77, describedAs: "about it"),
                scheduledAt: Timestamp(seconds: 1_800_000_000))
        }
    }

    @Test func fiveHundredAtOnceAskForEightAtATimeAndEachHasItsOwnPickle() async throws {
        let fixture = try await FrappeFixture(delay: 0.01)
        fixture.worker.kill()
        let dispatcher = try fixture.dispatcher()
        let batch = dispatches((0..<500).map { "WAGES-\($0)" })
        #expect(await dispatcher.dispatch(batch) == batch.map { _ in .accepted })
        let count = try await fixture.web.count()
        #expect(count.requests == 500 && count.most <= 8 && count.most > 1)
        #expect(Set(count.tasks).count == 500)
        #expect(try await fixture.ask(RedisCommand("LLEN", "rq:queue:default")).integer == 500)
        for (number, dispatch) in batch.enumerated() {
            let job =
                try await fixture.ask(
                    RedisCommand("HMGET", "rq:job:\(dispatch.attempt.sentName)", "data", "timeout", "description")
                ).array ?? []
            let data = String(decoding: job.first?.bytes ?? [], as: UTF8.self)
            #expect(data.contains("WAGES-\(number)") && data.contains("TS-\(number)"))
            #expect(job.dropFirst().map(\.text) == ["77", "about it"])
        }
        await dispatcher.shutdown()
    }

    @Test func aTaskTheSiteRefusesFailsAloneAndAtOnce() async throws {
        let fixture = try await FrappeFixture()
        let dispatcher = try fixture.dispatcher()
        let results = await dispatcher.dispatch(
            dispatches(["TASK-0", "TASK-404", "TASK-417", "TASK-GARBAGE", "TASK-1"]))
        #expect(results.count == 5 && results[0] == .accepted && results[4] == .accepted)
        let words = results.map { if case .refused(let why) = $0 { why } else { "" } }
        #expect(words[1].contains("404 Not Found: frappe.exceptions.DoesNotExistError: BTU Task TASK-404"))
        #expect(words[2].contains("417 Expectation Failed"))
        #expect(words[3].contains("something else than a pickle for task 'TASK-GARBAGE'"))
        let asked = try await fixture.web.count().tasks
        #expect(asked.count { $0 == "TASK-404" } == 1)
        await dispatcher.shutdown()
    }

    /// The site answers a ping, and everybody else.
    @Test(arguments: [
        ("TASK-HANG", "did not answer within", 1), ("TASK-DRIP", "did not answer within", 1), ("TASK-503", "503", 2),
        ("TASK-CLOSE", "closed the connection", 2), ("TASK-500", "500 Internal Server Error: KeyError: 'wages'", 2),
    ])
    func aTaskTheSiteStumblesOverWaitsAloneAndNotForEver(_ task: String, _ words: String, _ requests: Int) async throws
    {
        let fixture = try await FrappeFixture()
        let clock = ManualClock(now: Timestamp(seconds: 1_800_000_000))
        let dispatcher = try fixture.dispatcher(timeout: 400_000, clock: clock)
        let results = await dispatcher.dispatch(dispatches([task, "TASK-1"]))
        #expect(results.last == .accepted)
        if case .unavailable(let why)? = results.first {
            #expect(why.contains(words))
        } else {
            Issue.record("\(results)")
        }
        #expect(try await fixture.web.count().tasks.count { $0 == task } == requests)
        var health = await dispatcher.health()
        #expect(health.trouble == nil && health.warnings.contains { $0.contains("fails for 1 run") })
        clock.advance(by: FrappeDispatcher.patience)
        let last = await dispatcher.dispatch(dispatches([task]))
        if case .refused(let why)? = last.first {
            #expect(why.contains(words) && why.contains("for 10m and more"))
        } else {
            Issue.record("\(last)")
        }
        health = await dispatcher.health()
        #expect(!health.warnings.contains { $0.contains("the site answers") })
        await dispatcher.shutdown()
    }

    @Test func aTaskThatIsSlowOnceRuns() async throws {
        let fixture = try await FrappeFixture()
        let dispatcher = try fixture.dispatcher(timeout: 400_000)
        let first = await dispatcher.dispatch(dispatches(["TASK-ONCE"]))
        #expect(first == [.unavailable("http://127.0.0.1:\(fixture.web.port) did not answer within 0.4 s")])
        #expect(await dispatcher.dispatch(dispatches(["TASK-ONCE"])) == [.accepted])
        await dispatcher.shutdown()
    }

    @Test func aSiteThatHangsIsAway() async throws {
        let fixture = try await FrappeFixture()
        let dispatcher = try fixture.dispatcher(timeout: 300_000)
        try await fixture.web.suspend()
        let results = await dispatcher.dispatch(dispatches(["TASK-2", "TASK-3"]))
        fixture.web.resume()
        #expect(results.allSatisfy { if case .away = $0 { true } else { false } }, "\(results)")
        await dispatcher.shutdown()
    }

    @Test func nobodyIsAskedWhileRedisIsAway() async throws {
        let fixture = try await FrappeFixture()
        let dispatcher = try fixture.dispatcher()
        await fixture.redis.stop()
        let results = await dispatcher.dispatch(dispatches((0..<500).map { "WAGES-\($0)" }))
        #expect(results.count == 500)
        #expect(results.allSatisfy { if case .away(let why) = $0 { why.contains("Redis") } else { false } })
        #expect(try await fixture.web.count().requests <= 64)
        await dispatcher.shutdown()
    }

    @Test func aSiteThatIsDownIsAwayForAllAndAskedByFew() async throws {
        let fixture = try await FrappeFixture()
        let dispatcher = try fixture.dispatcher()
        await fixture.web.kill()
        let batch = dispatches((0..<500).map { "WAGES-\($0)" })
        let results = await dispatcher.dispatch(batch)
        #expect(results.count == 500)
        #expect(
            results.allSatisfy { if case .away(let why) = $0 { why.contains("connection refused") } else { false } })
        #expect(await dispatcher.health().trouble?.contains("connection refused") == true)
        try await fixture.web.start()
        #expect(await dispatcher.dispatch(batch) == batch.map { _ in .accepted })
        #expect(await dispatcher.health().trouble == nil)
        await dispatcher.shutdown()
    }

    @Test func aBackendThatIsDownBehindItsProxyIsAway() async throws {
        let fixture = try await FrappeFixture()
        let dispatcher = try fixture.dispatcher()
        try fixture.web.loseBackend()
        let results = await dispatcher.dispatch(dispatches(["TASK-1"]))
        #expect(results.allSatisfy { if case .away(let why) = $0 { why.contains("503") } else { false } }, "\(results)")
        await dispatcher.shutdown()
    }

    @Test func aWrongTokenIsSaidWithoutTheToken() async throws {
        let fixture = try await FrappeFixture()
        let site = fixture.site(token: "token wrong:s3cret")
        let error = await #expect(throws: FrappeSiteError.self) { try await site.pickle(task: "TASK-1", schedule: nil) }
        #expect(error?.message.contains("403 Forbidden: AuthenticationError") == true)
        #expect(error?.message.contains("s3cret") == false)
        await site.close()
    }

    @Test func theSitesNameGoesAlong() async throws {
        let fixture = try await FrappeFixture()
        let site = fixture.site(host: "erp.example.com")
        #expect(try await site.ping() == "pong")
        #expect(try await site.sample("test_hello_world_bytes") == Array("hello world".utf8))
        #expect(try await site.sample("test_function_ping_now_bytes").first == 0x80)
        #expect(try await fixture.web.count().hosts == ["erp.example.com"])
        await site.close()
    }

    @Test func behindTLSTheCertificateMustBeTrusted() async throws {
        let web = try FrappeWeb(tls: true)
        try await web.start()
        func ping(_ name: String, caFile: String?, verifies: Bool = true) async throws -> String {
            var configuration = FrappeSiteConfiguration(
                host: "127.0.0.1", port: web.port, hostHeader: name, token: FrappeWeb.token)
            configuration.isSecure = true
            configuration.caFile = caFile
            configuration.verifies = verifies
            let site = FrappeSite(configuration)
            do {
                let word = try await site.ping()
                await site.close()
                return word
            } catch {
                await site.close()
                throw error
            }
        }
        #expect(try await ping("localhost", caFile: web.caFile) == "pong")
        #expect(try await web.count().hosts == ["localhost"])
        let error = await #expect(throws: FrappeSiteError.self) { try await ping("localhost", caFile: nil) }
        #expect(error?.message.contains("cannot be reached") == true, "\(error?.message ?? "")")
        #expect(try await ping("erp.example.com", caFile: nil, verifies: false) == "pong")
    }
}
