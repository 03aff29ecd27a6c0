import CarillonCore
import CarillonTestSupport
import FrappeFeed
import Logging
import Testing
import Timetable

/// What the app says before it commits, with a clock that only the test moves.
@Suite(.timeLimit(.minutes(5))) struct AnnouncementTests {
    private let clock = ManualClock(now: Timestamp(seconds: 1_790_000_000))
    private let tables = FakeTables()
    private let feed: FrappeFeed

    init() {
        feed = FrappeFeed(
            tables: tables, few: tables, zones: ZoneDatabase(), refresh: 3_600_000_000, clock: clock,
            logger: .silent)
    }

    private func names(_ change: FeedChange = .everything) async throws -> [String] {
        try await feed.snapshot(of: change).jobs.map(\.name).sorted()
    }

    private func look(after seconds: Int64) async -> Set<String> {
        clock.advance(by: seconds * 1_000_000)
        return await feed.lookAtWatched()
    }

    private func summary(_ name: String) async throws -> String? {
        try await feed.snapshot(of: .jobs([name])).jobs.first?.schedule.summary
    }

    @Test func aRowIsReadAgainUntilItsCommitIsSeen() async throws {
        var changes = feed.changes().makeAsyncIterator()
        tables.put("TS-1", cron: "0 7 * * *", modified: "a")
        let answer = await feed.created("TS-1") { _ in "no worker listens to queue 'default'" }
        #expect(answer.hasPrefix("Task schedule 'TS-1' is noted. As it stands it runs next at 2026-09-2"))
        #expect(answer.hasSuffix("Warning: no worker listens to queue 'default'."))
        #expect(await changes.next() == .jobs(["TS-1"]))
        #expect(try await summary("TS-1") == "0 7 * * *")
        #expect(await look(after: 1) == [])
        tables.put("TS-1", cron: "0 8 * * *", modified: "b")
        #expect(await look(after: 1) == ["TS-1"])
        #expect(await changes.next() == .jobs(["TS-1"]))
        #expect(try await summary("TS-1") == "0 8 * * *")
        #expect(await look(after: 1) == [])
    }

    @Test func aRowThatIsNotThereYetIsWaitedForAndAfterAWhileReadOnceMore() async throws {
        let answer = await feed.created("TS-1") { _ in nil }
        #expect(answer == "Task schedule 'TS-1' is noted. It will be read when it is saved.")
        for _ in 1..<15 { #expect(await look(after: 1) == []) }
        #expect(await look(after: 1) == ["TS-1"])
        #expect(await look(after: 1) == [])
    }

    @Test func aRowAnnouncedWhileTheDatabaseIsAwayIsReadWhenItIsBackAndWhenItChanges() async throws {
        tables.put("TS-1", cron: "0 7 * * *", modified: "a")
        tables.isAway = true
        #expect(await feed.created("TS-1") { _ in nil }.contains("The database does not answer now"))
        #expect(await look(after: 1) == [])
        tables.isAway = false
        #expect(await look(after: 1) == ["TS-1"])
        #expect(await look(after: 1) == [])
        tables.put("TS-1", cron: "0 8 * * *", modified: "b")
        #expect(await look(after: 1) == ["TS-1"])
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
