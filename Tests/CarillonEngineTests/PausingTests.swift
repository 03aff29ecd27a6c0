import CarillonCore
import CarillonEngine
import MemoryStore
import Testing
import Timetable

/// Jobs with a tag are held back, and go on.
@Suite struct PausingTests {
    private var bench = Bench()
    private let held: JobID
    private let free: JobID
    private static let hour: Int64 = 3_600

    init() throws {
        bench.accepts = true
        held = try bench.add("held", tags: ["payroll"], Policies(catchUp: .latest, overlap: .allow))
        free = try bench.add("free", tags: ["other"], Policies(catchUp: .latest, overlap: .allow))
    }

    private func runs(of job: JobID) -> [Run] {
        bench.ledger.runs.values.filter { $0.jobID == job }.sorted { $0.scheduledAt < $1.scheduledAt }
    }

    private func isOut(_ run: Run) -> Bool { bench.dispatched.contains { $0.run == run.id } }

    @Test mutating func onlyTheTagsJobsAreHeldBackAndThenCaughtUp() throws {
        try bench.send(.tagPaused("payroll", "the bank is closed"))
        try bench.pass(3 * Self.hour + 60)
        #expect(runs(of: held).isEmpty && runs(of: free).count == 3 && bench.dispatched.count == 3)
        // Told once more, it has begun when it began.
        try bench.send(.tagPaused("payroll", "the bank is closed"))
        try bench.send(.tagPaused("payroll", nil))
        try bench.pass(0)
        let run = try #require(runs(of: held).first)
        #expect(runs(of: held).count == 1 && isOut(run))
        #expect(run.trigger == .catchUp && run.cause == .missed(.paused, detail: "the bank is closed"))
        let skips = bench.ledger.skips[held] ?? []
        #expect(skips.map(\.reason) == [.paused] && skips.map(\.detail) == ["the bank is closed"])
        // And its schedule goes on.
        try bench.pass(Self.hour)
        #expect(runs(of: held).last?.trigger == .schedule && runs(of: held).last?.cause == nil)
    }

    @Test mutating func whatIsOpenedMeanwhileWaits() throws {
        try bench.send(.tagPaused("payroll", "x"))
        try bench.send(.tagPaused("other", "y"))
        let run = try bench.backfill(held, 1)[0]
        try bench.pass(2 * Self.hour + 60)
        #expect(bench.dispatched.isEmpty)
        try bench.send(.tagPaused("other", nil))
        try bench.pass(0)
        #expect(!isOut(run) && bench.dispatched.count == 1)
        try bench.send(.tagPaused("payroll", nil))
        try bench.pass(0)
        #expect(isOut(run))
    }

    /// Whatever tags it was opened under.
    @Test mutating func aRunThatRestsFollowsItsJobsTags() throws {
        try bench.send(.tagPaused("payroll", "x"))
        let run = try bench.backfill(held, 1)[0]
        let other = try bench.backfill(free, 1)[0]
        try bench.send(.tagged([free: ["payroll"]]))
        try bench.pass(2 * Self.hour + 60)
        #expect(!isOut(run) && !isOut(other))
        try bench.send(.tagged([held: []]))
        try bench.pass(0)
        #expect(isOut(run) && !isOut(other))
        try bench.send(.tagPaused("payroll", nil))
        try bench.pass(0)
        #expect(isOut(other))
    }

    @Test mutating func aDefinitionThatChangesMeanwhileLosesNoTime() throws {
        try bench.send(.tagPaused("payroll", "x"))
        try bench.pass(3 * Self.hour + 60)
        try bench.change(held) { $0.policies.retry = Retry(attempts: 2) }
        try bench.send(.plan([held]))
        #expect(runs(of: held).map(\.cause) == [.missed(.paused, detail: "x")])
        try bench.pass(0)
        #expect(!isOut(try #require(runs(of: held).first)))
        try bench.send(.tagPaused("payroll", nil))
        try bench.pass(0)
        #expect(isOut(try #require(runs(of: held).first)) && runs(of: held).count == 1)
    }

    @Test mutating func aDefinitionThatChangesWhileEverythingIsHeldBackSaysWhy() throws {
        try bench.send(.paused("x"))
        try bench.pass(3 * Self.hour + 60)
        try bench.change(held) { $0.policies.retry = Retry(attempts: 2) }
        try bench.send(.plan([held]))
        #expect(runs(of: held).map(\.cause) == [.missed(.paused, detail: "x")])
        #expect(bench.ledger.skips[held]?.map(\.reason) == [.paused])
        #expect(bench.dispatched.isEmpty)
    }

    /// A daemon that starts in the middle of it tells the same as one that was there all the time.
    @Test mutating func aRestartForgetsNoPause() throws {
        try bench.send(.tagPaused("payroll", "x"))
        try bench.pass(2 * Self.hour)
        bench.state = EngineState(
            storeID: 1, instance: "i", cursors: bench.ledger.cursors(), now: bench.now,
            pausedTags: ["payroll": ("x", Bench.start)])
        try bench.pass(Self.hour + 60)
        #expect(runs(of: held).isEmpty)
        try bench.send(.tagPaused("payroll", nil))
        try bench.pass(0)
        #expect(runs(of: held).map(\.cause) == [.missed(.paused, detail: "x")])
        #expect(bench.ledger.skips[held]?.map(\.reason) == [.paused])
    }
}
