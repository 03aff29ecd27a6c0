public import CarillonCore

/// Instances, shards and mail as a store keeps them, each step whole. What other stores do is measured by this.
public struct InstanceTables: Sendable {
    public internal(set) var instances: [InstanceNumber: InstanceRecord] = [:]
    /// In order, each at its number; without their jobs, which the ledger counts.
    public internal(set) var shards: [ShardRecord]
    private var labels: [String: Shard] = [:]
    private var mail: [Mail] = []
    private var declared: [Declaration] = []
    private var lastNumber: Int32 = 0
    private var lastTerm: Int64 = 0
    private var lastMail: Int64 = 0
    /// Grows whenever a shard changes hands.
    public private(set) var holdings: Int64 = 0

    public init() {
        shards = Shard.all.map { ShardRecord(shard: $0, holder: nil) }
    }

    public func isInForce(_ term: Term) -> Bool { instances[term.instance]?.term == term }

    public func check(_ term: Term) throws {
        guard isInForce(term) else {
            throw StoreError(.leaseLost, "the term \(term.count) of instance \(term.instance.number) is not in force")
        }
    }

    // MARK: Lives

    private mutating func newTerm(of instance: InstanceNumber, nonce: UInt64) -> Term {
        lastTerm += 1
        let term = Term(instance: instance, count: lastTerm, nonce: nonce)
        instances[instance]?.term = term
        // Under a new term signs of life are counted anew.
        instances[instance]?.beat = 0
        return term
    }

    /// Removes earlier lives of an instance, and of others what is long gone.
    private mutating func forget(_ id: String, before number: Int32) {
        let holders = Set(shards.compactMap(\.holder))
        instances = instances.filter { key, record in
            let isOld = record.facts.id == id || Int64(key.number) < Int64(number) - InstanceRecord.mostKept
            return record.term != nil || holders.contains(key) || !isOld
        }
    }

    public mutating func forget(_ id: String) {
        let holders = Set(shards.compactMap(\.holder))
        instances = instances.filter { $1.facts.id != id || $1.term != nil || holders.contains($0) }
        mail.removeAll { $0.to == .machine(id) }
    }

    public mutating func join(_ facts: InstanceFacts, nonce: UInt64) -> Term {
        let former = instances.values.first { $0.facts.id == facts.id && $0.term != nil }
        if let former {
            instances[former.number]?.facts = facts
            return newTerm(of: former.number, nonce: nonce)
        }
        lastNumber += 1
        forget(facts.id, before: lastNumber)
        let number = InstanceNumber(lastNumber)
        instances[number] = InstanceRecord(number: number, facts: facts, term: nil, beat: 0)
        return newTerm(of: number, nonce: nonce)
    }

    public mutating func beat(_ term: Term, count: Int64) throws {
        try check(term)
        let before = instances[term.instance]?.beat ?? 0
        instances[term.instance]?.beat = max(before, count)
    }

    public mutating func describe(_ facts: InstanceFacts, under term: Term) throws {
        try check(term)
        instances[term.instance]?.facts = facts
    }

    public mutating func end(_ instance: InstanceNumber, term: Int64, beat: Int64) -> Bool {
        guard let record = instances[instance], record.term?.count == term, record.beat == beat else { return false }
        instances[instance]?.term = nil
        return true
    }

    public mutating func leave(_ term: Term) throws {
        try check(term)
        instances[term.instance]?.term = nil
    }

    // MARK: Shards

    public mutating func shard(labelled label: String) -> Shard {
        if let known = labels[label] { return known }
        let shard = Shard(Int16(shards.count))
        labels[label] = shard
        shards.append(ShardRecord(shard: shard, label: label, holder: nil))
        // Whoever may have it is to look.
        holdings += 1
        return shard
    }

    private func isInForce(_ instance: InstanceNumber?) -> Bool { instance.flatMap { instances[$0]?.term } != nil }

    private func isRight(_ move: ShardMove) -> Bool {
        let record = shards[Int(move.shard.number)]
        return record.holder == move.from && record.epoch == move.epoch && (move.to == nil || isInForce(move.to))
    }

    /// Whether somebody in force has a shard.
    public func isHeld(_ shard: Shard) -> Bool { isInForce(shards[Int(shard.number)].holder) }

    private mutating func carryOut(_ move: ShardMove) {
        shards[Int(move.shard.number)].holder = move.to
        shards[Int(move.shard.number)].epoch += 1
        holdings += 1
    }

    public mutating func deal(_ moves: [ShardMove]) {
        for move in moves where isRight(move) && !isInForce(move.from) { carryOut(move) }
    }

    public mutating func give(_ moves: [ShardMove], under term: Term, nonce: UInt64) throws -> Term {
        // The answer of the first time was lost.
        if let now = instances[term.instance]?.term, now.nonce == nonce { return now }
        try check(term)
        for move in moves where isRight(move) && move.from == term.instance { carryOut(move) }
        return newTerm(of: term.instance, nonce: nonce)
    }

    /// Throws unless all of these shards are of a term that is in force.
    public func check(_ term: Term, holds asked: Set<Shard>) throws {
        try check(term)
        guard asked.allSatisfy({ shards[Int($0.number)].holder == term.instance }) else {
            throw StoreError(.leaseLost, "instance \(term.instance.number) does not hold what it takes")
        }
    }

    // MARK: Declarations

    public func declarations(by machine: String) -> [Declaration] {
        declared.filter { $0.machine == machine }
    }

    public func declarations(of jobs: [String]) -> [Declaration] {
        let jobs = Set(jobs)
        return declared.filter { jobs.contains($0.job) }
    }

    public mutating func declare(_ new: [Declaration]) {
        for declaration in new {
            let isSame = { (old: Declaration) in old.machine == declaration.machine && old.job == declaration.job }
            for place in declared.indices where isSame(declared[place]) { declared[place].isCurrent = false }
            declared.removeAll { isSame($0) && $0.digest == declaration.digest }
            declared.append(declaration)
        }
    }

    // MARK: Mail

    /// Posts what concerns shards, but for those that the instance of a term in force holds.
    public mutating func tell(_ new: [Mail], but term: Term?) {
        let holder = term.flatMap { isInForce($0) ? $0.instance : nil }
        post(
            new.filter { word in
                guard case .shard(let shard) = word.to, let holder else { return true }
                return shards[Int(shard.number)].holder != holder
            })
    }

    public mutating func post(_ new: [Mail]) {
        for var word in new {
            lastMail += 1
            word.number = lastMail
            mail.append(word)
        }
    }

    public func mail(for shards: Set<Shard>, machine: String) -> [Mail] {
        mail.filter { word in
            switch word.to {
            case .shard(let shard): shards.contains(shard)
            case .machine(let id): id == machine
            // The ledger has said to which shard.
            case .job: false
            }
        }
    }

    public mutating func done(_ numbers: [Int64], under term: Term) throws {
        try check(term)
        mail.removeAll { numbers.contains($0.number) }
    }
}
