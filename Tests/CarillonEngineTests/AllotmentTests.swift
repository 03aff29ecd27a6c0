import CarillonCore
import CarillonEngine
import CarillonTestSupport
import Testing

/// Who is dealt which shard, and what is moved.
@Suite struct AllotmentTests {
    private typealias Member = Allotment.Member

    /// Shards with their holders, and what was moved so far.
    private struct Table {
        var holdings: [ShardRecord]
        var moved = 0

        init(jobs: Int, labels: [String] = []) {
            holdings = Shard.all.map { shard in
                ShardRecord(
                    shard: shard, holder: nil, jobs: (jobs + Shard.shares - 1 - Int(shard.number)) / Shard.shares)
            }
            for (place, label) in labels.enumerated() {
                holdings.append(
                    ShardRecord(shard: Shard(Int16(Shard.shares + place)), label: label, holder: nil))
            }
        }

        mutating func carryOut(_ moves: [ShardMove]) {
            #expect(Set(moves.map(\.shard)).count == moves.count, "no shard moves twice")
            for move in moves {
                let place = Int(move.shard.number)
                #expect(holdings[place].holder == move.from && holdings[place].epoch == move.epoch)
                holdings[place].holder = move.to
                holdings[place].epoch += 1
            }
            moved += moves.count
        }

        /// Deals and moves until there is nothing to do; each holder carries out its own moves.
        mutating func settle(_ members: [Member]) {
            for _ in 0..<5 {
                carryOut(Allotment(holdings, among: members).deals())
                let moves = Allotment(holdings, among: members).moves()
                carryOut(moves)
                if moves.isEmpty { return }
            }
            Issue.record("it does not come to rest")
        }

        func shares(of number: InstanceNumber?) -> Int {
            holdings.count { $0.label == nil && $0.holder == number }
        }

        /// Shares of nobody who is among them.
        func orphans(among members: [Member]) -> Int {
            holdings.count { holding in holding.label == nil && !members.contains { $0.number == holding.holder } }
        }

        func jobs(of number: InstanceNumber?) -> Int {
            holdings.reduce(0) { $0 + ($1.holder == number ? $1.jobs : 0) }
        }
    }

    private static func members(_ numbers: ClosedRange<Int32>, mostJobs: Int = 0) -> [Member] {
        numbers.map { Member(InstanceNumber($0), mostJobs: mostJobs) }
    }

    @Test func theFirstOneHasEverythingAndTheNextOneHalf() {
        var table = Table(jobs: 100_000)
        table.settle(Self.members(1...1))
        #expect(table.shares(of: InstanceNumber(1)) == Shard.shares)
        table.moved = 0
        table.settle(Self.members(1...2))
        #expect(table.shares(of: InstanceNumber(1)) == 2_048 && table.moved == 2_048)
        // Of any stretch of numbers each has its part.
        for start in stride(from: 0, to: 4_000, by: 100) {
            let ofFirst = table.holdings[start..<start + 100].count { $0.holder == InstanceNumber(1) }
            #expect((48...52).contains(ofFirst), "of \(start) to \(start + 99): \(ofFirst)")
        }
    }

    /// Of one that ends, its shards move, and nobody else's.
    @Test func anEndMovesOnlyItsOwnShards() {
        var table = Table(jobs: 100_000)
        table.settle(Self.members(1...4))
        let before = table.holdings
        table.moved = 0
        table.settle(Self.members(1...4).filter { $0.number != InstanceNumber(3) })
        #expect(table.moved == 1_024)
        #expect(zip(before, table.holdings).allSatisfy { $0.holder == InstanceNumber(3) || $0.holder == $1.holder })
        #expect([1, 2, 4].map { table.shares(of: InstanceNumber($0)) }.sorted() == [1_365, 1_365, 1_366])
    }

