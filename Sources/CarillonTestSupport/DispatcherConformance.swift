import CarillonCore
import Testing
import Timetable

/// What every dispatcher must do; a driver's tests run each case over a fixture of its own.
public enum DispatcherConformance: String, Sendable, CaseIterable {
    case tellsStartThenSuccess, tellsFailure, answersInOrder
    case startsOnceWhenRepeated, startsOnceWhenConcurrent, keepsAttemptsApart
    case cancelsGently, cancelsByForce, cancelsBeforeTheStart, ignoresUnknownCancel
    case adoptsWhatRuns, adoptsWhatEnded, namesWhatWasNeverReceived, losesWhatVanished, tellsLoss
    case holdsItsCapacity, endsItsEventsAfterShutdown

    public func run(_ fixture: some DispatcherFixture) async throws {
        let dispatcher = try await fixture.makeDispatcher(capacity: 8)
        let test = DispatcherTest(fixture: fixture, probe: DispatcherProbe(dispatcher))
        await test.adopt([])
        switch self {
        case .tellsStartThenSuccess: await test.tellsStartThenSuccess()
        case .tellsFailure: await test.tellsFailure()
        case .answersInOrder: await test.answersInOrder()
        case .startsOnceWhenRepeated: await test.startsOnceWhenRepeated()
        case .startsOnceWhenConcurrent: await test.startsOnceWhenConcurrent()
        case .keepsAttemptsApart: await test.keepsAttemptsApart()
        case .cancelsGently: await test.cancels(.waits, grace: 60_000_000)
        case .cancelsByForce: await test.cancels(.defies, grace: 50_000)
        case .cancelsBeforeTheStart: await test.cancelsBeforeTheStart()
        case .ignoresUnknownCancel: await test.ignoresUnknownCancel()
        case .adoptsWhatRuns: try await test.adoptsWhatRuns()
        case .adoptsWhatEnded: try await test.adoptsWhatEnded()
        case .namesWhatWasNeverReceived: await test.namesWhatWasNeverReceived()
        case .losesWhatVanished: await test.losesWhatVanished()
        case .tellsLoss: try await test.tellsLoss()
        case .holdsItsCapacity: try await test.holdsItsCapacity()
        case .endsItsEventsAfterShutdown: break
        }
        await test.dispatcher.shutdown()
        await test.probe.ended()
        #expect(await test.probe.hasEnded)
    }
}

private let conformanceJob = "a job/of conformance"

/// One test's dispatcher and what it is asked.
private struct DispatcherTest<Fixture: DispatcherFixture> {
    let fixture: Fixture
    let probe: DispatcherProbe<Fixture.Made>

    var dispatcher: Fixture.Made { probe.dispatcher }

    func attempt(_ number: UInt64, _ attempt: Int = 1) -> AttemptID {
        AttemptID(run: RunID(second: 1_800_000_000, hash: number), attempt: attempt)
    }

    func dispatch(_ attempt: AttemptID, _ behaviour: DispatcherBehaviour) -> Dispatch<Fixture.Made.Body> {
        Dispatch(
            attempt: attempt, job: conformanceJob, target: fixture.target(behaviour),
            scheduledAt: Timestamp(seconds: 1_800_000_000), arguments: fixture.arguments(behaviour))
    }

    func send(_ attempt: AttemptID, _ behaviour: DispatcherBehaviour) async -> DispatchResult? {
        await dispatcher.dispatch([dispatch(attempt, behaviour)]).first
    }

    func run(_ attempt: AttemptID, wasStarted: Bool) -> Run {
        let time = Timestamp(seconds: 1_800_000_000)
        var run = Run(
            id: attempt.run, jobID: JobID(1), job: conformanceJob, revision: 1, trigger: .schedule,
            scheduledAt: time, createdAt: time)
        run.attempt = attempt.attempt
        run.dispatchedAt = time
        run.startedAt = wasStarted ? time : nil
        return run
    }

    func restarted() async throws -> DispatcherTest {
        await dispatcher.shutdown()
        await probe.ended()
        return DispatcherTest(fixture: fixture, probe: DispatcherProbe(try await fixture.makeDispatcher(capacity: 8)))
    }

    /// Gives a new dispatcher what the ledger has as out, which it is expected to know, and lets it get ready.
    func adopt(_ runs: [Run]) async {
        #expect(await dispatcher.adopt(runs) == [])
        await fixture.prepare(dispatcher, for: conformanceJob)
    }
}

extension DispatcherTest {
    func tellsStartThenSuccess() async {
        #expect(await send(attempt(1), .succeeds) == .accepted)
        guard case .succeeded = await probe.end(of: attempt(1)) else {
            Issue.record("it did not succeed: \(await probe.seen)")
            return
        }
        let events = await probe.events(of: attempt(1))
        #expect(events.map(\.what.isEnd) == [false, true])
        #expect(events.first.map(\.at) ?? .distantFuture <= events.last.map(\.at) ?? .distantPast)
    }

    func tellsFailure() async {
        #expect(await send(attempt(1), .fails) == .accepted)
        guard case .failed(let outcome) = await probe.end(of: attempt(1)) else {
            Issue.record("it did not fail: \(await probe.seen)")
            return
        }
        #expect(outcome.error != nil)
    }

    func answersInOrder() async {
        let twice = [1, 2, 1, 3].map { dispatch(attempt($0), .succeeds) }
        #expect(await dispatcher.dispatch(twice) == [.accepted, .accepted, .known, .accepted])
        for number: UInt64 in 1...3 { await probe.end(of: attempt(number)) }
    }

