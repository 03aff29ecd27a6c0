#if Postgres
    import CarillonCore
    import CarillonDaemon
    import CarillonTestSupport
    import Foundation
    import PostgresStore
    import SQLiteStore
    import Testing
    import Timetable

    /// A whole store in another place.
    @Suite(.timeLimit(.minutes(5)))
    struct ArchiveTests {
        @Test func aStoreGoesToPostgresAndBackUnchanged() async throws {
            let folder = try TemporaryFolder()
            let source = try SQLiteStore(path: folder.path + "/a.db")
            try await StoreFilling.fill(source)
            let middle = try await PostgresStore.open(try await Rig.shared.database(), logger: .silent)
            let there = try await StoreCopy(from: source, to: middle).run()
            let target = try SQLiteStore(path: folder.path + "/b.db")
            let back = try await StoreCopy(from: middle, to: target).run()
            #expect(there.tables.map(\.digest) == back.tables.map(\.digest))
            #expect(try await source.jobs(after: nil, limit: 100) == middle.jobs(after: nil, limit: 100))
            #expect(try await source.runs(RunQuery(limit: 1_000)) == target.runs(RunQuery(limit: 1_000)))
            #expect(try await source.runs(RunQuery(limit: 1_000)) == middle.runs(RunQuery(limit: 1_000)))
            // What comes next has the next number, of everything that has numbers.
            let term = try await middle.join("a")
            #expect(try await Bench.put(["new"], in: middle, term)[0]?.id == JobID(13))
            let job = try #require(try await middle.jobs(ids: [JobID(3)]).first)
            let time = job.cursor.plus(60)
            var part = JobAdvance(
                id: job.id, revision: job.revision, from: job.cursor, to: time, nextDue: nil,
                runs: [Samples.run(job, at: time, store: try await middle.storeID())])
            part.skips = [Samples.skip(job, after: job.cursor, through: job.cursor.plus(9))]
            #expect(try await middle.openRuns([part], under: term, now: Samples.noon).new.count == 1)
            let entry = AuditEntry(
                at: Samples.noon.plus(9), user: nil, channel: "x", action: "y", subject: nil, before: nil, after: nil,
                error: nil)
            try await middle.audit(entry, keep: 3_600_000_000)
            #expect(try await middle.audits(AuditQuery(limit: 1)) == [entry])
            #expect(try await middle.check().filter { !$0.contains("fsync") && !$0.contains("full_page") } == [])
            try await source.close()
            try await middle.close()
            try await target.close()
        }

        @Test func aBackupIsADump() async throws {
            let folder = try TemporaryFolder()
            let store = try await PostgresStore.open(try await Rig.shared.database(), logger: .silent)
            try await StoreFilling.fill(store)
            let path = folder.path + "/dump"
            try await store.backUp(to: path)
            let dump = try Data(contentsOf: URL(fileURLWithPath: path))
            #expect(dump.prefix(5) == Data("PGDMP".utf8))
            try await store.close()
        }
    }
#endif
