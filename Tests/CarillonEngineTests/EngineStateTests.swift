import CarillonCore
import CarillonEngine
import CarillonTestSupport
import MemoryStore
import Testing
import Timetable

@Suite struct EngineStateTests {
    private static let succeeded = DispatchEvent.What.succeeded(Outcome(exitCode: 0))
    private static let failed = DispatchEvent.What.failed(Outcome(exitCode: 1, error: "exit code 1"))

    @Test func aDueJobRunsAndEnds() throws {
        var bench = Bench()
        try bench.add("a", Policies(overlap: .allow))
        try bench.pass(3_600)
        let attempt = try #require(bench.dispatched.first)
        try bench.answer([attempt])
        try bench.tell(attempt, .started(nil))
        #expect(bench.ledger.runs[attempt.run]?.state == .running)
        try bench.tell(attempt, Self.succeeded)
        #expect(bench.ledger.runs[attempt.run]?.state == .completed)
        #expect(bench.acknowledged == [attempt])
        #expect(bench.state.trackedRuns == 0 && bench.state.unsavedIDs.isEmpty && bench.state.outstanding.isEmpty)
    }

    @Test func capacityIsKept() throws {
        var bench = Bench()
        bench.state.lanes[0].capacity = 2
        for name in ["a", "b", "c", "d"] { try bench.add(name, Policies(overlap: .allow)) }
        try bench.pass(3_600)
        #expect(bench.dispatched.count == 2)
        try bench.answer(bench.dispatched)
        try bench.pass(60)
        #expect(bench.dispatched.count == 2)
        try bench.tell(bench.dispatched[0], Self.succeeded)
        #expect(bench.dispatched.count == 3)
    }

    @Test func aStartThatWasDeniedCountsOnce() throws {
        var bench = Bench()
        bench.state.lanes[0].capacity = 1
        for name in ["a", "b"] { try bench.add(name, Policies(overlap: .allow)) }
        try bench.pass(3_600)
        let first = try #require(bench.dispatched.first)
        try bench.answer([first], .unavailable("no answer"))
        let second = try #require(bench.dispatched.last)
        try bench.answer([second])
        try bench.tell(first, .started(nil))
        try bench.tell(first, Self.succeeded)
        try bench.pass(60)
        #expect(bench.dispatched == [first, second])
        #expect(bench.state.outstanding == [second])
    }

    @Test func runsOfAJobTakeTurns() throws {
        var bench = Bench()
        try bench.add("a", Policies(overlap: .queue(max: 3)))
        try bench.pass(3 * 3_600)
        #expect(bench.dispatched.count == 1)
        try bench.answer(bench.dispatched)
        #expect(bench.state.trackedRuns == 3)
        try bench.tell(bench.dispatched[0], Self.succeeded)
        #expect(bench.dispatched.count == 2)
    }

    @Test func aNewerRunReplacesTheOlder() throws {
        var bench = Bench()
        try bench.add("a", Policies(overlap: .replace))
        try bench.pass(3_600)
        let older = try #require(bench.dispatched.first)
        try bench.answer([older])
        try bench.tell(older, .started(nil))
        try bench.pass(3_600)
        #expect(bench.cancelled == [older] && bench.dispatched == [older])
        try bench.tell(older, .cancelled(Outcome(signal: 15)))
        #expect(bench.dispatched.count == 2)
        #expect(bench.ledger.runs[older.run]?.state == .cancelled)
    }

    @Test func aRetryGoesOutOnceItIsSavedAndItsWaitIsOver() throws {
        var bench = Bench()
        try bench.add("a", Policies(overlap: .allow, retry: Retry(attempts: 2, backoff: 30_000_000)))
        try bench.pass(3_600)
        let first = try #require(bench.dispatched.first)
        try bench.answer([first])
        bench.saveFails = true
        try bench.tell(first, Self.failed)
        try bench.tell(first, Self.failed)
        try bench.pass(40)
        #expect(bench.dispatched == [first])
        #expect(bench.acknowledged.isEmpty)
        bench.saveFails = false
        try bench.pass(2)
        #expect(bench.dispatched == [first, AttemptID(run: first.run, attempt: 2)])
        #expect(bench.acknowledged == [first])
        #expect(bench.ledger.runs[first.run]?.attempt == 2)
    }

