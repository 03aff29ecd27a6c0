import CarillonCore
import CarillonEngine
import CarillonTestSupport
import Logging
import MemoryStore
import Synchronization
import Testing
import Timetable

/// Stored jobs that this build cannot read.
@Suite(.timeLimit(.minutes(5))) struct FaultyRowTests {
    private let clock = ManualClock(now: Samples.noon)
    private let store = MemoryStore()
    private let feed = SourceFeed()

    private func service(_ dispatchers: [any Dispatcher] = []) async throws -> EngineService<ManualClock> {
        try await EngineService(
            store: store, dispatchers: dispatchers, feeds: [feed], clock: clock, zones: ZoneDatabase(),
            instance: .sample("i"),
            bootID: "b", logger: .silent)
    }

    /// Its digest is as it was, and it is due in a month: nobody else would look at it before.
    @Test func oneThatIsNotDueIsFoundAndHealedBeforeItsTime() async throws {
        feed.set(["a": (0..<120).map { "job \($0)" }])
        var service = try await service()
        await service.reconciler.reconcile(feed)
        try await store.damage("job 99")
        service = try await self.service()
        await service.reconciler.reconcile(feed)
        #expect(try await store.job(named: "job 99")?.fault != nil, "an unchanged definition was written again")
        async let inspected: Void = service.engine.inspect()
        for _ in 0..<3 {
            await clock.untilSleeping()
            clock.advance(by: 1_000_000)
        }
        await inspected
        guard case .status(let status) = await OrderService(service, version: "1").handle(.status) else {
            Issue.record("no status")
            return
        }
        #expect(status.connections.first?.warnings == ["job 'job 99' cannot be read: rotten"])
        await service.reconciler.reconcile(feed)
        let healed = try #require(await store.job(named: "job 99"))
        #expect(healed.fault == nil && healed.nextDue != nil)
        // Nothing was due meanwhile, so nothing was missed.
        #expect(try await store.skips(RunQuery()).isEmpty)
    }

    @Test func whatCameMeanwhileIsSaid() async throws {
        feed.set(["a": ["one"]])
        var service = try await service()
        await service.reconciler.reconcile(feed)
        try await store.damage("one")
        clock.advance(by: 31 * 86_400_000_000)
        service = try await self.service()
        async let inspected: Void = service.engine.inspect()
        await clock.untilSleeping()
        clock.advance(by: 1_000_000)
        await inspected
        await service.reconciler.reconcile(feed)
        #expect(try await store.skips(RunQuery()).map(\.reason) == [.faulty])
    }

    /// A target is opened by its dispatcher, and so its fault is found.
    @Test func aTargetThatCannotBeOpenedIsItsJobsFaultAlone() async throws {
        feed.set(["a": ["good", "bad"]])
        var service = try await service([StubDispatcher()])
        await service.reconciler.reconcile(feed)
        let text = try #require(await store.job(named: "bad")).job.target.body
        try await store.rewrite("bad", Target(kind: SampleTarget.kind, summary: "?", body: #"{"surname":"x"}"#))
        service = try await self.service([StubDispatcher()])
        let desk = OrderService(service, version: "1")
        guard case .jobs(let views, _) = await desk.handle(.jobs(JobQuery(limit: 9))) else {
            Issue.record("no jobs")
            return
        }
        #expect(views.map(\.name) == ["bad", "good"])
        #expect(views.map { $0.problems.map(\.message) } == [["its target cannot be read by this build"], []])
        guard case .failed(_, let why) = await desk.handle(.start("bad")) else {
            Issue.record("it was started")
            return
        }
        #expect(why == "bad waits for a new definition: its target cannot be read by this build")
        // Its digest is as it was, so its feed is asked for it.
        async let inspected: Void = service.engine.inspect()
        await clock.untilSleeping()
        clock.advance(by: 1_000_000)
        await inspected
        await service.reconciler.reconcile(feed)
        #expect(try await store.job(named: "bad")?.job.target.body == text)
    }

    @Test func aRunThatWaitedForItsDefinitionGoesOutOnceThatIsHealed() async throws {
        feed.set(["a": ["one"]])
        let first = try await service([StubDispatcher()])
        await first.reconciler.reconcile(feed)
        guard case .started(let view, _) = await OrderService(first, version: "1").handle(.start("one")),
            let id = RunID(view.id)
        else {
            Issue.record("not started")
            return
        }
        try await store.damage("one")
        let dispatcher = StubDispatcher()
        let service = try await service([dispatcher])
        let serving = Task { try await service.run() }
        defer { serving.cancel() }
        var news = dispatcher.news.makeAsyncIterator()
        async let next = news.next()
        while dispatcher.dispatched.withLock({ $0.isEmpty }) {
            try Task.checkCancellation()
            clock.advance(by: 100_000)
            await Task.yield()
        }
        #expect(await next?.run == id)
        #expect(dispatcher.dispatched.withLock { $0.map(\.target) } == [SampleTarget()])
    }
}

extension MemoryStore {
    fileprivate func damage(_ name: String) throws {
        let id = try #require(ledger.jobs.first { $0.value.stored.job.name == name }?.key)
        ledger.jobs[id]?.stored.fault = "rotten"
    }

    fileprivate func rewrite(_ name: String, _ target: Target) throws {
        let id = try #require(ledger.jobs.first { $0.value.stored.job.name == name }?.key)
        ledger.jobs[id]?.stored.job.target = target
    }
}