    @Test func nobodyHasMoreJobsThanItMay() {
        var table = Table(jobs: 25)
        table.settle(Self.members(1...1, mostJobs: 10))
        #expect(table.jobs(of: InstanceNumber(1)) == 10 && table.jobs(of: nil) == 15)
        table.settle(Self.members(1...2, mostJobs: 10))
        table.settle(Self.members(1...3, mostJobs: 10))
        #expect([1, 2, 3].map { table.jobs(of: InstanceNumber($0)) } == [10, 10, 5])
        // Ten more, of which five find no room until somebody comes.
        for place in 25..<35 { table.holdings[place].jobs = 1 }
        table.settle(Self.members(1...3, mostJobs: 10))
        #expect([1, 2, 3].map { table.jobs(of: InstanceNumber($0)) } == [10, 10, 10] && table.jobs(of: nil) == 5)
        table.settle(Self.members(1...4, mostJobs: 10))
        #expect(table.jobs(of: InstanceNumber(4)) == 5 && table.shares(of: nil) == 0)
    }

    /// Of many jobs those who have room are given their part, and none loses more than it must.
    @Test func roomIsUsedAndNoMoreIsTakenThanNeeded() {
        var table = Table(jobs: 100_000)
        table.settle(Self.members(1...1, mostJobs: 200_000))
        table.settle(Self.members(1...2, mostJobs: 200_000))
        #expect([1, 2].map { table.shares(of: InstanceNumber($0)) } == [2_048, 2_048])
        // Shares of 5, 5 and 1 jobs where there may be 10: the one that somebody has room for goes.
        var small = Table(jobs: 0)
        for (place, jobs) in [5, 5, 1, 9].enumerated() {
            small.holdings[place].jobs = jobs
            small.holdings[place].holder = InstanceNumber(place < 3 ? 1 : 2)
        }
        small.settle(Self.members(1...2, mostJobs: 10))
        #expect([1, 2].map { small.jobs(of: InstanceNumber($0)) } == [10, 10])
    }

    @Test func labelsGoToWhoHasThemAndShardsLeaveWhoLeaves() {
        var table = Table(jobs: 10, labels: ["custody", "host:a"])
        var members = Self.members(1...3)
        members[0].labels = ["custody"]
        members[2].labels = ["custody", "host:a"]
        table.settle(members)
        #expect(table.holdings[4_096].holder == InstanceNumber(1) && table.holdings[4_097].holder == InstanceNumber(3))
        members[0].readiness = .never
        members[0].labels = []
        members[2].labels = ["custody"]
        table.settle(members)
        #expect(table.shares(of: InstanceNumber(1)) == 0 && table.shares(of: nil) == 0)
        #expect(table.holdings[4_096].holder == InstanceNumber(3) && table.holdings[4_097].holder == nil)
        // Where nobody is to have shares, nobody gets some.
        #expect(Allotment(table.holdings, among: [Member(InstanceNumber(1), .never)]).deals().isEmpty)
    }

    /// What is pinned to a machine counts, and is not what gives way.
    @Test func aPinnedJobStaysWhereItIsPinned() {
        var table = Table(jobs: 20, labels: ["host:a"])
        table.holdings[4_096].jobs = 5
        var members = Self.members(1...2, mostJobs: 15)
        members[0].labels = ["host:a"]
        table.settle(members)
        #expect(table.holdings[4_096].holder == InstanceNumber(1))
        #expect(table.jobs(of: InstanceNumber(1)) <= 15 && table.jobs(of: nil) == 0)
    }

    /// A wrong clock keeps one from taking shares only while another's is right: perhaps the store's is the wrong one.
    @Test func whereAllClocksAreWrongNobodyGivesAnythingUp() {
        var table = Table(jobs: 10)
        var members = Self.members(1...2)
        table.settle(members)
        members[1].readiness = .ifNobodyElse
        table.settle(members)
        #expect(table.shares(of: InstanceNumber(1)) == Shard.shares)
        members[0].readiness = .ifNobodyElse
        table.settle(members)
        #expect([1, 2].map { table.shares(of: InstanceNumber($0)) } == [2_048, 2_048])
    }

