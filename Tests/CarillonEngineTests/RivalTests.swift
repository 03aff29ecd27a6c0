import CarillonCore
import CarillonEngine
import CarillonTestSupport
import Logging
import MemoryStore
import Synchronization
import Testing
import Timetable

/// Two that want the same: a name, or the store.
@Suite(.timeLimit(.minutes(5))) struct RivalTests {
    private let clock = ManualClock(now: Samples.noon)
    private let store = MemoryStore()

    private func service(_ feeds: [SourceFeed]) async throws -> EngineService<ManualClock> {
        try await EngineService(
            store: store, dispatchers: [], feeds: feeds, clock: clock, zones: ZoneDatabase(), instance: .sample("i"),
            bootID: "b", logger: .silent)
    }

    @Test func whatSomebodyElseHasEndedInTheLedgerIsOver() throws {
        var bench = Bench()
        try bench.add("a", Policies(overlap: .skip))
        try bench.pass(3_600)
        let attempt = try #require(bench.dispatched.first)
        try bench.answer([attempt])
        bench.ledger.overwrite(attempt.run) { run in
            run.state = .cancelled
            run.reason = "elsewhere"
        }
        let known = try #require(bench.ledger.runs[attempt.run])
        try bench.send(.overruled([known]))
        #expect(bench.state.run(attempt.run) == nil)
        #expect(bench.acknowledged == [attempt])
        #expect(bench.ledger.runs[attempt.run] == known)
        // Its job goes on.
        try bench.pass(3_600)
        #expect(bench.dispatched.count == 2)
    }

    @Test func aNameBelongsToWhoHadItFirst() async throws {
        let (one, other) = (SourceFeed("one"), SourceFeed("other"))
        let service = try await service([one, other])
        one.set(["a": ["shared", "mine"]])
        other.set(["b": ["shared", "theirs"]])
        await service.reconciler.reconcile(one)
        await service.reconciler.reconcile(other)
        func owners() async throws -> [String] {
            try await store.jobs(after: nil, limit: 9).map { "\($0.job.name) of \($0.job.origin.feed)" }
        }
        #expect(try await owners() == ["mine of one", "shared of one", "theirs of other"])
        let first = try #require(await store.job(named: "shared"))
        var view = try #require(await service.reconciler.feedViews.first { $0.name == "other" })
        #expect(view.problems.map(\.description) == ["b: job 'shared': the name is taken by a job of another feed"])
        #expect(view.waits && view.jobs == 1)
        // Nothing that the other feed says of it moves the job.
        await service.reconciler.reconcile(other)
        #expect(try await store.job(named: "shared") == first)
        // Once the name is free, the one that waits has it, as a job of its own.
        one.set(["a": ["mine"]])
        await service.reconciler.reconcile(one)
        clock.advance(by: 5_000_000)
        await service.reconciler.reconcile(one)
        #expect(try await store.job(named: "shared") == nil)
        await service.reconciler.reconcile(other)
        #expect(try await owners() == ["mine of one", "shared of other", "theirs of other"])
        view = try #require(await service.reconciler.feedViews.first { $0.name == "other" })
        #expect(view.problems == [] && !view.waits && view.jobs == 2)
    }

    /// It must not write a word more: what it believes of the ledger is another daemon's now.
    @Test func aDaemonThatWasEndedStops() async throws {
        let service = try await service([SourceFeed()])
        let daemon = Task { try await service.run() }
        await clock.untilSleeping()
        let known = try #require(await store.instances().first)
        #expect(try await store.end(known.number, term: try #require(known.term).count, beat: known.beat))
        let time = Task {
            while !Task.isCancelled {
                clock.advance(by: 1_000_000)
                await Task.yield()
            }
        }
        let error = await #expect(throws: StoreError.self) { try await daemon.value }
        time.cancel()
        #expect(error?.code == .leaseLost)
    }

    /// As long as its signs of life do not get through, another one may have taken up what it would hand over.
    @Test func nothingGoesOutWhileAnotherMayHaveTakenOver() async throws {
        let dispatcher = StubDispatcher()
        let feed = SourceFeed()
        feed.set(["a": ["one"]])
        let service = try await EngineService(
            store: store, dispatchers: [dispatcher], feeds: [feed], clock: clock, zones: ZoneDatabase(),
            instance: .sample("i"),
            bootID: "b", logger: .silent)
        await service.reconciler.reconcile(feed)
        let desk = OrderService(service, version: "1")
        let daemon = Task { try await service.run() }
        defer { daemon.cancel() }
        await store.refuseBeats(StoreError(.unreachable, "no answer"))
        func pass(_ seconds: Int) async {
            for _ in 0..<seconds * 4 {
                await clock.untilSleeping()
                clock.advance(by: 250_000)
                await Task.yield()
            }
        }
        await pass(Int(InstanceFacts.sample("i").lease / 1_000_000))
        guard case .started = await desk.handle(.start("one")) else {
            Issue.record("not started")
            return
        }
        await pass(20)
        #expect(try await store.runs(RunQuery()).map(\.state) == [.pending])
        #expect(dispatcher.dispatched.withLock { $0.isEmpty })
        await store.refuseBeats(nil)
        var news = dispatcher.news.makeAsyncIterator()
        async let first = news.next()
        while dispatcher.dispatched.withLock({ $0.isEmpty }) { await pass(1) }
        let run = try #require(await store.runs(RunQuery()).first)
        #expect(await first == AttemptID(run: run.id, attempt: 1))
    }
}
