import CarillonCore
import Testing
import Timetable

@Suite struct RunMachineTests {
    private static let now = Timestamp(seconds: 1_000)
    fileprivate static let failure = Outcome(exitCode: 1, error: "exit code 1")

    /// The ways in which a run may stand that is not final.
    enum Place: String, CaseIterable {
        case waiting
        /// Its dispatcher is out of reach.
        case held
        case out
        /// Offered again to a dispatcher that was out of reach.
        case heldOut
        case running
        /// Told to end before it was seen to start.
        case unstarted
        case cancelling
        case timingOut
    }

    private static func run(_ place: Place) -> Run {
        var run = Run(
            id: RunID(second: 1, hash: 1), jobID: JobID(1), job: "a", revision: 1, trigger: .schedule,
            scheduledAt: Timestamp(seconds: 900), createdAt: Timestamp(seconds: 900))
        if place == .held || place == .heldOut { run.held = Hold(since: Timestamp(seconds: 900), why: "away") }
        if place == .waiting || place == .held { return run }
        run.dispatchedAt = Timestamp(seconds: 901)
        if place == .out || place == .heldOut { return run }
        run.state = place == .running ? .running : .cancelling
        if place == .unstarted { return run }
        run.startedAt = Timestamp(seconds: 902)
        if place == .timingOut { run.outcome.error = "timed out after 5s" }
        return run
    }

    /// Every kind of event.
    enum Word: String, CaseIterable {
        case dispatched, taken, started, heartbeat, succeeded, failed, cancelled, lost, refused, unreachable, forgotten
        case neverStarted, cancel, overranStart, overranExecution, overranHeartbeat, overranCancel, skip

        var event: RunEvent {
            switch self {
            case .dispatched: .dispatched
            case .taken: .taken
            case .started: .started(nil)
            case .heartbeat: .heartbeat
            case .succeeded: .succeeded(Outcome(exitCode: 0))
            case .failed: .failed(RunMachineTests.failure)
            case .cancelled: .cancelled(Outcome())
            case .lost: .lost("gone")
            case .refused: .refused("no such program")
            case .unreachable: .unreachable("away")
            case .forgotten: .forgotten("gone before it began")
            case .neverStarted: .unstarted("its instance ended")
            case .cancel: .cancel(reason: "by hand")
            case .overranStart: .overran(.start)
            case .overranExecution: .overran(.execution)
            case .overranHeartbeat: .overran(.heartbeat)
            case .overranCancel: .overran(.cancel)
            case .skip: .skip(.window)
            }
        }

        /// Does not compile when there is an event without a word.
        init(_ event: RunEvent) {
            switch event {
            case .dispatched: self = .dispatched
            case .taken: self = .taken
            case .started: self = .started
            case .heartbeat: self = .heartbeat
            case .succeeded: self = .succeeded
            case .failed: self = .failed
            case .cancelled: self = .cancelled
            case .lost: self = .lost
            case .refused: self = .refused
            case .unreachable: self = .unreachable
            case .forgotten: self = .forgotten
            case .unstarted: self = .neverStarted
            case .cancel: self = .cancel
            case .overran(.start): self = .overranStart
            case .overran(.execution): self = .overranExecution
            case .overran(.heartbeat): self = .overranHeartbeat
            case .overran(.cancel): self = .overranCancel
            case .skip: self = .skip
            }
        }
    }

    /// What an event does in every place, in their order: the step and the state after it, without retries.
    private static let expected: [Word: [String]] = [
        .dispatched: [
            "moved pending", "moved pending", "ignored pending", "ignored pending", "ignored running",
            "ignored cancelling", "ignored cancelling", "ignored cancelling",
        ],
        .neverStarted: [
            "ignored pending", "ignored pending", "retrying pending", "retrying pending", "ignored running",
            "ended cancelled", "ignored cancelling", "ignored cancelling",
        ],
        .taken: [
            "ignored pending", "ignored pending", "ignored pending", "moved pending", "ignored running",
            "ignored cancelling", "ignored cancelling", "ignored cancelling",
        ],
        .started: [
            "moved running", "moved running", "moved running", "moved running", "ignored running",
            "moved cancelling", "ignored cancelling", "ignored cancelling",
        ],
        .heartbeat: [
            "ignored pending", "ignored pending", "ignored pending", "ignored pending", "moved running",
            "ignored cancelling", "ignored cancelling", "ignored cancelling",
        ],
        .succeeded: Array(repeating: "ended completed", count: 8),
        .failed: [
            "ended failed", "ended failed", "ended failed", "ended failed", "ended failed",
            "ended cancelled", "ended cancelled", "ended failed",
        ],
        .cancelled: [
            "ended cancelled", "ended cancelled", "ended cancelled", "ended cancelled", "ended cancelled",
            "ended cancelled", "ended cancelled", "ended failed",
        ],
        .overranCancel: [
            "ignored pending", "ignored pending", "ignored pending", "ignored pending", "ignored running",
            "ended cancelled", "ended cancelled", "ended failed",
        ],
        .lost: Array(repeating: "ended failed", count: 8),
        .refused: [
            "ended failed", "ended failed", "ended failed", "ended failed", "ended failed",
            "ended cancelled", "ended cancelled", "ended failed",
        ],
        .unreachable: [
            "waiting pending", "ignored pending", "waiting pending", "waiting pending", "ignored running",
            "ended cancelled", "ignored cancelling", "ignored cancelling",
        ],
        .forgotten: [
            "ignored pending", "ignored pending", "waiting pending", "waiting pending", "ended failed",
            "ended cancelled", "ended failed", "ended failed",
        ],
        .cancel: [
            "ended cancelled", "ended cancelled", "cancelling cancelling", "cancelling cancelling",
            "cancelling cancelling", "ignored cancelling", "ignored cancelling", "moved cancelling",
        ],
        .overranStart: [
            "ignored pending", "ignored pending", "cancelling cancelling", "cancelling cancelling", "ignored running",
            "ignored cancelling", "ignored cancelling", "ignored cancelling",
        ],
        .overranExecution: [
            "ignored pending", "ignored pending", "ignored pending", "ignored pending", "cancelling cancelling",
            "ignored cancelling", "ignored cancelling", "ignored cancelling",
        ],
        .overranHeartbeat: [
            "ignored pending", "ignored pending", "ignored pending", "ignored pending", "cancelling cancelling",
            "ignored cancelling", "ignored cancelling", "ignored cancelling",
        ],
        .skip: [
            "ended skipped", "ended skipped", "ignored pending", "ignored pending", "ignored running",
            "ignored cancelling", "ignored cancelling", "ignored cancelling",
        ],
    ]

    @Test(arguments: Word.allCases) func everyEvent(_ word: Word) throws {
        #expect(Word(word.event) == word)
        let expected = try #require(Self.expected[word])
        try #require(expected.count == Place.allCases.count)
        for (place, expected) in zip(Place.allCases, expected) {
            var run = Self.run(place)
            let step = RunMachine.apply(word.event, to: &run, policies: Policies(), at: Self.now)
            #expect("\(step) \(run.state.rawValue)" == expected, "\(word) while \(place)")
            #expect((run.endedAt == Self.now) == run.state.isFinal, "\(word) while \(place)")
        }
    }

    @Test(arguments: [RunState.cancelled, .failed, .completed, .skipped]) func finalStatesStay(_ state: RunState) {
        for word in Word.allCases {
            var run = Self.run(.running)
            run.state = state
            let before = run
            #expect(RunMachine.apply(word.event, to: &run, policies: Policies(), at: Self.now) == .ignored, "\(word)")
            #expect(run == before, "\(word)")
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
