import CarillonCore
import CarillonTestSupport
import Foundation
import GRDB
import SQLiteStore
import Synchronization
import Testing
import Timetable

/// What only a file can do to a store.
@Suite struct SQLiteStoreTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/carillon.db" }

    init() throws { folder = try TemporaryFolder() }

    private func put(_ names: [String], in store: SQLiteStore, _ term: Term) async throws -> [StoredJob?] {
        let changes = names.map {
            JobChange.add(Samples.job($0), cursor: Samples.noon, nextDue: Samples.noon.plus(60), skips: [])
        }
        return try await store.apply(changes, now: Samples.noon).map(\.stored)
    }

    @Test func everythingIsThereAfterReopening() async throws {
        let store = try SQLiteStore(path: path)
        let term = try await store.join("a")
        _ = try await put(["tick"], in: store, term)
        let id = try await store.storeID()
        try await store.close()
        let again = try SQLiteStore(path: path)
        #expect(try await again.storeID() == id)
        #expect(try await again.job(named: "tick")?.cursor == Samples.noon)
        #expect(try await again.join("a").count == term.count + 1)
        try await again.close()
    }

    private final class Begun: Sendable {
        let count = Atomic(0)
    }

    @Test func longQuestionsKeepNobodyElseWaiting() async throws {
        let store = try SQLiteStore(path: path)
        let job = try #require(try await put(["tick"], in: store, try await store.join("a"))[0])
        let begun = Begun()
        let over = DispatchSemaphore(value: 0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try await store.occupy {
                        begun.count.add(1, ordering: .relaxed)
                        over.wait()
                    }
                }
            }
            while begun.count.load(ordering: .relaxed) < 2 { try await Task.sleep(for: .milliseconds(1)) }
            #expect(try await store.jobs(ids: [job.id]) == [job])
            #expect(try await store.job(named: "tick") == job)
            #expect(begun.count.load(ordering: .relaxed) == 2)
            for _ in 0..<8 { over.signal() }
            try await group.waitForAll()
        }
        #expect(begun.count.load(ordering: .relaxed) == 8)
        try await store.close()
    }

    @Test func everyWriteReachesTheDiskBeforeItIsAnswered() async throws {
        let store = try SQLiteStore(path: path)
        // 2 is FULL, https://www.sqlite.org/pragma.html#pragma_synchronous
        #expect(try await store.setting("synchronous") == 2)
        // But what retention removes, which may come back with the machine's power.
        let term = try await store.join("a")
        let job = try #require(try await put(["tick"], in: store, term)[0])
        var run = Samples.run(job, at: Samples.noon.plus(60), store: try await store.storeID())
        let part = JobAdvance(
            id: job.id, revision: 1, from: Samples.noon, to: Samples.noon.plus(60), nextDue: nil, runs: [run])
        _ = try await store.openRuns([part], under: term, now: Samples.noon)
        run.state = .completed
        try await store.record([run], under: term, now: Samples.noon)
        let none = Retention(age: 0, perJob: 10)
        #expect(try await store.prune(none, under: term, now: Samples.noon.plus(90), limit: 9).count == 1)
        #expect(try await store.setting("synchronous") == 2)
        try await store.close()
    }

    @Test func rubbishIsRefusedWithTheFilesName() async throws {
        try String(repeating: "rubbish ", count: 2_000).write(toFile: path, atomically: true, encoding: .utf8)
        #expect { try SQLiteStore(path: path) } throws: { error in
            (error as? StoreError)?.code == .corrupt && "\(error)".contains(path)
        }
    }

    @Test func aFileReplacedInUseIsNoticed() async throws {
        let store = try SQLiteStore(path: path)
        let term = try await store.join("a")
        try FileManager.default.moveItem(atPath: path, toPath: path + ".kept")
        try "rubbish".write(toFile: path, atomically: true, encoding: .utf8)
        try await require(throwing: .corrupt) { try await put(["tick"], in: store, term) }
        // Put back, it goes on.
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: path + ".kept", toPath: path)
        #expect(try await put(["tick"], in: store, term).count == 1)
        try await store.close()
    }

    @Test func aFullDiskWritesNothingAndHealsWhenThereIsRoom() async throws {
        let small = try SQLiteStore(path: path, largest: 60)
        let term = try await small.join("a")
        let names = (0..<2_000).map { "job \($0) \(String(repeating: "x", count: 100))" }
        try await require(throwing: .full) { try await put(names, in: small, term) }
        #expect(try await small.jobs(after: nil, limit: 10).isEmpty)
        #expect(try await put(["tick"], in: small, term).count == 1)
        try await small.close()
        let roomy = try SQLiteStore(path: path)
        let next = try await roomy.join("a")
        #expect(try await put(names, in: roomy, next).count == 2_000)
        try await roomy.close()
    }

    @Test func readersLookWhileADaemonWrites() async throws {
        let store = try SQLiteStore(path: path)
        let term = try await store.join("a")
        _ = try await put(["tick"], in: store, term)
        let reader = try SQLiteStore(reading: path)
        #expect(try await reader.job(named: "tick") != nil)
        await #expect(throws: StoreError.self) { try await reader.setNote("a", "b") }
        try await reader.close()
        try await store.close()
    }

    /// Whoever only looks draws no id for it.
    @Test func aStoreThatNoDaemonHadHasNoID() async throws {
        try await SQLiteStore(path: path).close()
        let reader = try SQLiteStore(reading: path)
        let facts = try await reader.facts()
        #expect(facts.id == nil && facts.missing.isEmpty)
        try await reader.close()
    }

    @Test func callsAfterCloseFailAtOnce() async throws {
        let store = try SQLiteStore(path: path)
        try await store.close()
        await #expect(throws: StoreError.self) { try await store.storeID() }
    }
}

