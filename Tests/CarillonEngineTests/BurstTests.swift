import CarillonCore
import CarillonEngine
import MemoryStore
import Testing
import Timetable

/// What keeps a burst short, and what must hold all the same.
@Suite struct BurstTests {
    private func reads(_ effects: [EngineEffect]) -> [[JobID]] {
        effects.compactMap { if case .read(let ids) = $0 { ids } else { nil } }
    }

    @Test func oneFullBatchIsPlannedWhileAnotherIsWritten() {
        let cursors = (1...7).map { JobCursor(id: JobID($0), nextDue: Bench.start) }
        var state = EngineState(storeID: 1, instance: "i", cursors: cursors, now: Bench.start)
        state.limits.batch = 2
        #expect(reads(state.handle(.tick, at: Bench.start)) == [[JobID(1), JobID(2)]])
        #expect(state.isDue(Bench.start))
        #expect(reads(state.handle(.tick, at: Bench.start)) == [[JobID(3), JobID(4)]])
        #expect(!state.isDue(Bench.start))
        #expect(reads(state.handle(.tick, at: Bench.start)) == [])
    }

    @Test func whatComesDueBesideASmallBatchWaitsForIt() {
        let cursors = [JobCursor(id: JobID(1), nextDue: Bench.start)]
        var state = EngineState(storeID: 1, instance: "i", cursors: cursors, now: Bench.start)
        #expect(reads(state.handle(.tick, at: Bench.start)) == [[JobID(1)]])
        _ = state.handle(.changed([JobCursor(id: JobID(2), nextDue: Bench.start)]), at: Bench.start)
        #expect(reads(state.handle(.tick, at: Bench.start)) == [])
    }

    @Test func theLedgerIsNotComparedWhileAPlanIsUnderWay() {
        let cursors = (1...2).map { JobCursor(id: JobID($0), nextDue: Bench.start) }
        var state = EngineState(storeID: 1, instance: "i", cursors: cursors, now: Bench.start)
        state.limits.batch = 1
        _ = state.handle(.tick, at: Bench.start)
        _ = state.handle(.tick, at: Bench.start)
        _ = state.handle(.readFailed([JobID(1)], "no answer"), at: Bench.start)
        let later = Bench.start.adding(microseconds: 2_000_000)
        #expect(state.handle(.tick, at: later).isEmpty)
        _ = state.handle(.readFailed([JobID(2)], "no answer"), at: Bench.start)
        let sweeps = state.handle(.tick, at: later).contains { if case .sweep = $0 { true } else { false } }
        #expect(sweeps)
    }

    /// A job has gone out while another is being read; the effects since, and the attempt.
    private func outBesideAPlan() throws -> (Bench, AttemptID) {
        var bench = Bench()
        bench.state.limits.batch = 1
        for name in ["a", "b"] { try bench.add(name, Policies(overlap: .allow)) }
        bench.now = bench.now.adding(microseconds: 3_600_000_000)
        let first = reads(bench.state.handle(.tick, at: bench.now))
        _ = bench.state.handle(.tick, at: bench.now)
        let id = try #require(first.first?.first)
        let job = try #require(bench.ledger.jobs[id]?.stored)
        let loaded = PlannableJob(job, definition: try #require(bench.definitions[id]))
        try bench.send(.definitions(asked: [id], [loaded]))
        return (bench, try #require(bench.dispatched.first))
    }

    @Test func aMarkWaitsWhileMoreIsDueAndNotForLong() throws {
        var (bench, attempt) = try outBesideAPlan()
        #expect(bench.state.run(attempt.run)?.dispatchedAt != nil)
        #expect(bench.ledger.runs[attempt.run]?.dispatchedAt == nil)
        let wake = try #require(bench.state.nextWake)
        #expect(wake <= bench.now.adding(microseconds: bench.state.limits.markLag))
        bench.now = wake
        try bench.send(.tick)
        #expect(bench.ledger.runs[attempt.run]?.dispatchedAt != nil)
    }

    @Test func anOutcomeWaitsForNothing() throws {
        var (bench, attempt) = try outBesideAPlan()
        try bench.tell(attempt, .succeeded(Outcome(exitCode: 0)))
        #expect(bench.ledger.runs[attempt.run]?.state == .completed)
        #expect(bench.acknowledged == [attempt])
    }

    @Test func aStopLeavesNoMarkBehind() throws {
        var (bench, attempt) = try outBesideAPlan()
        try bench.send(.shutdown(endRuns: false))
        #expect(bench.ledger.runs[attempt.run]?.dispatchedAt != nil)
        #expect(bench.state.unsavedIDs.isEmpty)
    }

    @Test func aDefinitionIsReadBeforeItsTimeAndLetGoAfterIt() throws {
        var bench = Bench()
        let soon = try bench.add("soon", every: "10m", Policies(overlap: .allow))
        let late = try bench.add("late", every: "1h", Policies(overlap: .allow))
        bench.now = bench.now.adding(microseconds: 592_000_000)
        try bench.send(.tick)
        #expect(bench.state.cached([soon, late]).missing == [late])
        try bench.pass(10)
        #expect(bench.dispatched.count == 1)
        #expect(bench.state.cached([soon]).missing == [soon])
    }

    @Test func aDefinitionThatChangedWhileItWasReadIsReadAgain() throws {
        var bench = Bench()
        let id = try bench.add("a", every: "10m", Policies(overlap: .allow))
        bench.now = bench.now.adding(microseconds: 592_000_000)
        let asks = bench.state.handle(.tick, at: bench.now).contains { if case .readAhead = $0 { true } else { false } }
        #expect(asks)
        let stored = try #require(bench.ledger.jobs[id]?.stored)
        let old = PlannableJob(stored, definition: try #require(bench.definitions[id]))
        try bench.send(.changed([JobCursor(id: id, nextDue: stored.nextDue)]))
        try bench.send(.ahead(asked: [id], [old]))
        #expect(bench.state.cached([id]).missing == [id])
    }
}
