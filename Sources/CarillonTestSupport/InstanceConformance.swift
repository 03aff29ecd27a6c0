public import CarillonCore

/// What every store that instances share must do; each check gets an empty store of its own.
public enum InstanceConformance {
    /// Instances in a store.
    private struct Bench: Sendable {
        let store: any JobStore

        func join(_ id: String, nonce: UInt64 = 1) async throws -> Term { try await store.join(id, nonce: nonce) }

        func record(_ shard: Shard) async throws -> ShardRecord {
            guard let record = try await store.shards(counting: true).first(where: { $0.shard == shard }) else {
                throw ConformanceFailure(description: "there is no shard \(shard.number)")
            }
            return record
        }

        func holder(_ number: Int16) async throws -> InstanceNumber? { try await record(Shard(number)).holder }

        /// Deals these shards to somebody, as they are now.
        func deal(_ numbers: [Int16], to instance: InstanceNumber) async throws {
            var moves: [ShardMove] = []
            for number in numbers { moves.append(ShardMove(try await record(Shard(number)), to: instance)) }
            try await store.deal(moves)
        }

        func end(_ term: Term, beat: Int64 = 0) async throws -> Bool {
            try await store.end(term.instance, term: term.count, beat: beat)
        }
    }

    private static func check(
        _ name: String, _ run: @escaping @Sendable (Bench) async throws -> Void
    ) -> Check<any JobStore> {
        Check(name) { try await run(Bench(store: $0)) }
    }

    public static let checks: [Check<any JobStore>] = lives + holdings + places + mail

    // MARK: Lives

    private static let lives = [
        check("who joins again goes on under its number, and the old term is refused everywhere") { bench in
            let old = try await bench.join("a")
            try await bench.deal([7], to: old.instance)
            let new = try await bench.join("a", nonce: 2)
            try require(new.instance, is: old.instance)
            try require(new.count > old.count && new != old, "a new term")
            try require(try await bench.holder(7), is: new.instance)
            try await require(throwing: .leaseLost) { try await bench.store.beat(old, count: 9) }
            try await require(throwing: .leaseLost) { try await bench.store.take([Shard(7)], under: old) }
            try await require(throwing: .leaseLost) { try await bench.store.done([1], under: old) }
            try await require(throwing: .leaseLost) { try await bench.store.leave(old) }
            try await require(throwing: .leaseLost) { try await bench.store.give([], under: old, nonce: 3) }
            try require(try await bench.store.instances().first?.beat, is: 0)
        },
        check("a number that was ended never comes back") { bench in
            let old = try await bench.join("a")
            try await bench.deal([7], to: old.instance)
            try require(try await bench.end(old), is: true)
            let new = try await bench.join("a", nonce: 2)
            try require(new.instance != old.instance, "another number")
            // So a late deal of what it had takes nothing from anybody.
            try require(try await bench.holder(7), is: old.instance)
            try require(
                try await bench.store.instances().filter { $0.term != nil }.map(\.number), is: [new.instance])
        },
        check("an instance is ended only at the beat and the term that were seen") { bench in
            let term = try await bench.join("a")
            try await bench.store.beat(term, count: 5)
            try require(try await bench.end(term, beat: 4), is: false)
            try require(
                try await bench.store.end(term.instance, term: term.count - 1, beat: 5), is: false)
            try require(try await bench.end(term, beat: 5), is: true)
            try require(try await bench.end(term, beat: 5), is: false)
            try await require(throwing: .leaseLost) { try await bench.store.beat(term, count: 6) }
        },
        check("signs of life are counted anew under a new term, and what is gone is forgotten") { bench in
            let old = try await bench.join("a")
            try await bench.store.beat(old, count: 900)
            let new = try await bench.join("a", nonce: 2)
            try await bench.store.beat(new, count: 1)
            try require(try await bench.store.instances().map(\.beat), is: [1])
            let given = try await bench.store.give([], under: new, nonce: 3)
            try await bench.store.beat(given, count: 7)
            try require(try await bench.store.instances().map(\.beat), is: [7])
            // A number that a shard still names stays, until nobody needs to know that it is gone.
            try await bench.deal([7], to: given.instance)
            try await bench.store.leave(given)
            let next = try await bench.join("a", nonce: 4)
            try require(try await bench.store.instances().map(\.number), is: [given.instance, next.instance])
            try await bench.deal([7], to: next.instance)
            try await bench.store.leave(next)
            let last = try await bench.join("a", nonce: 5)
            try require(try await bench.store.instances().map(\.number), is: [next.instance, last.instance])
        },
        check("a beat that comes late does not go back") { bench in
            let term = try await bench.join("a")
            try await bench.store.beat(term, count: 5)
            try await bench.store.beat(term, count: 4)
            try require(try await bench.store.instances().map(\.beat), is: [5])
        },
        check("what an instance says of itself is what others read") { bench in
            let term = try await bench.join("a")
            var facts = InstanceFacts.sample("a")
            (facts.isLeaving, facts.clockError, facts.labels) = (true, -7_000_000, ["custody", "ü"])
            try await bench.store.describe(facts, under: term)
            let news = try await bench.store.news(for: [], machine: "a")
            try require(news.instances.map(\.facts), is: [facts])
            try require(news.instances.map(\.term), is: [term])
            try await bench.store.leave(term)
            try await require(throwing: .leaseLost) { try await bench.store.describe(facts, under: term) }
        },
        check("whoever knows the number of what changed hands knows whether anything has") { bench in
            let (a, b) = (try await bench.join("a"), try await bench.join("b"))
            func holdings() async throws -> Int64 { try await bench.store.news(for: [], machine: "").holdings }
            let first = try await holdings()
            try await bench.deal([7], to: a.instance)
            let dealt = try await holdings()
            try require(dealt > first, "it was dealt")
            _ = try await bench.store.give(
                [ShardMove(try await bench.record(Shard(7)), to: b.instance)], under: a, nonce: 2)
            try require(try await holdings() > dealt, "it was given")
            let notes = try await bench.store.news(for: [], machine: "").notes
            try await bench.store.setNote("a", "b")
            try require(try await bench.store.news(for: [], machine: "").notes > notes, "a note changed")
        },
        check("a nonce tells two terms of one number apart") { bench in
            let term = try await bench.join("a")
            var other = term
            other.nonce &+= 1
            try await require(throwing: .leaseLost) { try await bench.store.beat(other, count: 1) }
            try await bench.store.beat(term, count: 1)
        },
    ]

