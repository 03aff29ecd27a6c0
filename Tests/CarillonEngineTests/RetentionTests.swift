import CarillonCore
import CarillonEngine
import CarillonTestSupport
import Logging
import MemoryStore
import Testing
import Timetable

/// Retention beside an engine at work.
@Suite(.timeLimit(.minutes(5))) struct RetentionTests {
    private let clock = ManualClock(now: Samples.noon)
    private let store = MemoryStore()

    /// An engine whose ledger holds so many runs of the last hour, of which one is to be kept.
    private func engine(runs: Int64) async throws -> Engine<ManualClock> {
        var settings = EngineSettings()
        settings.retention = Retention(age: 86_400_000_000, perJob: 1)
        let service = try await EngineService(
            store: store, dispatchers: [], feeds: [], clock: clock, zones: ZoneDatabase(), instance: .sample("i"),
            bootID: "b",
            settings: settings, logger: .silent)
        #expect(try await service.engine.put([(Samples.job("a", every: "30d"), nil)]) == [])
        try await store.fill(runs)
        return service.engine
    }

    /// A write of retention must not stand before one that opens runs: whatever it takes, it takes of the tick's sleep.
    @Test func itBitesWhileTheTickSleeps() async throws {
        let engine = try await engine(runs: 400)
        await engine.endRest()
        async let pruned: Void = engine.prune()
        await clock.untilSleeping()
        clock.advance(by: 1_000)
        while await !engine.isRestAwaited { await Task.yield() }
        #expect(await store.ledger.runs.count == 400)
        // A nap that ends before a bite would.
        await engine.rest(until: clock.uptime + 500)
        while await !engine.isRestAwaited { await Task.yield() }
        #expect(await store.ledger.runs.count == 400)
        await engine.rest(until: clock.uptime + 3_000)
        await clock.untilSleeping()
        let left = await store.ledger.runs.count
        #expect((1..<400).contains(left), "not one bite, but \(400 - left) runs")
        // The tick has ended: what is left goes, as nobody is in its way.
        await engine.rest(until: .max)
        let time = Task {
            while !Task.isCancelled {
                clock.advance(by: 1_000)
                await Task.yield()
            }
        }
        await pruned
        time.cancel()
        #expect(await store.ledger.runs.count == 1)
    }
}

extension MemoryStore {
    fileprivate func fill(_ count: Int64) throws {
        let job = try #require(ledger.jobs.values.first?.stored)
        for number in 0..<count {
            var run = Samples.run(job, at: Samples.noon.plus(number - 3_600), store: 1)
            run.state = .completed
            run.endedAt = run.scheduledAt
            ledger.runs[run.id] = run
        }
    }
}
