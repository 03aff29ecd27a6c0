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

    private struct Instance {
        var term: Term?
        var isJoining = false
        /// Shards that it has read and plans.
        var held: Set<Shard> = []
        /// A give whose answer has not come: nothing is written meanwhile, and it is sent again.
        var giving: (moves: [ShardMove], term: Term, nonce: UInt64)?
        var watch = Watch()
        var count: Int64 = 0
        var deadline: Int64 = 0
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
                let facts = InstanceFacts(id: "\(place)", name: "", host: "", lease: Self.lease)
                reply(.joined(tables.join(facts, nonce: nonce)), to: place)
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
            case .beat(let term, _, _), .take(_, let term), .write(_, let term): reply(.refused(term), to: place)
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
        guard let term = instances[place].term else {
            if !instances[place].isJoining || random.chance(0.2) {
                instances[place].isJoining = true
                send(.join(nonce: random.next()), from: place)
            }
            return
        }
        instances[place].count += 1
        send(.beat(term, count: instances[place].count, sent: now), from: place)
        send(.look, from: place)
        if let give = instances[place].giving {
            send(.give(give.moves, give.term, nonce: give.nonce), from: place)
            return
        }
        guard now < instances[place].deadline else { return }
        for shard in instances[place].held.sorted() where random.chance(0.3) {
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

    /// Writes that were decided and not sent.
    private var late: [(place: Int, shard: Shard, at: Int64)] = []

    /// Drops everything, and begins anew.
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
            guard instances[place].term == nil, instances[place].isJoining else { return }
            instances[place].term = term
            instances[place].deadline = now
        case .beaten(let term, let sent):
            guard term == instances[place].term else { return }
            instances[place].deadline = max(instances[place].deadline, sent + Self.lease - Self.lease / 10)
        case .refused(let term):
            // Of a term that it replaces itself just now that is no news.
            if term == instances[place].term, instances[place].giving == nil { lose(place) }
        case .gave(let term):
            guard let give = instances[place].giving, give.nonce == term.nonce else { return }
            instances[place].giving = nil
            instances[place].term = term
            instances[place].held.subtract(give.moves.map(\.shard))
        case .notGiven(let nonce):
            if instances[place].giving?.nonce == nonce { lose(place) }
        case .taken(let shards, let term):
            guard term == instances[place].term else { return }
            instances[place].held.formUnion(shards)
        case .seen(let records, let shards): look(records, shards, place)
        }
    }

    private mutating func look(_ records: [InstanceRecord], _ shards: [ShardRecord], _ place: Int) {
        guard let term = instances[place].term, instances[place].giving == nil,
            // An answer to a question of before the last give tells nothing.
            records.contains(where: { $0.term == term })
        else { return }
        let mine = Set(shards.filter { $0.holder == term.instance }.map(\.shard))
        if !instances[place].held.isSubset(of: mine) { return lose(place) }
        let new = mine.subtracting(instances[place].held)
        if !new.isEmpty {
            if sabotage == .planBeforeTake { instances[place].held.formUnion(new) }
            send(.take(new, term), from: place)
        }
        let inForce = records.filter { $0.term != nil }
        let beats = inForce.filter { $0.number != term.instance }.map {
            Beat($0.number, term: $0.term?.count ?? 0, count: $0.beat, lease: Self.lease)
        }
        if now > instances[place].deadline { instances[place].watch.restart() }
        for silent in instances[place].watch.look(beats, at: now) { send(.end(silent), from: place) }
        let allotment = Allotment(
            shards.map { Allotment.Holding($0.shard, holder: $0.holder, jobs: 1) },
            among: inForce.map { Allotment.Member($0.number) })
        let byShard = Dictionary(uniqueKeysWithValues: shards.map { ($0.shard, $0) })
        let moves = { (moves: [Allotment.Move]) in
            moves.compactMap { move in byShard[move.shard].map { ShardMove($0, to: move.to) } }
        }
        let deals = moves(allotment.deals())
        if !deals.isEmpty { send(.deal(deals), from: place) }
        let gifts = moves(allotment.moves().filter { $0.from == term.instance })
        if !gifts.isEmpty, instances[place].held.isSuperset(of: gifts.map(\.shard)) {
            let nonce = random.next()
            instances[place].giving = (gifts, term, nonce)
            send(.give(gifts, term, nonce: nonce), from: place)
        }
    }

    private func findUnrest() -> String? {
        let inForce = Set(tables.instances.values.filter { $0.term != nil }.map(\.number))
        let shards = tables.shards.prefix(Self.shards)
        for record in shards {
            guard let holder = record.holder, inForce.contains(holder) else {
                return "nobody in force has shard \(record.shard.number)"
            }
            guard instances.contains(where: { $0.term?.instance == holder && $0.held.contains(record.shard) }) else {
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