    // MARK: Shards

    private static let holdings = [
        check("what nobody has is dealt once") { bench in
            let (a, b) = (try await bench.join("a"), try await bench.join("b"))
            let seen = try await bench.record(Shard(7))
            try await bench.store.deal([ShardMove(seen, to: a.instance)])
            try await bench.store.deal([ShardMove(seen, to: b.instance)])
            try require(try await bench.holder(7), is: a.instance)
            try require(try await bench.record(Shard(7)).epoch, is: seen.epoch + 1)
            // Nobody takes it from who is in force, nor gives it to who is not.
            try await bench.deal([7], to: b.instance)
            try require(try await bench.holder(7), is: a.instance)
            try await bench.store.leave(b)
            try await bench.deal([8], to: b.instance)
            try require(try await bench.holder(8), is: nil)
        },
        check("who gives keeps the rest under a new term, and what was sent before is refused") { bench in
            let (a, b) = (try await bench.join("a"), try await bench.join("b"))
            try await bench.deal([7, 8], to: a.instance)
            let moves = [ShardMove(try await bench.record(Shard(7)), to: b.instance)]
            let new = try await bench.store.give(moves, under: a, nonce: 2)
            try require(try await bench.holder(7), is: b.instance)
            try require(try await bench.holder(8), is: a.instance)
            try await require(throwing: .leaseLost) { try await bench.store.beat(a, count: 1) }
            try await bench.store.beat(new, count: 1)
            // The answer was lost: sent again, it is done once.
            try require(try await bench.store.give(moves, under: a, nonce: 2), is: new)
            try require(try await bench.record(Shard(7)).epoch, is: moves[0].epoch + 1)
        },
        check("a give to who is not in force keeps the shard, and so does one of another holding") { bench in
            var (a, b) = (try await bench.join("a"), try await bench.join("b"))
            try await bench.deal([7], to: a.instance)
            let first = ShardMove(try await bench.record(Shard(7)), to: b.instance)
            a = try await bench.store.give([first], under: a, nonce: 2)
            b = try await bench.store.give(
                [ShardMove(try await bench.record(Shard(7)), to: a.instance)], under: b, nonce: 2)
            // The first one, held up on its way: the shard is its sender's again, and not as it was read.
            a = try await bench.store.give([first], under: a, nonce: 3)
            try require(try await bench.holder(7), is: a.instance)
            try await bench.store.leave(b)
            let late = ShardMove(try await bench.record(Shard(7)), to: b.instance)
            a = try await bench.store.give([late], under: a, nonce: 4)
            try require(try await bench.holder(7), is: a.instance)
        },
        check("a shard may be given to nobody") { bench in
            let a = try await bench.join("a")
            try await bench.deal([7], to: a.instance)
            _ = try await bench.store.give(
                [ShardMove(try await bench.record(Shard(7)), to: nil)], under: a, nonce: 2)
            try require(try await bench.holder(7), is: nil)
        },
        check("a label has one shard, whoever asks first") { bench in
            let shard = try await bench.store.shard(labelled: "custody")
            try require(shard.number >= Int16(Shard.shares), "not among the shares")
            try require(try await bench.store.shard(labelled: "custody"), is: shard)
            try require(try await bench.store.shard(labelled: "host:a") != shard, "another one")
            try require(try await bench.record(shard).label, is: "custody")
            try require(try await bench.store.shards(counting: true).count, is: Shard.shares + 2)
        },
        check("who takes reads the jobs and the active runs of its shards alone") { bench in
            let term = try await bench.join("a")
            let (start, store) = (Samples.noon, try await bench.store.storeID())
            var jobs: [StoredJob] = []
            for name in ["one", "two"] {
                jobs.append(
                    try await bench.store.put(
                        Samples.job(name), cursor: start, nextDue: start.plus(60), under: term))
            }
            let parts = jobs.map { job in
                JobAdvance(
                    id: job.id, revision: job.revision, from: start, to: start.plus(60), nextDue: start.plus(120),
                    runs: [Samples.run(job, at: start.plus(60), store: store)])
            }
            _ = try await bench.store.openRuns(parts, under: term, now: start)
            let shard = Shard(of: jobs[0].id)
            try require(try await bench.record(shard).jobs, is: 1)
            try await require(throwing: .leaseLost) { try await bench.store.take([shard], under: term) }
            try await bench.deal([shard.number], to: term.instance)
            let taken = try await bench.store.take([shard], under: term)
            try require(taken.cursors, is: [JobCursor(id: jobs[0].id, nextDue: start.plus(120))])
            var opened = parts[0].runs
            opened[0].term = term.count
            try require(taken.runs, is: opened)
        },
        check("a run says under which term it was opened, and where it lives") { bench in
            let term = try await bench.join("a")
            let (start, store) = (Samples.noon, try await bench.store.storeID())
            let job = try await bench.store.put(
                Samples.job("one"), cursor: start, nextDue: start.plus(60), under: term)
            let runs = [60, 120].map { Samples.run(job, at: start.plus($0), store: store) }
            let part = JobAdvance(
                id: job.id, revision: job.revision, from: start, to: start.plus(120), nextDue: start.plus(180),
                runs: runs)
            _ = try await bench.store.openRuns([part], under: term, now: start)
            // Another life hands one over, and the term stays the one it was opened under.
            let later = try await bench.join("a", nonce: 7)
            var out = runs[0]
            (out.dispatchedAt, out.machine) = (start.plus(60), "the machine ü")
            try await bench.store.record([out], under: later, now: start)
            let known = try await bench.store.run(out.id)
            try require(known?.term, is: term.count)
            try require(known?.machine, is: "the machine ü")
            try require(try await bench.store.activeRuns(on: "the machine ü").map(\.id), is: [out.id])
            try require(try await bench.store.activeRuns(on: "another").count, is: 0)
            (out.state, out.endedAt) = (.completed, start.plus(61))
            try await bench.store.record([out], under: later, now: start)
            try require(try await bench.store.activeRuns(on: "the machine ü").count, is: 0)
            try require(try await bench.store.run(out.id)?.machine, is: "the machine ü")
        },
        check("what machines' files say, and have said, is kept for each") { bench in
            func says(_ machine: String, _ job: String, _ digest: UInt64, _ isCurrent: Bool = true) -> Declaration {
                Declaration(machine: machine, job: job, source: "/\(machine)", digest: digest, isCurrent: isCurrent)
            }
            let store = bench.store
            try await store.declare([says("a", "one", 1), says("a", "two", .max), says("b", "one", 1)])
            try await store.declare([])
            try require(Set(try await store.declarations(by: "a")), is: [says("a", "one", 1), says("a", "two", .max)])
            // What was said before is not current any more; said again it is.
            try await store.declare([says("a", "one", 2)])
            try require(
                Set(try await store.declarations(of: ["one"])),
                is: [says("a", "one", 1, false), says("a", "one", 2), says("b", "one", 1)])
            try await store.declare([says("a", "one", 1), says("b", "one", 1, false)])
            try require(
                Set(try await store.declarations(of: ["one", "none"])),
                is: [says("a", "one", 1), says("a", "one", 2, false), says("b", "one", 1, false)])
            try require(try await store.declarations(by: "c").count, is: 0)
        },
    ]