    /// Whatever comes and goes, changes its mind, or has more jobs than it may.
    @Test(arguments: (0..<20).map { UInt64($0) }) func itComesToRestEvenly(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let isCapped = seed % 2 == 1
        var table = Table(jobs: Int.random(in: 0...20_000, using: &random), labels: ["custody", "host:a"])
        var members: [Member] = []
        var last: Int32 = 0
        for _ in 0..<12 {
            if members.isEmpty || Bool.random(using: &random) {
                last += 1
                var member = Member(
                    InstanceNumber(last), labels: Bool.random(using: &random) ? ["custody"] : ["host:a"])
                if isCapped { member.mostJobs = Int.random(in: 0...8_000, using: &random) }
                members.append(member)
            } else {
                members.remove(at: Int.random(in: members.indices, using: &random))
            }
            if isCapped, let place = members.indices.randomElement(using: &random) {
                members[place].readiness = random.chance(0.2) ? .never : .ready
                members[place].mostJobs = Int.random(in: 0...8_000, using: &random)
            }
            let (before, orphans) = (table.holdings, table.orphans(among: members))
            table.moved = 0
            table.settle(members)
            for member in members where member.mostJobs > 0 {
                #expect(table.jobs(of: member.number) <= member.mostJobs, "seed \(seed)")
            }
            #expect(
                Allotment(before.shuffled(using: &random), among: members.shuffled(using: &random)).moves()
                    == Allotment(before, among: members).moves(), "seed \(seed): in whatever order it is read")
            if isCapped || members.isEmpty { continue }
            let shares = members.map { table.shares(of: $0.number) }
            #expect((shares.max() ?? 0) - (shares.min() ?? 0) <= 1, "seed \(seed): \(shares)")
            #expect(shares.reduce(0, +) == Shard.shares)
            // No more than the newcomer's part, or what somebody left; and the labels.
            #expect(table.moved <= max(orphans, Shard.shares / members.count + 1) + 2, "seed \(seed)")
        }
    }
}

/// Who is taken for gone.
@Suite struct WatchTests {
    private static let lease: Int64 = 3_000_000

    private func beat(_ count: Int64, of number: Int32 = 1, lease: Int64 = lease) -> Beat {
        Beat(InstanceNumber(number), term: 1, count: count, lease: lease)
    }

    @Test func whoBeatsLives() {
        var watch = Watch()
        for step in 0..<100 as Range<Int64> {
            #expect(watch.look([beat(step / 3)], at: step * 1_000_000).isEmpty)
        }
    }

    @Test func whoIsSilentForItsOwnLeaseIsGone() {
        var watch = Watch()
        let (quick, slow) = (beat(7, of: 1), beat(9, of: 2, lease: 10_000_000))
        #expect(watch.look([quick, slow], at: 0).isEmpty)
        #expect(watch.look([quick, slow], at: 3_300_000).isEmpty)
        #expect(watch.look([quick, slow], at: 3_300_001) == [quick])
        #expect(watch.look([slow], at: 11_000_000).isEmpty)
        #expect(watch.look([slow], at: 11_000_001) == [slow])
    }

    /// A new term is a sign of life, whatever its count; so is being seen anew after an absence.
    @Test func whoComesBackIsWatchedAnew() {
        var watch = Watch()
        #expect(watch.look([beat(1)], at: 0).isEmpty)
        var other = beat(1)
        other.term = 2
        #expect(watch.look([other], at: 4_000_000).isEmpty)
        #expect(watch.look([], at: 5_000_000).isEmpty)
        #expect(watch.look([other], at: 9_000_000).isEmpty)
    }

    /// After the store was away nobody is ended for one lease.
    @Test func whoWasCutOffItselfJudgesNobody() {
        var watch = Watch()
        #expect(watch.look([beat(1)], at: 0).isEmpty)
        watch.restart()
        #expect(watch.look([beat(1)], at: 60_000_000).isEmpty)
        #expect(watch.look([beat(1)], at: 63_300_000).isEmpty)
        #expect(watch.look([beat(1)], at: 63_300_001) == [beat(1)])
    }
}
