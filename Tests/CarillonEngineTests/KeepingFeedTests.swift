import CarillonCore
import CarillonEngine
import CarillonTestSupport
import Logging
import MemoryStore
import Synchronization
import Testing
import Timetable

/// Orders for jobs whose feed keeps them itself.
@Suite struct KeepingFeedTests {
    private let clock = ManualClock(now: Timestamp(seconds: 1_767_225_600))
    private let store = MemoryStore()
    private let feed = KeepingFeed()

    private func service(_ dispatchers: [any Dispatcher] = []) async throws -> EngineService<ManualClock> {
        let puts = feed.state.withLock(\.jobs).map {
            JobChange.add($0, cursor: clock.now, nextDue: clock.now, skips: [])
        }
        _ = try await store.apply(puts, now: clock.now)
        var settings = EngineSettings()
        // However long a test lets the clock run.
        settings.grace = 365 * 86_400_000_000
        return try await EngineService(
            store: store, dispatchers: dispatchers, feeds: [feed], clock: clock, zones: ZoneDatabase(),
            instance: .sample("i"),
            bootID: "b", settings: settings, logger: .silent)
    }

    private func desk() async throws -> OrderService<ManualClock> { OrderService(try await service(), version: "1") }

    private func standing() async throws -> Standing? { try await store.job(named: "a")?.job.standing }

    @Test func theFeedHasTheOrder() async throws {
        let desk = try await desk()
        guard case .done(let said) = await desk.handle(.enable("a", false)) else {
            Issue.record("something else came")
            return
        }
        #expect(said == "a is disabled" && feed.state.withLock { $0.off["a"] } == .disabled)
        #expect(try await standing() == Standing(off: .disabled))
        _ = await desk.handle(.enable("a", true))
        #expect(feed.state.withLock { $0.off["a"] } == nil)
        #expect(try await standing() == nil)
    }

    @Test func whileTheFeedIsAwayTheOrderStandsAndIsOwed() async throws {
        let desk = try await desk()
        feed.state.withLock { $0.trouble["a"] = StoreError(.unreachable, "no database") }
        guard case .done(let said) = await desk.handle(.enable("a", false)) else {
            Issue.record("something else came")
            return
        }
        #expect(said.contains("a is disabled; keeper is told as soon as it can be (no database)"), "\(said)")
        #expect(try await standing() == Standing(off: .disabled, isOwed: true))
    }

    /// A job that was off must not run because its feed would not delete it.
    @Test func aRefusedDeleteLeavesWhatStood() async throws {
        let desk = try await desk()
        _ = await desk.handle(.enable("a", false))
        feed.state.withLock { $0.trouble["a"] = FeedRefusal("its binary lies elsewhere") }
        guard case .failed(_, let why) = await desk.handle(.delete("a")) else {
            Issue.record("something else came")
            return
        }
        #expect(why == "its binary lies elsewhere")
        #expect(try await standing() == Standing(off: .disabled))
    }

    /// It would take away what the run still needs.
    @Test(.timeLimit(.minutes(5))) func aDeleteReachesTheFeedOnceTheLastRunHasEnded() async throws {
        // The feed never takes what it is owed of this one, and so tells how often it was asked.
        feed.state.withLock { state in
            state.jobs.append(KeepingFeed.job("b"))
            state.trouble["b"] = StoreError(.unreachable, "no database")
        }
        let dispatcher = StubDispatcher()
        let service = try await service([dispatcher])
        let desk = OrderService(service, version: "1")
        let serving = Task { try await service.run() }
        defer { serving.cancel() }
        var news = dispatcher.news.makeAsyncIterator()
        guard case .started = await desk.handle(.start("a")) else {
            Issue.record("something else came")
            return
        }
        let attempt = try #require(await news.next())
        _ = await desk.handle(.enable("b", false))
        let isDeleted = Mutex(false)
        async let deleting: Void = {
            _ = await desk.handle(.delete("a"))
            isDeleted.withLock { $0 = true }
        }()
        #expect(await news.next() == attempt, "it is to end")
        // The second round after this one has begun and ended with the delete in the store.
        let asked = feed.state.withLock { $0.asked["b", default: 0] }
        try await pass { feed.state.withLock { $0.asked["b", default: 0] } >= asked + 3 }
        #expect(feed.state.withLock { $0.off["a"] } == nil && !isDeleted.withLock { $0 })
        dispatcher.tell(attempt, .cancelled(Outcome()), at: clock.now)
        try await pass { isDeleted.withLock { $0 } }
        await deleting
        guard case .deleted? = feed.state.withLock({ $0.off["a"] }) else {
            Issue.record("something else came")
            return
        }
    }

