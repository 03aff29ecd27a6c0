package import CarillonCore

/// Says which instance is to have which shard. Whoever computes it of the same facts comes to the same.
///
/// Shares go evenly to those who take jobs; what stands under a label goes to one who has what the label asks for. A shard without
/// a holder is dealt at once; all else moves only by its holder's own hand, since nobody but the holder may end the holding.
package struct Allotment: Sendable {
    /// A shard as it is held.
    package struct Holding: Hashable, Sendable {
        package var shard: Shard
        /// What only who has it may hold, such as `feed:site`; nil for a share of the jobs.
        package var label: String?
        /// In force; nil for a shard that nobody has.
        package var holder: InstanceNumber?
        package var jobs: Int

        package init(_ shard: Shard, label: String? = nil, holder: InstanceNumber?, jobs: Int) {
            self.shard = shard
            self.label = label
            self.holder = holder
            self.jobs = jobs
        }
    }

    /// An instance that is in force.
    package struct Member: Hashable, Sendable {
        package var number: InstanceNumber
        /// Whether it is to have shares: one that leaves, that only watches, or whose clock is wrong has none.
        package var takesShares: Bool
        /// What it may hold besides.
        package var labels: Set<String>
        /// Jobs at most; 0 for as many as there are.
        package var mostJobs: Int

        package init(_ number: InstanceNumber, takesShares: Bool = true, labels: Set<String> = [], mostJobs: Int = 0) {
            self.number = number
            self.takesShares = takesShares
            self.labels = labels
            self.mostJobs = mostJobs
        }
    }

    package struct Move: Hashable, Sendable {
        package var shard: Shard
        /// Whose it must be for the move to be right; nil for nobody's.
        package var from: InstanceNumber?
        /// Nil where nobody has room for what its holder may not keep.
        package var to: InstanceNumber?

        package init(_ shard: Shard, from: InstanceNumber?, to: InstanceNumber?) {
            self.shard = shard
            self.from = from
            self.to = to
        }
    }

    private var holdings: [Holding]
    /// By their numbers.
    private var members: [Member]
    /// What each member has, as far as the moves so far have come.
    private var loads: [Load]
    private var places: [InstanceNumber: Int] = [:]

    private struct Load {
        var shares = 0
        var labels = 0
        var jobs = 0
    }

    package init(_ holdings: [Holding], among members: [Member]) {
        self.holdings = holdings.sorted { $0.shard < $1.shard }
        self.members = members.sorted { $0.number < $1.number }
        loads = self.members.map { _ in Load() }
        for (place, member) in self.members.enumerated() { places[member.number] = place }
        for place in self.holdings.indices {
            guard let holder = self.holdings[place].holder else { continue }
            // Somebody who is not among them is not in force.
            if let member = places[holder] {
                add(self.holdings[place], to: member)
            } else {
                self.holdings[place].holder = nil
            }
        }
    }

    private mutating func add(_ holding: Holding, to member: Int, _ sign: Int = 1) {
        if holding.label == nil { loads[member].shares += sign } else { loads[member].labels += sign }
        loads[member].jobs += sign * holding.jobs
    }

    private func may(_ member: Int, hold label: String?) -> Bool {
        label.map { members[member].labels.contains($0) } ?? members[member].takesShares
    }

    private func hasRoom(_ member: Int, for jobs: Int) -> Bool {
        let most = members[member].mostJobs
        return most == 0 || jobs == 0 || loads[member].jobs + jobs <= most
    }

    /// Who of those that may hold it has the least, and room for it.
    private func taker(of holding: Holding) -> Int? {
        members.indices.filter { may($0, hold: holding.label) && hasRoom($0, for: holding.jobs) }.min { a, b in
            holding.label == nil ? loads[a].shares < loads[b].shares : loads[a].labels < loads[b].labels
        }
    }

    // MARK: What nobody has

    /// Deals every shard that nobody has to who has the least, as far as anybody has room.
    package func deals() -> [Move] {
        var rest = self
        return rest.deal()
    }

    private mutating func deal() -> [Move] {
        var moves: [Move] = []
        for place in holdings.indices where holdings[place].holder == nil {
            guard let taker = taker(of: holdings[place]) else { continue }
            moves.append(move(place, to: taker))
        }
        return moves
    }

    private mutating func move(_ place: Int, to taker: Int?) -> Move {
        let move = Move(
            holdings[place].shard, from: holdings[place].holder, to: taker.map { members[$0].number })
        if let before = move.from.flatMap({ places[$0] }) { add(holdings[place], to: before, -1) }
        if let taker { add(holdings[place], to: taker) }
        holdings[place].holder = move.to
        return move
    }

    // MARK: What is better elsewhere

    /// Answers the least moves after which nobody has what is not for it, nor more jobs than it may have, and shares are spread
    /// evenly: no two who take shares differ by more than one, but for those who have no room.
    package func moves() -> [Move] {
        var rest = self
        return rest.dismiss() + rest.relieve() + rest.level()
    }

    /// Takes from each what it may not hold.
    private mutating func dismiss() -> [Move] {
        var moves: [Move] = []
        for place in holdings.indices {
            guard let holder = holdings[place].holder.flatMap({ places[$0] }),
                !may(holder, hold: holdings[place].label)
            else { continue }
            moves.append(move(place, to: taker(of: holdings[place])))
        }
        return moves
    }

    /// Takes from each the jobs that are too many, the last ones first.
    private mutating func relieve() -> [Move] {
        var moves: [Move] = []
        for member in members.indices where members[member].mostJobs > 0 {
            for place in holdings.indices.reversed() where loads[member].jobs > members[member].mostJobs {
                guard holdings[place].jobs > 0, holdings[place].holder == members[member].number else { continue }
                moves.append(move(place, to: taker(of: holdings[place])))
            }
        }
        return moves
    }

    /// Moves shares from who has more than its part to who has less: of a giver's shares every so many-th, so that those of any
    /// stretch of numbers stay spread.
    private mutating func level() -> [Move] {
        var moves: [Move] = []
        var missing = members.indices.map { _ in 0 }
        var surplus = missing
        for (member, part) in parts() {
            missing[member] = max(0, part - loads[member].shares)
            surplus[member] = max(0, loads[member].shares - part)
        }
        for giver in members.indices where surplus[giver] > 0 {
            let held = holdings.indices.filter {
                holdings[$0].label == nil && holdings[$0].holder == members[giver].number
            }
            let chosen = (0..<surplus[giver]).map { held[$0 * held.count / surplus[giver]] }
            for place in chosen + held {
                guard surplus[giver] > 0, holdings[place].holder == members[giver].number,
                    // Who may have so many jobs only takes what nobody has; it gets none that somebody else does already.
                    let taker = members.indices.first(where: {
                        missing[$0] > 0 && (members[$0].mostJobs == 0 || holdings[place].jobs == 0)
                    })
                else { continue }
                moves.append(move(place, to: taker))
                surplus[giver] -= 1
                missing[taker] -= 1
            }
        }
        return moves
    }

    /// How many shares each who takes some is to have: as many as all others, those that are over to who has most.
    private func parts() -> [(member: Int, part: Int)] {
        let takers = members.indices.filter { members[$0].takesShares }
        guard !takers.isEmpty else { return [] }
        let all = takers.reduce(0) { $0 + loads[$1].shares }
        let byLoad = takers.sorted { loads[$0].shares > loads[$1].shares }
        return byLoad.enumerated().map { rank, member in
            (member, all / takers.count + (rank < all % takers.count ? 1 : 0))
        }
    }
}
