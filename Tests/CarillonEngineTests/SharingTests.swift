import CarillonCore
import CarillonEngine
import CarillonTestSupport
import MemoryStore
import Testing

/// Three instances that share shards while requests are held up, answers are lost and whole instances stand still.
///
/// Nothing of a store is in it but its tables, and nothing of an engine but who may write what.
@Suite struct SharingTests {
    @Test(arguments: (0..<40).map { UInt64($0) }) func nobodyWritesWhatSomebodyElseHasRead(_ seed: UInt64) {
        var world = SharingWorld(seed: seed)
        world.run()
        #expect(world.violations.isEmpty, "seed \(seed): \(world.violations[0])")
        #expect(world.unrest == nil, "seed \(seed): \(world.unrest ?? "")")
    }

    /// Each rule is needed: without it some seed shows two who write the same shard.
    @Test(arguments: SharingWorld.Sabotage.allCases) func eachRuleIsNeeded(_ sabotage: SharingWorld.Sabotage) {
        let caught = (0..<40 as Range<UInt64>).first { seed in
            var world = SharingWorld(seed: seed, sabotage)
            world.run()
            return !world.violations.isEmpty
        }
        #expect(caught != nil, "\(sabotage) is not caught")
    }

    /// By how much clocks are off, in seconds, and which of these counts as right.
    @Test(arguments: [
        ([0, 30, -3_600], 0), ([1, -1], 0), ([-600, -570, -4_200], -600), ([-600, -600, -600], -600), ([30], 30),
        ([-600, 30, -3_600], -600), ([-3_600, 3], 3), ([], 0),
    ])
    func theStoresTimeCountsUnlessNobodyHasIt(_ errors: [Int], _ right: Int) {
        let records = errors.enumerated().map { number, error in
            var facts = InstanceFacts.sample("\(number)")
            facts.clockError = Int64(error) * 1_000_000
            return InstanceRecord(number: InstanceNumber(Int32(number)), facts: facts, term: nil, beat: 0)
        }
        #expect(Sharing.rightTime(among: records, Sharing.Limits()) == Int64(right) * 1_000_000)
    }
}

/// Time counts in thousandths of nothing in particular: a lease is ten thousand.
struct SharingWorld {
    enum Sabotage: CaseIterable, Sendable {
        /// The store takes writes of any term.
        case noFence
        /// The store takes writes of any term of an instance that is in force, as if giving left the term as it was.
        case giveWithoutNewTerm
        /// A write is sent under the term that is in force then, and not under which it was decided.
        case latestTerm
        /// What was given is planned before it was read.
        case planBeforeTake
    }

    private static let shards = 12
    private static let lease: Int64 = 10_000
    private static let faults: Int64 = 2_000_000
    private static let end = faults + 100_000

    private static func facts(_ place: Int) -> InstanceFacts {
        InstanceFacts(id: "\(place)", name: "", host: "", lease: lease)
    }

    private struct Instance {
        /// Nil until it has joined.
        var sharing: Sharing?
        var isJoining: (nonce: UInt64, sent: Int64)?
        var count: Int64 = 0
        var frozenUntil: Int64 = 0
        var cutUntil: Int64 = 0
    }

    private enum Request {
        case join(nonce: UInt64)
        case beat(Term, count: Int64, sent: Int64)
        case look
        case end(Beat)
        case deal([ShardMove])
        case give([ShardMove], Term, nonce: UInt64)
        case take(Set<Shard>, Term)
        case write(Shard, Term)
    }

    private enum Answer {
        case joined(Term)
        case notTaken(Set<Shard>, Term)
        case beaten(Term, sent: Int64)
        case refused(Term)
        case seen([InstanceRecord], [ShardRecord])
        case gave(Term)
        case notGiven(nonce: UInt64)
        case taken(Set<Shard>, Term)
    }

    private enum Step {
        case wake(Int)
        case arrive(Request, from: Int)
        case answer(Answer, to: Int)
    }

    private let sabotage: Sabotage?
    private var random: SplitMix64
    private var now: Int64 = 0
    private var agenda: [(at: Int64, order: Int, step: Step)] = []
    private var order = 0
    private var tables = InstanceTables()
    private var instances = [Instance](repeating: Instance(), count: 3)
    /// Who has read each shard last.
    private var readers: [Shard: InstanceNumber] = [:]
    private(set) var violations: [String] = []
    /// What was not well in the end, when everybody had been well for a while.
    private(set) var unrest: String?

