import CarillonCore
import CarillonEngine
import CarillonTestSupport
import MemoryStore
import Testing
import Timetable

/// A job that is to skip times, from the order to the ledger.
@Suite(.timeLimit(.minutes(5))) struct SkippingTests {
    private struct Unexpected: Error { var words: String }

    private func done(_ desk: OrderService<ManualClock>, _ order: Order) async throws -> String {
        guard case .done(let words) = await desk.handle(order) else {
            throw Unexpected(words: "refused: \(await desk.handle(order))")
        }
        return words
    }

    private func refusal(_ desk: OrderService<ManualClock>, _ order: Order) async throws -> String {
        guard case .failed(_, let why) = await desk.handle(order) else {
            throw Unexpected(words: "carried out: \(order)")
        }
        return why
    }

    private func view(_ desk: OrderService<ManualClock>) async throws -> JobView {
        guard case .jobs(let views, _) = await desk.handle(.job("hourly")) else {
            throw Unexpected(words: "no job")
        }
        return try #require(views.first)
    }

    private func why(_ desk: OrderService<ManualClock>, _ time: String) async throws -> WhyView {
        guard case .why(let view) = await desk.handle(.why(job: "hourly", time: time)) else {
            throw Unexpected(words: "no answer")
        }
        return view
    }

    private let clock = ManualClock(now: Samples.noon)
    private let store = MemoryStore()

    @Test func aTimeIsSkippedOrTakenBackAndAllOthersRun() async throws {
        let service = try await EngineService(
            store: store, dispatchers: [StubDispatcher()], feeds: [], clock: clock, zones: ZoneDatabase(),
            instance: .sample("i"), bootID: "b", settings: EngineSettings(), logger: .silent)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            try await story(OrderService(service, version: "1"))
            group.cancelAll()
        }
    }

    private func story(_ desk: OrderService<ManualClock>) async throws {
        var job = Samples.job("hourly")
        job.origin = .orders
        job.policies.overlap = .allow
        job.schedule = ScheduleText(.cron("0 * * * *", .unix, anchor: clock.now), zone: "Europe/Berlin")
        _ = try await done(desk, .put(job, replacing: false))
        let noon = Samples.noon
        let zone = try ZoneDatabase().zone("Europe/Berlin")
        let at = { (hours: Int64) in noon.adding(microseconds: hours * 3_600_000_000) }
        #expect(try await view(desk).next == at(1))

        #expect(try await done(desk, .skip("hourly", true)) == "hourly skips \(zone.format(at(1)))")
        #expect(try await done(desk, .skip("hourly", true)) == "hourly skips \(zone.format(at(2)))")
        #expect(
            try await done(desk, .skip("hourly", at: zone.format(at(4)).prefix(16).description, true)).contains(
                zone.format(at(4))))
        var seen = try await view(desk)
        #expect(seen.next == at(3) && seen.skipping == [at(1), at(2), at(4)])
        #expect(
            try await refusal(desk, .skip("hourly", at: at(1).adding(microseconds: 60_000_000).rfc3339, true)).contains(
                "expected a time of hourly that is to come, such as"))
        #expect(try await refusal(desk, .skip("hourly", at: at(-1).rfc3339, true)).contains("to come"))
        #expect(try await refusal(desk, .skip("hourly", at: at(3).rfc3339, false)) == "hourly is to skip no such time")
        #expect(
            try await done(desk, .skip("hourly", at: at(2).rfc3339, false))
                == "hourly runs at \(zone.format(at(2))) again")
        let coming = try await why(desk, at(1).rfc3339)
        #expect(coming.verdict == .skipped && coming.lines.joined().contains("an order said to skip this time"))
        guard case .agenda(let lines, _) = await desk.handle(.agenda(AgendaQuery(until: at(5)))) else {
            throw Unexpected(words: "no agenda")
        }
        #expect(lines.map(\.at) == [at(2), at(3), at(5)])

        // Another definition is under the same order.
        job.tags = ["eu"]
        _ = try await done(desk, .put(job, replacing: true))
        #expect(try await view(desk).skipping == [at(1), at(4)])

        for hour in 1...5 {
            clock.advance(by: 3_600_000_000)
            try await eventually("\(hour) o'clock is planned") {
                clock.advance(by: 1_000)
                return try await store.job(named: "hourly")?.cursor == at(Int64(hour))
            }
        }
        guard case .runs(let runs) = await desk.handle(.runs(RunQuery(job: "hourly", limit: 20))) else {
            throw Unexpected(words: "no runs")
        }
        #expect(runs.filter { $0.state != .skipped }.map(\.scheduledAt) == [at(5), at(3), at(2)])
        #expect(runs.filter { $0.state == .skipped }.map(\.scheduledAt) == [at(4), at(1)])
        #expect(runs.allSatisfy { $0.state != .skipped || $0.skipReason == .ordered })
        let past = try await why(desk, at(1).rfc3339)
        #expect(past.steps.last?.check == .on && past.steps.last?.holds == false)
        seen = try await view(desk)
        #expect(seen.next == at(6) && seen.skipping.isEmpty)
        // What is past goes with the next such order.
        _ = try await done(desk, .skip("hourly", true))
        #expect(try await store.job(named: "hourly")?.job.standing?.skipping == [at(6)])
    }
}
