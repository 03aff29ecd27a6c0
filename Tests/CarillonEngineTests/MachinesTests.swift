import CarillonCore
import CarillonEngine
import CarillonTestSupport
import MemoryStore
import Testing
import Timetable

/// Runs whose shard is here, and that live on another machine.
@Suite struct MachinesTests {
    /// A job of every hour, whose first run is out on another machine; another job is there besides.
    private func elsewhere(_ policies: Policies, capacity: Int? = nil) throws -> (Bench, Run) {
        var bench = Bench()
        let lanes = [LaneState(capacity: capacity, isBound: true, lostAfter: 120_000_000)]
        bench.state = EngineState(
            storeID: 1, instance: "i", cursors: [], now: Bench.start, lanes: lanes, machine: "here")
        try bench.add("a", policies)
        try bench.pass(3_600)
        var run = try #require(bench.ledger.runs.values.first)
        #expect(run.machine == "here")
        // Somebody else has handed it over, and gives the shard.
        run.machine = "there"
        run.instance = "other"
        bench.ledger.overwrite(run.id) { $0 = run }
        let shard = Shard(of: run.jobID)
        try bench.answer(bench.dispatched)
        try bench.send(.leave([shard]))
        try bench.send(.gave([shard]))
        try bench.send(.adopted([run], bench.definitions))
        try bench.send(.took([shard], bench.ledger.cursors(), since: bench.now))
        return (bench, run)
    }

    private func told(_ run: Run, _ what: DispatchEvent.What, _ bench: Bench) -> EngineEvent {
        .told([DispatchEvent(attempt: AttemptID(run: run.id, attempt: run.attempt), at: bench.now, what: what)])
    }

    @Test func itTakesNoPlaceHereAndEndsWhereItIs() throws {
        var (bench, run) = try elsewhere(Policies(overlap: .skip), capacity: 1)
        try bench.add("b", Policies(overlap: .skip))
        try bench.pass(3_600)
        #expect(bench.dispatched.count == 2, "there is room for one here")
        try bench.send(.cancel(run.id, reason: "by hand"))
        #expect(bench.cancelled.isEmpty && bench.endedElsewhere == ["\(run.id)-1 on there"])
        try bench.send(told(run, .cancelled(Outcome(signal: 15)), bench))
        #expect(bench.ledger.runs[run.id]?.state == .cancelled)
    }

    /// Its word may come twice, when it is out again elsewhere: that is another attempt, and no try that counts.
    @Test func oneThatWasNeverStartedGoesOutAgain() throws {
        var (bench, run) = try elsewhere(Policies(overlap: .skip))
        for _ in 1...2 { try bench.send(told(run, .unstarted("its instance ended"), bench)) }
        try bench.pass(10)
        #expect(bench.dispatched.last == AttemptID(run: run.id, attempt: 2))
        let now = try #require(bench.ledger.runs[run.id])
        #expect(now.machine == "here" && now.attempt == 2 && now.republications == 1)
    }

    @Test(arguments: [false, true]) func oneWhoseMachineIsAwayIsGivenUpInTheEnd(isTriedAgain: Bool) throws {
        var policies = Policies(overlap: .skip)
        if isTriedAgain { policies.onLost = .retry }
        var (bench, run) = try elsewhere(policies)
        let minute: Int64 = 60_000_000
        try bench.send(.present(["here", "there"], at: 0))
        try bench.send(.present(["here"], at: minute))
        try bench.send(.present(["here"], at: 2 * minute))
        // It is back for a moment, and its time begins anew.
        try bench.send(.present(["here", "there"], at: 3 * minute))
        try bench.send(.present(["here"], at: 4 * minute))
        try bench.send(.present(["here"], at: 6 * minute - 1))
        #expect(bench.ledger.runs[run.id]?.state == .pending && bench.ledger.runs[run.id]?.attempt == 1)
        try bench.send(.present(["here"], at: 6 * minute))
        let now = try #require(bench.ledger.runs[run.id])
        if isTriedAgain {
            #expect(now.attempt == 2 && now.reason?.contains("the instance 'other' is away") == true)
        } else {
            #expect(now.state == .failed && now.outcome.error == "outcome unknown: the instance 'other' is away")
        }
        // Whatever it tells afterwards is of an attempt that is over.
        try bench.send(told(run, .succeeded(Outcome()), bench))
        #expect(bench.ledger.runs[run.id]?.state != .completed)
    }

    /// A stop ends what runs here, and nothing that runs elsewhere.
    @Test func aStopLeavesItAlone() throws {
        var (bench, run) = try elsewhere(Policies(overlap: .skip))
        try bench.send(.shutdown(endRuns: true))
        #expect(bench.endedElsewhere.isEmpty && bench.cancelled.isEmpty)
        #expect(bench.ledger.runs[run.id]?.state == .pending)
    }
}
