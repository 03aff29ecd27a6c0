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

    private func desk() async throws -> OrderDesk<ManualClock> {
        let lease = try await store.lease(instance: "j", length: 1)
        let put = JobChange.put(KeepingFeed.job, cursor: clock.now, nextDue: clock.now, skips: [])
        _ = try await store.apply([put], lease: lease, now: clock.now)
        let service = try await EngineService(
            store: store, dispatchers: [], feeds: [feed], clock: clock, zones: ZoneDatabase(), instance: "i",
            bootID: "b", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        return OrderDesk(service, version: "1")
    }

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
