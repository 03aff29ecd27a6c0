import CarillonCore
import CarillonTestSupport
import FrappeSite
import RedisClient
import Testing
import Timetable

/// What every dispatcher must do, with calls that a site's web server makes.
@Suite(.timeLimit(.minutes(20))) struct ConformanceTests {
    @Test(arguments: DispatcherConformance.allCases)
    func conforms(_ rule: DispatcherConformance) async throws { try await rule.run(try await FrappeFixture()) }
}

/// A site that is slow, wrong or away.
@Suite(.timeLimit(.minutes(20))) struct SiteTests {
    private func dispatches(_ tasks: [String]) -> [Dispatch] {
        tasks.enumerated().map { number, task in
            Dispatch(
                attempt: AttemptID(run: RunID(second: 1_800_000_000, hash: UInt64(number)), attempt: 1), job: task,
                target: .frappe(
                    FrappeTarget(task: task, schedule: "TS-\(number)", timeout: 77, describedAs: "about it")),
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
            dispatches(["TASK-0", "TASK-404", "TASK-417", "TASK-GARBAGE", "TASK-500", "TASK-1"]))
        #expect(results.count == 6 && results[0] == .accepted && results[5] == .accepted)
        let words = results.map { if case .refused(let why) = $0 { why } else { "" } }
        #expect(words[1].contains("404 Not Found: frappe.exceptions.DoesNotExistError: BTU Task TASK-404"))
        #expect(words[2].contains("417 Expectation Failed"))
        #expect(words[3].contains("something else than a pickle for task 'TASK-GARBAGE'"))
        #expect(words[4].contains("500 Internal Server Error: KeyError: 'wages'"))
        let asked = try await fixture.web.count().tasks
        #expect(asked.count { $0 == "TASK-404" } == 1 && asked.count { $0 == "TASK-500" } == 4)
        await dispatcher.shutdown()
    }

    @Test(arguments: [
        ("TASK-HANG", "did not answer within"), ("TASK-DRIP", "did not answer within"), ("TASK-503", "503"),
        ("TASK-CLOSE", "closed the connection"),
    ])
    func aTaskTheSiteStumblesOverFailsAlone(_ task: String, _ words: String) async throws {
        let fixture = try await FrappeFixture()
        let dispatcher = try fixture.dispatcher(timeout: 400_000)
        let results = await dispatcher.dispatch(dispatches([task, "TASK-1"]))
        #expect(results.last == .accepted)
        if case .refused(let why)? = results.first {
            #expect(why.contains(words))
        } else {
            Issue.record("\(results)")
        }
        await dispatcher.shutdown()
    }

    @Test func aTaskThatIsSlowOnceRuns() async throws {
        let fixture = try await FrappeFixture()
        let dispatcher = try fixture.dispatcher(timeout: 400_000)
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