    @Test func aRunThatIsTriedAgainLeavesItsOldPlaceInTheQueue() throws {
        var bench = Bench()
        bench.state.lanes[0].capacity = 1
        let retry = Retry(attempts: 2, backoff: 30_000_000)
        for name in ["a", "b"] { try bench.add(name, Policies(overlap: .allow, retry: retry)) }
        try bench.pass(3_600)
        let first = try #require(bench.dispatched.first)
        try bench.answer([first], .unavailable("no answer"))
        let second = try #require(bench.dispatched.last)
        try bench.answer([second])
        // Its patience is over: it stands in the queue. Then it turns out to run, and fails.
        try bench.pass(5)
        try bench.tell(second, Self.succeeded)
        let again = bench.dispatched.count
        try bench.answer([first], .unavailable("no answer"))
        try bench.tell(first, .started(nil))
        try bench.tell(first, Self.failed)
        #expect(bench.dispatched.count == again)
        try bench.pass(31)
        #expect(bench.dispatched.last == AttemptID(run: first.run, attempt: 2))
    }

    @Test(arguments: [false, true]) func aPlanWhoseAnswerIsLostRunsOnce(_ wasWritten: Bool) throws {
        var bench = Bench()
        try bench.add("a", Policies(overlap: .skip))
        bench.openFails = (wasWritten, ())
        try bench.pass(3_600)
        #expect(bench.dispatched.isEmpty)
        try bench.pass(2)
        #expect(bench.dispatched.count == 1)
        #expect(bench.ledger.runs.count == 1)
        #expect(bench.ledger.skips.isEmpty)
    }

    @Test func aSweepDoesNotBringBackWhatEndedMeanwhile() throws {
        var bench = Bench()
        try bench.add("a", Policies(overlap: .skip))
        bench.openFails = (false, ())
        try bench.pass(3_600)
        try bench.pass(2)
        let attempt = try #require(bench.dispatched.first)
        try bench.answer([attempt])
        let stale = bench.ledger.activeRuns(after: nil, limit: 9)
        // A sweep has read the ledger; before its answer comes, the run ends.
        _ = bench.state.handle(.openFailed([], "no answer"), at: bench.now)
        bench.now = bench.now.adding(microseconds: 2_000_000)
        _ = bench.state.handle(.tick, at: bench.now)
        try bench.tell(attempt, Self.succeeded)
        try bench.send(.adopted(stale, bench.definitions))
        try bench.send(.swept)
        #expect(bench.state.trackedRuns == 0)
    }

