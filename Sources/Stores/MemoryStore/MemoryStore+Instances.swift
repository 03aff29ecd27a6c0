public import CarillonCore

extension MemoryStore: InstanceStore {
    public func join(_ facts: InstanceFacts, nonce: UInt64) async throws -> Term { tables.join(facts, nonce: nonce) }

    public func beat(_ term: Term, count: Int64) async throws { try tables.beat(term, count: count) }

    public func instances() async throws -> [InstanceRecord] {
        tables.instances.values.sorted { $0.number < $1.number }
    }

    public func end(_ instance: InstanceNumber, term: Int64, beat: Int64) async throws -> Bool {
        tables.end(instance, term: term, beat: beat)
    }

    public func shards() async throws -> [ShardRecord] {
        var jobs: [Shard: Int] = [:]
        for row in ledger.jobs.values where !row.removed { jobs[Shard(of: row.stored.id), default: 0] += 1 }
        return tables.shards.map { record in
            var record = record
            record.jobs = jobs[record.shard] ?? 0
            return record
        }
    }

    public func shard(labelled label: String) async throws -> Shard { tables.shard(labelled: label) }

    public func deal(_ moves: [ShardMove]) async throws { tables.deal(moves) }

    public func give(_ moves: [ShardMove], under term: Term, nonce: UInt64) async throws -> Term {
        try tables.give(moves, under: term, nonce: nonce)
    }

    public func take(_ shards: Set<Shard>, under term: Term) async throws -> Taken {
        try tables.check(term)
        return Taken(
            cursors: ledger.cursors().filter { shards.contains(Shard(of: $0.id)) },
            runs: ledger.activeRuns(after: nil, limit: .max).filter { shards.contains(Shard(of: $0.jobID)) })
    }

    public func leave(_ term: Term) async throws { try tables.leave(term) }

    public func post(_ mail: [Mail]) async throws { tables.post(mail) }

    public func mail(for shards: Set<Shard>, machine: String) async throws -> [Mail] {
        tables.mail(for: shards, machine: machine)
    }

    public func done(_ mail: [Int64], under term: Term) async throws { try tables.done(mail, under: term) }
}