    func startsOnceWhenRepeated() async {
        #expect(await send(attempt(1), .succeeds) == .accepted)
        #expect(await send(attempt(1), .succeeds) == .known)
        await probe.end(of: attempt(1))
        // Ended but not acknowledged: the answer must be there again.
        let ends = await probe.events(of: attempt(1)).count { $0.what.isEnd }
        #expect(await send(attempt(1), .succeeds) == .known)
        await probe.end(of: attempt(1), times: ends + 1)
        await expectOneStart()
    }

    func startsOnceWhenConcurrent() async {
        let accepted = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<16 { group.addTask { await send(attempt(1), .succeeds) == .accepted } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(accepted == 1)
        await probe.end(of: attempt(1))
        await expectOneStart()
    }

    /// Expects one start; a later run has been through by the time this is counted.
    func expectOneStart() async {
        #expect(await send(attempt(99), .succeeds) == .accepted)
        await probe.end(of: attempt(99))
        await fixture.ready(attempt(99))
        #expect(await fixture.starts(of: attempt(1)) == 1)
    }

    func keepsAttemptsApart() async {
        #expect(await send(attempt(1), .fails) == .accepted)
        await probe.end(of: attempt(1))
        await dispatcher.acknowledge([attempt(1)])
        #expect(await send(attempt(1, 2), .succeeds) == .accepted)
        guard case .succeeded = await probe.end(of: attempt(1, 2)) else {
            Issue.record("the second attempt did not succeed: \(await probe.seen)")
            return
        }
    }

    func cancels(_ behaviour: DispatcherBehaviour, grace: Int64) async {
        #expect(await send(attempt(1), behaviour) == .accepted)
        await fixture.ready(attempt(1))
        await dispatcher.cancel(attempt(1), grace: grace)
        await expectCancelled()
    }

    func cancelsBeforeTheStart() async {
        #expect(await send(attempt(1), .waits) == .accepted)
        await dispatcher.cancel(attempt(1), grace: 0)
        await expectCancelled()
    }

    func expectCancelled() async {
        guard case .cancelled = await probe.end(of: attempt(1)) else {
            Issue.record("it was not cancelled: \(await probe.seen)")
            return
        }
    }

    func ignoresUnknownCancel() async {
        await dispatcher.cancel(attempt(7), grace: 0)
        #expect(await send(attempt(7), .succeeds) == .accepted)
        await probe.end(of: attempt(7))
        // Ended, so unknown again.
        await dispatcher.cancel(attempt(7), grace: 0)
    }

    func adoptsWhatRuns() async throws {
        #expect(await send(attempt(1), .waits) == .accepted)
        await fixture.ready(attempt(1))
        let next = try await restarted()
        await next.adopt([run(attempt(1), wasStarted: false)])
        #expect(await next.probe.start(of: attempt(1)) != nil)
        #expect(await next.send(attempt(1), .waits) == .known)
        await next.dispatcher.cancel(attempt(1), grace: 60_000_000)
        await next.expectCancelled()
        #expect(await fixture.starts(of: attempt(1)) == 1)
        await next.dispatcher.shutdown()
    }

    func adoptsWhatEnded() async throws {
        #expect(await send(attempt(1), .fails) == .accepted)
        let told = await probe.end(of: attempt(1))
        for _ in 0..<2 {
            let next = try await restarted()
            await next.adopt([run(attempt(1), wasStarted: true)])
            #expect(await next.probe.end(of: attempt(1)) == told)
            await next.dispatcher.shutdown()
        }
    }

    func namesWhatWasNeverReceived() async {
        guard fixture.remembers else {
            // What the ledger has as out counts as received.
            #expect(await dispatcher.adopt([run(attempt(1), wasStarted: false)]) == [])
            #expect(await send(attempt(1), .succeeds) == .known)
            return
        }
        // Whatever it does by itself may find that out first, and says so in an event.
        if await dispatcher.adopt([run(attempt(1), wasStarted: false)]) != [attempt(1)] {
            guard case .forgotten? = await probe.event(of: attempt(1))?.what else {
                Issue.record("nobody said that it was never received: \(await probe.seen)")
                return
            }
        }
        #expect(await send(attempt(1), .succeeds) == .accepted)
        await probe.end(of: attempt(1))
    }

    func losesWhatVanished() async {
        #expect(await dispatcher.adopt([run(attempt(1), wasStarted: true)]) == [])
        guard fixture.remembers else { return }
        guard case .lost = await probe.end(of: attempt(1)) else {
            Issue.record("it was not lost: \(await probe.seen)")
            return
        }
    }

    func tellsLoss() async throws {
        #expect(await send(attempt(1), .defies) == .accepted)
        await fixture.ready(attempt(1))
        guard try await fixture.lose(attempt(1)) else {
            await dispatcher.cancel(attempt(1), grace: 0)
            return
        }
        guard case .lost = await probe.end(of: attempt(1)) else {
            Issue.record("it was not lost: \(await probe.seen)")
            return
        }
    }

    func holdsItsCapacity() async throws {
        guard let capacity = dispatcher.capacity else { return }
        let all = (0...UInt64(capacity)).map { dispatch(attempt($0), .waits) }
        let results = await dispatcher.dispatch(all)
        #expect(results.dropLast().allSatisfy { $0 == .accepted })
        guard case .unavailable = results.last else {
            Issue.record("one too many: \(results)")
            return
        }
        await dispatcher.cancel(attempt(0), grace: 0)
        await probe.end(of: attempt(0))
        #expect(await send(attempt(UInt64(capacity)), .succeeds) == .accepted)
        for number in 1...UInt64(capacity) {
            await dispatcher.cancel(attempt(number), grace: 0)
            await probe.end(of: attempt(number))
        }
    }
}
