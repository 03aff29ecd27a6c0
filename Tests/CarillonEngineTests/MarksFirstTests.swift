import CarillonCore
import CarillonEngine
import CarillonTestSupport
import MemoryStore
import Testing
import Timetable

/// Where several share, what lives on one machine is in the ledger as handed over before it is.
@Suite struct MarksFirstTests {
    private static let lanes = [LaneState(isBound: true)]

    /// A job of every hour, whose first run is due and cannot be marked yet.
    private func marking() throws -> (Bench, RunID) {
        var bench = Bench()
        bench.state = EngineState(
            storeID: 1, instance: "i", cursors: [], now: Bench.start, lanes: Self.lanes, machine: "here")
        try bench.add("a", Policies(overlap: .skip))
        bench.saveFails = true
        try bench.pass(3_600)
        let run = try #require(bench.ledger.runs.values.first)
        #expect(bench.dispatched.isEmpty && run.dispatchedAt == nil)
        return (bench, run.id)
    }

    @Test func nothingIsHandedOverBeforeItsMarkIsInTheLedger() throws {
        var (bench, run) = try marking()
        bench.saveFails = false
        try bench.pass(10)
        #expect(bench.dispatched == [AttemptID(run: run, attempt: 1)])
        #expect(bench.ledger.runs[run]?.dispatchedAt != nil)
        // It ends as any other, and the next one goes the same way.
        try bench.answer(bench.dispatched)
        try bench.send(.told([DispatchEvent(attempt: bench.dispatched[0], at: bench.now, what: .succeeded(Outcome()))]))
        #expect(bench.ledger.runs[run]?.state == .completed)
        try bench.pass(3_600)
        #expect(bench.dispatched.count == 2)
    }

    @Test func whatIsCancelledBeforeThatEndsWithoutBeingHandedOver() throws {
        var (bench, run) = try marking()
        try bench.send(.cancel(run, reason: "by hand"))
        bench.saveFails = false
        try bench.pass(10)
        #expect(bench.dispatched.isEmpty)
        #expect(bench.ledger.runs[run]?.state == .cancelled)
        try bench.pass(3_600)
        #expect(bench.dispatched.count == 1, "its job goes on")
    }

    /// Whoever is given the shard finds the run as one that nobody has.
    @Test(arguments: [false, true]) func whatIsToGoIsNotHandedOver(isStopping: Bool) throws {
        var (bench, run) = try marking()
        let shard = Shard(of: try #require(bench.ledger.runs[run]).jobID)
        try bench.send(isStopping ? .shutdown(endRuns: false) : .leave([shard]))
        #expect(isStopping || !bench.state.isQuiet)
        bench.saveFails = false
        try bench.pass(10)
        #expect(bench.dispatched.isEmpty)
        #expect(bench.ledger.runs[run]?.dispatchedAt == nil)
        if isStopping { return }
        #expect(bench.state.isQuiet)
        // Where it stays after all, it goes out.
        try bench.send(.took([shard], bench.ledger.cursors(), since: bench.now))
        try bench.pass(10)
        #expect(bench.dispatched == [AttemptID(run: run, attempt: 1)])
    }

    @Test func whatIsGivenIsForgotten() throws {
        var (bench, run) = try marking()
        bench.saveFails = false
        try bench.pass(10)
        let shard = Shard(of: try #require(bench.ledger.runs[run]).jobID)
        try bench.send(.leave([shard]))
        #expect(!bench.state.isQuiet, "its batch has not come back")
        try bench.answer(bench.dispatched)
        #expect(bench.state.isQuiet)
        try bench.send(.gave([shard]))
        #expect(bench.state.trackedRuns == 0 && bench.state.jobsInHeap == 0)
        #expect(!bench.state.holds(try #require(bench.ledger.runs[run]).jobID))
        // Nothing that comes of it later moves anything here.
        try bench.send(.told([DispatchEvent(attempt: bench.dispatched[0], at: bench.now, what: .succeeded(Outcome()))]))
        #expect(bench.acknowledged.isEmpty)
        try bench.pass(7_200)
        #expect(bench.dispatched.count == 1)
    }
}
