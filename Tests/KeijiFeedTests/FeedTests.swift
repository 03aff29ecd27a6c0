import CarillonCore
import CarillonTestSupport
import KeijiFeed
import Logging
import Synchronization
import Testing
import Timetable

/// What the feed takes up, and what it leaves alone.
@Suite struct FeedTests {
    private let tables = Recording()
    private let clock = ManualClock(now: Samples.noon)

    private func feed(isShadow: Bool = false, prefix: String = "") -> KeijiFeed {
        KeijiFeed(
            tables: tables, folders: KeijiFolders(root: "/nowhere"), zones: ZoneDatabase(), zone: "UTC",
            prefix: prefix, isShadow: isShadow, clock: clock,
            logger: .silent)
    }

    private func task(_ name: String, seconds: Int = 1) -> KeijiTask {
        KeijiTask(
            id: name.uppercased(), name: name, slug: name, type: "HMS",
            scheduleInfo: #"{"units":"seconds","interval":\#(seconds)}"#, executable: "/k/\(name).bin")
    }

    /// A look at one task must not hide that another one changed.
    @Test func aChangeIsToldAlsoAfterALookAtAnotherTask() async throws {
        let feed = feed()
        tables.rows.withLock { $0 = [task("a"), task("b")] }
        _ = try await feed.snapshot(of: .everything)
        tables.rows.withLock { $0 = [task("a"), task("b", seconds: 9)] }
        #expect(try await feed.snapshot(of: .jobs(["a"])).jobs.map(\.name) == ["a"])
        var changes = feed.changes().makeAsyncIterator()
        let running = Task { await feed.run() }
        await clock.untilSleeping()
        clock.advance(by: 1_000_000)
        #expect(await changes.next() == .everything)
        running.cancel()
    }

    @Test(arguments: [false, true]) func aBrokenRowIsMarkedUnlessAnotherSchedulerWorks(
        _ isShadow: Bool
    ) async throws {
        let feed = feed(isShadow: isShadow)
        #expect(feed.keepsOrders == !isShadow)
        tables.rows.withLock { $0 = [task("a", seconds: 0)] }
        var changes = feed.changes().makeAsyncIterator()
        let running = Task { await feed.run() }
        await clock.untilSleeping()
        clock.advance(by: 1_000_000)
        _ = await changes.next()
        running.cancel()
        let laid = tables.laid.withLock { $0 }
        #expect(laid.map(\.name) == (isShadow ? [] : ["a"]))
    }

    @Test func anIDStandsForAJobWhateverItsCase() async throws {
        let feed = feed(prefix: "k/")
        tables.rows.withLock { $0 = [task("a")] }
        #expect(try await feed.job(ofTask: "a") == "k/a")
        #expect(try await feed.job(ofTask: "b") == nil)
        // A job that was there under another prefix belongs to no task.
        try await feed.keep(.disabled, of: "aa")
        #expect(tables.laid.withLock { $0.isEmpty })
        try await feed.keep(.disabled, of: "k/a")
        #expect(tables.laid.withLock { $0.map(\.name) } == ["a"])
    }
}
