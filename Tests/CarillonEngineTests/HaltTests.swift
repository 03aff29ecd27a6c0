import CarillonCore
import CarillonEngine
import CarillonTestSupport
import Logging
import MemoryStore
import Testing
import Timetable

/// A job whose failure somebody must look at before it goes on.
@Suite struct HaltTests {
    private static let failed = DispatchEvent.What.failed(Outcome(exitCode: 1, error: "no good"))

    private func bench(_ overlap: Overlap) throws -> (Bench, JobID) {
        var bench = Bench()
        let id = try bench.add("a", Policies(overlap: overlap, onFailure: .halt))
        return (bench, id)
    }

    @Test func theLedgerHasTheFailureOnceTheStoreHasTheHalt() throws {
        var (bench, id) = try bench(.skip)
        try bench.pass(3_600)
        let first = try #require(bench.dispatched.first)
        try bench.answer([first])
        try bench.tell(first, Self.failed)
        #expect(bench.halts == 1 && bench.state.halting[id]?.why == "no good")
        // Whoever takes over after a crash hears of the failure once more.
        #expect(bench.ledger.runs[first.run]?.state == .pending && bench.acknowledged.isEmpty)
        try bench.pass(7_200)
        #expect(bench.dispatched == [first] && bench.ledger.runs.count == 1)
        try bench.send(.halted([id]))
        #expect(bench.ledger.runs[first.run]?.state == .failed && bench.acknowledged == [first])
        #expect(bench.state.trackedRuns == 0)
    }

    @Test func whatWaitsBehindAFailureIsSkipped() throws {
        var (bench, id) = try bench(.queue(max: 3))
        try bench.pass(3 * 3_600)
        let first = try #require(bench.dispatched.first)
        try bench.answer([first])
        try bench.tell(first, Self.failed)
        try bench.send(.halted([id]))
        let others = bench.ledger.runs.values.filter { $0.id != first.run }
        #expect(others.count == 2 && others.allSatisfy { $0.state == .skipped })
        #expect(others.first?.reason == SkipReason.halted.words)
    }

    @Test func aRunWhoseOutcomeNobodyKnowsHaltsNothing() throws {
        var (bench, _) = try bench(.skip)
        try bench.pass(3_600)
        let first = try #require(bench.dispatched.first)
        try bench.answer([first])
        try bench.tell(first, .lost("the machine died"))
        #expect(bench.halts == 0 && bench.ledger.runs[first.run]?.state == .failed)
    }
}

/// What orders lay on a job, through the live engine.
@Suite struct StandingTests {
    private let clock = ManualClock(now: Timestamp(seconds: 1_767_225_600))
    private let store = MemoryStore()

    private func desk() async throws -> OrderService<ManualClock> {
        let service = try await EngineService(
            store: store, dispatchers: [], feeds: [], clock: clock, zones: ZoneDatabase(), instance: .sample("i"),
            bootID: "b",
            logger: .silent)
        return OrderService(service, version: "1")
    }

    /// As a file feed's reading would have left it.
    private func filed(_ job: Job) async throws {
        let put = JobChange.add(job, cursor: clock.now, nextDue: clock.now, skips: [])
        _ = try await store.apply([put], now: clock.now)
    }

    @Test func aJobOfAFileIsSwitchedOffAndOnAndDeleted() async throws {
        try await filed(Samples.job("a", feed: "files"))
        let desk = try await desk()
        guard case .done(let said) = await desk.handle(.enable("a", false)) else {
            Issue.record("something else came")
            return
        }
        #expect(said == "a is disabled")
        var stored = try #require(await store.job(named: "a"))
        #expect(stored.job.standing?.off == .disabled && stored.job.enabled && stored.nextDue == nil)
        _ = await desk.handle(.enable("a", true))
        stored = try #require(await store.job(named: "a"))
        #expect(stored.job.standing == nil && stored.nextDue != nil)
        guard case .done(let gone) = await desk.handle(.delete("a")) else {
            Issue.record("something else came")
            return
        }
        #expect(gone.contains("deleted until its definition in"))
        stored = try #require(await store.job(named: "a"))
        #expect(stored.job.standing?.off == .deleted(Samples.job("a", feed: "files").digest()))
    }

    @Test func onlyAHaltIsResolvedAndNothingElseLiftsIt() async throws {
        var job = Samples.job("a", feed: "files")
        job.standing = Standing(off: .halted("no good"))
        try await filed(job)
        let desk = try await desk()
        guard case .failed(_, let why) = await desk.handle(.enable("a", true)) else {
            Issue.record("something else came")
            return
        }
        #expect(why.contains("no good") && why.contains("jobs resolve a"))
        _ = await desk.handle(.resolve("a"))
        #expect(try await store.job(named: "a")?.job.standing == nil)
        guard case .failed = await desk.handle(.resolve("a")) else {
            Issue.record("something else came")
            return
        }
    }

    @Test func aDefinitionComesUnderWhatStands() {
        let plain = Samples.job("a", every: "5s")
        #expect(plain.under(nil) == plain)
        let stands = Standing(off: .disabled, anchor: Timestamp(seconds: 7))
        #expect(plain.under(stands).standing == stands)
        #expect(plain.under(stands).schedule.rule == .every("5s", anchor: Timestamp(seconds: 7)))
        // A feed that keeps orders knows better, but for the one it does not have yet; intervals are ours.
        var kept = plain
        kept.standing = Standing()
        #expect(kept.under(stands).standing == Standing(anchor: Timestamp(seconds: 7)))
        let owed = Standing(off: .disabled, isOwed: true)
        #expect(kept.under(owed).standing == owed)
        #expect(kept.under(nil).standing == nil)
    }
}
