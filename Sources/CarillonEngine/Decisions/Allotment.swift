package import CarillonCore

/// Says which instance is to have which shard. Whoever computes it of the same facts comes to the same.
///
/// Shares go evenly to those who take jobs; what stands under a label goes to one who has what the label asks for. A shard without
/// a holder is dealt at once; all else moves only by its holder's own hand, since nobody but the holder may end the holding.
package struct Allotment: Sendable {
    /// Whether an instance is to have shares of the jobs.
    package enum Readiness: Hashable, Sendable {
        case ready
        /// Its clock is not the store's: perhaps it is the store's that is wrong, and then all are alike.
        case ifNobodyElse
        /// It leaves, or does something else.
        case never
    }

    /// An instance that is in force.
    package struct Member: Hashable, Sendable {
        package var number: InstanceNumber
        package var readiness: Readiness
        /// What it may hold besides.
        package var labels: Set<String>
        /// Jobs at most; 0 for as many as there are. What stands under its labels counts, and is never refused: nobody else
        /// may be there for it.
        package var mostJobs: Int

        package init(
            _ number: InstanceNumber, _ readiness: Readiness = .ready, labels: Set<String> = [], mostJobs: Int = 0
        ) {
            self.number = number
            self.readiness = readiness
            self.labels = labels
            self.mostJobs = mostJobs
        }
    }

    private struct Load {
        var shares = 0
        var labels = 0
        var jobs = 0
    }

    /// By their shards.
    private let shards: [ShardRecord]
    /// By their numbers.
    private let members: [Member]
    /// Whether each member is to have shares.
    private let takesShares: [Bool]
    /// Who has each shard, as far as it was thought through: a member's place, nil for nobody in force.
    private var holders: [Int?]
    private var loads: [Load]

    package init(_ shards: [ShardRecord], among members: [Member]) {
        let members = members.sorted { $0.number < $1.number }
        let readiness = members.contains { $0.readiness == .ready } ? Readiness.ready : .ifNobodyElse
        self.shards = shards.sorted { $0.shard < $1.shard }
        self.members = members
        takesShares = members.map { $0.readiness == readiness }
        let places = Dictionary(uniqueKeysWithValues: members.indices.map { (members[$0].number, $0) })
        holders = self.shards.map { _ in nil }
        loads = members.map { _ in Load() }
        for (shard, record) in self.shards.enumerated() {
            if let holder = record.holder.flatMap({ places[$0] }) { move(shard, to: holder) }
        }
    }

    private mutating func move(_ shard: Int, to taker: Int?) {
        if let before = holders[shard] { count(shard, of: before, -1) }
        if let taker { count(shard, of: taker, 1) }
        holders[shard] = taker
    }

    private mutating func count(_ shard: Int, of member: Int, _ sign: Int) {
        if shards[shard].label == nil { loads[member].shares += sign } else { loads[member].labels += sign }
        loads[member].jobs += sign * shards[shard].jobs
    }

    private func may(_ member: Int, hold shard: Int) -> Bool {
        shards[shard].label.map { members[member].labels.contains($0) } ?? takesShares[member]
    }

    private func hasRoom(_ member: Int, for shard: Int) -> Bool {
        let (most, jobs) = (members[member].mostJobs, shards[shard].jobs)
        return most == 0 || jobs == 0 || shards[shard].label != nil || loads[member].jobs + jobs <= most
    }

    /// Finds who has the least of those who may hold a shard and have room for it.
    private func taker(of shard: Int) -> Int? {
        members.indices.filter { may($0, hold: shard) && hasRoom($0, for: shard) }.min { a, b in
            shards[shard].label == nil ? loads[a].shares < loads[b].shares : loads[a].labels < loads[b].labels
        }
    }

    // MARK: What nobody has

    /// Deals every shard that nobody in force has to who has the least, as far as anybody has room.
    package func deals() -> [ShardMove] {
        var thought = self
        thought.deal()
        return moves(to: thought, ofWhatIsHeld: false)
    }

    private mutating func deal() {
        for shard in shards.indices where holders[shard] == nil { move(shard, to: taker(of: shard)) }
    }

    private func moves(to thought: Allotment, ofWhatIsHeld isHeld: Bool) -> [ShardMove] {
        shards.indices.compactMap { shard in
            let (before, after) = (holders[shard], thought.holders[shard])
            guard before != after, (before != nil) == isHeld else { return nil }
            return ShardMove(shards[shard], to: after.map { members[$0].number })
        }
    }

    // MARK: What is better elsewhere

    /// Answers what its holders are to give, once what nobody has is dealt: then nobody has what is not for it, nor more jobs than
    /// it may. When they are to be level, shares are spread evenly besides: no two who take some differ by more than one, but for
    /// want of room.
    package func moves(isLevel: Bool = true) -> [ShardMove] {
        var thought = self
        thought.deal()
        thought.dismiss()
        thought.relieve()
        if isLevel { thought.level() }
        return moves(to: thought, ofWhatIsHeld: true)
    }

    /// Takes from each what it may not hold.
    private mutating func dismiss() {
        for shard in shards.indices {
            if let holder = holders[shard], !may(holder, hold: shard) { move(shard, to: taker(of: shard)) }
        }
    }

    /// Takes from each the jobs that are too many: what somebody has room for first, and of that as little as is enough.
    private mutating func relieve() {
        for member in members.indices where members[member].mostJobs > 0 {
            while true {
                let excess = loads[member].jobs - members[member].mostJobs
                let given = shares(of: member).filter { shards[$0].jobs > 0 }
                if excess <= 0 || given.isEmpty { break }
                let wanted = given.filter { taker(of: $0) != nil }
                let choice = (wanted.isEmpty ? given : wanted).min { a, b in
                    let (a, b) = (shards[a].jobs, shards[b].jobs)
                    // The smallest that is enough, else the largest.
                    if (a >= excess) != (b >= excess) { return a >= excess }
                    return a >= excess ? a < b : a > b
                }
                guard let choice else { break }
                move(choice, to: taker(of: choice))
            }
        }
    }

    private func shares(of member: Int) -> [Int] {
        shards.indices.filter { holders[$0] == member && shards[$0].label == nil }
    }

    /// Moves shares from who has more than its part to who has less: of a giver's every so many-th, so that those of any stretch
    /// of numbers stay spread.
    private mutating func level() {
        let parts = parts()
        for giver in members.indices {
            for taker in members.indices {
                let count = min(loads[giver].shares - parts[giver], parts[taker] - loads[taker].shares)
                guard count > 0 else { continue }
                var (chosen, rest) = (shares(of: giver), [Int]())
                if members[taker].mostJobs > 0 {
                    // Whoever may have so many jobs only is not given those that somebody does already, as long as there
                    // are shares without any.
                    rest = chosen.filter { shards[$0].jobs > 0 }
                    chosen.removeAll { shards[$0].jobs > 0 }
                }
                var left = count
                for shard in chosen.spread(left) + rest.spread(max(0, left - chosen.count)) + rest
                where left > 0 && holders[shard] == giver && hasRoom(taker, for: shard) {
                    move(shard, to: taker)
                    left -= 1
                }
            }
        }
    }

    /// Says how many shares each is to have: as many as all others who take some, those that are over to who has most.
    private func parts() -> [Int] {
        let takers = members.indices.filter { takesShares[$0] }
        // Where nobody takes any, everybody keeps what it has.
        var parts = takers.isEmpty ? loads.map(\.shares) : members.map { _ in 0 }
        if takers.isEmpty { return parts }
        let all = takers.reduce(0) { $0 + loads[$1].shares }
        for (rank, member) in takers.sorted(by: { (-loads[$0].shares, $0) < (-loads[$1].shares, $1) }).enumerated() {
            parts[member] = all / takers.count + (rank < all % takers.count ? 1 : 0)
        }
        return parts
    }
}

extension Array {
    /// Picks so many of these, as far from each other as can be.
    func spread(_ wanted: Int) -> [Element] {
        let wanted = Swift.min(wanted, count)
        return (0..<wanted).map { self[$0 * count / wanted] }
    }
}
