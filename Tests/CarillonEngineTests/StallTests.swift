import CarillonCore
import CarillonEngine
import CarillonTestSupport
import Logging
import MemoryStore
import Synchronization
import Testing
import Timetable

/// The live engine after a while in which it could not look.
@Suite(.timeLimit(.minutes(5))) struct StallTests {
    private let clock = ManualClock(now: Samples.noon)
    private let store = MemoryStore()

    private func engine(_ policies: Policies) async throws -> Engine<ManualClock> {
        let service = try await EngineService(
            store: store, dispatchers: [], feeds: [], clock: clock, zones: ZoneDatabase(), instance: .sample("test"),
            bootID: "boot", logger: .silent)
        #expect(
            try await service.engine.put([(Samples.job("every second", every: "1s", policies: policies), nil)]) == [])
        return service.engine
    }

    @Test func aSleepThatTookTooLongIsTheReasonOfWhatWasMissed() async throws {
        let engine = try await engine(Policies(catchUp: .skip, overlap: .skip))
        clock.advance(by: 20_500_000)
        async let heard: Void = engine.noticeStall(after: 20_000_000)
        // Executors are heard before anything is planned.
        await clock.untilSleeping()
        #expect(try await store.runs(RunQuery()).isEmpty)
        clock.advance(by: 100_000)
        await heard
        _ = await engine.tickOnce()
        #expect(try await store.runs(RunQuery()).map(\.scheduledAt) == [Samples.noon.plus(20)])
        let skips = try await store.skips(RunQuery())
        #expect(skips.map(\.reason) == [.stall] && skips.map(\.through) == [Samples.noon.plus(19)])
    }

    @Test func aMomentMoreIsNoStall() async throws {
        let engine = try await engine(Policies())
        await engine.noticeStall(after: 900_000)
        #expect(await engine.gapReasons == [.downtime])
    }

    @Test func aMachineThatSleptIsNoClockThatJumped() {
        var watch = ClockWatch(now: Samples.noon, uptime: 0, sinceBoot: 0)
        let slept = watch.step(now: Samples.noon.plus(61), uptime: 1_000_000, sinceBoot: 61_000_000, jump: 2_000_000)
        #expect(slept?.by == 60_000_000 && slept?.isSuspension == true)
        let set = watch.step(now: Samples.noon.plus(122), uptime: 2_000_000, sinceBoot: 62_000_000, jump: 2_000_000)
        #expect(set?.by == 60_000_000 && set?.isSuspension == false)
        let back = watch.step(now: Samples.noon, uptime: 3_000_000, sinceBoot: 63_000_000, jump: 2_000_000)
        #expect(back?.by == -123_000_000 && back?.isSuspension == false)
        #expect(watch.step(now: Samples.noon.plus(1), uptime: 4_000_000, sinceBoot: 64_000_000, jump: 2_000_000) == nil)
    }
}
