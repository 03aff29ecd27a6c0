import CarillonCore
import CarillonTestSupport
import FrappeFeed
import Logging
import Synchronization
import Testing
import Timetable

/// What the app says before it commits, with a clock that only the test moves.
@Suite(.timeLimit(.minutes(1))) struct AnnouncementTests {
    private let clock = ManualClock(now: Timestamp(seconds: 1_790_000_000))
    private let tables = FakeTables()
    private let feed: FrappeFeed

    init() {
        feed = FrappeFeed(
            tables: tables, few: tables, zones: ZoneDatabase(), refresh: 3_600_000_000, clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func names(_ change: FeedChange = .everything) async throws -> [String] {
        try await feed.snapshot(of: change).jobs.map(\.name).sorted()
    }

    /// Runs the feed while `body` does; `next` waits for the next change it tells.
    private func running(_ body: @Sendable (_ next: @Sendable () async -> FeedChange?) async throws -> Void)
        async throws
    {
        let changes = Changes(feed.changes())
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await feed.run() }
            try await body { await changes.next() }
            group.cancelAll()
        }
    }

    private func summary(_ name: String) async throws -> String? {
        try await feed.snapshot(of: .jobs([name])).jobs.first?.schedule.summary
    }

    @Test func aRowIsReadAgainUntilItsCommitIsSeen() async throws {
        tables.put("TS-1", cron: "0 7 * * *", modified: "a")
        try await running { next async throws in
            let answer = await feed.created("TS-1") { _ in "no worker listens to queue 'default'" }
            #expect(answer.hasPrefix("Task schedule 'TS-1' is noted. As it stands it runs next at 2026-09-2"))
            #expect(answer.hasSuffix("Warning: no worker listens to queue 'default'."))
            #expect(await next() == .jobs(["TS-1"]))
            #expect(try await summary("TS-1") == "0 7 * * *")
            await tables.untilAsked { clock.advance(by: 1_000_000) }
            tables.put("TS-1", cron: "0 8 * * *", modified: "b")
            await tables.untilAsked { clock.advance(by: 1_000_000) }
            #expect(await next() == .jobs(["TS-1"]))
            #expect(try await summary("TS-1") == "0 8 * * *")
        }
    }

    @Test func aRowThatIsNotThereYetIsWaitedForAndAfterAWhileReadOnceMore() async throws {
        try await running { next async throws in
            let answer = await feed.created("TS-1") { _ in nil }
            #expect(answer == "Task schedule 'TS-1' is noted. It will be read when it is saved.")
            #expect(await next() == .jobs(["TS-1"]))
            for _ in 0..<15 { await tables.untilAsked { clock.advance(by: 1_000_000) } }
            #expect(await next() == .jobs(["TS-1"]))
            #expect(try await names(.jobs(["TS-1"])) == [])
        }
    }

    @Test func theAnswerSaysWhatDoesNotParse() async throws {
        tables.put("TS-1", cron: "every tuesday", modified: "a")
        let answer = await feed.created("TS-1") { _ in nil }
        #expect(answer.contains("As it stands it does not run: cron_string: found 2 fields"))
        tables.put("TS-2", cron: "0 7 * * *", modified: "a", enabled: false)
        #expect(await feed.created("TS-2") { _ in nil }.hasSuffix("As it stands it is disabled."))
    }

    @Test func aCancelTakesEffectAtOnceAndSticksUntilTheRowChanges() async throws {
        tables.put("TS-1", cron: "0 7 * * *", modified: "a")
        tables.put("TS-2", cron: "0 7 * * *", modified: "a")
        #expect(try await names() == ["TS-1", "TS-2"])
        #expect(await feed.cancelled("TS-1") == "Task schedule 'TS-1' is cancelled.")
        #expect(try await names(.jobs(["TS-1"])) == [])
        #expect(try await names() == ["TS-2"])
        #expect(try await names() == ["TS-2"])
        tables.put("TS-1", cron: "0 7 * * *", modified: "b")
        #expect(try await names() == ["TS-1", "TS-2"])
    }

    @Test func aCancelWorksWhileTheDatabaseIsAway() async throws {
        tables.put("TS-1", cron: "0 7 * * *", modified: "a")
        tables.isAway = true
        _ = await feed.cancelled("TS-1")
        let snapshot = try await feed.snapshot(of: .jobs(["TS-1"]))
        #expect(snapshot.jobs.isEmpty && snapshot.scope == .jobs(["TS-1"]))
        await #expect(throws: FakeTables.Away.self) { try await feed.snapshot(of: .everything) }
        tables.isAway = false
        #expect(try await names() == [])
        tables.put("TS-1", cron: "0 7 * * *", modified: "b")
        #expect(try await names() == ["TS-1"])
    }
}

/// Changes as they come, for whoever asks next.
private actor Changes {
    private var iterator: AsyncStream<FeedChange>.Iterator

    init(_ stream: AsyncStream<FeedChange>) { iterator = stream.makeAsyncIterator() }

    func next() async -> FeedChange? {
        var mine = iterator
        let change = await mine.next(isolation: self)
        iterator = mine
        return change
    }
}
