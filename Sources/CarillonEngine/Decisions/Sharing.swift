package import CarillonCore

/// One instance's part in sharing the jobs: which shards it has, whom it watches, and what it is to do next. Decides, and carries
/// nothing out.
///
/// All times are of its own clock since boot, in microseconds; none is compared with anybody else's.
package struct Sharing: Sendable {
    package enum Step: Hashable, Sendable {
        /// These are its own now: they are to be read before anything of them is planned (`taken`).
        case take(Set<Shard>)
        /// Somebody has been silent for too long.
        case end(Beat)
        /// What nobody in force has goes to somebody.
        case deal([ShardMove])
        /// These are to be given, once nothing of them is on its way (`give`).
        case give([ShardMove])
        /// It is in force no more, or has lost a shard that it did not give: it is to drop everything, and to join again.
        case lose

        /// Something follows from it at once.
        package var calls: Bool {
            switch self {
            case .end, .deal: true
            case .take, .give, .lose: false
            }
        }
    }

    package struct Limits: Sendable {
        /// Shards that are given at once.
        package var most = 256
        /// Between two gives that nothing but evenness asks for.
        package var pace: Int64 = 1_000_000
        /// Between two looks of those who watch everybody; a twelfth of the lease when nil.
        package var look: Int64?
        /// Between two looks while somebody leaves.
        package var haste: Int64 = 20_000
        /// For how long after somebody came or went they look that often at most.
        package var longestAwaiting: Int64 = 60_000_000
        /// Those who watch everybody; the others watch these.
        package var watchers = 8
        /// A wall clock that is further from what counts as right takes no shares while another may.
        package var clockError: Int64 = 2_000_000

        package init() {}
    }

    /// A give that was sent; until its answer is known nothing else is written.
    package struct Give: Hashable, Sendable {
        package var moves: [ShardMove]
        package var term: Term
        package var nonce: UInt64
    }

    /// Somebody who is there: whoever begins to leave counts as one who goes.
    private struct Presence: Hashable {
        var number: InstanceNumber
        var isLeaving: Bool
    }

    package var limits = Limits()
    package private(set) var facts: InstanceFacts
    package private(set) var term: Term
    /// Shards that it has read, and plans.
    package private(set) var held: Set<Shard> = []
    /// Shards that it was given and has not read yet.
    private var taking: Set<Shard> = []
    /// Shards that are to go, as soon as nothing of them is on its way.
    package private(set) var leaving: [ShardMove] = []
    package private(set) var giving: Give?
    /// Until when it may trust that nobody has ended it.
    package private(set) var deadline: Int64
    private var watch = Watch()
    /// When each instance's last sign of life was first seen, and who had each shard at the last look but this.
    private var heard: [InstanceNumber: (beat: Beat, at: Int64)] = [:]
    private var holders: [Shard: InstanceNumber] = [:]
    private var formerHolders: [Shard: InstanceNumber] = [:]
    /// Who there was, and since when.
    private var crowd: Set<Presence> = []
    private var stillSince: Int64
    private var gaveAt = Int64.min
    /// Whether others have something that they are to give to this one.
    private var isAwaiting = false
    /// Since when there is something to be dealt that those who come first have left.
    private var idleSince: Int64?

    /// Begins with a term, of which the request was sent at this time.
    package init(_ facts: InstanceFacts, _ term: Term, sent: Int64) {
        self.facts = facts
        self.term = term
        deadline = sent + facts.lease - facts.lease / 10
        stillSince = sent
    }

    // MARK: Being in force

    /// A sign of life that was sent at this time got through.
    package mutating func beaten(sent: Int64) { deadline = max(deadline, sent + facts.lease - facts.lease / 10) }

    /// Whether nobody else may have what it holds.
    package func isSure(at now: Int64) -> Bool { now <= deadline }

    /// Whether a refusal under this term says that it is in force no more; of a term that it has replaced itself it says nothing.
    package func isLost(byRefusalOf refused: Term) -> Bool { refused == term && giving == nil }

    package mutating func describe(_ change: (inout InstanceFacts) -> Void) { change(&facts) }

    // MARK: Shards

    package mutating func taken(_ shards: Set<Shard>) {
        held.formUnion(taking.intersection(shards))
        taking.subtract(shards)
    }

    /// They could not be read; the next look asks for them again.
    package mutating func notTaken(_ shards: Set<Shard>) { taking.subtract(shards) }

    /// Gives what is to go, as nothing of it is on its way any more. It is sent until its answer is known.
    package mutating func give(nonce: UInt64) -> Give {
        let give = Give(moves: leaving, term: term, nonce: nonce)
        giving = give
        leaving = []
        return give
    }

    /// Keeps what was to go: something of it does not end.
    package mutating func keep() { leaving = [] }

    /// The give was carried out, and this is the term from now on. Answers the shards that are gone as far as this instance is
    /// concerned: one whose taker was not in force any more is its own still, and is to be read again.
    package mutating func gave(_ new: Term, at now: Int64) -> Set<Shard> {
        guard let give = giving, give.nonce == new.nonce else { return [] }
        giving = nil
        gaveAt = now
        term = new
        let gone = Set(give.moves.map(\.shard))
        held.subtract(gone)
        // What is being read under the old term is read anew.
        taking = []
        return gone
    }

    // MARK: Looking

    /// How long until the next look, in microseconds: those who watch everybody look more often, and all do while somebody is
    /// about to hand over what it has.
    package func pause(among records: [InstanceRecord], at now: Int64) -> Int64 {
        // Not for ever: what is to be given may not come to rest.
        if isAwaiting, now - stillSince < limits.longestAwaiting { return limits.haste }
        let usual = limits.look ?? facts.lease / 12
        return rank(among: records) < limits.watchers ? usual : max(usual, min(facts.lease / 3, 1_000_000))
    }

    private func rank(among records: [InstanceRecord]) -> Int {
        records.count { $0.term != nil && $0.number < term.instance }
    }

    /// Decides by what it reads of all instances and all shards. `now` is a time after the answer came.
    package mutating func look(_ records: [InstanceRecord], _ shards: [ShardRecord], at now: Int64) -> [Step] {
        guard let mine = records.first(where: { $0.number == term.instance })?.term else { return [.lose] }
        // An answer from before the last give tells nothing; somebody else with its identity has a later one.
        guard mine == term else { return mine.count > term.count && giving == nil ? [.lose] : [] }
        guard giving == nil else { return [] }
        let owned = Set(shards.filter { $0.holder == term.instance }.map(\.shard))
        guard held.isSubset(of: owned) else { return [.lose] }
        var steps: [Step] = []
        let new = owned.subtracting(held).subtracting(taking)
        if !new.isEmpty {
            taking.formUnion(new)
            steps.append(.take(new))
        }
        let inForce = records.filter { $0.term != nil }
        steps += ends(inForce, at: now)
        note(inForce, at: now)
        note(shards)
        let right = Self.rightTime(among: inForce, limits)
        let allotment = Allotment(shards, among: inForce.map { Allotment.Member($0, limits, right: right) })
        steps += deals(allotment, rank(among: inForce), at: now)
        steps += gifts(allotment, at: now)
        return steps
    }

    /// Says which error of a wall clock counts as none: the store's time, unless nobody's is near that. Then it is the store's that is
    /// wrong, and the one in the middle is right: most know what time it is.
    package static func rightTime(among inForce: [InstanceRecord], _ limits: Limits) -> Int64 {
        let errors = inForce.filter { $0.facts.does(InstanceFacts.scheduler) && !$0.facts.isLeaving }
            .map(\.facts.clockError).sorted()
        // Of two in the middle the one that is nearer the store's.
        let middles = errors.dropFirst((errors.count - 1) / 2).prefix(errors.count % 2 == 0 ? 2 : 1)
        guard let middle = middles.min(by: { $0.magnitude < $1.magnitude }) else { return 0 }
        return errors.contains { $0.magnitude <= limits.clockError.magnitude } ? 0 : middle
    }

    /// Finds those who are to be ended.
    private mutating func ends(_ inForce: [InstanceRecord], at now: Int64) -> [Step] {
        // One whose own beats do not get through knows nothing of others'.
        if !isSure(at: now) { watch.restart() }
        let ranked = inForce.sorted { $0.number < $1.number }
        let watched = rank(among: inForce) < limits.watchers ? ranked[...] : ranked.prefix(limits.watchers)
        let beats = watched.filter { $0.number != term.instance }.compactMap { Beat($0) }
        return watch.look(beats, at: now).map { .end($0) }
    }

    /// Notes whether somebody came or went.
    private mutating func note(_ inForce: [InstanceRecord], at now: Int64) {
        // A new term of the same instance is nobody who came.
        let present = Set(inForce.map { Presence(number: $0.number, isLeaving: $0.facts.isLeaving) })
        if present != crowd { stillSince = now }
        crowd = present
        for beat in inForce.compactMap({ Beat($0) }) where heard[beat.number]?.beat != beat {
            heard[beat.number] = (beat, now)
        }
    }

    /// Notes who has what, and who had it before.
    private mutating func note(_ shards: [ShardRecord]) {
        var next: [Shard: InstanceNumber] = [:]
        for record in shards {
            next[record.shard] = record.holder
            let before = holders[record.shard]
            if before != record.holder { formerHolders[record.shard] = before }
        }
        holders = next
        let known = Set(formerHolders.values).union(next.values)
        heard = heard.filter { known.contains($0.key) }
    }

    /// For how long nobody was there for these shards, in microseconds, as far as this instance has seen: since the last sign of
    /// life of those who had them.
    package func silence(of shards: Set<Shard>, at now: Int64) -> Int64 {
        let former = Set(shards.compactMap { formerHolders[$0] }).subtracting(crowd.map(\.number))
        return former.compactMap { heard[$0].map { now - $0.at } }.max() ?? 0
    }

    private mutating func deals(_ allotment: Allotment, _ rank: Int, at now: Int64) -> [Step] {
        let deals = allotment.deals()
        guard !deals.isEmpty, !facts.isLeaving else {
            idleSince = nil
            return []
        }
        // The first one does it; the next one only where nothing has come of it.
        let since = idleSince ?? now
        idleSince = since
        return now - since >= Int64(rank) * facts.lease / 4 ? [.deal(deals)] : []
    }

    private mutating func gifts(_ allotment: Allotment, at now: Int64) -> [Step] {
        let isStill = now - stillSince >= 2 * facts.lease
        let all = allotment.moves(isLevel: isStill)
        isAwaiting = all.contains { $0.to == term.instance }
        let isPaced = gaveAt == .min || now - gaveAt >= limits.pace
        let moves = isStill && !isPaced ? allotment.moves(isLevel: false) : all
        let mine = moves.filter { $0.from == term.instance && held.contains($0.shard) }
        guard leaving.isEmpty, !mine.isEmpty else { return [] }
        // Some of every stretch of numbers, so that a few jobs are spread as well as many; and never so many that whoever takes
        // them needs long to read what stands in them.
        leaving = mine.spread(limits.most)
        return [.give(leaving)]
    }
}

extension Allotment.Member {
    fileprivate init(_ record: InstanceRecord, _ limits: Sharing.Limits, right: Int64) {
        let facts = record.facts
        let readiness: Allotment.Readiness =
            if facts.isLeaving || !facts.does(InstanceFacts.scheduler) {
                .never
            } else {
                (facts.clockError - right).magnitude > limits.clockError.magnitude ? .ifNobodyElse : .ready
            }
        self.init(
            record.number, readiness, labels: facts.isLeaving ? [] : facts.labels, mostJobs: facts.mostJobs)
    }
}

extension Beat {
    /// Nil for an instance that is not in force.
    package init?(_ record: InstanceRecord) {
        guard let term = record.term else { return nil }
        self.init(record.number, term: term.count, count: record.beat, lease: record.facts.lease)
    }
}
