import CarillonCore
import CarillonEngine
import MemoryStore
import Testing
import Timetable

/// A dispatcher that answers for certain, and workers whose words come late.
@Suite struct ConfirmingTests {
    private static func bench() -> Bench {
        var bench = Bench()
        bench.state.lanes = [LaneState(isConfirming: true)]
        return bench
    }

    private static let policies = Policies(
        overlap: .allow, startTimeout: 10_000_000, heartbeatTimeout: 10_000_000, signs: Signs(cancelTimeout: 5_000_000))

    /// Whatever else of it is saved meanwhile: a crash must not find it out that never got there.
    @Test func whatHasNoAnswerIsOutForNobody() throws {
        var bench = Self.bench()
        try bench.add("a", every: "1h", Self.policies)
        try bench.pass(3_600)
        let attempt = try #require(bench.dispatched.first)
        // A wall clock that jumps has everything saved anew that waits.
        try bench.pass(5)
        bench.now = bench.now.adding(microseconds: -10_000_000)
        try bench.send(.clockStepped(by: -10_000_000, isSuspension: false))
        try bench.pass(3)
        #expect(bench.ledger.runs[attempt.run]?.notBefore == bench.state.run(attempt.run)?.notBefore, "it was saved")
        #expect(bench.state.run(attempt.run)?.dispatchedAt != nil)
        #expect(bench.ledger.runs[attempt.run]?.dispatchedAt == nil)
        try bench.answer([attempt])
        try bench.pass(5)
        #expect(bench.ledger.runs[attempt.run]?.dispatchedAt != nil)
    }

    /// The time-out of a dispatch that came to nothing does not end the next one early.
    @Test func theStartCountsFromTheDispatchThatGotThere() throws {
        var bench = Self.bench()
        try bench.add("a", every: "1h", Self.policies)
        try bench.pass(3_600)
        try bench.answer(bench.dispatched, .unavailable("nobody listens"))
        while bench.dispatched.count < 2 { try bench.pass(1) }
        let out = bench.now
        let attempt = bench.dispatched[1]
        try bench.answer([attempt])
        while bench.state.run(attempt.run)?.state == .pending { try bench.pass(1) }
        #expect(bench.now.seconds - out.seconds >= 10)
        #expect(bench.state.run(attempt.run)?.reason == "was never picked up: it did not start within 10s")
    }

    /// Workers that name no attempt speak of the run, also when the next attempt began just before.
    @Test func aWordOfTheRunCountsForItsPresentAttempt() throws {
        var bench = Self.bench()
        try bench.add("a", every: "1h", Self.policies)
        try bench.pass(3_600)
        let attempt = try #require(bench.dispatched.first)
        try bench.answer([attempt])
        try bench.tell(attempt, .started(nil))
        while bench.state.run(attempt.run)?.attempt == 1 { try bench.pass(1) }
        try bench.send(.told([DispatchEvent(attempt: attempt, at: bench.now, what: .succeeded(Outcome()))]))
        #expect(bench.state.run(attempt.run)?.state != .completed, "this one said of which attempt")
        try bench.send(
            .told([DispatchEvent(attempt: attempt, isOfRun: true, at: bench.now, what: .succeeded(Outcome()))]))
        try bench.pass(5)
        #expect(bench.ledger.runs[attempt.run]?.state == .completed)
    }

    /// What a dispatcher holds for a run that is over, or that nobody knows, it may let go.
    @Test func aStartOfAnUnknownRunIsAcknowledged() throws {
        var bench = Self.bench()
        let unknown = AttemptID(run: RunID(second: 5, hash: 5), attempt: 2)
        try bench.tell(unknown, .started(nil))
        #expect(bench.acknowledged == [unknown])
    }
}
