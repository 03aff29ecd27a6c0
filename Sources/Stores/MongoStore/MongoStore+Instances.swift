#if MongoDB
    public import CarillonCore
    import MongoClient
    import StoreCodec
    import Synchronization
    import Timetable

    /// Lives.
    extension MongoStore {
        public var isShared: Bool { true }

        private static func fields(_ facts: InstanceFacts) throws -> [DocumentChange.Step] {
            [
                // For Simple Scheduler's tools.
                .set("hostname", .string(facts.host)), .set("facts", .string(try RowCodec.encode(facts))),
            ]
        }

        /// A term and a first sign of life under it.
        private static func begins(_ term: Term) -> [DocumentChange.Step] {
            [
                .set("term", ["count": .int64(term.count), "nonce": .int64(Int64(bitPattern: term.nonce))]),
                // Under a new term signs of life are counted anew.
                .set("beat", .int64(0)), .now("heardAt"),
            ]
        }

        public func join(_ facts: InstanceFacts, nonce: UInt64) async throws -> Term {
            let fields = try Self.fields(facts)
            while true {
                let count = try await draw("terms")
                let life: DocumentFilter = [.equals("id", .string(facts.id)), .exists("term")]
                if let former = try await documents.first(Layout.instances, life, fields: ["number", "term"]),
                    let number = former["number"]?.instance
                {
                    // Its process may have died with counts on the way.
                    try await oweRecount()
                    let term = Term(instance: number, count: count, nonce: nonce)
                    let isRenewed = try await documents.update(
                        Layout.instances, [.equals("number", BSONValue(number)), .exists("term")],
                        DocumentChange(Self.begins(term) + fields))
                    if isRenewed {
                        // Its process may have died between moving shards and saying so.
                        try await draw("holdings")
                        return term
                    }
                    // Whoever ended it meanwhile was faster, and then this is another life.
                    continue
                }
                let number = InstanceNumber(Int32(truncatingIfNeeded: try await draw("instances")))
                try await forget(facts.id, before: number)
                let term = Term(instance: number, count: count, nonce: nonce)
                let isNew = try await documents.update(
                    Layout.instances, [.equals("_id", Self.documentID(number))],
                    DocumentChange(
                        [.set("number", BSONValue(number)), .set("id", .string(facts.id))] + Self.begins(term) + fields),
                    upsert: true)
                // The same id joined twice at one moment: the other one is the life that goes on.
                if isNew { return term }
            }
        }

        /// Simple Scheduler's managers have such names.
        private static func documentID(_ number: InstanceNumber) -> BSONValue {
            let bytes =
                Array("carillon".utf8) + (0..<4).map { UInt8(truncatingIfNeeded: number.number >> (24 - 8 * $0)) }
            guard let id = ObjectID(bytes: bytes) else { preconditionFailure("twelve bytes") }
            return .objectID(id)
        }

        /// Removes earlier lives of an instance, and of others what is long gone.
        private func forget(_ id: String, before number: InstanceNumber) async throws {
            let old = Int64(number.number) - InstanceRecord.mostKept
            try await forget([.any([[.equals("id", .string(id))], [.isBelow("number", .int64(old))]])])
        }

        private func forget(_ filter: DocumentFilter) async throws {
            let gone = try await documents.find(
                Layout.instances, filter + [.exists("number"), .isMissing("term")], fields: ["number"])
            for document in gone {
                guard let number = document["number"] else { continue }
                let isNamed = try await documents.first(Layout.shards, [.equals("holder", number)], fields: ["_id"])
                if isNamed != nil { continue }
                _ = try await documents.delete(Layout.instances, [.equals("number", number), .isMissing("term")])
            }
        }

        public func forget(_ id: String) async throws {
            try await forget([.equals("id", .string(id))])
            _ = try await documents.delete(Layout.mail, [.equals("machine", .string(id))])
        }

        public func beat(_ term: Term, count: Int64) async throws {
            let isBeaten = try await pulse.update(
                Layout.instances, Self.filter(term), [.raise("beat", .int64(count)), .now("heardAt")])
            if !isBeaten { throw StoreError.lost(term) }
        }

        public func describe(_ facts: InstanceFacts, under term: Term) async throws {
            let isDescribed = try await documents.update(
                Layout.instances, Self.filter(term), DocumentChange(Self.fields(facts)))
            if !isDescribed { throw StoreError.lost(term) }
        }

        public func instances() async throws -> [InstanceRecord] { try await instances(at: try await documents.time()) }

        /// Reads every instance; `clock` is the server's, in milliseconds.
        func instances(at clock: Int64?) async throws -> [InstanceRecord] {
            let found = try await documents.find(
                Layout.instances, [.exists("number")], fields: ["number", "term", "beat", "heardAt", "facts"],
                sort: [.up("number")])
            return try found.compactMap { try Self.record($0, clock: clock) }
        }

        /// Reads an instance; `clock` is the server's, in milliseconds.
        static func record(_ document: BSONDocument, clock: Int64?) throws -> InstanceRecord? {
            guard let number = document["number"]?.instance else { return nil }
            var record = InstanceRecord(
                number: number,
                facts: try RowCodec.decode(InstanceFacts.self, document["facts"]?.string ?? ""),
                term: term(document, of: number), beat: document["beat"]?.integer ?? 0)
            if let clock, let heard = document["heardAt"]?.date { record.silence = max(0, clock - heard) * 1_000 }
            return record
        }

        private static func term(_ document: BSONDocument, of number: InstanceNumber) -> Term? {
            guard let term = document["term"]?.document, let count = term["count"]?.integer,
                let nonce = term["nonce"]?.integer
            else { return nil }
            return Term(instance: number, count: count, nonce: UInt64(bitPattern: nonce))
        }

        public func end(_ instance: InstanceNumber, term: Int64, beat: Int64) async throws -> Bool {
            // Noted first: whoever dies after the end leaves what it had not counted to somebody.
            try await oweRecount()
            return try await documents.update(
                Layout.instances,
                [
                    .equals("number", BSONValue(instance)), .equals("term.count", .int64(term)),
                    .equals("beat", .int64(beat)),
                ], [.unset("term")])
        }

        public func leave(_ term: Term) async throws {
            let hasLeft = try await documents.update(Layout.instances, Self.filter(term), [.unset("term")])
            if !hasLeft { throw StoreError.lost(term) }
        }

        // MARK: In force

        /// The instances in force, by their numbers.
        private func inForce() async throws -> Set<InstanceNumber> {
            let found = try await documents.find(
                Layout.instances, [.exists("number"), .exists("term")], fields: ["number"])
            return Set(found.compactMap { $0["number"]?.instance })
        }

        // MARK: Shards

        public func shards(counting: Bool) async throws -> [ShardRecord] {
            var jobs: [BSONValue: Int] = [:]
            if counting {
                jobs = try await documents.tally(Layout.jobs, DocumentFilter(Self.present), by: "shard", above: 0)
            }
            let counted = jobs.reduce(into: [Shard: Int]()) { counted, part in
                if let shard = part.key.shard { counted[shard] = part.value }
            }
            var records = Shard.all.map { ShardRecord(shard: $0, holder: nil, jobs: counted[$0] ?? 0) }
            // Sorted here: that the server should, costs some of them as much as all of the rest.
            let found = try await documents.find(Layout.shards, []).compactMap(Self.shard)
            for var record in found.sorted(by: { $0.shard < $1.shard }) {
                let shard = record.shard
                record.jobs = counted[shard] ?? 0
                if Int(shard.number) < records.count {
                    records[Int(shard.number)] = record
                } else {
                    records.append(record)
                }
            }
            return records
        }

        static func shard(_ document: BSONDocument) -> ShardRecord? {
            document["_id"]?.shard.map { shard in
                ShardRecord(
                    shard: shard, label: document["label"]?.string, holder: document["holder"]?.instance,
                    epoch: document["epoch"]?.integer ?? 0)
            }
        }

        public func shard(labelled label: String) async throws -> Shard {
            while true {
                let known = try await documents.first(
                    Layout.shards, [.equals("label", .string(label))], fields: ["_id"])
                if let shard = known?["_id"]?.shard { return shard }
                let last = try await documents.find(Layout.shards, [], fields: ["_id"], sort: [.down("_id")], limit: 1)
                let next = max(last.first?["_id"]?.integer ?? 0, Int64(Shard.shares - 1)) + 1
                let isMade = try await documents.insert(
                    Layout.shards, [["_id": .int64(next), "label": .string(label), "epoch": .int64(0)]]
                ).isEmpty
                // Whoever may have it is to look.
                if isMade { try await draw("holdings") }
            }
        }

        /// Carries out what is as it was read.
        private func carryOut(_ moves: [ShardMove]) async throws {
            // A share that was never dealt has no document yet. Of two who deal it one is first.
            let isNew = { (move: ShardMove) in
                move.epoch == 0 && move.from == nil && Int(move.shard.number) < Shard.shares
            }
            let new = moves.filter { isNew($0) && $0.to != nil }
            if !new.isEmpty {
                _ = try await documents.insert(
                    Layout.shards,
                    new.map { move in
                        var document: BSONDocument = ["_id": BSONValue(move.shard), "epoch": .int64(1)]
                        document.append("holder", some: move.to.map { BSONValue($0) })
                        return document
                    })
            }
            for some in Self.alike(moves.filter { !isNew($0) }) {
                guard let first = some.first else { continue }
                let filter: DocumentFilter = [
                    Self.among(some.map(\.shard), "_id"), .equals("epoch", .int64(first.epoch)),
                    first.from.map { .equals("holder", BSONValue($0)) } ?? .isMissing("holder"),
                ]
                var change = DocumentChange([.set("epoch", .int64(first.epoch + 1))])
                change.set("holder", first.to.map { BSONValue($0) })
                _ = try await documents.updateAll(Layout.shards, filter, change)
            }
        }

        /// So many shards at most are named in one change: a server may compare each of them with all of the list.
        private static let movedAtOnce = 128

        /// Puts moves together that are alike: one change, made for every shard by itself.
        private static func alike(_ moves: [ShardMove]) -> [[ShardMove]] {
            struct Kind: Hashable {
                var from, to: InstanceNumber?
                var epoch: Int64
            }
            let kinds = Dictionary(grouping: moves) { Kind(from: $0.from, to: $0.to, epoch: $0.epoch) }
            return kinds.values.map { $0.sorted { $0.shard < $1.shard } }.sorted { $0[0].shard < $1[0].shard }
                .flatMap { some in
                    // All that one had alone: named by the first and the last.
                    if Int(some[some.count - 1].shard.number) - Int(some[0].shard.number) + 1 == some.count {
                        return [some]
                    }
                    return stride(from: 0, to: some.count, by: movedAtOnce).map {
                        Array(some[$0..<min($0 + movedAtOnce, some.count)])
                    }
                }
        }

        public func deal(_ moves: [ShardMove]) async throws {
            if moves.isEmpty { return }
            // A number that is out of force stays so: what was true of the holder when it was read is true when it is written.
            let inForce = try await inForce()
            let right = moves.filter { move in
                move.from.map { !inForce.contains($0) } ?? true && move.to.map { inForce.contains($0) } ?? true
            }
            try await carryOut(right)
            // Also where an earlier try has moved them, and came to its end there.
            if !right.isEmpty { try await draw("holdings") }
        }

        public func give(_ moves: [ShardMove], under term: Term, nonce: UInt64) async throws -> Term {
            let number = DocumentFilter.Condition.equals("number", BSONValue(term.instance))
            let mine = try await documents.first(Layout.instances, [number], fields: ["term"])
            guard let now = mine.flatMap({ Self.term($0, of: term.instance) }) else { throw StoreError.lost(term) }
            // The answer of the first time was lost.
            if now.nonce == nonce { return now }
            guard now == term else { throw StoreError.lost(term) }
            let inForce = try await inForce()
            let right = moves.filter { $0.from == term.instance && $0.to.map { inForce.contains($0) } ?? true }
            // What is given is so by its epoch; what was given already, by an earlier try, does not fit any more.
            try await carryOut(right)
            if !right.isEmpty { try await draw("holdings") }
            let new = Term(instance: term.instance, count: try await draw("terms"), nonce: nonce)
            let isRenewed = try await documents.update(
                Layout.instances, Self.filter(term), DocumentChange(Self.begins(new)))
            if isRenewed { return new }
            // An earlier try that was given up may have come through since.
            let there = try await documents.first(Layout.instances, [number], fields: ["term"])
            if let now = there.flatMap({ Self.term($0, of: term.instance) }), now.nonce == nonce { return now }
            throw StoreError.lost(term)
        }

        public func take(_ shards: Set<Shard>, under term: Term) async throws -> Taken {
            try await check(term)
            let records = try await documents.find(
                Layout.shards, [.equals("holder", BSONValue(term.instance))], fields: ["epoch"]
            ).filter { $0["_id"]?.shard.map(shards.contains) ?? false }
            guard records.count == shards.count else { throw StoreError.lost(term) }
            let epochs = records.reduce(into: [Shard: Int64]()) { epochs, record in
                if let shard = record["_id"]?.shard { epochs[shard] = record["epoch"]?.integer ?? 0 }
            }
            known.withLock { $0.epochs.merge(epochs) { $1 } }
            // From here on what an earlier holder sends of these runs is refused.
            for (epoch, some) in Self.byEpoch(shards, epochs) {
                let named = Self.named(Set(some))
                if named.isEmpty { continue }
                _ = try await documents.updateAll(
                    Layout.runs,
                    DocumentFilter(named + [.equals("active", true), .isBelow("by", .int64(epoch))]),
                    [.set("by", .int64(epoch))])
            }
            try await settle(in: shards, epochs)
            let runs = try await stamped(in: shards, epochs)
            let cursors = Gathered<JobCursor>()
            try await documents.scan(
                Layout.jobs, DocumentFilter([JobDocument.planned] + Self.named(shards)),
                fields: JobDocument.cursorFields + ["shard"], sort: []
            ) { jobs in
                cursors.add(
                    jobs.filter { $0["shard"]?.shard.map(shards.contains) ?? false }.compactMap(JobDocument.cursor))
            }
            let pinned = try await documents.find(Layout.jobs, [.exists("pinned")], fields: ["number", "pinned"])
            known.withLock { known in
                for job in pinned {
                    if let id = job["number"]?.job { known.pins[id] = job["pinned"]?.shard }
                }
            }
            return Taken(cursors: cursors.all.sorted { $0.id < $1.id }, runs: runs)
        }

        /// Finishes what earlier holders of shards have decided and not carried out.
        private func settle(in shards: Set<Shard>, _ epochs: [Shard: Int64]) async throws {
            let finished = known.withLock(\.finished)
            while true {
                let found = try await documents.find(
                    Layout.jobs, DocumentFilter([.exists("opening.by")] + Self.named(shards)), fields: Opening.fields)
                let open = try found.compactMap { try Opening($0) }.filter { shards.contains($0.shard) }
                let (own, others) = (
                    open.filter { finished[$0.job] == $0.batch }, open.filter { finished[$0.job] != $0.batch }
                )
                try await settle(others, by: epochs, tells: false)
                if !own.isEmpty { try await clear(Dictionary(own.map { ($0.job, $0.batch) }) { first, _ in first }) }
                if open.isEmpty { return }
            }
        }

        /// Reads the active runs of shards once all of them are under these epochs: one that came late is put there by itself, and
        /// read after that.
        private func stamped(in shards: Set<Shard>, _ epochs: [Shard: Int64]) async throws -> [Run] {
            while true {
                let found = try await documents.find(
                    Layout.runs, DocumentFilter([.equals("active", true)] + Self.named(shards)), sort: [.up("_id")]
                ).filter { $0["shard"]?.shard.map(shards.contains) ?? false }
                let late = found.filter { document in
                    guard let shard = document["shard"]?.shard, let epoch = epochs[shard] else { return false }
                    return document["by"]?.integer ?? 0 < epoch
                }
                if late.isEmpty { return try found.map { try RunDocument.run($0, codec) } }
                _ = try await documents.updateEach(
                    Layout.runs,
                    late.compactMap { document in
                        guard let id = document["_id"], let shard = document["shard"]?.shard, let epoch = epochs[shard]
                        else { return nil }
                        return DocumentUpdate(
                            [.equals("_id", id), .isBelow("by", .int64(epoch))], [.set("by", .int64(epoch))])
                    })
            }
        }
    }
#endif
