import CarillonCore
import CarillonEngine
import CarillonTestSupport
import Logging
import MemoryStore
import Testing
import Timetable

/// Changes of definitions through the live engine.
@Suite struct EngineChangesTests {
    private let clock = ManualClock(now: Timestamp(seconds: 1_767_225_600))
    private let store = MemoryStore()

    private func desk() async throws -> OrderService<ManualClock> {
        let service = try await EngineService(
            store: store, dispatchers: [], feeds: [], clock: clock, zones: ZoneDatabase(), instance: .sample("i"),
            bootID: "b",
            logger: .silent)
        return OrderService(service, version: "1")
    }

    private func job(_ every: String, enabled: Bool = true, feed: String = Origin.orders.feed) -> Job {
        Job(
            name: "a", schedule: ScheduleText(.every(every, anchor: Timestamp(seconds: 0))),
            target: Samples.target, enabled: enabled, origin: Origin(feed: feed))
    }

    @Test func timesBeforeAChangeFollowTheOldSchedule() async throws {
        let desk = try await desk()
        _ = await desk.handle(.put(job("1h"), replacing: false))
        clock.advance(by: 7_200_000_000 + 30_000_000)
        _ = await desk.handle(.put(job("1d"), replacing: true))
        let stored = try #require(await store.job(named: "a"))
        #expect(stored.revision == 2 && stored.cursor == clock.now)
        #expect(stored.nextDue == Timestamp(seconds: 1_767_225_600 + 86_400))
        #expect(try await store.runs(RunQuery()).count + store.skips(RunQuery()).count == 2)
    }

    @Test func timesWhileDisabledAreRecordedUnderTheScheduleTheyHad() async throws {
        let desk = try await desk()
        _ = await desk.handle(.put(job("1h"), replacing: false))
        _ = await desk.handle(.enable("a", false))
        clock.advance(by: 7_200_000_000)
        _ = await desk.handle(.put(job("1d", enabled: false), replacing: true))
        clock.advance(by: 86_400_000_000)
        _ = await desk.handle(.enable("a", true))
        let skips = try await store.skips(RunQuery())
        #expect(skips.map(\.reason) == [.disabled, .disabled])
        #expect(Set(skips.map(\.revision)).count == 2)
        #expect(try await store.runs(RunQuery()).isEmpty)
    }

    @Test func aRefusedChangeStandsInNobodysWay() async throws {
        _ = try await store.apply(
            [.add(job("1h", feed: "files"), cursor: clock.now, nextDue: nil, skips: [])], now: clock.now)
        let desk = try await desk()
        guard case .failed = await desk.handle(.put(job("1d"), replacing: true)) else {
            Issue.record("a job of a feed was changed by an order")
            return
        }
        var other = job("1h")
        other.name = "b"
        guard case .done = await desk.handle(.put(other, replacing: false)) else {
            Issue.record("another job could not be added")
            return
        }
        #expect(try await store.job(named: "b") != nil)
    }

    @Test func changesAtOnceAreMadeOneAfterTheOther() async throws {
        let desk = try await desk()
        _ = await desk.handle(.put(job("1h"), replacing: false))
        await withTaskGroup(of: Void.self) { group in
            for minutes in 1...20 {
                group.addTask { _ = await desk.handle(.put(job("\(minutes)m"), replacing: true)) }
            }
        }
        #expect(try await store.job(named: "a")?.revision == 21)
    }
}
