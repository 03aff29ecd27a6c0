import CarillonCore
import CarillonEngine
import MemoryStore
import Testing
import Timetable

/// A dispatcher that is out of reach: runs wait in the ledger and go out by their catch-up policy.
@Suite struct OutageTests {
    private static let away = DispatchResult.away("the server is down")

    /// Ten runs of a job that came due during an outage of this many seconds, and what went out when it ended.
    private func afterOutage(_ catchUp: CatchUp, every: String, seconds: Int64) throws -> (Bench, [AttemptID]) {
        var bench = Bench()
        try bench.add("a", every: every, Policies(catchUp: catchUp, overlap: .allow))
        let end = bench.now.adding(microseconds: seconds * 1_000_000)
        var answered = 0
        while bench.now < end {
            try bench.pass(1)
            if answered < bench.dispatched.count {
                let batch = Array(bench.dispatched[answered...])
                answered += batch.count
                try bench.answer(batch, Self.away)
            }
        }
        let tried = bench.dispatched.count
        // Back: every answer from here on is good.
        for _ in 0..<400 {
            try bench.pass(1)
            if answered < bench.dispatched.count {
                let batch = Array(bench.dispatched[answered...])
                answered += batch.count
                try bench.answer(batch)
            }
            if bench.now.seconds - end.seconds > 30 { break }
        }
        return (bench, Array(bench.dispatched[tried...]))
    }

    @Test func latestSendsTheLatestAndWhatIsNotLate() throws {
        let (bench, sent) = try afterOutage(.latest, every: "10m", seconds: 6_000)
        let runs = bench.ledger.runs.values.sorted { $0.scheduledAt < $1.scheduledAt }
        #expect(runs.count == 10)
        #expect(sent.map(\.run) == [runs[9].id])
        #expect(runs.dropLast().allSatisfy { $0.state == .skipped && $0.reason == SkipReason.unreachable.words })
        #expect(runs[9].held?.why == "the server is down")
    }

    @Test func skipSendsNothingLate() throws {
        let (bench, sent) = try afterOutage(.skip, every: "10m", seconds: 5_900)
        #expect(sent.isEmpty)
        #expect(bench.ledger.runs.values.allSatisfy { $0.state == .skipped })
    }

    @Test func allSendsInOrderUpToItsLimit() throws {
        let (bench, sent) = try afterOutage(.all(limit: 4, rate: 1), every: "10m", seconds: 6_000)
        let runs = bench.ledger.runs.values.sorted { $0.scheduledAt < $1.scheduledAt }
        #expect(sent.map(\.run) == runs.suffix(4).map(\.id))
        let times = runs.suffix(4).compactMap(\.dispatchedAt?.seconds)
        // The first one asked whether the dispatcher is back.
        #expect(zip(times.dropFirst(), times.dropFirst(2)).allSatisfy { $1 - $0 >= 1 }, "not paced: \(times)")
        #expect(runs.prefix(6).allSatisfy { $0.state == .skipped })
    }

    @Test func aShortOutageSendsAllInTheirOrder() throws {
        let (bench, sent) = try afterOutage(.skip, every: "1s", seconds: 30)
        let runs = bench.ledger.runs.values.filter { $0.scheduledAt.seconds <= Bench.start.seconds + 30 }
            .sorted { $0.scheduledAt < $1.scheduledAt }
        #expect(sent.prefix(runs.count).map(\.run) == runs.map(\.id))
    }

    /// One run asks whether the dispatcher is back, not all of them.
    @Test func anOutageIsNoStorm() throws {
        var bench = Bench()
        for number in 0..<100 { try bench.add("job \(number)", every: "1h", Policies(overlap: .allow)) }
        try bench.pass(3_600)
        var answered = 0
        for _ in 0..<60 {
            let batch = Array(bench.dispatched[answered...])
            answered += batch.count
            try bench.answer(batch, Self.away)
            try bench.pass(1)
        }
        #expect(bench.dispatched.count <= 100 + 61)
        #expect(bench.ledger.runs.values.allSatisfy { $0.state == .pending && $0.held != nil })
        #expect(bench.state.outstanding.count == 1)
        try bench.answer(Array(bench.dispatched[answered...]))
        #expect(bench.state.outstanding.count == 100)
    }

    /// Its dispatcher is not asked for a run that nobody can read, so that one tells nothing of the dispatcher.
    @Test func aRunThatCannotBeReadEndsNoOutage() throws {
        var bench = Bench()
        let bad = try bench.add("bad", every: "1d", Policies(overlap: .allow))
        for number in 0..<50 { try bench.add("job \(number)", every: "1h", Policies(overlap: .allow)) }
        let faulty = try bench.openUnreadable(bad)
        func answer(_ batch: [AttemptID]) throws {
            try bench.send(
                .results(
                    lane: 0, batch,
                    batch.map { $0.run == faulty ? .unavailable("its target cannot be read") : Self.away }))
        }
        var answered = 0
        for _ in 0..<20 {
            let batch = Array(bench.dispatched[answered...])
            answered += batch.count
            if !batch.isEmpty { try answer(batch) }
            try bench.pass(answered < 40 ? 1_800 : 1)
        }
        #expect(bench.ledger.runs.count == 51)
        #expect(bench.dispatched.count <= 51 + 40, "the others went to and fro")
        #expect(bench.dispatched.contains { $0.run == faulty })
    }

