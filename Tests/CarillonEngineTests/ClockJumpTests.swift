import CarillonCore
import CarillonEngine
import CarillonTestSupport
import Logging
import MemoryStore
import Testing
import Timetable

/// The live engine on a clock that is set a year ahead and put right again.
@Suite struct ClockJumpTests {
    private let clock = ManualClock(now: Samples.noon)
    private let store = MemoryStore()
    private static let year: Int64 = 365 * 86_400
    /// A jump that ends between two hours, so that nothing is due just then.
    private static let jump = (year + 1_800) * 1_000_000

    private func engine() async throws -> Engine<ManualClock> {
        let service = try await EngineService(
            store: store, dispatchers: [], feeds: [], clock: clock, zones: ZoneDatabase(), instance: .sample("test"),
            bootID: "boot", logger: .silent)
        let job = Samples.job("hourly", every: "1h", policies: Policies(overlap: .allow))
        #expect(try await service.engine.put([(job, nil)]) == [])
        return service.engine
    }

    private func scheduled() async throws -> [Timestamp] {
        try await store.runs(RunQuery(job: "hourly", limit: 1_000)).map(\.scheduledAt)
    }

    @Test func aYearAheadAndBackLeavesNothingSilentAndNothingTwice() async throws {
        let engine = try await engine()
        clock.advance(by: 3_600_000_000)
        _ = await engine.tickOnce()
        #expect(try await scheduled() == [Samples.noon.plus(3_600)])

        clock.step(by: Self.jump)
        _ = await engine.tickOnce()
        // Of the missed year the latest hour runs; the rest is one record that says why.
        #expect(try await scheduled().first == Samples.noon.plus(Self.year + 3_600))
        let skip = try #require(try await store.skips(RunQuery(job: "hourly")).first)
        #expect(skip.reason == .clock)
        #expect(skip.through == Samples.noon.plus(Self.year))

        clock.step(by: -Self.jump)
        _ = await engine.tickOnce()
        let job = try #require(try await store.job(named: "hourly"))
        #expect(job.cursor <= clock.now)
        #expect(job.nextDue == Samples.noon.plus(7_200))
        let cut = try await store.skips(RunQuery(job: "hourly"))
        #expect(cut.allSatisfy { $0.through <= clock.now }, "a record reaches into the future")

        clock.advance(by: 3_600_000_000)
        _ = await engine.tickOnce()
        let times = try await scheduled()
        #expect(times.contains(Samples.noon.plus(7_200)), "silent after the clock was put right")
        #expect(Set(times).count == times.count)
    }

    @Test func aSuspendedMachineWakesUpCorrect() async throws {
        let engine = try await engine()
        // Suspended, the wall clock goes on and the monotonic one stands still.
        clock.step(by: 10 * 3_600_000_000 + 1_800_000_000)
        _ = await engine.tickOnce()
        #expect(try await scheduled() == [Samples.noon.plus(36_000)])
        #expect(try await store.skips(RunQuery(job: "hourly")).map(\.through) == [Samples.noon.plus(32_400)])
    }
}