    /// Whatever the overlap policy says of runs that wait.
    @Test func whatTheScheduleBringsGoesBeforeABackfill() throws {
        for overlap in [Overlap.skip, .queue(max: 1)] {
            var bench = Bench()
            bench.accepts = true
            let job = try bench.add("a", Policies(catchUp: .latest, overlap: overlap))
            let late = try bench.backfill(job, 2).map(\.id)
            // On the hour the schedule's, a minute later one of the others.
            for hour in 1...3 {
                try bench.pass(hour == 1 ? 3_600 : 3_480)
                #expect(bench.dispatched.count == 2 * hour - 1 - max(0, hour - 3))
                try bench.tell(try #require(bench.dispatched.last), Self.succeeded)
                try bench.pass(120)
                guard hour < 3 else { break }
                #expect(bench.dispatched.last?.run == late[hour - 1])
                try bench.tell(try #require(bench.dispatched.last), Self.succeeded)
            }
            #expect(bench.ledger.skips.isEmpty)
        }
    }

    @Test func aBackfillReplacesNothing() throws {
        var bench = Bench()
        bench.accepts = true
        let job = try bench.add("a", Policies(catchUp: .latest, overlap: .replace))
        try bench.pass(3_600)
        let running = try #require(bench.dispatched.first)
        let late = try bench.backfill(job, 2).map(\.id)
        #expect(bench.cancelled.isEmpty && late.allSatisfy { bench.state.run($0)?.state == .pending })
        // The next one of the schedule replaces what runs, and not what waits.
        try bench.pass(3_600)
        #expect(bench.cancelled == [running])
        #expect(late.allSatisfy { bench.state.run($0)?.state == .pending })
    }

    @Test func nothingGoesOutDuringAPause() throws {
        var bench = Bench()
        try bench.add("a", Policies(catchUp: .latest, overlap: .allow))
        try bench.send(.paused("a move"))
        try bench.pass(5 * 3_600 + 60)
        #expect(bench.dispatched.isEmpty && bench.ledger.runs.isEmpty)
        try bench.send(.paused(nil))
        try bench.pass(0)
        #expect(bench.dispatched.count == 1)
        #expect(bench.ledger.skips.values.flatMap { $0 }.map(\.reason) == [.paused])
    }

    @Test func aStepBackSetsCursorsBackAndMovesTimers() throws {
        var bench = Bench()
        try bench.add("a", Policies(overlap: .allow, timeout: 600_000_000))
        try bench.pass(3_600)
        let attempt = try #require(bench.dispatched.first)
        try bench.answer([attempt])
        try bench.tell(attempt, .started(nil))
        try bench.pass(300)
        let day: Int64 = 86_400_000_000
        bench.now = bench.now.adding(microseconds: -day)
        try bench.send(.clockStepped(by: -day))
        #expect(bench.rewinds == 1)
        try bench.pass(299)
        #expect(bench.cancelled.isEmpty)
        try bench.pass(2)
        #expect(bench.cancelled == [attempt])
    }

    @Test func aStepForwardEndsNothingThatStillMayRun() throws {
        var bench = Bench()
        try bench.add("a", Policies(overlap: .allow, timeout: 600_000_000, heartbeatTimeout: 60_000_000))
        try bench.pass(3_600)
        let attempt = try #require(bench.dispatched.first)
        try bench.answer([attempt])
        try bench.tell(attempt, .started(nil))
        try bench.pass(30)
        let day: Int64 = 86_400_000_000
        bench.now = bench.now.adding(microseconds: day)
        try bench.send(.clockStepped(by: day))
        try bench.tell(attempt, .heartbeat)
        try bench.pass(50)
        #expect(!bench.cancelled.contains(attempt))
        try bench.pass(20)
        #expect(bench.cancelled.contains(attempt))
    }

    @Test func whatWaitedUnderAWrongClockDoesNotWaitForIt() throws {
        var bench = Bench()
        try bench.add("a", Policies(overlap: .allow))
        bench.state.lanes[0].capacity = 0
        try bench.pass(3_600)
        #expect(bench.dispatched.isEmpty)
        let year: Int64 = 365 * 86_400_000_000
        bench.now = bench.now.adding(microseconds: -year)
        try bench.send(.clockStepped(by: -year))
        bench.state.lanes[0].capacity = 1
        try bench.pass(1)
        #expect(bench.dispatched.count == 1)
    }

    @Test func aChangeDuringAPlanIsNotForgotten() throws {
        var bench = Bench()
        let id = try bench.add("a", Policies(overlap: .allow))
        bench.now = bench.now.adding(microseconds: 3_600_000_000)
        let effects = bench.state.handle(.tick, at: bench.now)
        guard case .read(let asked)? = effects.first else {
            Issue.record("\(effects)")
            return
        }
        let old = try #require(bench.ledger.jobs[id]?.stored)
        // While the answer is on its way the definition changes.
        let soon = bench.now.adding(microseconds: 60_000_000)
        _ = bench.state.handle(.changed([JobCursor(id: id, nextDue: soon)]), at: bench.now)
        try bench.send(.definitions(asked: asked, [PlannableJob(old, zones: ZoneDatabase())]))
        #expect(bench.ledger.runs.count == 1)
        #expect(bench.state.jobsInHeap == 1)
    }

    /// What was read before a change comes after it.
    @Test func aReadingOfCursorsPutsNoJobOff() throws {
        var bench = Bench()
        let id = try bench.add("a", Policies(overlap: .allow))
        let due = try #require(bench.state.earliestDue)
        for (read, expected) in [(3_600, due), (-60, due.plus(-60))] as [(Int64, Timestamp)] {
            _ = bench.state.handle(.rewound([JobCursor(id: id, nextDue: due.plus(read))]), at: bench.now)
            #expect(bench.state.earliestDue == expected)
        }
        _ = bench.state.handle(.rewound([JobCursor(id: id, nextDue: nil)]), at: bench.now)
        #expect(bench.state.earliestDue == due.plus(-60))
    }

    @Test func timesBeforeAChangeAreThoseOfTheFormerDefinition() throws {
        var bench = Bench()
        let id = try bench.add("a", Policies(overlap: .allow))
        bench.now = bench.now.adding(microseconds: 3_600_000_000)
        try bench.change(id) { job in
            job.schedule = ScheduleText(.every("30m", anchor: Timestamp(seconds: 0)))
            job.policies.overlap = .skip
        }
        try bench.send(.plan([id]))
        #expect(bench.ledger.runs.values.map(\.revision) == [1])
        #expect(!bench.state.isPlanning([id]) && bench.state.jobsInHeap == 1)
        let stored = try #require(bench.ledger.jobs[id]?.stored)
        #expect(!stored.isChanging && stored.cursor == bench.now && stored.opened == 0)
        #expect(stored.nextDue == bench.now.adding(microseconds: 1_800_000_000))
        try bench.pass(1_800)
        // The first run is still out, and the present policy does not let another one begin.
        #expect(bench.ledger.runs.count == 1)
        #expect(bench.ledger.skips[id]?.map(\.reason) == [.overlap])
    }

    @Test func aChangeThatTheStoreCouldNotTakeUpIsTakenUpLater() throws {
        var bench = Bench()
        let id = try bench.add("a", Policies(overlap: .allow))
        bench.now = bench.now.adding(microseconds: 1_800_000_000)
        bench.openFails = (false, ())
        try bench.change(id) { $0.schedule = ScheduleText(.every("1d", anchor: Timestamp(seconds: 0))) }
        try bench.send(.plan([id]))
        #expect(bench.ledger.jobs[id]?.stored.isChanging == true)
        // A time of the former one comes meanwhile; and an answer is lost.
        bench.now = bench.now.adding(microseconds: 1_800_000_000)
        bench.openFails = (true, ())
        try bench.send(.tick)
        try bench.pass(60)
        #expect(bench.ledger.jobs[id]?.stored.isChanging == false)
        #expect(bench.ledger.runs.values.map(\.revision) == [1])
        #expect(bench.dispatched.count == 1)
        #expect(bench.ledger.jobs[id]?.stored.nextDue == Bench.start.adding(microseconds: 86_400_000_000))
    }

    /// The daemon may have died in between, or the store have been away.
    @Test func aJobThatWasSwitchedOffBeginsNothingWhenThatIsTakenUpLate() throws {
        var bench = Bench()
        let id = try bench.add("a", Policies(overlap: .allow))
        bench.now = bench.now.adding(microseconds: 1_800_000_000)
        bench.openFails = (false, ())
        try bench.change(id) { $0.enabled = false }
        try bench.send(.plan([id]))
        #expect(bench.ledger.jobs[id]?.stored.isChanging == true)
        bench.now = bench.now.adding(microseconds: 3 * 3_600_000_000)
        try bench.pass(60)
        #expect(bench.ledger.jobs[id]?.stored.isChanging == false && bench.ledger.runs.isEmpty)
        #expect(bench.ledger.skips[id]?.map(\.reason) == [.disabled])
        #expect(bench.ledger.skips[id]?.last?.through == Bench.start.adding(microseconds: 3 * 3_600_000_000))
    }

    @Test func aJobThatHaltsBeginsNothingThatASweepFinds() throws {
        var bench = Bench()
        let id = try bench.add("a", Policies(overlap: .allow, onFailure: .halt))
        try bench.pass(3_600)
        try bench.answer(bench.dispatched)
        // The next run is in the ledger, and the answer that says so is lost.
        bench.openFails = (true, ())
        bench.now = bench.now.adding(microseconds: 3_600_000_000)
        try bench.send(.tick)
        try bench.tell(bench.dispatched[0], .failed(Outcome(error: "no")))
        #expect(bench.state.halting[id] != nil)
        try bench.pass(60)
        #expect(bench.dispatched.count == 1)
        #expect(bench.ledger.runs.values.contains { $0.state == .skipped })
    }

    @Test func aJobThatIsGoneHasItsLastTimes() throws {
        var bench = Bench()
        let id = try bench.add("a", Policies(overlap: .allow))
        bench.now = bench.now.adding(microseconds: 3_600_000_000)
        _ = bench.ledger.apply([.remove(id, revision: 1)], now: bench.now)
        try bench.send(.changed([JobCursor(id: id, nextDue: .distantPast)]))
        try bench.send(.tick)
        #expect(bench.ledger.runs.count == 1 && bench.state.jobsInHeap == 0)
        try bench.pass(7_200)
        #expect(bench.ledger.runs.count == 1)
        // It comes back: what passed meanwhile is nobody's.
        let job = try #require(bench.ledger.jobs[id]?.stored.job)
        let back = bench.ledger.apply([TakeUp.addition(job, at: bench.now, zones: ZoneDatabase())], now: bench.now)
        #expect(back.first?.stored?.id == id)
        try bench.send(.changed([JobCursor(id: id, nextDue: .distantPast)]))
        try bench.pass(3_600)
        #expect(bench.ledger.runs.count == 2 && bench.ledger.skips[id] == nil)
    }

    @Test func aStoreThatFailsIsLeftAloneForAWhile() throws {
        var bench = Bench()
        try bench.add("a", Policies(overlap: .allow))
        bench.now = bench.now.adding(microseconds: 3_600_000_000)
        bench.openFails = (false, ())
        try bench.send(.tick)
        #expect(try #require(bench.state.nextWake) > bench.now)
        #expect(!bench.state.isDue(bench.now))
        #expect(bench.state.storeTrouble == "the disk is full")
    }

    @Test func aPlanThatFailedUnderAWrongClockIsTriedAgainUnderTheRightOne() throws {
        var bench = Bench()
        try bench.add("a", Policies(overlap: .allow))
        let year: Int64 = 365 * 86_400_000_000
        bench.now = bench.now.adding(microseconds: year)
        bench.openFails = (false, ())
        try bench.send(.clockStepped(by: year))
        try bench.send(.tick)
        bench.now = bench.now.adding(microseconds: -year)
        try bench.send(.clockStepped(by: -year))
        try bench.pass(3_602)
        #expect(bench.ledger.runs.count == 1)
    }

    @Test func whatWasBeingCancelledAndNeverArrivedEnds() throws {
        var bench = Bench()
        try bench.add("a", Policies(overlap: .skip))
        try bench.pass(3_600)
        let attempt = try #require(bench.dispatched.first)
        try bench.send(.cancel(attempt.run, reason: "by hand"))
        #expect(bench.ledger.runs[attempt.run]?.state == .cancelling)
        var run = try #require(bench.ledger.runs[attempt.run])
        run.dispatchedAt = nil
        bench.state = EngineState(storeID: 1, instance: "i", cursors: bench.ledger.cursors(), now: bench.now)
        try bench.send(.adopted([run], bench.definitions))
        #expect(bench.ledger.runs[attempt.run]?.state == .cancelled)
        #expect(bench.state.trackedRuns == 0)
    }

    @Test func whatRunsComesFirstWhenTheLedgerIsTakenUp() throws {
        var bench = Bench()
        try bench.add("a", Policies(overlap: .queue(max: 3)))
        try bench.pass(2 * 3_600)
        var runs = bench.ledger.activeRuns(after: nil, limit: 9)
        try #require(runs.count == 2)
        // The later one runs: it was the first under a clock that ran ahead.
        runs[0].dispatchedAt = nil
        runs[1].dispatchedAt = bench.now
        bench.state = EngineState(storeID: 1, instance: "i", cursors: bench.ledger.cursors(), now: bench.now)
        let before = bench.dispatched.count
        try bench.send(.adopted(runs, bench.definitions))
        #expect(bench.dispatched.count == before)
        try bench.tell(AttemptID(run: runs[1].id, attempt: 1), Self.succeeded)
        #expect(bench.dispatched.last?.run == runs[0].id)
    }

    @Test(arguments: [false, true]) func aStopTakesNoMoreWork(_ endRuns: Bool) throws {
        var bench = Bench()
        try bench.add("a", Policies(overlap: .allow))
        try bench.pass(3_600)
        let attempt = try #require(bench.dispatched.first)
        try bench.answer([attempt])
        try bench.send(.shutdown(endRuns: endRuns))
        #expect(bench.cancelled == (endRuns ? [attempt] : []))
        try bench.pass(5 * 3_600)
        #expect(bench.dispatched == [attempt] && bench.ledger.runs.count == 1)
        try bench.tell(attempt, endRuns ? .cancelled(Outcome(signal: 15)) : Self.succeeded)
        #expect(bench.ledger.runs[attempt.run]?.state == (endRuns ? .cancelled : .completed))
    }
}
