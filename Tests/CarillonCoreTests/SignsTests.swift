import CarillonCore
import CarillonTestSupport
import Testing
import Timetable

/// Runs whose workers are out of sight: silence, and a wish to end that nobody confirms.
@Suite struct SignsTests {
    private static let start = Timestamp(seconds: 1_000)
    private static func later(_ seconds: Int64) -> Timestamp { start.adding(microseconds: seconds * 1_000_000) }

    private static func policies(attempts: Int = 1, most: Int? = nil) -> Policies {
        Policies(
            overlap: .allow, retry: Retry(attempts: attempts, backoff: 1_000_000), startTimeout: 5_000_000,
            timeout: 60_000_000, heartbeatTimeout: 10_000_000,
            signs: Signs(cancelTimeout: 3_000_000, maxRepublications: most))
    }

    private static func running() -> Run {
        var run = Run(
            id: RunID(second: 1, hash: 1), jobID: JobID(1), job: "a", revision: 1, trigger: .schedule,
            scheduledAt: start, createdAt: start)
        #expect(apply(.dispatched, &run, policies(), 0) == .moved)
        #expect(apply(.started(nil), &run, policies(), 1) == .moved)
        return run
    }

    private static func apply(
        _ event: RunEvent, _ run: inout Run, _ policies: Policies, _ seconds: Int64
    ) -> RunMachine.Step {
        RunMachine.apply(event, to: &run, policies: policies, at: later(seconds))
    }

    private static func goOut(_ run: inout Run, _ policies: Policies, _ seconds: Int64) {
        #expect(apply(.dispatched, &run, policies, seconds) == .moved)
        #expect(apply(.started(nil), &run, policies, seconds) == .moved)
    }

    @Test func whoFallsSilentIsReplaced() {
        var run = Self.running()
        #expect(Self.apply(.overran(.heartbeat), &run, Self.policies(), 11) == .retrying)
        #expect(run.state == .pending && run.attempt == 2 && run.dispatchedAt == nil && run.startedAt == nil)
        #expect(run.notBefore == Self.later(11))
        #expect(run.republications == 1)
        #expect(run.reason == "goes out again: attempt 1 gave no sign of life for 10s")
        // Its own start counts for the execution time-out: nothing of the first is left.
        Self.goOut(&run, Self.policies(), 12)
        #expect(run.startedAt == Self.later(12))
        #expect(Self.apply(.succeeded(Outcome()), &run, Self.policies(), 13) == .ended)
        #expect(run.state == .completed && !run.hasFailed)
    }

    /// A silence is no try: the retries are all there afterwards.
    @Test func silencesDoNotCountAsTries() {
        let policies = Self.policies(attempts: 2)
        var run = Self.running()
        for attempt in 1...5 {
            #expect(Self.apply(.overran(.heartbeat), &run, policies, Int64(attempt) * 20) == .retrying)
            Self.goOut(&run, policies, Int64(attempt) * 20 + 1)
        }
        #expect(Self.apply(.failed(Outcome(error: "no")), &run, policies, 200) == .retrying)
        #expect(run.notBefore == Self.later(201), "the wait after the first failure")
        Self.goOut(&run, policies, 202)
        #expect(Self.apply(.failed(Outcome(error: "no")), &run, policies, 203) == .ended)
        #expect(run.state == .failed && run.attempt == 7 && run.republications == 5)
    }

    @Test func afterTooManySilencesItIsCancelled() {
        let policies = Self.policies(most: 1)
        var run = Self.running()
        #expect(Self.apply(.overran(.heartbeat), &run, policies, 20) == .retrying)
        Self.goOut(&run, policies, 21)
        #expect(Self.apply(.overran(.heartbeat), &run, policies, 40) == .cancelling)
        #expect(Self.apply(.cancelled(Outcome()), &run, policies, 41) == .ended)
        #expect(run.state == .cancelled && run.hasFailed)
        #expect(run.reason == "gave no sign of life for 10s")
    }