    init(seed: UInt64, _ sabotage: Sabotage? = nil) {
        random = SplitMix64(seed: seed)
        self.sabotage = sabotage
        for place in instances.indices { schedule(.wake(place), at: random.number(0...2_000)) }
    }

    mutating func run() {
        while let place = agenda.indices.min(by: {
            (agenda[$0].at, agenda[$0].order) < (agenda[$1].at, agenda[$1].order)
        }) {
            let next = agenda.remove(at: place)
            if next.at > Self.end || !violations.isEmpty { break }
            now = next.at
            switch next.step {
            case .wake(let place): wake(place)
            case .arrive(let request, let place): arrive(request, from: place)
            case .answer(let answer, let place): hear(answer, place)
            }
        }
        unrest = findUnrest()
    }

    private mutating func schedule(_ step: Step, at time: Int64) {
        order += 1
        agenda.append((time, order, step))
    }

    private var isFaulty: Bool { now < Self.faults }

    // MARK: The way between

    private mutating func delay() -> Int64 {
        isFaulty && random.chance(0.02) ? random.number(0...40_000) : random.number(1...300)
    }

    private mutating func send(_ request: Request, from place: Int) {
        // What a cut holds back comes late, and some of it never.
        let held = max(0, instances[place].cutUntil - now)
        if held > 0, random.chance(0.5) { return }
        schedule(.arrive(request, from: place), at: now + held + delay())
    }

    private mutating func reply(_ answer: Answer, to place: Int) {
        if isFaulty, random.chance(0.02) || instances[place].cutUntil > now { return }
        schedule(.answer(answer, to: place), at: now + delay())
    }

    // MARK: The store

    private mutating func arrive(_ request: Request, from place: Int) {
        do {
            switch request {
            case .join(let nonce):
                reply(.joined(tables.join(Self.facts(place), nonce: nonce)), to: place)
            case .beat(let term, let count, let sent):
                try tables.beat(term, count: count)
                reply(.beaten(term, sent: sent), to: place)
            case .look:
                reply(.seen(Array(tables.instances.values), Array(tables.shards.prefix(Self.shards))), to: place)
            case .end(let beat): _ = tables.end(beat.number, term: beat.term, beat: beat.count)
            case .deal(let moves): tables.deal(moves)
            case .give(let moves, let term, let nonce):
                reply(.gave(try tables.give(moves, under: term, nonce: nonce)), to: place)
            case .take(let shards, let term):
                try tables.check(term)
                for shard in shards where tables.shards[Int(shard.number)].holder == term.instance {
                    readers[shard] = term.instance
                }
                reply(.taken(shards, term), to: place)
            case .write(let shard, let term):
                guard isTaken(term) else { throw StoreError(.leaseLost, "") }
                if readers[shard] != term.instance {
                    violations.append(
                        "at \(now) \(term.instance.number) wrote shard \(shard.number), which "
                            + "\(readers[shard].map { "\($0.number)" } ?? "nobody") has read")
                }
            }
        } catch {
            switch request {
            case .beat(let term, _, _), .write(_, let term): reply(.refused(term), to: place)
            case .take(let shards, let term): reply(.notTaken(shards, term), to: place)
            case .give(_, _, let nonce): reply(.notGiven(nonce: nonce), to: place)
            default: break
            }
        }
    }

    /// Whether the store takes a write under a term.
    private func isTaken(_ term: Term) -> Bool {
        switch sabotage {
        case .noFence: true
        case .giveWithoutNewTerm: tables.instances[term.instance]?.term != nil
        default: tables.isInForce(term)
        }
    }

    // MARK: An instance

