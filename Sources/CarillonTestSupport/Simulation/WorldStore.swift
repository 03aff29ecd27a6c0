import CarillonCore
import MemoryStore
import Timetable

/// What an instance of the world asks of its store: of `JobStore`, what the world has a use for.
protocol WorldStore {
    func join(_ facts: InstanceFacts, nonce: UInt64) async throws -> Term
    func beat(_ term: Term, count: Int64) async throws
    func end(_ instance: InstanceNumber, term: Int64, beat: Int64) async throws -> Bool
    func shards(counting: Bool) async throws -> [ShardRecord]
    func deal(_ moves: [ShardMove]) async throws
    func give(_ moves: [ShardMove], under term: Term, nonce: UInt64) async throws -> Term
    func take(_ shards: Set<Shard>, under term: Term) async throws -> Taken
    func news(for shards: Set<Shard>, machine: String) async throws -> News
    func post(_ mail: [Mail]) async throws
    func done(_ mail: [Int64], under term: Term) async throws

    func apply(_ changes: [JobChange], by term: Term?, now: Timestamp) async throws -> [JobAnswer]
    func jobs(ids: [JobID]) async throws -> [StoredJob]
    func changing(_ ids: [JobID]) async throws -> [ChangingJob]
    func openRuns(_ batch: [JobAdvance], under term: Term, now: Timestamp) async throws -> Opened
    func openOrdered(_ runs: [Run], under term: Term, now: Timestamp) async throws -> [Run?]
    func record(_ runs: [Run], under term: Term, now: Timestamp) async throws -> Set<RunID>
    func rewind(_ cursors: [JobCursor], under term: Term, now: Timestamp) async throws
    func activeRuns(after: RunID?, limit: Int) async throws -> [Run]
    func activeRuns(on machine: String) async throws -> [Run]
    func run(_ id: RunID) async throws -> Run?
    func prune(_ retention: Retention, under term: Term, now: Timestamp, limit: Int) async throws -> [GoneRun]
    func setNote(_ key: String, _ value: String?) async throws
}

/// The world's ledger in memory, each call of which is whole.
final class LedgerStore: WorldStore {
    private unowned let world: World

    init(_ world: World) { self.world = world }

    func join(_ facts: InstanceFacts, nonce: UInt64) async throws -> Term {
        world.ledger.tables.join(facts, nonce: nonce)
    }

    func beat(_ term: Term, count: Int64) async throws { try world.ledger.tables.beat(term, count: count) }

    func end(_ instance: InstanceNumber, term: Int64, beat: Int64) async throws -> Bool {
        world.ledger.tables.end(instance, term: term, beat: beat)
    }

    func shards(counting: Bool) async throws -> [ShardRecord] { world.ledger.tables.shards }

    func deal(_ moves: [ShardMove]) async throws { world.ledger.tables.deal(moves) }

    func give(_ moves: [ShardMove], under term: Term, nonce: UInt64) async throws -> Term {
        try world.ledger.tables.give(moves, under: term, nonce: nonce)
    }

    func take(_ shards: Set<Shard>, under term: Term) async throws -> Taken {
        try world.ledger.take(shards, under: term)
    }

    func news(for shards: Set<Shard>, machine: String) async throws -> News {
        let tables = world.ledger.tables
        return News(
            instances: tables.instances.values.sorted { $0.number < $1.number }, holdings: tables.holdings, notes: 0,
            mail: tables.mail(for: shards, machine: machine))
    }

    func post(_ mail: [Mail]) async throws { world.ledger.tables.post(mail) }

    func done(_ mail: [Int64], under term: Term) async throws { try world.ledger.tables.done(mail, under: term) }

    func apply(_ changes: [JobChange], by term: Term?, now: Timestamp) async throws -> [JobAnswer] {
        world.ledger.apply(changes, by: term, now: now)
    }

    func jobs(ids: [JobID]) async throws -> [StoredJob] { ids.compactMap { world.ledger.jobs[$0]?.stored } }

    func changing(_ ids: [JobID]) async throws -> [ChangingJob] { world.ledger.changing(ids) }

    func openRuns(_ batch: [JobAdvance], under term: Term, now: Timestamp) async throws -> Opened {
        try world.ledger.openRuns(batch, under: term)
    }

    func openOrdered(_ runs: [Run], under term: Term, now: Timestamp) async throws -> [Run?] {
        let opened = runs.map { world.ledger.insert($0) }
        for run in opened.compactMap({ $0 }) { world.auditor.written(run) }
        if world.isShared { world.ledger.tell(Mail.opened(opened.compactMap { $0 }), but: term) }
        return opened
    }

    func record(_ runs: [Run], under term: Term, now: Timestamp) async throws -> Set<RunID> {
        try world.ledger.record(runs, under: term)
    }

    func rewind(_ cursors: [JobCursor], under term: Term, now: Timestamp) async throws {
        try world.ledger.rewind(cursors, under: term, now: now)
    }

    func activeRuns(after id: RunID?, limit: Int) async throws -> [Run] {
        world.ledger.activeRuns(after: id, limit: limit)
    }

    func activeRuns(on machine: String) async throws -> [Run] { world.ledger.activeRuns(on: machine) }

    func run(_ id: RunID) async throws -> Run? { world.ledger.runs[id] }

    func prune(_ retention: Retention, under term: Term, now: Timestamp, limit: Int) async throws -> [GoneRun] {
        let gone = try world.ledger.prune(retention, under: term, now: now, limit: limit)
        world.auditor.pruned(gone)
        return gone.map { GoneRun(id: $0.id, job: $0.job, machine: $0.machine) }
    }

    func setNote(_ key: String, _ value: String?) async throws { world.ledger.notes[key] = value }
}
