public import CarillonCore

extension MemoryStore {
    public nonisolated var isShared: Bool { true }

    public func join(_ facts: InstanceFacts, nonce: UInt64) async throws -> Term {
        ledger.tables.join(facts, nonce: nonce)
    }

    public func beat(_ term: Term, count: Int64) async throws {
        if let trouble { throw trouble }
        try ledger.tables.beat(term, count: count)
    }

    public func describe(_ facts: InstanceFacts, under term: Term) async throws {
        try ledger.tables.describe(facts, under: term)
    }

    public func instances() async throws -> [InstanceRecord] {
        ledger.tables.instances.values.sorted { $0.number < $1.number }
    }

    public func end(_ instance: InstanceNumber, term: Int64, beat: Int64) async throws -> Bool {
        ledger.tables.end(instance, term: term, beat: beat)
    }

    public func shards(counting: Bool) async throws -> [ShardRecord] {
        guard counting else { return ledger.tables.shards }
        var jobs: [Shard: Int] = [:]
        for row in ledger.jobs.values where !row.removed { jobs[row.stored.shard, default: 0] += 1 }
        return ledger.tables.shards.map { record in
            var record = record
            record.jobs = jobs[record.shard] ?? 0
            return record
        }
    }

    public func shard(labelled label: String) async throws -> Shard { ledger.tables.shard(labelled: label) }

    public func deal(_ moves: [ShardMove]) async throws { ledger.tables.deal(moves) }

    public func give(_ moves: [ShardMove], under term: Term, nonce: UInt64) async throws -> Term {
        try ledger.tables.give(moves, under: term, nonce: nonce)
    }

    public func take(_ shards: Set<Shard>, under term: Term) async throws -> Taken {
        try ledger.take(shards, under: term)
    }

    public func leave(_ term: Term) async throws { try ledger.tables.leave(term) }

    public func post(_ mail: [Mail]) async throws { ledger.post(mail) }

    public func news(for shards: Set<Shard>, machine: String) async throws -> News {
        News(
            instances: try await instances(), holdings: ledger.tables.holdings, notes: changesOfNotes,
            mail: ledger.tables.mail(for: shards, machine: machine))
    }

    public func forget(_ id: String) async throws { ledger.tables.forget(id) }

    public func declarations(by machine: String) async throws -> [Declaration] {
        ledger.tables.declarations(by: machine)
    }

    public func declarations(of jobs: [String]) async throws -> [Declaration] { ledger.tables.declarations(of: jobs) }

    public func declare(_ declarations: [Declaration]) async throws { ledger.tables.declare(declarations) }

    public func done(_ mail: [Int64], under term: Term) async throws { try ledger.tables.done(mail, under: term) }
}