    private mutating func wake(_ place: Int) {
        schedule(.wake(place), at: now + random.number(300...900))
        if instances[place].frozenUntil > now { return }
        if isFaulty {
            if random.chance(0.001) { instances[place].frozenUntil = now + random.number(5_000...60_000) }
            if random.chance(0.001) { instances[place].cutUntil = now + random.number(5_000...60_000) }
            // A process that was killed, and is started again.
            if random.chance(0.0005) { instances[place] = Instance() }
        } else {
            instances[place].cutUntil = 0
        }
        guard let sharing = instances[place].sharing else {
            if instances[place].isJoining == nil || random.chance(0.2) {
                let nonce = random.next()
                instances[place].isJoining = (nonce, now)
                send(.join(nonce: nonce), from: place)
            }
            return
        }
        let term = sharing.term
        instances[place].count += 1
        send(.beat(term, count: instances[place].count, sent: now), from: place)
        send(.look, from: place)
        if let give = sharing.giving {
            send(.give(give.moves, give.term, nonce: give.nonce), from: place)
            return
        }
        if !sharing.leaving.isEmpty, random.chance(0.5) {
            // Nothing of them is on its way any more.
            let nonce = random.next()
            guard let give = instances[place].sharing?.give(nonce: nonce) else { return }
            send(.give(give.moves, give.term, nonce: nonce), from: place)
            return
        }
        guard sharing.isSure(at: now) else { return }
        let leaving = Set(sharing.leaving.map(\.shard))
        for shard in sharing.held.subtracting(leaving).sorted() where random.chance(0.3) {
            if sabotage == .latestTerm, random.chance(0.5) {
                // It lies in the outbox for a while.
                late.append((place, shard, now + random.number(0...1_000)))
            } else {
                send(.write(shard, term), from: place)
            }
        }
        let due = late.filter { $0.at <= now && $0.place == place }
        late.removeAll { $0.at <= now && $0.place == place }
        for write in due { send(.write(write.shard, term), from: place) }
    }

    /// What lies in an outbox, with `latestTerm`.
    private var late: [(place: Int, shard: Shard, at: Int64)] = []

    /// Drops everything but what the machine itself is going through.
    private mutating func lose(_ place: Int) {
        let before = instances[place]
        instances[place] = Instance()
        instances[place].count = before.count
        instances[place].frozenUntil = before.frozenUntil
        instances[place].cutUntil = before.cutUntil
        if sabotage != .latestTerm { late.removeAll { $0.place == place } }
    }

    private mutating func hear(_ answer: Answer, _ place: Int) {
        if instances[place].frozenUntil > now {
            // It hears when it goes on.
            return schedule(.answer(answer, to: place), at: instances[place].frozenUntil)
        }
        switch answer {
        case .joined(let term):
            guard instances[place].sharing == nil, let asked = instances[place].isJoining, asked.nonce == term.nonce
            else { return }
            instances[place].sharing = Sharing(Self.facts(place), term, sent: asked.sent)
            instances[place].sharing?.limits.pace = 0
        case .beaten(let term, let sent):
            if term == instances[place].sharing?.term { instances[place].sharing?.beaten(sent: sent) }
        case .refused(let term):
            if instances[place].sharing?.isLost(byRefusalOf: term) ?? false { lose(place) }
        case .gave(let term): _ = instances[place].sharing?.gave(term, at: now)
        case .notGiven(let nonce):
            if instances[place].sharing?.giving?.nonce == nonce { lose(place) }
        case .taken(let shards, let term):
            if term == instances[place].sharing?.term { instances[place].sharing?.taken(shards) }
        case .notTaken(let shards, let term):
            if term == instances[place].sharing?.term { instances[place].sharing?.notTaken(shards) }
        case .seen(let records, let shards):
            guard let steps = instances[place].sharing?.look(records, shards, at: now) else { return }
            for step in steps { carryOut(step, place) }
        }
    }

    private mutating func carryOut(_ step: Sharing.Step, _ place: Int) {
        switch step {
        case .take(let shards):
            guard let term = instances[place].sharing?.term else { return }
            if sabotage == .planBeforeTake { instances[place].sharing?.taken(shards) }
            send(.take(shards, term), from: place)
            // Whoever asks gives up after a while.
            schedule(.answer(.notTaken(shards, term), to: place), at: now + 3 * Self.lease)
        case .end(let beat): send(.end(beat), from: place)
        case .deal(let moves): send(.deal(moves), from: place)
        // It is sent when it wakes.
        case .give: break
        case .lose: lose(place)
        }
    }

    private func findUnrest() -> String? {
        let inForce = Set(tables.instances.values.filter { $0.term != nil }.map(\.number))
        let shards = tables.shards.prefix(Self.shards)
        for record in shards {
            guard let holder = record.holder, inForce.contains(holder) else {
                return "nobody in force has shard \(record.shard.number)"
            }
            guard
                instances.contains(where: {
                    $0.sharing?.term.instance == holder && $0.sharing?.held.contains(record.shard) == true
                })
            else {
                return "its holder has not taken shard \(record.shard.number)"
            }
        }
        let counts = inForce.map { number in shards.count { $0.holder == number } }
        if inForce.count != 3 || counts.contains(where: { $0 != Self.shards / 3 }) {
            return "\(inForce.count) in force, with \(counts) shards"
        }
        return nil
    }
}
