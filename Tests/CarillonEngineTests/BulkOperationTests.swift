import CarillonCore
import CarillonEngine
import CarillonTestSupport
import Logging
import MemoryStore
import Testing
import Timetable

/// Operations on many jobs and runs, by an engine that runs.
@Suite(.timeLimit(.minutes(5))) struct BulkOperationTests {
    private let clock = ManualClock(now: Samples.noon)
    private let store = MemoryStore()
    private let dispatcher = StubDispatcher()

    private struct Unexpected: Error { var words: String }

    private func add(_ jobs: [Job]) async throws {
        let changes = jobs.map { JobChange.add($0, cursor: clock.now, nextDue: .distantFuture, skips: []) }
        _ = try await store.apply(changes, now: clock.now)
    }

    private func job(
        _ name: String, tags: [String] = ["t"], enabled: Bool = true, feed: String = Origin.orders.feed,
        off: Standing.Off? = nil
    ) -> Job {
        var job = Samples.job(name, every: "1000h", enabled: enabled, feed: feed)
        job.tags = tags
        if feed == Origin.orders.feed { job.origin = .orders }
        job.standing = off.map { Standing(off: $0) }
        return job
    }

    /// Runs an engine on the store while the body lasts.
    private func running<Value>(_ body: (OrderService<ManualClock>) async throws -> Value) async throws -> Value {
        let service = try await EngineService(
            store: store, dispatchers: [StubDispatcher()], feeds: [], clock: clock, zones: ZoneDatabase(),
            instance: .sample("i"), bootID: "b", settings: EngineSettings(), logger: .silent)
        let task = Task { try await service.run() }
        let value: Value
        do {
            value = try await body(OrderService(service, version: "1"))
        } catch {
            task.cancel()
            _ = try? await task.value
            throw error
        }
        task.cancel()
        _ = try? await task.value
        return value
    }

    private func begin(_ desk: OrderService<ManualClock>, _ order: Order) async throws -> OperationView {
        switch await desk.handle(order, from: Caller(user: "ann", channel: "test")) {
        case .operations(let views): return try #require(views.first)
        case .failed(let code, let message): throw Unexpected(words: "\(code): \(message)")
        default: throw Unexpected(words: "another answer")
        }
    }

    /// Lets the clock run until an operation has ended.
    private func end(_ desk: OrderService<ManualClock>, _ id: String) async throws -> OperationView {
        var view: OperationView?
        try await eventually("\(id) has ended") {
            clock.advance(by: 10_000)
            view = try await begin(desk, .operations(id))
            return view?.endedAt != nil
        }
        return try #require(view)
    }

    private func carryOut(_ desk: OrderService<ManualClock>, _ order: Order) async throws -> OperationView {
        try await end(desk, try await begin(desk, order).id)
    }

    private func off(_ name: String) async throws -> Standing.Off? {
        try await store.job(named: name)?.job.standing?.off
    }

    @Test func whatItChangedIsTakenBackAndNothingElse() async throws {
        try await add(
            (0..<250).map { job("job \($0)") }
                + [
                    job("other", tags: []), job("was off", off: .disabled), job("halted", off: .halted("broke")),
                    job("by definition", enabled: false),
                ])
        try await running { desk in
            let query = JobQuery(tags: ["t"])
            let request = OperationRequest(.disable, .jobs(query), expected: 253)
            let done = try await carryOut(desk, .operate(request))
            #expect(done.state == .completed && done.done == 253 && done.total == 253)
            #expect(done.changed == 251 && done.unchanged == 2 && done.refused == 0 && done.isUndoable)
            #expect(done.user == "ann")
            for name in ["job 0", "job 249", "was off", "halted"] { #expect(try await off(name) == .disabled) }
            #expect(try await off("other") == nil)
            #expect(try await off("by definition") == nil)

            // Somebody has other plans for one of them meanwhile, and for another one thinks the same.
            _ = await desk.handle(.enable("job 1", true))
            _ = await desk.handle(.enable("job 2", true))
            _ = await desk.handle(.enable("job 2", false))
            let undone = try await carryOut(desk, .undo(done.id))
            #expect(undone.changed == 249, "\(undone)")
            #expect(undone.undoes?.id == done.id && undone.action == .undo)
            #expect(try await off("job 0") == nil)
            #expect(try await off("job 1") == nil)
            #expect(try await off("job 2") == .disabled)
            #expect(try await off("was off") == .disabled)
            #expect(try await off("halted") == .halted("broke"))
            // Nothing of it is left in the jobs.
            #expect(try await store.job(named: "job 0")?.job.standing == nil)
            guard case .failed("refused", let why) = await desk.handle(.undo(done.id)) else {
                Issue.record("it was undone twice")
                return
            }
            #expect(why.contains("undone already"))
        }
    }

    @Test func enablingIsOfDefinitionsToo() async throws {
        try await add([
            job("off", enabled: false), job("disabled", off: .disabled), job("on"),
            job("of a file", enabled: false, feed: "files"), job("halted", off: .halted("broke")),
        ])
        try await running { desk in
            let done = try await carryOut(desk, .operate(OperationRequest(.enable, .jobs(JobQuery(tags: ["t"])))))
            #expect(done.changed == 2 && done.unchanged == 1 && done.refused == 2, "\(done)")
            #expect(done.problems.map(\.subject) == ["halted", "of a file"])
            #expect(try await store.job(named: "off")?.job.isOn == true)
            #expect(try await store.job(named: "disabled")?.job.isOn == true)
            let undone = try await carryOut(desk, .undo(done.id))
            #expect(undone.changed == 2, "\(undone)")
            #expect(try await store.job(named: "off")?.job.enabled == false)
            #expect(try await off("disabled") == .disabled)
            let resolved = try await carryOut(desk, .operate(OperationRequest(.resolve, .jobs(JobQuery(names: ["*"])))))
            #expect(resolved.changed == 1 && resolved.unchanged == 4)
            #expect(try await off("halted") == nil)
            #expect(try await carryOut(desk, .undo(resolved.id)).changed == 1)
            #expect(try await off("halted") == .halted("broke"))
        }
    }

    /// Whoever comes next goes on where the last one was, and nothing runs twice.
    @Test func itGoesOnAfterARestart() async throws {
        try await add((0..<300).map { job("job \($0)") })
        let id = try await running { desk in
            let view = try await begin(
                desk, .operate(OperationRequest(.run, .jobs(JobQuery(tags: ["t"])), perSecond: 100)))
            try await eventually("some have run") {
                clock.advance(by: 10_000)
                return try await begin(desk, .operations(view.id)).done >= 100
            }
            return view.id
        }
        let before = try await store.runs(RunQuery(limit: 1_000)).count
        #expect(before >= 100 && before < 300)
        // However long nobody did anything, no more than a second's worth is owed.
        clock.advance(by: 3_600_000_000)
        let again = clock.now
        try await running { desk in
            let done = try await end(desk, id)
            #expect(done.changed == 300 && done.state == .completed)
            let runs = try await store.runs(RunQuery(limit: 1_000))
            #expect(runs.count == 300 && Set(runs.map(\.jobID)).count == 300)
            let length = try #require(done.endedAt).microseconds - again.microseconds
            #expect(length >= Int64(300 - before - 100) * 10_000, "\(before) before, and then \(length)")
            let undone = try await carryOut(desk, .undo(id))
            // Those of the first engine were cancelled as it ended.
            #expect(undone.changed == runs.count { !$0.state.isFinal }, "\(undone)")
        }
    }

    @Test func itIsCancelled() async throws {
        try await add((0..<300).map { job("job \($0)") })
        try await running { desk in
            let view = try await begin(
                desk, .operate(OperationRequest(.run, .jobs(JobQuery(tags: ["t"])), perSecond: 1)))
            guard case .failed("refused", _) = await desk.handle(.undo(view.id)) else {
                Issue.record("it was undone while it went on")
                return
            }
            try await eventually("it has begun") { try await begin(desk, .operations(view.id)).done > 0 }
            guard case .done = await desk.handle(.cancelOperation(view.id)) else {
                Issue.record("it was not cancelled")
                return
            }
            let done = try await end(desk, view.id)
            #expect(done.state == .cancelled && done.done < 300 && done.cancelledBy == "this process")
            guard case .failed("refused", _) = await desk.handle(.cancelOperation(view.id)) else {
                Issue.record("it was cancelled twice")
                return
            }
        }
    }

    /// A time whose run somebody has repeated by now is not run once more.
    @Test func failedRunsAreRunAgainOnce() async throws {
        try await add((0..<5).map { job("job \($0)") })
        let term = try await store.join("i")
        let jobs = try await store.jobs(JobQuery(limit: 10))
        let storeID = try await store.storeID()
        var runs = jobs.map { Samples.run($0, at: clock.now, store: storeID, trigger: .backfill) }
        runs = try await store.openOrdered(runs, under: term, now: clock.now).compactMap { $0 }
        for place in runs.indices {
            (runs[place].state, runs[place].endedAt) = (place == 4 ? .completed : .failed, clock.now)
        }
        _ = try await store.record(runs, under: term, now: clock.now)
        clock.advance(by: 1_000_000)
        try await running { desk in
            guard case .started = await desk.handle(.retry(runs[0].id.description)) else {
                Issue.record("it was not repeated")
                return
            }
            let request = OperationRequest(.retry, .runs(RunQuery()), expected: 4)
            let done = try await carryOut(desk, .operate(request))
            #expect(done.changed == 3 && done.unchanged >= 1, "\(done)")
            #expect(try await store.runs(RunQuery(limit: 100)).count == 9)
            let cancelled = try await carryOut(desk, .operate(OperationRequest(.cancel, .runs(RunQuery()))))
            #expect(cancelled.changed == 4, "\(cancelled)")
        }
    }

    @Test func whatMakesNoSenseIsRefused() async throws {
        try await add([job("a"), job("b")])
        try await running { desk in
            for (request, word) in [
                (OperationRequest(.disable, .jobs(JobQuery(tags: ["t"])), expected: 3), "there are 2 by now"),
                (OperationRequest(.disable, .jobs(JobQuery(tags: ["nobody"]))), "none"),
                (OperationRequest(.retry, .jobs(JobQuery(tags: ["t"]))), "nothing to do with jobs"),
                (OperationRequest(.disable, .runs(RunQuery())), "nothing to do with runs"),
                (OperationRequest(.retry, .runs(RunQuery(states: [.running]))), "have ended"),
                (OperationRequest(.cancel, .runs(RunQuery(states: [.failed]))), "go on"),
                (OperationRequest(.undo, .jobs(JobQuery(tags: ["t"]))), "nothing to do"),
                (OperationRequest(.run, .jobs(JobQuery(tags: ["t"])), perSecond: 0), "per_second"),
            ] {
                guard case .failed(_, let why) = await desk.handle(.operate(request)) else {
                    Issue.record("\(request) was taken")
                    continue
                }
                #expect(why.contains(word), "\(request): \(why)")
            }
            guard case .failed("unknown", _) = await desk.handle(.operations("0123")) else {
                Issue.record("there is an operation")
                return
            }
        }
    }

    /// Of operations that have ended the last fifty are kept, and nothing is left of the others that anybody would begin again.
    @Test func oldOnesAreForgotten() async throws {
        try await add([job("a")])
        try await running { desk in
            for _ in 0..<53 {
                _ = try await carryOut(desk, .operate(OperationRequest(.stop, .jobs(JobQuery(names: ["a"])))))
            }
            try await eventually("the oldest are gone") {
                clock.advance(by: 10_000)
                return try await store.notes(withPrefix: "operation.").count == 100
            }
            // What a removal that was cut short has left behind is no operation.
            try await store.setNote("operation.0123.progress", "{}")
            guard case .operations(let views) = await desk.handle(.operations()) else {
                Issue.record("another answer")
                return
            }
            #expect(views.count == 50 && views.allSatisfy { $0.state == .completed })
        }
    }

    /// An undo that was cut short may be ordered again.
    @Test func anUndoThatWasCancelledIsNotTheLastWord() async throws {
        try await add((0..<20).map { job("job \($0)") })
        try await running { desk in
            let done = try await carryOut(desk, .operate(OperationRequest(.disable, .jobs(JobQuery(tags: ["t"])))))
            let first = try await begin(desk, .undo(done.id))
            _ = await desk.handle(.cancelOperation(first.id))
            let cut = try await end(desk, first.id)
            guard cut.state == .cancelled else { return }
            let second = try await carryOut(desk, .undo(done.id))
            #expect(cut.changed + second.changed == 20)
            #expect(try await off("job 0") == nil)
        }
    }
}