/// Rows that another release wrote, or that somebody has spoilt.
@Suite struct StoredRowTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/carillon.db" }

    init() throws { folder = try TemporaryFolder() }

    /// A store with three jobs, after something was done to the rows of the second.
    private func store(_ sql: String) async throws -> (SQLiteStore, [StoredJob]) {
        let first = try SQLiteStore(path: path)
        let term = try await first.join("a")
        let changes = ["a", "b", "c"].map {
            JobChange.add(Samples.job($0), cursor: Samples.noon, nextDue: Samples.noon.plus(60), skips: [])
        }
        let stored = try await first.apply(changes, now: Samples.noon).compactMap(\.stored)
        let run = Samples.run(stored[1], at: Samples.noon.plus(60), store: try await first.storeID())
        let skip = Samples.skip(stored[1], after: Samples.noon, through: Samples.noon.plus(30))
        let part = JobAdvance(
            id: stored[1].id, revision: 1, from: Samples.noon, to: Samples.noon.plus(60),
            nextDue: Samples.noon.plus(120),
            runs: [run], skips: [skip])
        _ = try await first.openRuns([part], under: term, now: Samples.noon)
        try await first.close()
        try await DatabaseQueue(path: path).write { try $0.execute(sql: sql) }
        return (try SQLiteStore(path: path), stored)
    }

    @Test(arguments: [
        ("kind = '', target = 'rubbish'", "target"),
        ("policies = '{\"overlap\":{\"onlyOnSundays\":{}}}'", "policies"),
        ("schedule = '{\"rule\":{\"moon\":{}}}'", "schedule"),
        ("tags = '{}'", "tags"),
        ("policies = '{\"startTimeout\":-9223372036854775808}'", "below zero"),
        ("policies = '{\"catchUp\":{\"all\":{\"limit\":9223372036854775807,\"rate\":1e-300}}}'", "catch_up"),
    ])
    func aRowThatCannotBeReadIsItsJobsFaultAlone(_ damage: String, _ word: String) async throws {
        let (store, jobs) = try await store("UPDATE jobs SET \(damage) WHERE name = 'b'")
        let all = try await store.jobs(ids: jobs.map(\.id))
        #expect(all.map(\.job.name) == ["a", "b", "c"])
        #expect(all.map { $0.fault == nil } == [true, false, true])
        #expect(all[1].fault?.contains(word) == true, "\(all[1].fault ?? "")")
        #expect(try await store.jobs(after: nil, limit: 9).count == 3)
        #expect(try await store.job(named: "b")?.fault != nil)
        #expect(try await store.jobs(ofFeed: "files").count == 3)
        #expect(try await store.cursors().count == 3)
        // Its next good definition heals it.
        let term = try await store.join("a")
        #expect(try await store.put(Samples.job("b"), under: term).revision == 2)
        #expect(try await store.job(named: "b")?.fault == nil)
        try await store.close()
    }

    /// It must not run because a later release had another reason why it should not.
    @Test func whatAnOrderLaidOnAJobAndNobodyCanReadKeepsItOff() async throws {
        let (store, jobs) = try await store(
            "UPDATE jobs SET standing = '{\"isOwed\":false,\"off\":{\"asleep\":{}}}', removed = 1 WHERE name = 'b'")
        let job = try #require(try await store.jobs(ids: [jobs[1].id]).first)
        #expect(job.fault == nil && !job.job.isOn)
        let put = JobChange.add(Samples.job("b"), cursor: Samples.noon, nextDue: nil, skips: [])
        let back = try await store.apply([put], now: Samples.noon)[0].stored
        #expect(back?.job.isOn == false)
        guard case .halted? = try await store.jobs(ofFeed: "files").first(where: { $0.name == "b" })?.standing?.off
        else {
            Issue.record("it may run")
            return
        }
        try await store.close()
    }

    @Test func aJobThatIsGoneIsRememberedAsLongAsItIsOff() async throws {
        let store = try SQLiteStore(path: path)
        let term = try await store.join("a")
        var off = Samples.job("off")
        off.standing = Standing(off: .disabled)
        let puts = [off, Samples.job("on")].map { JobChange.add($0, cursor: Samples.noon, nextDue: nil, skips: []) }
        let ids = try await store.apply(puts, now: Samples.noon).compactMap(\.stored?.id)
        for id in ids { try await store.remove(id, under: term) }
        let day = Retention(age: 86_400_000_000, perJob: 10)
        #expect(try await store.prune(day, under: term, now: Samples.noon.plus(60), limit: 10).isEmpty)
        #expect(try await store.jobs(ids: ids).map(\.job.name) == ["off"])
        #expect(try await store.prune(day, under: term, now: Samples.noon.plus(90_000), limit: 10).isEmpty)
        #expect(try await store.jobs(ids: ids).isEmpty)
        try await store.close()
    }

    /// However many names have the parts of a pattern, and whatever has gone meanwhile.
    @Test func aSearchFindsWhatAWalkThroughAllNamesFinds() async throws {
        var random = SplitMix64.announced()
        let store = try SQLiteStore(path: path)
        let term = try await store.join("a")
        let words = ["pay", "mail", "sync", "Pay", "ü-", "\"", "x", "back", "up"]
        let names = (0..<12_000).map { number in
            "job-" + (0..<3).map { _ in random.pick(words) }.joined() + "-\(number)"
        }
        let changes = names.map { JobChange.add(Samples.job($0), cursor: Samples.noon, nextDue: nil, skips: []) }
        let stored = try await store.apply(changes, now: Samples.noon).compactMap(\.stored)
        let gone = stored.filter { _ in random.chance(0.1) }
        _ = try await store.apply(
            gone.map { JobChange.remove($0.id, revision: $0.revision) }, by: term, now: Samples.noon)
        let copy = try SQLiteStore(path: folder.path + "/copy.db")
        for table in StoreTable.all where ["jobs", "cursors"].contains(table.name) {
            var key: [StoreValue]?
            while case let rows = try await store.rows(of: table, after: key, limit: 5_000), !rows.isEmpty {
                try await copy.add(rows, to: table)
                key = Array(rows[rows.count - 1].prefix(table.keys))
            }
        }
        let left = Set(names).subtracting(gone.map(\.job.name))
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        for _ in 0..<60 {
            let parts = (0..<random.number(1...3)).map { _ in
                random.chance(0.2) ? "\(random.number(0...999))" : random.pick(words)
            }
            let pattern = "*" + parts.joined(separator: random.chance(0.5) ? "*" : "") + "*"
            let glob = Glob(pattern)
            let expected = left.filter(glob.matches)
            let query = JobQuery(names: [pattern], limit: 50)
            let found = try await store.jobs(query).map(\.job.name)
            #expect(found == Array(expected.prefix(50)), "\(pattern)")
            #expect(try await store.count(query) == expected.count, "\(pattern)")
            #expect(try await copy.jobs(query).map(\.job.name) == found, "\(pattern) in a copy")
        }
        try await copy.close()
        try await store.close()
    }

    /// Whatever added it: a release that knows no parts of names.
    @Test func aNameWithoutItsPartsIsFoundAfterTheNextStart() async throws {
        let store = try SQLiteStore(path: path)
        let jobs = ["pay-late", "tick"].map { Samples.job($0) }
        _ = try await store.apply(
            jobs.map { JobChange.add($0, cursor: Samples.noon, nextDue: nil, skips: []) }, now: Samples.noon)
        try await store.close()
        try await DatabaseQueue(path: path).write { db in
            try db.execute(sql: "INSERT INTO job_parts (job_parts) VALUES ('delete-all')")
            try db.execute(sql: "INSERT INTO job_parts (rowid, name) SELECT id, name FROM jobs WHERE name <> 'tick'")
        }
        let mended = try SQLiteStore(path: path)
        let query = JobQuery(names: ["*tic*", "*pay*"])
        #expect(try await mended.jobs(query).map(\.job.name) == ["pay-late", "tick"])
        try await mended.close()
    }

    @Test func anOlderReleasesFileIsLookedAtAsItIs() async throws {
        let (store, _) = try await store("DROP INDEX runs_outside")
        try await store.close()
        try await makeOld()
        let reader = try SQLiteStore(reading: path)
        #expect(try await reader.runs(RunQuery(since: Samples.noon)).count == 1)
        try await checkTargets(reader)
        try await reader.close()
    }

    @Test func anOlderReleasesTargetsAreTakenApart() async throws {
        let (old, _) = try await store("DROP INDEX runs_outside")
        try await old.close()
        try await makeOld()
        let store = try SQLiteStore(path: path)
        try await checkTargets(store)
        let digests = try await store.jobs(after: nil, limit: 9).map { $0.job.digest() }
        #expect(try await store.jobs(ofFeed: "files").map(\.digest) == digests)
        try await store.close()
    }

    /// Takes the file back to the first release, whose targets were one text.
    private func makeOld() async throws {
        let texts = [
            "a": #"{"exec":{"_0":{"command":{"argv":{"_0":["/bin/true","x y"]}},"successCodes":[0]}}}"#,
            "b": #"{"rq":{"_0":{"function":"a.b","queue":"q\"}}"}}}"#, "c": #"{"bus":{"to":"x"}}"#,
        ]
        try await DatabaseQueue(path: path).write { db in
            try db.execute(
                sql: """
                    \(uncounted)
                    ALTER TABLE jobs DROP COLUMN kind; ALTER TABLE jobs DROP COLUMN summary; DROP TABLE audit;
                    ALTER TABLE runs DROP COLUMN cause;
                    ALTER TABLE runs DROP COLUMN arguments;
                    DELETE FROM grdb_migrations WHERE identifier >= '2'
                    """)
            for (name, text) in texts {
                try db.execute(sql: "UPDATE jobs SET target = ? WHERE name = ?", arguments: [text, name])
            }
        }
    }

    /// Takes away what the seventh migration brought, and all after it.
    private let uncounted = """
        DROP TRIGGER jobs_unparted; DROP TABLE job_parts;
        DROP TABLE instances;
        CREATE TABLE leases (instance TEXT PRIMARY KEY, term INTEGER NOT NULL, expires_at INTEGER NOT NULL)
            STRICT, WITHOUT ROWID;
        ALTER TABLE audit DROP COLUMN origin;
        DROP INDEX runs_asked; ALTER TABLE runs DROP COLUMN term; ALTER TABLE runs DROP COLUMN machine;
        DROP TABLE changing; ALTER TABLE cursors DROP COLUMN is_changing;
        DROP TRIGGER notes_added; DROP TRIGGER notes_changed; DROP TRIGGER notes_removed; DROP TABLE counters;
        DROP TRIGGER jobs_untagged; DROP TABLE job_tags; DROP TABLE hours; DROP INDEX runs_failed;
        DROP INDEX cursors_streak; ALTER TABLE cursors DROP COLUMN streak;
        DELETE FROM grdb_migrations WHERE identifier >= '7' OR identifier LIKE '1_ %';
        """

    /// The same whether it is only looked at or taken up.
    @Test func whatAnOlderReleaseDidNotCountIsReckoned() async throws {
        let path = path
        let store = try SQLiteStore(path: path)
        let term = try await store.join("a")
        let id = try await store.storeID()
        var job = Samples.job("tick")
        job.tags = ["pay", "eu"]
        let other = Samples.job("gone")
        let puts = [job, other].map { JobChange.add($0, cursor: Samples.noon, nextDue: nil, skips: []) }
        let stored = try await store.apply(puts, now: Samples.noon).compactMap(\.stored)
        let states: [RunState] = [.failed, .completed, .failed, .skipped, .failed, .running]
        var runs = states.indices.map {
            Samples.run(stored[0], at: Samples.noon.plus(1_000 * Int64($0)), store: id)
        }
        let part = JobAdvance(
            id: stored[0].id, revision: 1, from: Samples.noon, to: Samples.noon.plus(9_000), nextDue: nil, runs: runs)
        _ = try await store.openRuns([part], under: term, now: Samples.noon)
        for (index, state) in states.enumerated() {
            runs[index].state = state
            runs[index].startedAt = runs[index].scheduledAt
            if state.isFinal { runs[index].endedAt = runs[index].scheduledAt.plus(3) }
        }
        try await store.record(runs, under: term, now: Samples.noon)
        func facts(_ store: SQLiteStore) async throws -> [String] {
            let hours = try await store.hours(from: Samples.noon, to: Samples.noon.plus(9_000))
            return hours.map { "\($0)" }.sorted()
                + (try await store.jobs(JobQuery(tags: ["pay"], states: [.failed])).map {
                    "\($0.job.name) \($0.streak)"
                })
                + (try await store.runs(RunQuery(states: [.failed])).map { "\($0.id)" })
        }
        let before = try await facts(store)
        #expect(before.contains("tick 2"))
        // Deleted, as the release before kept it: with a digest that counts where the definition stands.
        var texts = JobTexts()
        let old = texts.digest(other, try texts.parts(of: other), withSource: true)
        let deleted = #"{"isOwed":false,"off":{"deleted":{"_0":\#(old)}}}"#
        try await store.close()
        try await DatabaseQueue(path: path).write { db in
            try db.execute(sql: uncounted)
            try db.execute(sql: "UPDATE jobs SET digest = 5, standing = ? WHERE name = 'gone'", arguments: [deleted])
        }
        let reader = try SQLiteStore(reading: path)
        #expect(try await facts(reader) == before)
        #expect(try await reader.notesRevision() == 0)
        try await reader.close()
        let taken = try SQLiteStore(path: path)
        #expect(try await facts(taken) == before)
        var off = other
        off.standing = Standing(off: .deleted(other.digest()))
        #expect(try await taken.job(named: "gone")?.job == off)
        #expect(Set(try await taken.jobs(ofFeed: "files").map(\.digest)) == [job.digest(), off.digest()])
        try await taken.setNote("a", "b")
        #expect(try await taken.notesRevision() == 1)
        try await taken.close()
    }

    private func checkTargets(_ store: SQLiteStore) async throws {
        let targets = try await store.jobs(after: nil, limit: 9).map(\.job.target)
        #expect(targets.map(\.kind.rawValue) == ["exec", "rq", "bus"])
        #expect(targets.map(\.summary) == ["/bin/true x y", "a.b on q\"}}", "a target of kind bus"])
        #expect(
            targets.map(\.body) == [
                #"{"command":{"argv":{"_0":["/bin/true","x y"]}},"successCodes":[0]}"#,
                #"{"function":"a.b","queue":"q\"}}"}"#, #"{"bus":{"to":"x"}}"#,
            ])
    }

    @Test func whatAnOlderReleaseDidNotWriteHasItsDefault() async throws {
        let (store, jobs) = try await store(
            """
            UPDATE jobs SET policies = '{"catchUp":{"skip":{}}}',
            schedule = '{"rule":{"every":{"_0":"60s","anchor":0}}}',
            standing = '{}' WHERE name = 'b'
            """)
        let job = try #require(try await store.jobs(ids: [jobs[1].id]).first)
        #expect(job.fault == nil)
        #expect(job.job.policies.catchUp == .skip && job.job.policies.onFailure == .proceed)
        #expect(job.job.schedule.zone == "UTC")
        try await store.close()
    }

    @Test(arguments: [
        "UPDATE runs SET state = 9", "UPDATE runs SET trigger = 'backfill'", "UPDATE runs SET earlier = 'rubbish'",
        "UPDATE skips SET reason = 'holiday'",
    ])
    func historyOfALaterReleaseIsReadAsFarAsItGoes(_ sql: String) async throws {
        let (store, _) = try await store(sql)
        #expect(try await store.runs(RunQuery(job: "b")).count == 1)
        let skips = try await store.skips(RunQuery(job: "b"))
        #expect(skips.count == 1 && (skips[0].reason == .downtime || skips[0].detail == "holiday"))
        try await store.close()
    }

    /// As the release before names had one spelling left them.
    @Test func namesGetTheirOneSpelling() async throws {
        let (store, jobs) = try await store(
            """
            UPDATE jobs SET name = 'cafe\u{301}' WHERE name = 'a';
            UPDATE jobs SET name = 'caf\u{e9}' WHERE name = 'b';
            UPDATE jobs SET name = 'the\u{301}' WHERE name = 'c';
            INSERT INTO jobs (name, feed, source, schedule, target, policies, tags, enabled, removed, digest)
            SELECT 'th\u{e9}', feed, source, schedule, target, policies, tags, enabled, 1, digest FROM jobs WHERE id = 3;
            INSERT INTO cursors (job_id, is_on, revision, cursor) SELECT 4, 0, 1, cursor FROM cursors WHERE job_id = 3;
            DROP INDEX runs_outside;
            DELETE FROM grdb_migrations WHERE identifier LIKE '2 %';
            """)
        let names = try await store.jobs(after: nil, limit: 9)
        #expect(names.map { Array($0.job.name.utf8) } == ["caf\u{e9}", "th\u{e9}"].map { Array($0.utf8) })
        #expect(names.map(\.id) == [jobs[1].id, jobs[2].id])
        #expect(try await store.cursors().map(\.id) == [jobs[1].id, jobs[2].id])
        try await store.close()
    }
}