    /// The seed's word for it is `cancelled`; to retries, notices and `on_failure` it is a failure.
    @Test(arguments: [TimeOut.start, .execution]) func aTimeOutEndsAsCancelledAndCountsAsAFailure(_ timeOut: TimeOut) {
        let policies = Self.policies(attempts: 2)
        var run = Self.running()
        if timeOut == .start {
            run.startedAt = nil
            run.state = .pending
        }
        #expect(Self.apply(.overran(timeOut), &run, policies, 70) == .cancelling)
        #expect(Self.apply(.cancelled(Outcome()), &run, policies, 71) == .retrying, "with tries left it is pending")
        #expect(run.state == .pending && run.attempt == 2 && run.republications == 0)
        Self.goOut(&run, policies, 80)
        #expect(Self.apply(.overran(.execution), &run, policies, 141) == .cancelling)
        #expect(Self.apply(.cancelled(Outcome()), &run, policies, 142) == .ended)
        #expect(run.state == .cancelled && run.hasFailed && run.reason == "timed out after 1m")
    }

    @Test func aCancelThatNobodyConfirmsCounts() {
        let policies = Self.policies(attempts: 3)
        var run = Self.running()
        #expect(Self.apply(.overran(.cancel), &run, policies, 2) == .ignored, "nobody wants it to end")
        #expect(Self.apply(.cancel(reason: "by hand"), &run, policies, 2) == .cancelling)
        #expect(Self.apply(.overran(.cancel), &run, policies, 6) == .ended)
        #expect(run.state == .cancelled && !run.hasFailed, "a user's wish is never tried again")
        #expect(run.reason == "by hand; not confirmed within 3s")
        #expect(Self.apply(.started(nil), &run, policies, 7) == .ignored)
    }

    /// What a time-out cancels would be tried again; what a person cancels meanwhile is over.
    @Test func aPersonsWishGoesBeforeATimeOuts() {
        let policies = Self.policies(attempts: 3)
        var run = Self.running()
        #expect(Self.apply(.overran(.execution), &run, policies, 70) == .cancelling)
        #expect(Self.apply(.cancel(reason: "by hand"), &run, policies, 71) == .moved)
        #expect(Self.apply(.cancel(reason: "by hand"), &run, policies, 71) == .ignored)
        #expect(Self.apply(.cancelled(Outcome()), &run, policies, 72) == .ended)
        #expect(run.state == .cancelled && !run.hasFailed && run.reason == "by hand; timed out after 1m")
    }

    /// However often a run falls silent, its story stays short, and its tries are counted right.
    @Test func ofManySilencesSomeAreKept() {
        let policies = Self.policies(most: 300)
        var run = Self.running()
        for attempt in 1...300 {
            #expect(Self.apply(.overran(.heartbeat), &run, policies, Int64(attempt) * 20) == .retrying)
            Self.goOut(&run, policies, Int64(attempt) * 20 + 1)
        }
        #expect(run.republications == 300 && run.earlier.count == 50)
        #expect(run.earlier.first?.attempt == 1 && run.earlier.last?.attempt == 300)
        #expect(Self.apply(.overran(.heartbeat), &run, policies, 7_000) == .cancelling)
        #expect(Self.apply(.cancelled(Outcome()), &run, policies, 7_001) == .ended)
    }

    @Test func aTimeOutThatNobodyConfirmsIsTriedAgain() {
        let policies = Self.policies(attempts: 2)
        var run = Self.running()
        #expect(Self.apply(.overran(.execution), &run, policies, 70) == .cancelling)
        #expect(Self.apply(.overran(.cancel), &run, policies, 74) == .retrying)
        #expect(run.attempt == 2)
    }

    /// What is due past `max_queue` is skipped, whatever the overlap.
    @Test(arguments: [Overlap.allow, .queue(max: 10), .replace]) func aFullQueueTakesNothing(_ overlap: Overlap) throws
    {
        var job = Samples.job("a")
        job.policies.overlap = overlap
        job.policies.maxQueue = 2
        let schedule = try #require(try job.schedule.compile(job: "a", zones: ZoneDatabase()))
        let due = try #require(schedule.next(after: Self.start))
        let stored = StoredJob(id: JobID(1), job: job, revision: 1, cursor: Self.start, nextDue: due)
        let planner = Planner(storeID: 1, instance: "i", now: due, live: Self.start)
        let plan = { (pending: Int, running: Int) -> JobAdvance? in
            planner.plan(
                stored, schedule: schedule,
                activity: .init(active: pending + running, waiting: 0, pending: pending))
        }
        #expect(plan(1, 0)?.runs.count == 1)
        #expect(plan(1, 5)?.runs.count == 1, "what runs does not count")
        let full = try #require(plan(2, 0))
        #expect(full.runs.isEmpty && full.skips.map(\.reason) == [.full])
    }
}