    /// The new definition may be for another dispatcher.
    @Test(arguments: [0, 1], [false, true])
    func aHealedRunGoesOutWhereItsDefinitionSays(_ lane: Int, _ waitsInItsQueue: Bool) throws {
        var bench = Bench()
        bench.state.lanes = [LaneState(), LaneState()]
        let bad = try bench.add("bad", every: "1d", Policies(overlap: .skip))
        let faulty = try bench.openUnreadable(bad)
        try bench.answer(bench.dispatched, .unavailable("its target cannot be read"))
        if waitsInItsQueue {
            try bench.send(.paused("a move"))
            try bench.pass(5)
        }
        let sent = bench.dispatched.count
        try bench.send(.healed([try bench.definition(of: bad, lane: lane)]))
        try bench.send(.paused(nil))
        #expect(bench.dispatched.count == sent + 1 && bench.dispatched.last?.run == faulty)
        #expect(bench.lanes.last == lane)
        let attempt = try #require(bench.dispatched.last)
        try bench.send(.results(lane: lane, [attempt], [.accepted]))
        try bench.tell(attempt, .succeeded(Outcome(exitCode: 0)))
        try bench.pass(60)
        #expect(bench.ledger.runs[faulty]?.state == .completed && bench.dispatched.count == sent + 1)
    }

    /// What stands in one run's way harms no other.
    @Test func oneRunThatCannotGoOutKeepsNobodyWaiting() throws {
        var bench = Bench()
        bench.state.lanes[0].capacity = 1
        for name in ["a", "b"] { try bench.add(name, Policies(overlap: .allow)) }
        try bench.pass(3_600)
        try bench.answer(bench.dispatched, .unavailable("no such folder"))
        #expect(bench.dispatched.count == 2)
        #expect(bench.dispatched[0].run != bench.dispatched[1].run)
    }

    /// 1, 2, 4, 8, 16 and then always 30 s.
    @Test func oneRunThatCannotGoOutIsOfferedEverMoreSeldom() throws {
        var bench = Bench()
        try bench.add("a", Policies(overlap: .allow))
        try bench.pass(3_600)
        var waits: [Int] = []
        for _ in 0..<7 {
            let before = bench.dispatched.count
            try bench.answer([try #require(bench.dispatched.last)], .unavailable("its web server stumbles"))
            var seconds = 0
            while bench.dispatched.count == before {
                try bench.pass(1)
                seconds += 1
            }
            waits.append(seconds)
        }
        #expect(waits == [1, 2, 4, 8, 16, 30, 30])
        try bench.answer([try #require(bench.dispatched.last)])
        let run = try #require(bench.ledger.runs.values.first)
        #expect(run.held?.why == "its web server stumbles" && run.held?.until != nil)
    }

    @Test func whatItsExecutorForgotGoesOutAgain() throws {
        var bench = Bench()
        try bench.add("a", Policies(overlap: .allow))
        try bench.pass(3_600)
        let attempt = try #require(bench.dispatched.first)
        try bench.answer([attempt])
        try bench.tell(attempt, .forgotten("it lost its memory"))
        #expect(bench.dispatched == [attempt, attempt])
        try bench.answer([attempt])
        try bench.tell(attempt, .started(nil))
        try bench.tell(attempt, .forgotten("it lost its memory"))
        let run = try #require(bench.ledger.runs[attempt.run])
        #expect(run.state == .failed && run.outcome.error == "outcome unknown: it lost its memory")
    }

    @Test func aCancelledRunThatWasForgottenIsCancelled() throws {
        var bench = Bench()
        try bench.add("a", Policies(overlap: .allow))
        try bench.pass(3_600)
        let attempt = try #require(bench.dispatched.first)
        try bench.answer([attempt])
        try bench.send(.cancel(attempt.run, reason: "enough"))
        try bench.tell(attempt, .forgotten("it lost its memory"))
        #expect(bench.ledger.runs[attempt.run]?.state == .cancelled)
    }

    /// A wait that is over has no say when Redis loses its memory hours later.
    @Test func aHoldEndsWhenTheRunIsTaken() throws {
        var bench = Bench()
        try bench.add("a", Policies(catchUp: .skip, overlap: .allow))
        try bench.pass(3_600)
        let attempt = try #require(bench.dispatched.first)
        try bench.answer([attempt], Self.away)
        try bench.pass(1)
        try bench.answer([attempt])
        let hold = try #require(bench.ledger.runs[attempt.run]?.held)
        #expect(hold.until != nil && bench.ledger.runs[attempt.run]?.reason == nil)
        try bench.pass(1_800)
        try bench.tell(attempt, .forgotten("it lost its memory"))
        #expect(bench.dispatched == [attempt, attempt, attempt])
    }

    /// A run that was sent into a broken connection waited from then on.
    @Test func whatNeverGotThereIsCaughtUpByPolicy() throws {
        var bench = Bench()
        try bench.add("a", Policies(catchUp: .skip, overlap: .allow))
        try bench.pass(3_600)
        let attempt = try #require(bench.dispatched.first)
        try bench.answer([attempt])
        try bench.pass(120)
        try bench.tell(attempt, .unsent("the connection was lost on the way"))
        try bench.pass(2)
        #expect(bench.ledger.runs[attempt.run]?.state == .skipped)
        #expect(bench.dispatched == [attempt])
    }
}