    /// Its row is gone; nothing that its last run does brings it back.
    @Test(.timeLimit(.minutes(5))) func aJobThatIsGoneStaysGoneWhenItsLastRunFails() async throws {
        feed.state.withLock { $0.jobs[0].policies.onFailure = .halt }
        let dispatcher = StubDispatcher()
        let service = try await service([dispatcher])
        let desk = OrderService(service, version: "1")
        let serving = Task { try await service.run() }
        defer { serving.cancel() }
        var news = dispatcher.news.makeAsyncIterator()
        guard case .started = await desk.handle(.start("a")) else {
            Issue.record("something else came")
            return
        }
        let attempt = try #require(await news.next())
        feed.state.withLock { $0.jobs = [] }
        _ = await desk.handle(.acceptFeed("keeper"))
        #expect(try await store.job(named: "a") == nil)
        dispatcher.tell(attempt, .failed(Outcome(exitCode: 1)), at: clock.now)
        // The ledger has it once the halt is dealt with.
        while try await store.run(attempt.run)?.state != .failed { try await pass { true } }
        #expect(try await store.job(named: "a") == nil)
    }

    /// A state directory may hold jobs of another set-up.
    @Test(.timeLimit(.minutes(5))) func aRunWaitsForADaemonThatHasItsDispatcher() async throws {
        let service = try await service()
        let desk = OrderService(service, version: "1")
        let serving = Task { try await service.run() }
        defer { serving.cancel() }
        guard case .started(let view, _) = await desk.handle(.start("a")), let id = RunID(view.id) else {
            Issue.record("something else came")
            return
        }
        while try await store.run(id)?.held == nil { try await pass { true } }
        let run = try #require(await store.run(id))
        #expect(run.state == .pending && run.dispatchedAt == nil)
        #expect(run.held?.why == "this daemon is not set up for sample jobs")
    }

    /// Time passes, once at least, until it is so.
    private func pass(until isSo: () -> Bool) async throws {
        repeat {
            try Task.checkCancellation()
            clock.advance(by: 100_000)
            await Task.yield()
        } while !isSo()
    }
}

/// A few jobs, and what the feed was told of each.
private final class KeepingFeed: JobFeed {
    struct State {
        var jobs = [KeepingFeed.job("a")]
        var off: [String: Standing.Off] = [:]
        var trouble: [String: any Error] = [:]
        /// How often it was to keep something.
        var asked: [String: Int] = [:]
    }

    static func job(_ name: String) -> Job { Samples.job(name, feed: "keeper", source: "") }

    let name = "keeper"
    let guardsAgainstLoss = false
    let keepsOrders = true
    let state = Mutex(State())

    func snapshot(of change: FeedChange) async throws -> FeedSnapshot {
        let jobs = state.withLock { state in
            state.jobs.map { job in
                var job = job
                job.standing = Standing(off: state.off[job.name])
                return job
            }
        }
        return FeedSnapshot(scope: change, jobs: jobs)
    }

    func changes() -> AsyncStream<FeedChange> { AsyncStream { $0.finish() } }

    func keep(_ off: Standing.Off?, of job: String) async throws {
        try state.withLock { state in
            state.asked[job, default: 0] += 1
            if let trouble = state.trouble[job] { throw trouble }
            state.off[job] = off
        }
    }
}
