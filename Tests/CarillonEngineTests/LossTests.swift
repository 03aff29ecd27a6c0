import CarillonCore
import CarillonEngine
import CarillonTestSupport
import Logging
import MemoryStore
import Synchronization
import Testing
import Timetable

/// Sources that suddenly have no jobs any more, or far fewer.
@Suite struct LossTests {
    private let clock = ManualClock(now: Timestamp(seconds: 1_767_225_600))
    private let store = MemoryStore()
    private let feed = SourceFeed()

    private func service() async throws -> EngineService<ManualClock> {
        try await EngineService(
            store: store, dispatchers: [], feeds: [feed], clock: clock, zones: ZoneDatabase(), instance: .sample("i"),
            bootID: "b", logger: .silent)
    }

    private func names() async throws -> [String] {
        try await store.jobs(after: nil, limit: 1_000).map(\.job.name)
    }

    private func problems(_ service: EngineService<ManualClock>) async -> [String] {
        await service.reconciler.feedViews.flatMap(\.problems).map(\.description)
    }

    /// An editor, a package, a mount: what was switched off stays off, and the number stays.
    @Test func whatReturnsInAMomentWasNeverGone() async throws {
        feed.set(["a": ["one", "two"], "b": ["three"]])
        let service = try await service()
        let desk = OrderService(service, version: "1")
        await service.reconciler.reconcile(feed)
        _ = await desk.handle(.enable("one", false))
        let before = try #require(await store.job(named: "one"))
        feed.set(["b": ["three"]])
        await service.reconciler.reconcile(feed)
        #expect(try await names() == ["one", "three", "two"])
        #expect(await problems(service) == ["a: has lost 2 of its 2 jobs; they are removed in 5s unless they return"])
        #expect(await service.reconciler.feedViews.map(\.jobs) == [3])
        clock.advance(by: 4_900_000)
        feed.set(["a": ["one", "two"], "b": ["three"]])
        await service.reconciler.reconcile(feed)
        #expect(try await store.job(named: "one") == before)
        #expect(await problems(service).isEmpty)
        // The next loss has its own moment.
        clock.advance(by: 4_900_000)
        feed.set(["b": ["three"]])
        await service.reconciler.reconcile(feed)
        clock.advance(by: 4_900_000)
        await service.reconciler.reconcile(feed)
        #expect(try await names() == ["one", "three", "two"])
    }

    @Test func whatStaysAwayIsRemovedAndComesBackAsItWas() async throws {
        feed.set(["a": ["one", "two"]])
        let service = try await service()
        let desk = OrderService(service, version: "1")
        await service.reconciler.reconcile(feed)
        _ = await desk.handle(.enable("one", false))
        feed.set([:])
        await service.reconciler.reconcile(feed)
        clock.advance(by: 5_000_000)
        await service.reconciler.reconcile(feed)
        #expect(try await names() == [])
        #expect(await problems(service).isEmpty)
        feed.set(["a": ["one", "two"]])
        await service.reconciler.reconcile(feed)
        #expect(try await store.job(named: "one")?.job.standing == Standing(off: .disabled))
        #expect(try await store.job(named: "two")?.job.standing == nil)
    }

    /// Nobody has to come by for it.
    @Test(.timeLimit(.minutes(5))) func theMomentEndsByItself() async throws {
        feed.set(["a": ["one"]])
        let service = try await service()
        let serving = Task { try await service.run() }
        defer { serving.cancel() }
        while try await names() != ["one"] { await Task.yield() }
        feed.set([:])
        feed.tell()
        while try await !names().isEmpty {
            try Task.checkCancellation()
            clock.advance(by: 100_000)
            await Task.yield()
        }
    }

    @Test func mostOfTwentyIsALossAndAFewAreNot() async throws {
        let twenty = (0..<20).map { "job-\($0)" }
        feed.set(["a": twenty])
        let service = try await service()
        await service.reconciler.reconcile(feed)
        feed.set(["a": Array(twenty.prefix(10))])
        await service.reconciler.reconcile(feed)
        #expect(try await names().count == 10)
        feed.set(["a": twenty])
        await service.reconciler.reconcile(feed)
        feed.set(["a": Array(twenty.prefix(9))])
        await service.reconciler.reconcile(feed)
        #expect(try await names().count == 20)
        #expect(await problems(service).count == 1)
    }

    @Test func whatOnlyMovesIsNoLoss() async throws {
        feed.set(["a": ["one", "two"]])
        let service = try await service()
        await service.reconciler.reconcile(feed)
        feed.set(["b": ["one", "two"]])
        await service.reconciler.reconcile(feed)
        #expect(await problems(service).isEmpty)
        #expect(try await store.job(named: "one")?.job.origin.source == "b")
        // Nor is another name in the same place.
        feed.set(["b": ["one", "three"]])
        await service.reconciler.reconcile(feed)
        #expect(try await names() == ["one", "three"])
    }

    @Test func anOrderAcceptsTheLoss() async throws {
        feed.set(["a": ["one"]])
        let service = try await service()
        await service.reconciler.reconcile(feed)
        feed.set([:])
        try await service.reconciler.accept("files")
        #expect(try await names() == [])
    }

    /// What was taken up is not handed over again, and is not gone for that.
    @Test func whatIsUnchangedStays() async throws {
        feed.set(["a": ["one"], "b": ["two"]])
        let service = try await service()
        await service.reconciler.reconcile(feed)
        feed.set(["b": ["three"]], unchanged: ["a"])
        await service.reconciler.reconcile(feed)
        #expect(try await names() == ["one", "three"])
        // A name that another file has: its own file is to come again.
        feed.set(["b": ["one"]], unchanged: ["a"])
        await service.reconciler.reconcile(feed)
        #expect(await problems(service).first == "b: job 'one': two jobs have this name")
        #expect(feed.owed == ["b"])
        #expect(try await store.job(named: "one")?.job.origin.source == "a")
    }
}

/// Jobs by their sources, as a test says.
final class SourceFeed: JobFeed {
    private struct State {
        var snapshot = FeedSnapshot()
        var owed: Set<String> = []
    }

    let name: String
    let guardsAgainstLoss = false
    let lossWait: Int64 = 5_000_000
    private let state = Mutex(State())
    private let news = AsyncStream<FeedChange>.makeStream()

    init(_ name: String = "files") { self.name = name }

    func set(_ sources: [String: [String]], unchanged: Set<String> = []) {
        var snapshot = FeedSnapshot()
        snapshot.unchanged = unchanged
        for (source, names) in sources.sorted(by: { $0.key < $1.key }) {
            snapshot.jobs += names.map { Samples.job($0, every: "30d", feed: "", source: source) }
        }
        state.withLock { $0.snapshot = snapshot }
    }

    var owed: Set<String> { state.withLock(\.owed) }

    func tell() { news.continuation.yield(.everything) }

    func snapshot(of change: FeedChange) async throws -> FeedSnapshot { state.withLock(\.snapshot) }

    func taken(without sources: Set<String>) { state.withLock { $0.owed = sources } }

    func changes() -> AsyncStream<FeedChange> { news.stream }
}
