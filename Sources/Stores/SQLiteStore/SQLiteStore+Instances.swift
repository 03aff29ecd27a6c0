public import CarillonCore
import Foundation
import GRDB
import StoreCodec

/// A store of one instance: it has every share of the jobs, and there is nobody to be told anything.
///
/// The state directory's lock sees to it that there is no other; the term still fences an old process.
extension SQLiteStore {
    public var isShared: Bool { false }

    /// Whoever has the file.
    private static let one = InstanceNumber(1)

    public func join(_ facts: InstanceFacts, nonce: UInt64) async throws -> Term {
        try await write { db in
            let last = try Int64.fetchOne(db, sql: "SELECT max(term) FROM instances") ?? 0
            try db.execute(
                sql: """
                    INSERT OR REPLACE INTO instances (number, facts, term, nonce, is_in_force, beat, seen_at)
                    VALUES (?, ?, ?, ?, 1, 0, \(Self.clock))
                    """,
                arguments: [
                    Self.one.number, try RowCodec.encode(facts), last + 1, Int64(bitPattern: nonce),
                ])
            return Term(instance: Self.one, count: last + 1, nonce: nonce)
        }
    }

    /// Microseconds since 1970, by the store's own clock: for people.
    private static let clock = "unixepoch() * 1000000"

    public func beat(_ term: Term, count: Int64) async throws {
        try await write(under: term, synchronous: false) { db in
            try db.execute(
                sql: "UPDATE instances SET beat = max(beat, ?), seen_at = \(Self.clock)", arguments: [count])
        }
    }

    public func describe(_ facts: InstanceFacts, under term: Term) async throws {
        let text = try RowCodec.encode(facts)
        try await write(under: term, synchronous: false) {
            try $0.execute(sql: "UPDATE instances SET facts = ?", arguments: [text])
        }
    }

    public func news(for shards: Set<Shard>, machine: String) async throws -> News {
        News(instances: try await instances(), holdings: 0, notes: try await notesRevision(), mail: [])
    }

    public func instances() async throws -> [InstanceRecord] { try await read(Self.instances) }

    static func instances(_ db: Database) throws -> [InstanceRecord] {
        // A file that is only looked at may be an older release's.
        guard try db.tableExists("instances") else { return [] }
        return try Row.fetchAll(
            db, sql: "SELECT number, facts, term, nonce, is_in_force, beat, \(clock) - seen_at FROM instances"
        ).map { row in
            let number = InstanceNumber(row[0])
            let term = Term(instance: number, count: row[2], nonce: UInt64(bitPattern: row[3]))
            return InstanceRecord(
                number: number, facts: try RowCodec.decode(InstanceFacts.self, row[1] as String),
                term: row[4] ? term : nil, beat: row[5], silence: row[6])
        }
    }

    /// Nobody watches an instance that has the store alone.
    public func end(_ instance: InstanceNumber, term: Int64, beat: Int64) async throws -> Bool { false }

    public func shards(counting: Bool) async throws -> [ShardRecord] {
        let holder = try await instances().first { $0.term != nil }?.number
        var jobs: [Int: Int] = [:]
        if counting {
            jobs = try await read(.long) { db in
                // SQLite would sort them first.
                var counted = [Int](repeating: 0, count: Shard.shares)
                let rows = try Row.fetchCursor(db, sql: "SELECT job_id FROM cursors")
                while let row = try rows.next() { counted[(row[0] as Int) % Shard.shares] += 1 }
                return Dictionary(uniqueKeysWithValues: counted.enumerated().map { ($0.offset, $0.element) })
            }
        }
        return Shard.all.map { ShardRecord(shard: $0, holder: holder, jobs: jobs[Int($0.number)] ?? 0) }
    }

    public func shard(labelled label: String) async throws -> Shard { Shard(Int16(Shard.shares)) }

    public func deal(_ moves: [ShardMove]) async throws {}

    public func give(_ moves: [ShardMove], under term: Term, nonce: UInt64) async throws -> Term { term }

    public func take(_ shards: Set<Shard>, under term: Term) async throws -> Taken {
        var cursors = try await cursors()
        var runs: [Run] = []
        while true {
            let page = try await activeRuns(after: runs.last?.id, limit: 5_000)
            if page.isEmpty { break }
            runs += page
        }
        if shards.count < Shard.shares {
            cursors.removeAll { !shards.contains(Shard(of: $0.id)) }
            runs.removeAll { !shards.contains(Shard(of: $0.jobID)) }
        }
        return Taken(cursors: cursors, runs: runs)
    }

    public func leave(_ term: Term) async throws {
        // The row stays, so that terms never repeat.
        try await write(under: term) { try $0.execute(sql: "UPDATE instances SET is_in_force = 0") }
    }

    public func forget(_ id: String) async throws {}

    public func declarations(by machine: String) async throws -> [Declaration] { [] }

    public func declarations(of jobs: [String]) async throws -> [Declaration] { [] }

    public func declare(_ declarations: [Declaration]) async throws {}

    public func post(_ mail: [Mail]) async throws {}

    public func done(_ mail: [Int64], under term: Term) async throws {}
}