    // MARK: Jobs of one machine

    private static let places = [
        check("a job of one machine stands under its label from the beginning") { bench in
            let (term, start) = (try await bench.join("a"), Samples.noon)
            let label = try await bench.store.shard(labelled: "host:ü")
            let job = try await bench.store.put(
                Samples.job("one", host: "ü"), cursor: start, nextDue: start.plus(60), under: term)
            try require(job.pinned, is: label)
            try require(try await bench.store.jobs(ids: [job.id]).map(\.pinned), is: [label])
            try require(try await bench.record(label).jobs, is: 1)
            try require(try await bench.record(Shard(of: job.id)).jobs, is: 0)
            try await bench.deal([label.number, Shard(of: job.id).number], to: term.instance)
            try require(
                try await bench.store.take([label], under: term).cursors,
                is: [JobCursor(id: job.id, nextDue: start.plus(60), pinned: label)])
            try require(try await bench.store.take([Shard(of: job.id)], under: term).cursors, is: [])
            try await bench.store.post([Mail(to: .job(job.id), kind: "new", body: "")])
            try require(
                try await bench.store.news(for: [label], machine: "").mail.map(\.kind).last, is: "new")
        },
        check("P1: a job moves once nothing of it goes on, as another revision, and whoever has it then is told") {
            bench in
            let (a, start) = (try await bench.join("a"), Samples.noon)
            let store = bench.store
            let id = try await store.storeID()
            let job = try await store.put(Samples.job("one"), cursor: start, nextDue: start.plus(60), under: a)
            let first = Samples.run(job, at: start.plus(60), store: id)
            _ = try await store.openRuns(
                [
                    JobAdvance(
                        id: job.id, revision: job.revision, from: start, to: start.plus(60), nextDue: start.plus(120),
                        runs: [first])
                ], under: a, now: start)
            let change = JobChange.change(job.id, Samples.job("one", host: "b"), revision: job.revision)
            guard let changing = try await store.apply([change], by: a, now: start.plus(70)).first?.stored else {
                throw ConformanceFailure(description: "the change was not made")
            }
            // Until somebody takes it up it stands where it stood.
            try require(changing.pinned, is: nil)
            let second = Samples.run(changing, at: start.plus(120), store: id)
            func move(_ stored: StoredJob) -> JobAdvance {
                JobAdvance(
                    id: stored.id, revision: stored.revision, from: start.plus(60), to: start.plus(120),
                    nextDue: start.plus(180), runs: [second], takesUp: true, moves: .host("b"))
            }
            try require(
                try await store.openRuns([move(changing)], under: a, now: start.plus(120)).refused, is: [job.id])
            var ended = first
            (ended.state, ended.endedAt) = (.completed, start.plus(121))
            try await store.record([ended], under: a, now: start.plus(121))
            let opened = try await store.openRuns([move(changing)], under: a, now: start.plus(122))
            try require(opened.new.map(\.id), is: [second.id])
            let label = try await store.shard(labelled: "host:b")
            let moved = try await store.jobs(ids: [job.id])
            try require(moved.map(\.pinned), is: [label])
            try require(moved.map(\.isChanging), is: [false])
            try require(moved.map(\.revision), is: [changing.revision + 1])
            let words = try await store.news(for: [label], machine: "").mail.map(\.word)
            try require(Set(words), is: [.opened([second.id]), .changed([job.id])])
            // Whoever had it and has not heard of that opens nothing.
            let late = JobAdvance(
                id: job.id, revision: changing.revision, from: start.plus(120), to: start.plus(180),
                nextDue: start.plus(240), runs: [Samples.run(changing, at: start.plus(180), store: id)])
            try require(try await store.openRuns([late], under: a, now: start.plus(180)).refused, is: [job.id])
            try await bench.deal([label.number], to: a.instance)
            try require(try await store.take([label], under: a).runs.map(\.id), is: [second.id])
            // What somebody asks for is told where it stands now.
            let b = try await bench.join("b")
            let manual = Run(
                id: RunID(manualAt: start, random: 5), jobID: job.id, job: "one", revision: moved[0].revision,
                trigger: .manual, scheduledAt: start, createdAt: start)
            _ = try await store.openOrdered([manual], under: b, now: start)
            try require(
                try await store.news(for: [label], machine: "").mail.last?.word, is: .opened([manual.id]))
        },
    ]

