import CarillonCore
import Testing
import Timetable

@Suite struct RunMachineTests {
    private static let now = Timestamp(seconds: 1_000)
    private static let failure = Outcome(exitCode: 1, error: "exit code 1")

    /// The five kinds of run that are not final.
    enum Place: String, CaseIterable {
        case waiting, out, running, cancelling, timingOut
    }

    private static func run(_ place: Place) -> Run {
        var run = Run(
            id: RunID(second: 1, hash: 1), jobID: JobID(1), job: "a", revision: 1, trigger: .schedule,
            scheduledAt: Timestamp(seconds: 900), createdAt: Timestamp(seconds: 900))
        guard place != .waiting else { return run }
        run.dispatchedAt = Timestamp(seconds: 901)
        guard place != .out else { return run }
        run.startedAt = Timestamp(seconds: 902)
        run.state = place == .running ? .running : .cancelling
        if place == .timingOut { run.outcome.error = "timed out after 5s" }
        return run
    }

    private static let events: [(String, RunEvent)] = [
        ("dispatched", .dispatched), ("started", .started(nil)), ("heartbeat", .heartbeat),
        ("succeeded", .succeeded(Outcome(exitCode: 0))), ("failed", .failed(failure)),
        ("cancelled", .cancelled(Outcome())),
        ("lost", .lost("gone")), ("refused", .refused("no such program")), ("cancel", .cancel(reason: "by hand")),
        ("overran start", .overran(.start)), ("overran execution", .overran(.execution)),
        ("overran heartbeat", .overran(.heartbeat)), ("skip", .skip(.window)),
    ]

    /// Every place and event: the step and the state after it, without retries.
    private static let expected: [Place: [String]] = [
        .waiting: [
            "moved pending", "moved running", "ignored pending", "ended completed", "ended failed", "ended cancelled",
            "ended failed", "ended failed", "ended cancelled", "ignored pending", "ignored pending", "ignored pending",
            "ended skipped",
        ],
        .out: [
            "ignored pending", "moved running", "ignored pending", "ended completed", "ended failed", "ended cancelled",
            "ended failed", "ended failed", "cancelling cancelling", "cancelling cancelling", "ignored pending",
            "ignored pending", "ignored pending",
        ],
        .running: [
            "ignored running", "ignored running", "moved running", "ended completed", "ended failed", "ended cancelled",
            "ended failed", "ended failed", "cancelling cancelling", "ignored running", "cancelling cancelling",
            "cancelling cancelling", "ignored running",
        ],
        .cancelling: [
            "ignored cancelling", "ignored cancelling", "ignored cancelling", "ended completed", "ended cancelled",
            "ended cancelled", "ended failed", "ended cancelled", "ignored cancelling", "ignored cancelling",
            "ignored cancelling", "ignored cancelling", "ignored cancelling",
        ],
        .timingOut: [
            "ignored cancelling", "ignored cancelling", "ignored cancelling", "ended completed", "ended failed",
            "ended failed", "ended failed", "ended failed", "ignored cancelling", "ignored cancelling",
            "ignored cancelling", "ignored cancelling", "ignored cancelling",
        ],
    ]

    @Test(arguments: Place.allCases) func everyEvent(_ place: Place) throws {
        let expected = try #require(Self.expected[place])
        for ((name, event), expected) in zip(Self.events, expected) {
            var run = Self.run(place)
            let step = RunMachine.apply(event, to: &run, policies: Policies(), at: Self.now)
            #expect("\(step) \(run.state.rawValue)" == expected, "\(place) \(name)")
            #expect((run.endedAt == Self.now) == run.state.isFinal, "\(place) \(name)")
        }
    }

    @Test(arguments: [RunState.cancelled, .failed, .completed, .skipped]) func finalStatesStay(_ state: RunState) {
        for (name, event) in Self.events {
            var run = Self.run(.running)
            run.state = state
            let before = run
            #expect(RunMachine.apply(event, to: &run, policies: Policies(), at: Self.now) == .ignored, "\(name)")
            #expect(run == before, "\(name)")
        }
    }

    @Test func anOldAttemptsWordIsIgnored() {
        var run = Self.run(.running)
        run.attempt = 2
        let policies = Policies()
        #expect(
            RunMachine.apply(.failed(Self.failure), attempt: 1, to: &run, policies: policies, at: Self.now) == .ignored)
        #expect(
            RunMachine.apply(.failed(Self.failure), attempt: 2, to: &run, policies: policies, at: Self.now) == .ended)
    }

    @Test func failuresAreRetriedWithAGrowingWait() {
        var run = Self.run(.running)
        let policies = Policies(retry: Retry(attempts: 3, backoff: 10_000_000, on: [.failure]))
        #expect(RunMachine.apply(.failed(Self.failure), to: &run, policies: policies, at: Self.now) == .retrying)
        #expect(run.state == .pending && run.attempt == 2 && run.dispatchedAt == nil && run.startedAt == nil)
        #expect(run.notBefore == Timestamp(seconds: 1_010))
        #expect(run.earlier.map(\.attempt) == [1])
        #expect(run.earlier.first?.outcome == Self.failure)
        #expect(RunMachine.apply(.failed(Self.failure), to: &run, policies: policies, at: Self.now) == .retrying)
        #expect(run.notBefore == Timestamp(seconds: 1_020))
        #expect(RunMachine.apply(.failed(Self.failure), to: &run, policies: policies, at: Self.now) == .ended)
        #expect(run.state == .failed && run.attempt == 3)
    }

    @Test func timeOutsAreRetriedOnlyWhenAsked() {
        for (causes, step) in [(Set([Retry.Cause.timeout]), RunMachine.Step.retrying), ([.failure], .ended)] {
            var run = Self.run(.timingOut)
            let policies = Policies(retry: Retry(attempts: 2, on: causes))
            #expect(RunMachine.apply(.cancelled(Outcome()), to: &run, policies: policies, at: Self.now) == step)
        }
    }

    @Test func whatSomebodyCancelledIsNotRetried() {
        let policies = Policies(retry: Retry(attempts: 5))
        for event in [RunEvent.cancelled(Outcome()), .failed(Self.failure), .refused("no such program")] {
            var run = Self.run(.cancelling)
            #expect(RunMachine.apply(event, to: &run, policies: policies, at: Self.now) == .ended)
            #expect(run.state == .cancelled)
        }
    }

    @Test func whatIsLostRunsAgainOnlyWhenAsked() {
        var run = Self.run(.running)
        let policies = Policies(onLost: .retry)
        for attempt in 1...2 {
            #expect(
                RunMachine.apply(.lost("gone"), to: &run, policies: policies, at: Self.now) == .retrying, "\(attempt)")
        }
        #expect(RunMachine.apply(.lost("gone"), to: &run, policies: policies, at: Self.now) == .ended)
        #expect(run.state == .failed && run.outcome.error == "outcome unknown: gone")
    }
}
