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
        let lease = try await store.lease(instance: "j", length: 1)
        let put = JobChange.put(KeepingFeed.job, cursor: clock.now, nextDue: clock.now, skips: [])
        _ = try await store.apply([put], lease: lease, now: clock.now)
        return try await EngineService(
            store: store, dispatchers: dispatchers, feeds: [feed], clock: clock, zones: ZoneDatabase(), instance: "i",
            bootID: "b", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func desk() async throws -> OrderDesk<ManualClock> { OrderDesk(try await service(), version: "1") }

    private func standing() async throws -> Standing? { try await store.job(named: "a")?.job.standing }

    @Test func theFeedHasTheOrder() async throws {
        let desk = try await desk()
        guard case .done(let said) = await desk.handle(.enable("a", false)) else { return #expect(Bool(false)) }
        #expect(said == "a is disabled" && feed.state.withLock { $0.off } == .disabled)
        #expect(try await standing() == Standing(off: .disabled))
        _ = await desk.handle(.enable("a", true))
        #expect(feed.state.withLock { $0.off } == nil)
        #expect(try await standing() == nil)
    }

    @Test func whileTheFeedIsAwayTheOrderStandsAndIsOwed() async throws {
        let desk = try await desk()
        feed.state.withLock { $0.trouble = StoreError(.unreachable, "no database") }
        guard case .done(let said) = await desk.handle(.enable("a", false)) else { return #expect(Bool(false)) }
        #expect(said.contains("a is disabled; keeper is told as soon as it can be (no database)"), "\(said)")
        #expect(try await standing() == Standing(off: .disabled, isOwed: true))
    }

    /// A job that was off must not run because its feed would not delete it.
    @Test func aRefusedDeleteLeavesWhatStood() async throws {
        let desk = try await desk()
        _ = await desk.handle(.enable("a", false))
        feed.state.withLock { $0.trouble = FeedRefusal("its binary lies elsewhere") }
        guard case .failed(_, let why) = await desk.handle(.delete("a")) else { return #expect(Bool(false)) }
        #expect(why == "its binary lies elsewhere")
        #expect(try await standing() == Standing(off: .disabled))
    }

    /// It would take away what the run still needs.
    @Test(.timeLimit(.minutes(5))) func aDeleteReachesTheFeedOnceTheLastRunHasEnded() async throws {
        let dispatcher = StubbornDispatcher()
        let service = try await service([dispatcher])
        let desk = OrderDesk(service, version: "1")
        let serving = Task { try await service.run() }
        defer { serving.cancel() }
        var news = dispatcher.news.makeAsyncIterator()
        guard case .started = await desk.handle(.start("a")) else { return #expect(Bool(false)) }
        let attempt = try #require(await news.next())
        let isDeleted = Mutex(false)
        async let deleting: Void = {
            _ = await desk.handle(.delete("a"))
            isDeleted.withLock { $0 = true }
        }()
        #expect(await news.next() == attempt, "it is to end")
        // The feed is asked every second what it is owed.
        for _ in 0..<4 {
            clock.advance(by: 1_000_000)
            await clock.untilSleeping()
            await Task.yield()
        }
        #expect(feed.state.withLock { $0.off } == nil && !isDeleted.withLock { $0 })
        dispatcher.end(attempt, at: clock.now)
        while !isDeleted.withLock({ $0 }) {
            clock.advance(by: 10_000)
            await Task.yield()
        }
        await deleting
        guard case .deleted? = feed.state.withLock({ $0.off }) else { return #expect(Bool(false)) }
    }
}

/// Its runs end when the test says so.
private final class StubbornDispatcher: Dispatcher {
    let kind = Target.Kind.exec
    let capacity: Int? = nil
    let events: AsyncStream<[DispatchEvent]>
    /// What was dispatched, and then cancelled.
    let news: AsyncStream<AttemptID>
    private let tell: AsyncStream<[DispatchEvent]>.Continuation
    private let note: AsyncStream<AttemptID>.Continuation

    init() {
        (events, tell) = AsyncStream.makeStream()
        (news, note) = AsyncStream.makeStream()
    }

    func end(_ attempt: AttemptID, at time: Timestamp) {
        tell.yield([DispatchEvent(attempt: attempt, at: time, what: .cancelled(Outcome()))])
    }

    func adopt(_ outstanding: [Run]) async -> [AttemptID] { [] }

    func dispatch(_ batch: [Dispatch]) async -> [DispatchResult] {
        for dispatch in batch { note.yield(dispatch.attempt) }
        return batch.map { _ in .accepted }
    }

    func cancel(_ attempt: AttemptID, grace: Int64) async { note.yield(attempt) }
    func acknowledge(_ attempts: [AttemptID]) async {}
    func forget(_ runs: [(id: RunID, job: String)]) async {}
    func shutdown() async { tell.finish() }
    func health() async -> DispatcherHealth { DispatcherHealth() }
}

/// One job, and what the feed was told of it.
private final class KeepingFeed: JobFeed {
    struct State {
        var off: Standing.Off?
        var trouble: (any Error)?
    }

    static let job = Samples.job("a", feed: "keeper", source: "")
    let name = "keeper"
    let guardsAgainstLoss = false
    let keepsOrders = true
    let state = Mutex(State())

    func snapshot(of change: FeedChange) async throws -> FeedSnapshot {
        var job = Self.job
        job.standing = Standing(off: state.withLock { $0.off })
        return FeedSnapshot(scope: change, jobs: [job])
    }

    func changes() -> AsyncStream<FeedChange> { AsyncStream { $0.finish() } }

    func keep(_ off: Standing.Off?, of job: String) async throws {
        try state.withLock { state in
            if let trouble = state.trouble { throw trouble }
            state.off = off
        }
    }
}
