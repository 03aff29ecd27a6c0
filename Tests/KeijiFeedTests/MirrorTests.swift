import CarillonCore
import CarillonTestSupport
import Foundation
import KeijiFeed
import Logging
import MemoryStore
import Synchronization
import Testing
import Timetable

/// What keiji's tools read of a task follows the ledger.
@Suite struct MirrorTests {
    private let clock = ManualClock(now: Samples.noon)
    private let store = MemoryStore()
    private let tables = Recording()
    private let folder: TemporaryFolder
    private let feed: KeijiFeed

    init() throws {
        folder = try TemporaryFolder()
        feed = KeijiFeed(
            tables: tables, folders: KeijiFolders(root: folder.path), zones: ZoneDatabase(), zone: "UTC", prefix: "",
            isShadow: false, clock: clock, logger: .silent)
    }

    /// One task in the database and in the store, and its mirror.
    private func mirror(largest: Int64? = nil) async throws -> (KeijiMirror, Term, StoredJob) {
        tables.rows.withLock {
            $0 = [
                KeijiTask(
                    id: "1", name: "a", slug: "a", type: "HMS", scheduleInfo: #"{"units":"seconds","interval":60}"#,
                    executable: "/k/a.bin")
            ]
        }
        var job = try #require(try await feed.snapshot(of: .everything).jobs.first)
        job.origin.feed = feed.name
        let term = try await store.join("i")
        let put = JobChange.add(job, cursor: clock.now, nextDue: clock.now.plus(60), skips: [])
        let stored = try #require(try await store.apply([put], now: clock.now)[0].stored)
        let path = folder.path
        let log = KeijiLog(folders: KeijiFolders(root: path), zone: .utc, largest: largest) { "\(path)/\($0.id)" }
        let mirror = KeijiMirror(
            store: store, feed: feed, tables: tables, log: log, clock: clock,
            logger: .silent)
        return (mirror, term, stored)
    }

    private func log(_ name: String = "a.log") -> String? {
        try? String(contentsOfFile: folder.path + "/logs/tasks/a/" + name, encoding: .utf8)
    }

    /// A run begins and ends between two looks, and says something.
    private func passes(_ job: StoredJob, at time: Timestamp, saying text: String, _ mirror: KeijiMirror) throws {
        var run = Samples.run(job, at: time, store: 1)
        run.startedAt = clock.now.adding(microseconds: 100_000)
        run.endedAt = clock.now.adding(microseconds: 900_000)
        run.state = .completed
        try folder.write("\(run.id)", text)
        mirror.note(run)
        clock.advance(by: 1_000_000)
    }

    /// Whenever it was scheduled: nobody saw this one wait, or run.
    @Test func aRunThatWasCaughtUpIsToldOfOnce() async throws {
        let (mirror, _, job) = try await mirror()
        await mirror.sync()
        #expect(tables.states.withLock { $0["a"] } == KeijiState(nextExecution: clock.now.plus(60)))
        let start = clock.now.adding(microseconds: 100_000)
        try passes(job, at: clock.now.plus(-3_600), saying: "one\ntwo words\n", mirror)
        await mirror.sync()
        await mirror.sync()
        let state = tables.states.withLock { $0["a"] }
        #expect(state == KeijiState(lastExecution: start, nextExecution: Samples.noon.plus(60)))
        #expect(
            log() == """
                time=2026-11-21T12:00:00.900Z level=INFO msg=one
                time=2026-11-21T12:00:00.900Z level=INFO msg="two words"

                """)
    }

    @Test func aRunningTaskIsMarked() async throws {
        let (mirror, term, job) = try await mirror()
        var run = Samples.run(job, at: clock.now, store: 1, trigger: .manual)
        _ = try await store.openOrdered([run], under: term, now: clock.now)
        run.state = .running
        run.startedAt = clock.now
        try await store.record([run], under: term, now: clock.now)
        await mirror.sync()
        #expect(tables.states.withLock { $0["a"]?.isRunning } == true)
    }

    @Test func aLogThatIsFullIsPutAside() async throws {
        let (mirror, _, job) = try await mirror(largest: 40)
        for (number, text) in ["first", "second", "third"].enumerated() {
            try passes(job, at: clock.now.plus(Int64(number)), saying: text, mirror)
            await mirror.sync()
        }
        #expect(log()?.hasSuffix("msg=third\n") == true && log()?.contains("second") == false)
        #expect(log("a.log.1")?.hasSuffix("msg=second\n") == true && log("a.log.1")?.contains("first") == false)
    }

    @Test func whatARunSaysIsBoundedAndForItsOwnerAlone() async throws {
        let (mirror, _, job) = try await mirror()
        try passes(
            job, at: clock.now, saying: "first\n" + String(repeating: "y\n", count: 5_000_000) + "last\n", mirror)
        await mirror.sync()
        let text = try #require(log())
        #expect(text.utf8.count < 1 << 20)
        #expect(text.contains("msg=first\n") && text.hasSuffix("msg=last\n"))
        #expect(text.contains("10000011 bytes of output, the middle is left out here: carillon runs logs"))
        let place = folder.path + "/logs/tasks/a"
        for (path, mode) in [(place, 0o700), (place + "/a.log", 0o600)] {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == mode)
        }
    }

    @Test func aLogIsBoundedWithoutBeingAsked() async throws {
        let (mirror, _, job) = try await mirror()
        try folder.write("logs/tasks/a/a.log", String(repeating: "x", count: 10 << 20))
        try passes(job, at: clock.now, saying: "one\n", mirror)
        await mirror.sync()
        #expect(log()?.hasSuffix("msg=one\n") == true)
        #expect(log("a.log.1")?.utf8.count == 10 << 20)
    }

    @Test func linesEndInCRLFToo() async throws {
        let (mirror, _, job) = try await mirror()
        try passes(job, at: clock.now, saying: "one\r\ntwo\r\n", mirror)
        await mirror.sync()
        #expect(log()?.contains("msg=one\n") == true && log()?.contains("msg=two\n") == true)
    }

    /// keiji writes a program's whole output there.
    @Test func theProgramsOwnWordsStandInTheError() async throws {
        let (mirror, _, job) = try await mirror()
        var run = Samples.run(job, at: clock.now, store: 1)
        run.state = .failed
        run.outcome = Outcome(exitCode: 3, error: "exit code 3", outputTail: "no such table\nstop\n")
        mirror.note(run)
        try await feed.keep(.halted("exit code 3"), of: "a")
        #expect(tables.laid.withLock { $0.last?.off } == .error("no such table\nstop\nexit code 3"))
        // Read again, its last line is the word for it.
        tables.rows.withLock {
            $0[0].isError = true
            $0[0].errorText = "no such table\r\nstop\r\nexit code 3\r\n"
        }
        let halted = try #require(try await feed.snapshot(of: .everything).jobs.first)
        #expect(halted.standing?.off == .halted("exit code 3"))
        // Another failure than the last one that was seen keeps to its own words.
        try await feed.keep(.halted("exit code 4"), of: "a")
        #expect(tables.laid.withLock { $0.last?.off } == .error("exit code 4"))
    }
}