    // MARK: Mail

    private static let mail = [
        check("what somebody else is to plan or start is told to it, in the same step") { bench in
            let (a, b) = (try await bench.join("a"), try await bench.join("b"))
            let (start, store) = (Samples.noon, bench.store)
            let added = try await store.apply(
                ["one", "two", "three"].map {
                    .add(Samples.job($0), cursor: start, nextDue: start.plus(60), skips: [])
                }, by: a, now: start
            ).compactMap(\.stored)
            let shards = added.map { Shard(of: $0.id) }
            // What is told twice may be said once.
            func words(_ shard: Shard) async throws -> Set<Mail.Word?> {
                Set(try await store.news(for: [shard], machine: "").mail.map(\.word))
            }
            // Nobody has any of them, so whoever will has mail.
            for (job, shard) in zip(added, shards) {
                try require(try await words(shard), is: [.changed([job.id])])
            }
            try await bench.deal([shards[0].number], to: a.instance)
            try await bench.deal([shards[1].number], to: b.instance)
            let changes = added.map { JobChange.change($0.id, $0.job, revision: $0.revision) }
            let changed = try await store.apply(changes, by: a, now: start).compactMap(\.stored)
            try require(changed.count, is: 3)
            // It knows what it has changed itself, and has heard of the job as a whole by that.
            let known = try await words(shards[0])
            try require(known.isSubset(of: [.changed([added[0].id])]), "\(known)")
            try require(try await words(shards[1]), is: [.changed([added[1].id])])
            let runs = changed.map { job in
                Run(
                    id: RunID(manualAt: start, random: UInt64(job.id.number)), jobID: job.id, job: job.job.name,
                    revision: job.revision, trigger: .manual, scheduledAt: start, createdAt: start)
            }
            let opened = try await store.openOrdered(runs, under: b, now: start).compactMap { $0 }
            try require(try await words(shards[0]), is: known.union([.opened([opened[0].id])]))
            try require(try await words(shards[1]), is: [.changed([added[1].id])])
            try require(
                try await words(shards[2]), is: [.changed([added[2].id]), .opened([opened[2].id])])
            // A term that is not in force holds nothing, and opens nothing.
            try await store.leave(a)
            try await require(throwing: .leaseLost) { try await store.openOrdered([], under: a, now: start) }
            _ = try await store.apply([.remove(added[0].id, revision: changed[0].revision)], by: a, now: start)
            try require(
                try await words(shards[0]), is: [.changed([added[0].id]), .opened([opened[0].id])])
        },
        check("mail is kept, in order, until it was acted on under the term it was read under") { bench in
            let a = try await bench.join("a")
            let words = [
                Mail(to: .shard(Shard(7)), kind: "cancel", body: "{}"),
                Mail(to: .machine("a"), kind: "end", body: "{}"),
                Mail(to: .shard(Shard(8)), kind: "cancel", body: "{}"),
                Mail(to: .shard(Shard(7)), kind: "told", body: #"{"a":1}"#),
            ]
            try await bench.store.post(words)
            let mine = try await bench.store.news(for: [Shard(7)], machine: "a").mail
            try require(mine.map(\.kind), is: ["cancel", "end", "told"])
            try require(mine.map(\.number) == mine.map(\.number).sorted(), "in order")
            try require(try await bench.store.news(for: [], machine: "b").mail, is: [])
            // What was read before a give may be somebody else's by now.
            let new = try await bench.store.give([], under: a, nonce: 2)
            try await require(throwing: .leaseLost) { try await bench.store.done(mine.map(\.number), under: a) }
            try require(try await bench.store.news(for: [Shard(7)], machine: "a").mail.count, is: 3)
            try await bench.store.done([mine[0].number], under: new)
            try require(
                try await bench.store.news(for: [Shard(7)], machine: "a").mail.map(\.kind), is: ["end", "told"])
            try require(try await bench.store.news(for: [Shard(8)], machine: "b").mail.count, is: 1)
        },
    ]
}
