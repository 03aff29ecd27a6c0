import CarillonCore
import CarillonEngine
import CarillonTestSupport
import Logging
import MemoryStore
import Testing
import Timetable

/// Stored jobs that this build cannot read.
@Suite(.timeLimit(.minutes(1))) struct FaultyRowTests {
    private let clock = ManualClock(now: Samples.noon)
    private let store = MemoryStore()
    private let feed = SourceFeed()

    private func service() async throws -> EngineService<ManualClock> {
        try await EngineService(
            store: store, dispatchers: [], feeds: [feed], clock: clock, zones: ZoneDatabase(), instance: "i",
            bootID: "b", logger: .silent)
    }

    /// Its digest is as it was, and it is due in a month: nobody else would look at it before.
    @Test func oneThatIsNotDueIsFoundAndHealedBeforeItsTime() async throws {
        feed.set(["a": (0..<120).map { "job \($0)" }])
        var service = try await service()
        await service.reconciler.reconcile(feed)
        try await store.damage("job 99")
        service = try await self.service()
        await service.reconciler.reconcile(feed)
        #expect(try await store.job(named: "job 99")?.fault != nil, "an unchanged definition was written again")
        async let inspected: Void = service.engine.inspect()
        for _ in 0..<3 {
            await clock.untilSleeping()
            clock.advance(by: 1_000_000)
        }
        await inspected
        guard case .status(let status) = await OrderDesk(service, version: "1").handle(.status) else {
            Issue.record("no status")
            return
        }
        #expect(status.connections.first?.warnings == ["job 'job 99' cannot be read: rotten"])
        await service.reconciler.reconcile(feed)
        let healed = try #require(await store.job(named: "job 99"))
        #expect(healed.fault == nil && healed.nextDue != nil)
        // Nothing was due meanwhile, so nothing was missed.
        #expect(try await store.skips(RunQuery()).isEmpty)
    }

    @Test func whatCameMeanwhileIsSaid() async throws {
        feed.set(["a": ["one"]])
        var service = try await service()
        await service.reconciler.reconcile(feed)
        try await store.damage("one")
        clock.advance(by: 31 * 86_400_000_000)
        service = try await self.service()
        async let inspected: Void = service.engine.inspect()
        await clock.untilSleeping()
        clock.advance(by: 1_000_000)
        await inspected
        await service.reconciler.reconcile(feed)
        #expect(try await store.skips(RunQuery()).map(\.reason) == [.faulty])
    }
}

extension MemoryStore {
    fileprivate func damage(_ name: String) throws {
        let id = try #require(ledger.jobs.first { $0.value.stored.job.name == name }?.key)
        ledger.jobs[id]?.stored.fault = "rotten"
    }
}
