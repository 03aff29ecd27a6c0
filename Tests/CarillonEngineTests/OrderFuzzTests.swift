import CarillonCore
import CarillonEngine
import CarillonTestSupport
import Foundation
import Logging
import MemoryStore
import Testing
import Timetable

/// Orders as nobody would write them: every one is answered, and the daemon lives on.
@Suite(.timeLimit(.minutes(10))) struct OrderFuzzTests {
    private let clock = ManualClock(now: Samples.noon)
    private let store = MemoryStore()

    private func service() async throws -> EngineService<ManualClock> {
        var settings = EngineSettings()
        settings.grace = 0
        return try await EngineService(
            store: store, dispatchers: [], feeds: [], clock: clock, zones: ZoneDatabase(), instance: .sample("i"),
            bootID: "b",
            settings: settings, logger: .silent)
    }

    private static let orders: [Order] = {
        var job = Samples.job("a", policies: Policies(catchUp: .all(limit: 5, rate: 2), window: 1_000_000_000))
        job.policies.retry = Retry(attempts: 3)
        job.policies.startTimeout = 5
        var cron = job
        cron.name = "b"
        cron.schedule = ScheduleText(.cron("*/5 2 L * *", .unix, anchor: Samples.noon), zone: "Europe/Berlin")
        cron.schedule.exclusions = [.init(name: "x", dates: ["2026-12-25"])]
        cron.target = Target(
            kind: Target.Kind(rawValue: "other"), summary: "b", body: #"{"arguments":[[{"k":1.5}]],"function":"a.b"}"#)
        return [
            .jobs(JobQuery(names: ["a*"], tags: ["t"], after: "a", limit: 5)), .definition("a"), .job("a"),
            .runs(RunQuery(job: "a", states: [.failed], since: Samples.noon)),
            .run("6b0197"), .why(job: "a", time: "12:00"), .feeds, .status, .put(job, replacing: false),
            .put(cron, replacing: true), .enable("a", false), .enable("a", true), .stop("a"), .resolve("a"),
            .skip("a", true), .skip("a", at: "2030-01-01 00:00", true), .skip("a", false),
            .forecast(ForecastQuery(until: Samples.noon.adding(microseconds: 86_400_000_000), parts: 24)),
            .start("a"), .cancel("6b01"), .pause(reason: "why"), .resume(), .acceptFeed("files"), .delete("b"),
            .pause(reason: "why", length: 60_000_000), .retry("6b0197"), .audits(AuditQuery(subject: "a")), .reload,
            .agenda(AgendaQuery(names: ["*"], until: Samples.noon.adding(microseconds: 86_400_000_000))), .ping,
            .pause(reason: "why", tags: ["t"]), .resume(tags: ["t"]), .output(run: "6b0197", from: 5),
            .missed(
                BackfillQuery(job: "a", from: Samples.noon, until: Samples.noon.adding(microseconds: 1), what: .all)),
            .backfill(job: "a", [BackfillTime(at: Samples.noon, repeats: "6b0197")], rate: 2.5),
        ]
    }()

    @Test func everyOrderIsAnswered() async throws {
        let seed = Fuzz.seed
        var mangler = Mangler(seed: seed)
        let service = try await service()
        let desk = OrderService(service, version: "1")
        let texts = try Self.orders.map { Array(try JSONText.encode($0).utf8) }
        var orders = 0
        for _ in 0..<Fuzz.rounds(20_000) {
            let text = mangler.chance(0.1) ? mangler.pick(texts) : mangler.mangle(mangler.pick(texts), with: texts)
            guard let order = try? JSONText.decode(Order.self, String(decoding: text, as: UTF8.self)) else { continue }
            orders += 1
            let reply = await desk.handle(order)
            _ = try JSONText.encode(reply)
            if mangler.chance(0.05) {
                clock.advance(by: mangler.number(0...200_000_000))
                _ = await service.engine.tickOnce()
            }
        }
        print("fuzz: \(orders) orders from seed \(seed)")
        #expect(orders > 100, "seed \(seed)")
        guard case .status = await desk.handle(.status) else {
            Issue.record("no status after seed \(seed)")
            return
        }
    }

    /// Numbers at the ends of their ranges, in every place that an order has for one.
    @Test(arguments: [
        #"{"runs":{"_0":{"limit":-1,"states":[],"triggers":[]}}}"#,
        #"{"runs":{"_0":{"limit":-9223372036854775808,"states":[],"triggers":[]}}}"#,
        #"{"jobs":{"_0":{"names":[],"tags":[],"states":[],"order":"name","limit":-1},"asLines":false}}"#,
        #"{"jobs":{"_0":{"names":[],"tags":[],"states":[],"order":"next","limit":0},"asLines":true}}"#,
        #"{"audits":{"_0":{"limit":0}}}"#,
        #"{"agenda":{"_0":{"names":[],"tags":[],"until":0,"limit":-1}}}"#,

    ])
    func aNumberThatMakesNoSenseIsSaid(_ text: String) async throws {
        let desk = OrderService(try await service(), version: "1")
        guard case .failed("bad", let why) = await desk.handle(try JSONText.decode(Order.self, text)) else {
            Issue.record("it was taken: \(text)")
            return
        }
        #expect(why.contains("limit"))
    }

    @Test func aJobThatNobodyCanKeepIsRefused() async throws {
        let desk = OrderService(try await service(), version: "1")
        var job = Samples.job("a")
        job.policies.startTimeout = .min
        guard case .failed("bad", let why) = await desk.handle(.put(job, replacing: false)) else {
            Issue.record("it was taken")
            return
        }
        #expect(why.contains("below zero"))
    }
}
