import CarillonCore
import CarillonDaemon
import CarillonTestSupport
import Foundation
import SQLiteStore
import Testing
import Timetable

/// A whole store in another place.
@Suite struct StoreCopyTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func store(_ name: String) throws -> SQLiteStore { try SQLiteStore(path: folder.path + "/" + name) }

    private func same(_ one: SQLiteStore, _ other: SQLiteStore) async throws {
        #expect(try await one.storeID() == other.storeID())
        #expect(try await one.jobs(after: nil, limit: 100) == other.jobs(after: nil, limit: 100))
        #expect(try await one.runs(RunQuery(limit: 1_000)) == other.runs(RunQuery(limit: 1_000)))
        #expect(try await one.skips(RunQuery(limit: 100)) == other.skips(RunQuery(limit: 100)))
        #expect(try await one.audits(AuditQuery()) == other.audits(AuditQuery()))
        #expect(try await one.note("pause") == other.note("pause"))
        #expect(try await one.counts() == other.counts())
        let hours = (Samples.noon, Samples.noon.plus(90_000))
        #expect(
            Set(try await one.hours(from: hours.0, to: hours.1))
                == Set(try await other.hours(from: hours.0, to: hours.1)))
    }

    @Test func aCopyIsEqualAndGoesOn() async throws {
        let source = try store("a.db")
        try await StoreFilling.fill(source)
        let target = try store("b.db")
        let copied = try await StoreCopy(from: source, to: target).run()
        #expect(copied.tables.map(\.table) == StoreTable.all.map(\.name))
        #expect(copied.tables.allSatisfy { $0.rows > 0 }, "\(copied)")
        try await same(source, target)
        #expect(try await target.check() == [])
        // What comes next gets the next number, and its own id.
        let term = try await target.join("b")
        let put = JobChange.add(Samples.job("new"), cursor: Samples.noon, nextDue: nil, skips: [])
        #expect(try await target.apply([put], now: Samples.noon).first?.stored?.id == JobID(13))
        let skips = try await target.skips(RunQuery(limit: 100)).count
        let job = try #require(try await target.jobs(ids: [JobID(3)]).first)
        let part = JobAdvance(
            id: job.id, revision: job.revision, from: job.cursor, to: job.cursor.plus(60), nextDue: nil,
            runs: [Samples.run(job, at: job.cursor.plus(60), store: try await target.storeID())],
            skips: [Samples.skip(job, after: job.cursor, through: job.cursor.plus(9))])
        #expect(try await target.openRuns([part], under: term, now: Samples.noon).new.count == 1)
        #expect(try await target.skips(RunQuery(limit: 100)).count == skips + 1)
        try await source.close()
        try await target.close()
    }

    /// No text of PostgreSQL holds one, and a text that SQLite is asked for ends there.
    @Test func aZeroByteIsCarriedAsItsSign() async throws {
        let source = try store("a.db")
        let term = try await source.join("a")
        let put = JobChange.add(Samples.job("tick"), cursor: Samples.noon, nextDue: nil, skips: [])
        let job = try #require(try await source.apply([put], now: Samples.noon).first?.stored)
        var run = Samples.run(job, at: Samples.noon.plus(60), store: try await source.storeID())
        let part = JobAdvance(
            id: job.id, revision: 1, from: Samples.noon, to: Samples.noon.plus(60), nextDue: nil, runs: [run])
        _ = try await source.openRuns([part], under: term, now: Samples.noon)
        run.state = .failed
        run.outcome.outputTail = "a\0b\0"
        try await source.record([run], under: term, now: Samples.noon)
        try await source.leave(term)
        let target = try store("b.db")
        _ = try await StoreCopy(from: source, to: target).run()
        #expect(try await target.run(run.id)?.outcome.outputTail == "a\u{2400}b\u{2400}")
        try await source.close()
        try await target.close()
    }

    @Test func aBackupOpensAsItIs() async throws {
        let source = try store("a.db")
        try await StoreFilling.fill(source)
        let path = folder.path + "/backup.db"
        try await source.backUp(to: path)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        await #expect(throws: StoreError.self, "it is there already") { try await source.backUp(to: path) }
        let backup = try SQLiteStore(path: path)
        try await same(source, backup)
        #expect(try await backup.check() == [])
        try await source.close()
        try await backup.close()
    }

    @Test func whatIsInUseOrNotEmptyIsRefused() async throws {
        let source = try store("a.db")
        try await StoreFilling.fill(source)
        let target = try store("b.db")
        func refusal() async throws -> String {
            try await #require(throws: Failure.self) { try await StoreCopy(from: source, to: target).run() }.message
        }
        let term = try await source.join("somebody")
        #expect(try await refusal().hasPrefix("a daemon on somebody works with \(folder.path)/a.db: stop it first"))
        try await source.leave(term)
        try await target.setNote("boot", "x 1")
        #expect(try await refusal() == "\(folder.path)/b.db is not empty: a daemon has worked with it")
        try await target.setNote("boot", nil)
        let other = try await target.join("t")
        let put = JobChange.add(Samples.job("there"), cursor: Samples.noon, nextDue: nil, skips: [])
        _ = try await target.apply([put], now: Samples.noon)
        try await target.leave(other)
        #expect(try await refusal().hasPrefix("\(folder.path)/b.db is not empty: it has "))
        try await source.close()
        try await target.close()
    }

    /// Rows are told apart by kind, length and order.
    @Test func noTwoRowsAreDigestedAlike() {
        func digest(_ rows: [StoreValue]...) -> RowDigest {
            var digest = RowDigest()
            for row in rows { digest.add(row) }
            return digest
        }
        let all = [
            digest([.null]), digest([]), digest([.number(0)]), digest([.text("")]), digest([.bytes([])]),
            digest([.text("a"), .text("b")]), digest([.text("ab"), .text("")]), digest([.text("b"), .text("a")]),
            digest([.text("a")], [.text("b")]), digest([.text("b")], [.text("a")]), digest([.null, .null]),
            digest([.null], [.null]), digest([.bytes([0x61])]), digest([.text("a")]),
        ]
        #expect(Set(all).count == all.count)
        #expect(digest([.text("a"), .number(-1)]) == digest([.text("a"), .number(-1)]))
    }
}
