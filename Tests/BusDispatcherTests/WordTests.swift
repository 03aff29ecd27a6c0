import BusDispatcher
import CarillonCore
import CarillonEngine
import CarillonTestSupport
import Foundation
import Synchronization
import Testing
import Timetable

/// What becomes of each word of a worker: the orderly ones, and all others.
@Suite(.timeLimit(.minutes(5))) struct WordTests {
    private let bus = InProcessBus()
    private let place = JobPlace(job: "pay", topology: .queues)

    /// A dispatcher with one attempt out, and the actions that its worker gets.
    private func out(
        _ number: Int = 1, clock: any EngineClock = SystemClock()
    ) async -> (probe: DispatcherProbe<BusDispatcher>, attempt: AttemptID, actions: AsyncStream<BusAction>.Iterator) {
        let actions = await bus.work(for: place)
        let dispatcher = BusDispatcher(bus, clock: clock, logger: .silent)
        let probe = DispatcherProbe(dispatcher)
        _ = await dispatcher.adopt([])
        await dispatcher.expect([("pay", BusTarget())])
        while await dispatcher.doubts(of: [("pay", BusTarget())]) != [nil] { await Task.yield() }
        let attempt = AttemptID(run: RunID(second: 1_800_000_000, hash: 1), attempt: number)
        #expect(await dispatcher.dispatch([Self.dispatch(attempt)]) == [.accepted])
        return (probe, attempt, actions.makeAsyncIterator())
    }

    private static func dispatch(_ attempt: AttemptID) -> Dispatch<BusTarget> {
        Dispatch(
            attempt: attempt, job: "pay", target: BusTarget(), scheduledAt: Timestamp(seconds: 1_800_000_000),
            arguments: ["width": "640"])
    }

    private func tell(_ attempt: AttemptID, _ fields: String, isHeartbeat: Bool = false) async {
        await bus.tell(#"{"jobName":"pay","runId":"\#(attempt.run)"\#(fields)}"#, of: "pay", isHeartbeat: isHeartbeat)
    }

    /// The words that came through, in order.
    private func events(_ probe: DispatcherProbe<BusDispatcher>, _ attempt: AttemptID) async -> [DispatchEvent.What] {
        await probe.events(of: attempt).map(\.what)
    }

    private func settled() async { while await bus.unread > 0 { await Task.yield() } }

    @Test func anActionSaysWhatWorkersNeed() async throws {
        var (probe, attempt, actions) = await out(2)
        let action = try #require(await actions.next())
        #expect(action.id == "\(attempt.run)-2")
        #expect(
            String(decoding: action.body, as: UTF8.self)
                == #"{"jobName":"pay","runId":"\#(attempt.run)","action":"run","attempt":2,"#
                + #""scheduledAt":"2027-01-15T08:00:00Z","arguments":{"width":"640"}}"#)
        await probe.dispatcher.shutdown()
    }

    /// What was told stays on the bus until the ledger has it.
    @Test func aWordIsSettledOnceTheLedgerHasIt() async {
        let (probe, attempt, _) = await out()
        await tell(attempt, #","status":"running""#)
        _ = await probe.start(of: attempt)
        #expect(await bus.unread == 1)
        await probe.dispatcher.noted([attempt])
        #expect(await bus.unread == 0)
        await tell(attempt, #","status":"completed""#)
        await probe.end(of: attempt)
        #expect(await bus.unread == 1)
        await probe.dispatcher.acknowledge([attempt])
        #expect(await bus.unread == 0)
        await probe.dispatcher.shutdown()
    }

    /// A daemon that dies in between hears it again, and so does one whose line was cut.
    @Test func whatTheLedgerLacksComesAgainOnTheNextLine() async throws {
        let (probe, attempt, _) = await out()
        await tell(attempt, #","status":"failed","error":"no paper""#)
        #expect(await probe.end(of: attempt) == .failed(Outcome(error: "no paper")))
        await bus.cut("away")
        await bus.cut(nil)
        try await eventually("the word came again, and was held") { await bus.unread == 1 }
        await probe.dispatcher.shutdown()
        await probe.ended()

        let next = DispatcherProbe(BusDispatcher(bus, clock: SystemClock(), logger: .silent))
        var run = Run(
            id: attempt.run, jobID: JobID(1), job: "pay", revision: 1, trigger: .schedule,
            scheduledAt: Timestamp(seconds: 1_800_000_000), createdAt: Timestamp(seconds: 1_800_000_000))
        run.dispatchedAt = Timestamp(seconds: 1_800_000_000)
        await next.dispatcher.expect([("pay", BusTarget())])
        #expect(await next.dispatcher.adopt([run]) == [])
        #expect(await next.end(of: attempt) == .failed(Outcome(error: "no paper")))
        await next.dispatcher.acknowledge([attempt])
        #expect(await bus.unread == 0)
        await next.dispatcher.shutdown()
    }

    /// Nothing of it reaches the engine, nothing of it stays, and each is counted.
    @Test(arguments: [
        ("", "malformed"), ("[]", "malformed"), ("{", "malformed"), ("\u{0}", "malformed"),
        (#"{"jobName":"pay","runId":"RUN"}"#, "malformed"),
        (#"{"jobName":"pay","runId":"no id","status":"running"}"#, "malformed"),
        (#"{"jobName":"other","runId":"RUN","status":"completed"}"#, "malformed"),
        (#"{"jobName":"pay","runId":5,"status":"completed"}"#, "malformed"),
        (#"{"jobName":"pay","runId":"RUN","status":"completed","attempt":"one"}"#, "malformed"),
        (#"{"jobName":"pay","runId":"ffffffffffffffffffffffff","status":"completed"}"#, "of unknown runs"),
        (#"{"jobName":"pay","runId":"RUN","status":"sleeping"}"#, "of no status"),
        (#"{"jobName":"pay","runId":"RUN","status":"completed","attempt":1}"#, "of old attempts"),
        (#"{"jobName":"pay","runId":"RUN","status":"completed","attempt":3}"#, "of old attempts"),
    ])
    func oddWordsArePutAside(_ text: String, _ kind: String) async {
        let (probe, attempt, _) = await out(2)
        await bus.tell(text.replacingOccurrences(of: "RUN", with: "\(attempt.run)"), of: "pay")
        await settled()
        #expect(await probe.dispatcher.health().warnings == ["put aside of what workers told: 1 \(kind)"])
        await tell(attempt, #","status":"completed","attempt":2"#)
        #expect(await probe.end(of: attempt) == .succeeded(Outcome()))
        #expect(await events(probe, attempt) == [.succeeded(Outcome())])
        await probe.dispatcher.shutdown()
    }

    @Test func repeatsAndHeartbeatsBeforeTheStartAreNoNews() async {
        let (probe, attempt, _) = await out()
        await tell(attempt, "", isHeartbeat: true)
        await settled()
        await tell(attempt, #","status":"running""#)
        await tell(attempt, #","status":"running""#)
        _ = await probe.start(of: attempt)
        await probe.dispatcher.noted([attempt])
        await tell(attempt, #","status":"running""#)
        await settled()
        await tell(attempt, "", isHeartbeat: true)
        await tell(attempt, #","status":"completed""#)
        await tell(attempt, #","status":"failed""#)
        await probe.end(of: attempt)
        await probe.dispatcher.acknowledge([attempt])
        await tell(attempt, #","status":"running""#)
        await settled()
        #expect(await events(probe, attempt) == [.started(nil), .heartbeat, .succeeded(Outcome())])
        #expect(
            await probe.dispatcher.health().warnings == [
                "put aside of what workers told: 1 of unknown runs, 1 before their run started, 3 repeated"
            ])
        await probe.dispatcher.shutdown()
    }

    /// A worker of Simple Scheduler's kind names no attempt: what it says between two of them is of the run.
    @Test func aWordBetweenTwoAttemptsCountsForTheRun() async {
        let (probe, attempt, _) = await out()
        await tell(attempt, #","status":"running""#)
        _ = await probe.start(of: attempt)
        // The engine gave the attempt up, as it was silent, and has not sent the next one yet.
        await probe.dispatcher.acknowledge([attempt])
        await tell(attempt, #","status":"completed""#)
        let next = AttemptID(run: attempt.run, attempt: 2)
        #expect(await probe.end(of: next) == .succeeded(Outcome()))
        #expect(await probe.dispatcher.dispatch([Self.dispatch(next)]) == [.known])
        await probe.dispatcher.acknowledge([next])
        await settled()
        await probe.dispatcher.shutdown()
    }

    /// What a worker goes on with between two attempts is out, as everything else is.
    @Test func whatStartsBetweenTwoAttemptsIsListenedTo() async throws {
        let (probe, attempt, _) = await out()
        await tell(attempt, #","status":"running""#)
        _ = await probe.start(of: attempt)
        await probe.dispatcher.acknowledge([attempt])
        await tell(attempt, #","status":"running""#)
        let next = AttemptID(run: attempt.run, attempt: 2)
        _ = await probe.start(of: next)
        #expect(await probe.dispatcher.dispatch([Self.dispatch(next)]) == [.known])
        // Its job is deleted, and the line is lost.
        await probe.dispatcher.dismiss(["pay"])
        await bus.cut("for a moment")
        await bus.cut(nil)
        try await eventually("its worker is heard") { await bus.heard.contains("pay") }
        await probe.dispatcher.shutdown()
    }

    @Test func whoBeginsWhatWasCancelledIsToldAgain() async throws {
        var (probe, attempt, actions) = await out()
        _ = await actions.next()
        await probe.dispatcher.cancel(attempt, grace: 0)
        let cancel = try #require(await actions.next())
        #expect(cancel.id == "\(attempt.run)")
        #expect(
            String(decoding: cancel.body, as: UTF8.self)
                == #"{"jobName":"pay","runId":"\#(attempt.run)","action":"cancel","attempt":1}"#)
        await tell(attempt, #","status":"running""#)
        #expect(await actions.next() == cancel)
        // Nobody confirmed it in time, and the ledger has it as over.
        await probe.dispatcher.acknowledge([attempt])
        await tell(attempt, #","status":"running""#)
        #expect(await actions.next() == cancel)
        await settled()
        await probe.dispatcher.shutdown()
    }

    /// A run that waits to go out anew, and is cancelled by somebody, may still be in the hands of the worker that fell silent.
    @Test func theSilentOneIsToldThatItsRunIsOver() async throws {
        let clock = ManualClock(now: Timestamp(seconds: 1_800_000_000))
        var (probe, attempt, actions) = await out(clock: clock)
        _ = await actions.next()
        await tell(attempt, #","status":"running""#)
        _ = await probe.start(of: attempt)
        await probe.dispatcher.acknowledge([attempt])
        await probe.dispatcher.acknowledge([AttemptID(run: attempt.run, attempt: 2)])
        let cancel = #"{"jobName":"pay","runId":"\#(attempt.run)","action":"cancel","attempt":1}"#
        #expect(await actions.next().map { String(decoding: $0.body, as: UTF8.self) } == cancel)
        // It goes on: it is told so again, but not with each sign of its life.
        for _ in 0..<3 { await tell(attempt, "", isHeartbeat: true) }
        await settled()
        #expect(await actions.next().map { String(decoding: $0.body, as: UTF8.self) } == cancel)
        clock.advance(by: 40_000_000)
        await tell(attempt, "", isHeartbeat: true)
        #expect(await actions.next().map { String(decoding: $0.body, as: UTF8.self) } == cancel)
        let other = AttemptID(run: RunID(second: 1_800_000_000, hash: 9), attempt: 1)
        #expect(await probe.dispatcher.dispatch([Self.dispatch(other)]) == [.accepted])
        #expect(await actions.next()?.id == other.sentName, "there were no more cancels")
        await probe.dispatcher.shutdown()
    }

    /// What a silent worker says of a run that is over is put aside: nothing of it is held for ever.
    @Test func aLateWordOfWhatIsOverIsNotKept() async {
        let (probe, attempt, _) = await out()
        await tell(attempt, #","status":"running""#)
        _ = await probe.start(of: attempt)
        await probe.dispatcher.acknowledge([attempt])
        let next = AttemptID(run: attempt.run, attempt: 2)
        await tell(attempt, #","status":"running""#)
        #expect(await probe.start(of: next) != nil)
        #expect(await bus.unread == 1)
        await probe.dispatcher.acknowledge([next])
        #expect(await bus.unread == 0)
        await tell(attempt, #","status":"running""#)
        await settled()
        await probe.dispatcher.shutdown()
    }

    /// While the bus is away runs wait, and what was to be cancelled is cancelled once it is back.
    @Test func aBusThatIsAwayIsWaitedFor() async throws {
        var (probe, attempt, actions) = await out()
        _ = await actions.next()
        await bus.cut("no power")
        try await eventually("it is noticed") { await probe.dispatcher.health().trouble != nil }
        let other = AttemptID(run: RunID(second: 1_800_000_000, hash: 2), attempt: 1)
        guard case .away? = await probe.dispatcher.dispatch([Self.dispatch(other)]).first else {
            Issue.record("it went out")
            return
        }
        await probe.dispatcher.cancel(attempt, grace: 0)
        await bus.cut(nil)
        #expect(await actions.next()?.id == "\(attempt.run)")
        try await eventually("it goes out") {
            await [.accepted, .known].contains(probe.dispatcher.dispatch([Self.dispatch(other)]).first)
        }
        #expect(await probe.dispatcher.health() == DispatcherHealth())
        await probe.dispatcher.shutdown()
    }

    /// The others run on, and it does so, too, once the bus likes it.
    @Test func aJobThatTheBusDoesNotLikeSaysSo() async throws {
        let (probe, _, _) = await out()
        await bus.refuse("bad", "PRECONDITION_FAILED")
        let attempt = AttemptID(run: RunID(second: 1_800_000_000, hash: 3), attempt: 1)
        var bad = Self.dispatch(attempt)
        bad.job = "bad"
        await probe.dispatcher.expect([("bad", BusTarget())])
        try await eventually("it is said") {
            await probe.dispatcher.doubts(of: [("bad", BusTarget())]) == ["PRECONDITION_FAILED"]
        }
        #expect(await probe.dispatcher.health().warnings == ["job 'bad': PRECONDITION_FAILED"])
        #expect(await probe.dispatcher.dispatch([bad]) == [.unavailable("PRECONDITION_FAILED")])
        var good = Self.dispatch(AttemptID(run: RunID(second: 1_800_000_000, hash: 4), attempt: 1))
        good.scheduledAt = Timestamp(seconds: 1_800_000_001)
        #expect(await probe.dispatcher.dispatch([good]) == [.accepted])
        await bus.refuse("bad", nil)
        try await eventually("it goes out") { await probe.dispatcher.dispatch([bad]) == [.accepted] }
        await probe.dispatcher.shutdown()
    }

    /// However often: runs ask for their place until it is there.
    @Test func aPlaceThatIsAskedForWhileItIsMadeBecomesReady() async throws {
        let asking = AskingBus(bus: bus)
        let dispatcher = BusDispatcher(asking, clock: SystemClock(), logger: .silent)
        let run = Self.dispatch(AttemptID(run: RunID(second: 1_800_000_000, hash: 5), attempt: 1))
        asking.meanwhile.withLock { meanwhile in
            meanwhile = {
                let result = await dispatcher.dispatch([run])
                #expect(result == [.unavailable("what it needs on the bus is being made")])
            }
        }
        let probe = DispatcherProbe(dispatcher)
        _ = await dispatcher.adopt([])
        await dispatcher.expect([("pay", BusTarget())])
        try await eventually("it is ready") { await dispatcher.doubts(of: [("pay", BusTarget())]) == [nil] }
        #expect(await dispatcher.dispatch([run]) == [.accepted])
        #expect(asking.declarations.withLock { $0 } == 1)
        await probe.dispatcher.shutdown()
    }

    /// Of each attempt it is said a few times that nobody listens to its worker, however many jobs are declared beside it.
    @Test func aDeclarationConcernsItsOwnJobAlone() async throws {
        let dispatcher = BusDispatcher(bus, clock: ManualClock(now: Samples.noon), logger: .silent)
        let jobs = (0..<100).map { "job-\($0)" }
        let out = jobs.enumerated().map { number, job in
            var run = Run(
                id: RunID(second: 1_800_000_000, hash: UInt64(number)), jobID: JobID(Int32(number)), job: job,
                revision: 1, trigger: .schedule, scheduledAt: Samples.noon, createdAt: Samples.noon, instance: "a")
            run.dispatchedAt = Samples.noon
            return run
        }
        _ = await dispatcher.adopt(out)
        let wanted = jobs.map { ($0, BusTarget()) }
        await dispatcher.expect(wanted)
        async let told = dispatcher.events.reduce(0) { $0 + $1.count { $0.what == .unheard } }
        let work = Task { await dispatcher.run() }
        try await eventually("all are ready") { await dispatcher.doubts(of: wanted) == jobs.map { _ in nil } }
        await dispatcher.shutdown()
        await work.value
        let unheard = await told
        #expect((jobs.count...5 * jobs.count).contains(unheard), "told \(unheard) times")
    }

    /// What a deleted job had on the bus is not made anew.
    @Test func aDeletedJobLeavesNothingOnTheNextLine() async throws {
        let (probe, attempt, _) = await out()
        await probe.dispatcher.expect([("other", BusTarget())])
        await probe.dispatcher.dismiss(["pay"])
        for isOut in [true, false] {
            await bus.cut("for a moment")
            await bus.cut(nil)
            try await eventually("the other is heard") { await bus.heard.contains("other") }
            if isOut {
                try await eventually("its worker is heard, too") { await bus.heard.contains("pay") }
                await probe.dispatcher.acknowledge([attempt])
            }
        }
        #expect(await bus.heard == ["other"])
        await probe.dispatcher.shutdown()
    }

    /// Whoever deletes a queue keeps the others' line, and the job is heard again.
    @Test func aJobThatIsNotHeardIsDeclaredAnew() async throws {
        let (probe, attempt, _) = await out()
        await bus.silence("pay")
        await tell(attempt, #","status":"completed""#)
        #expect(await probe.end(of: attempt) == .succeeded(Outcome()))
        #expect(await probe.dispatcher.health().trouble == nil)
        await probe.dispatcher.shutdown()
    }

    /// What waited in a queue that is gone goes out again, also where a worker made the queue anew first; what a worker has does
    /// not.
    @Test(arguments: [false, true]) func aQueueThatIsMadeAnewLosesNothing(_ isRemade: Bool) async throws {
        let place = JobPlace(job: "quiet", topology: .queues)
        let probe = DispatcherProbe(BusDispatcher(bus, clock: SystemClock(), logger: .silent))
        _ = await probe.dispatcher.adopt([])
        await probe.dispatcher.expect([("quiet", BusTarget())])
        try await eventually("it is ready") { await probe.dispatcher.doubts(of: [("quiet", BusTarget())]) == [nil] }
        let attempts = (1...2).map { AttemptID(run: RunID(second: 1_800_000_000, hash: UInt64($0)), attempt: 1) }
        for attempt in attempts {
            var dispatch = Self.dispatch(attempt)
            dispatch.job = "quiet"
            #expect(await probe.dispatcher.dispatch([dispatch]) == [.accepted])
        }
        await bus.tell(#"{"jobName":"quiet","runId":"\#(attempts[0].run)","status":"running"}"#, of: "quiet")
        _ = await probe.start(of: attempts[0])
        await bus.cut("the disk is gone")
        await bus.lose(place, isRemade: isRemade)
        await bus.cut(nil)
        #expect(
            await probe.event(of: attempts[1])?.what == .forgotten("what waited for its workers is gone from the bus"))
        #expect(await events(probe, attempts[0]) == [.started(nil)])
        // It went out again, and a bus that keeps it is believed.
        var again = Self.dispatch(attempts[1])
        again.job = "quiet"
        try await eventually("it goes out") { await probe.dispatcher.dispatch([again]) == [.accepted] }
        try await eventually("the bus is marked") { await bus.isMarked }
        await bus.cut("for a moment")
        await bus.cut(nil)
        try await eventually("it is there again") { await bus.isConnected }
        await bus.tell(#"{"jobName":"quiet","runId":"\#(attempts[1].run)","status":"running"}"#, of: "quiet")
        try await eventually("it starts") { await events(probe, attempts[1]).contains(.started(nil)) }
        #expect(await events(probe, attempts[1]).count == 2)
        await probe.dispatcher.shutdown()
    }
}
