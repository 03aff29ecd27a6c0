import CarillonCore
import CarillonTestSupport
import FrappeFeed
import FrappeLog
import Logging
import MemoryStore
import Testing
import Timetable

/// Which runs have a row in the site's log, and when.
@Suite(.timeLimit(.minutes(5))) struct UnreachedLogTests {
    private let clock = ManualClock(now: Samples.noon)
    private let store = MemoryStore()
    private let table = Recording()
    private let term: Term
    /// A schedule of the site, and a job of somebody else.
    private let schedule: StoredJob
    private let other: StoredJob

    init() async throws {
        term = try await store.join("i")
        var job = Samples.job("site-TS-1", feed: "frappe", source: "tabBTU Task Schedule")
        job.target = try Target(FrappeTarget(task: "TASK-0001", schedule: "TS-1"))
        let changes = [job, Samples.job("backup")].map {
            JobChange.add($0, cursor: Samples.noon, nextDue: Samples.noon.plus(60), skips: [])
        }
        let stored = try await store.apply(changes, now: clock.now).compactMap(\.stored)
        (schedule, other) = (try #require(stored.first), try #require(stored.last))
    }

    private func log() -> UnreachedLog {
        UnreachedLog(
            store: store, feed: "frappe", table: table, zones: ZoneDatabase(), clock: clock, logger: .silent)
    }

    /// Opens a run so many seconds after noon.
    private func open(_ job: StoredJob, at second: Int64) async throws -> Run {
        let run = Samples.run(job, at: Samples.noon.plus(second), store: 1, trigger: .manual)
        return try #require(try await store.openOrdered([run], under: term, now: clock.now).first ?? nil)
    }

    /// Ends a run now, as the ledger has it.
    @discardableResult
    private func end(_ run: Run, _ state: RunState = .failed, started: Bool = false) async throws -> Run {
        var run = run
        run.state = state
        run.startedAt = started ? clock.now : nil
        run.endedAt = clock.now
        try await store.record([run], under: term, now: clock.now)
        return run
    }

    private func names() -> [String] { table.rows.compactMap { $0["name"] } }

    @Test func aRowIsWrittenOnceTheLedgerHasTheEnd() async throws {
        let log = log()
        await log.sync()
        let run = try await open(schedule, at: 1)
        var told = run
        (told.state, told.endedAt) = (.failed, clock.now)
        log.note(told)
        await log.sync()
        #expect(table.rows.isEmpty)
        try await end(run)
        await log.sync()
        await log.sync()
        #expect(names() == ["CARILLON-\(run.id)"] && table.rows.first?["schedule"] == "TS-1")
    }

    @Test func onlyTheSitesRunsThatReachedNoWorkerHaveOne() async throws {
        let log = log()
        await log.sync()
        log.note(try await end(try await open(schedule, at: 1), started: true))
        log.note(try await end(try await open(schedule, at: 2), .completed))
        log.note(try await end(try await open(other, at: 3)))
        let owed = try await [end(open(schedule, at: 4), .cancelled), end(open(schedule, at: 5), .skipped)]
        for run in owed { log.note(run) }
        await log.sync()
        #expect(names() == owed.map { "CARILLON-\($0.id)" })
    }

    @Test func whatOneProcessOwedTheNextOneWrites() async throws {
        let before = try await end(try await open(schedule, at: 1))
        clock.advance(by: 3_600_000_000)
        let first = log()
        await first.sync()
        // It ends while the table is away, and the process with it; another one ends untold.
        table.isAway = true
        let told = try await end(try await open(schedule, at: 2))
        first.note(told)
        await first.sync()
        let untold = try await end(try await open(schedule, at: 3))
        table.isAway = false
        await log().sync()
        #expect(Set(names()) == ["CARILLON-\(told.id)", "CARILLON-\(untold.id)"])
        // What ended before there was a log at all has none.
        #expect(!names().contains("CARILLON-\(before.id)"))
        clock.advance(by: 8 * 86_400_000_000)
        let late = try await end(try await open(schedule, at: 4))
        await log().sync()
        #expect(names().count == 3 && names().last == "CARILLON-\(late.id)")
    }

    @Test func troubleIsSaidAndPasses() async throws {
        let log = log()
        table.isAway = true
        let pause = await log.sync()
        #expect(await log.warnings() == ["log_unreached: Away()"])
        log.note(try await end(try await open(schedule, at: 1)))
        #expect(await log.sync() == pause)
        #expect(await log.warnings() == ["log_unreached: Away(); 1 row to be written"])
        table.isAway = false
        #expect(await log.sync() < pause)
        #expect(await log.warnings().isEmpty && names().count == 1)
    }

    @Test func aRowThatIsRefusedKeepsNoOtherBack() async throws {
        let log = log()
        await log.sync()
        let refused = try await end(try await open(schedule, at: 1))
        let good = try await end(try await open(schedule, at: 2))
        table.refused = "CARILLON-\(refused.id)"
        for run in [refused, good] { log.note(run) }
        await log.sync()
        await log.sync()
        #expect(names() == ["CARILLON-\(good.id)"])
        #expect(await log.warnings() == ["log_unreached: Away(); 1 row to be written"])
        table.refused = nil
        await log.sync()
        #expect(names().last == "CARILLON-\(refused.id)")
    }
}
