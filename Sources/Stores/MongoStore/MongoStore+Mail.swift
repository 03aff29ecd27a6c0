#if MongoDB
    public import CarillonCore
    import MongoClient
    import StoreCodec
    import Synchronization
    import Timetable

    /// What one instance hears of others.
    extension MongoStore {
        public func post(_ mail: [Mail]) async throws {
            if mail.isEmpty { return }
            var elsewhere: [JobID: Shard] = [:]
            let jobs = mail.compactMap { word -> JobID? in if case .job(let id) = word.to { id } else { nil } }
            if !jobs.isEmpty {
                let found = try await documents.find(
                    Layout.jobs, [Self.numbers(Set(jobs)), .exists("pinned")], fields: ["number", "pinned"])
                for job in found { if let id = job["number"]?.job { elsewhere[id] = job["pinned"]?.shard } }
            }
            let clock = try await documents.time() ?? 0
            let first = try await draw("mail", mail.count) - Int64(mail.count) + 1
            _ = try await documents.insert(
                Layout.mail,
                mail.enumerated().map { place, word in
                    var document: BSONDocument = [
                        "_id": .int64(first + Int64(place)), "kind": .string(word.kind), "body": .string(word.body),
                        "postedAt": .date(clock),
                    ]
                    switch word.to {
                    case .shard(let shard): document.append("shard", BSONValue(shard))
                    case .job(let id): document.append("shard", BSONValue(elsewhere[id] ?? Shard(of: id)))
                    case .machine(let id): document.append("machine", .string(id))
                    }
                    return document
                })
        }

        public func news(for shards: Set<Shard>, machine: String) async throws -> News {
            let clock = try await documents.time()
            let look = known.withLock { known in
                known.looks += 1
                return known.looks
            }
            if known.withLock(\.owesRecount) { try await oweRecount() }
            try await clearFinished()
            try await finishDoubtful(in: shards)
            try await finishOthers(in: shards)
            if look % looksBetweenSweeps == 0 { try await sweep(shards) }
            let counters = try await documents.find(
                Layout.counters, [.isOneOf("_id", ["holdings", "notes"])]
            ).reduce(into: [String: Int64]()) { counters, counter in
                if let name = counter["_id"]?.string { counters[name] = counter["value"]?.integer }
            }
            return News(
                instances: try await instances(at: clock), holdings: counters["holdings"] ?? 0,
                notes: counters["notes"] ?? 0, mail: try await changes(in: shards) + (try await mail(shards, machine)),
                clock: clock.map { Timestamp(microseconds: $0 * 1_000) })
        }

        public func done(_ mail: [Int64], under term: Term) async throws {
            try await check(term)
            let posted = mail.filter { $0 > 0 }
            if !posted.isEmpty {
                _ = try await documents.delete(Layout.mail, [.isOneOf("_id", posted.map { .int64($0) })])
            }
            let heard = known.withLock { known in
                mail.filter { $0 < 0 }.flatMap { number in
                    (known.told.removeValue(forKey: number) ?? [:]).map { (job: $0.key, fresh: $0.value) }
                }
            }
            try await unmark(heard)
        }

        /// Says that whoever has these jobs has heard of these changes; of a later one it has not.
        func unmark(_ heard: [(job: JobID, fresh: Int64)]) async throws {
            if heard.isEmpty { return }
            _ = try await documents.updateEach(
                Layout.jobs,
                heard.map { job, fresh in
                    DocumentUpdate(
                        [.equals("number", BSONValue(job)), .equals("fresh", .int64(fresh))], [.unset("fresh")])
                })
        }

        // MARK: Looking

        /// Jobs of one look.
        private static let mostChanges = 1_000

        /// Jobs that were changed, as mail of its own: one for each shard, whose number is below 0.
        private func changes(in shards: Set<Shard>) async throws -> [Mail] {
            if shards.isEmpty { return [] }
            let found = try await documents.find(
                Layout.jobs, DocumentFilter([.isAtLeast("fresh", 1)] + Self.named(shards)),
                fields: ["number", "shard", "fresh"])
            var changed: [Shard: [JobID: Int64]] = [:]
            var count = 0
            for document in found where count < Self.mostChanges {
                guard let job = document["number"]?.job, let shard = document["shard"]?.shard, shards.contains(shard),
                    let fresh = document["fresh"]?.integer
                else { continue }
                changed[shard, default: [:]][job] = fresh
                count += 1
            }
            let told = Dictionary(uniqueKeysWithValues: changed.map { (-Int64($0.key.number) - 1, $0.value) })
            known.withLock { $0.told = told }
            return changed.sorted { $0.key < $1.key }.map { shard, jobs in
                var mail = Mail(to: .shard(shard), .changed(jobs.keys.sorted()))
                mail.number = -Int64(shard.number) - 1
                return mail
            }
        }

        private func mail(_ shards: Set<Shard>, _ machine: String) async throws -> [Mail] {
            let found = try await documents.find(
                Layout.mail,
                [.any([[Self.named(shards).first ?? .exists("shard")], [.equals("machine", .string(machine))]])],
                sort: [.up("_id")])
            return found.compactMap { document in
                let shard = document["shard"]?.shard
                if let shard, !shards.contains(shard) { return nil }
                return Mail(
                    number: document["_id"]?.integer ?? 0, to: shard.map { .shard($0) } ?? .machine(machine),
                    kind: document["kind"]?.string ?? "", body: document["body"]?.string ?? "")
            }
        }

        /// Removes openings that this process has finished, once each has stood from one look to the next: most are overwritten
        /// by the next decision before that.
        private func clearFinished() async throws {
            let due = known.withLock { known in
                let due = known.clearable.filter { known.finished[$0.key] == $0.value }
                known.clearable = known.finished.filter { due[$0.key] != $0.value }
                return due
            }
            if !due.isEmpty { try await clear(due) }
        }

        /// Finishes what somebody else has decided in these shards: it had them before, and its decision came late.
        private func finishOthers(in shards: Set<Shard>) async throws {
            if shards.isEmpty { return }
            let others = DocumentFilter.Condition.any([
                [.isBelow("opening.by", .int64(writer))], [.isAbove("opening.by", .int64(writer))],
            ])
            // Where they stand first: others' are many where others are busy, and what is in them is large.
            let places = try await documents.find(
                Layout.jobs, DocumentFilter([.exists("opening.by"), others] + Self.named(shards)),
                fields: ["number", "shard"])
            let jobs = places.filter { $0["shard"]?.shard.map(shards.contains) ?? false }
                .compactMap { $0["number"]?.job }
            if jobs.isEmpty { return }
            let open = try await documents.find(
                Layout.jobs, [Self.numbers(jobs.prefix(1_000)), .exists("opening.by")], fields: Opening.fields
            ).compactMap { try Opening($0) }.filter { $0.by != writer && shards.contains($0.shard) }
            if open.isEmpty { return }
            try await settle(open, by: try await epochs(of: Set(open.map(\.shard))), tells: true)
        }

        // MARK: Sweeping

        /// Finds active runs that were written by an earlier holder after these shards were taken, and tells of them; what
        /// retention had removed, and came back so, goes.
        private func sweep(_ shards: Set<Shard>) async throws {
            let epochs = known.withLock { known in known.epochs.filter { shards.contains($0.key) } }
            for (epoch, some) in Self.byEpoch(Set(epochs.keys), epochs) {
                let late = try await documents.find(
                    Layout.runs, [Self.among(some), .equals("active", true), .isBelow("by", .int64(epoch))],
                    fields: ["jobID", "shard", "occurrence", "batch", "state"])
                for document in late {
                    guard let id = document["_id"], let job = document["jobID"], let shard = document["shard"]?.shard,
                        let run = id.objectID
                    else { continue }
                    let isStale: DocumentFilter = [
                        .equals("_id", id), RunDocument.isActive, .isBelow("by", .int64(epoch)),
                    ]
                    let forgotten = try await documents.first(
                        Layout.jobs, [.equals("number", job)], fields: ["forgotten"])?["forgotten"]?.integer
                    // Of a schedule's decision that came late, and started by nobody.
                    let isPending = document["state"]?.integer == Int64(RunState.pending.number)
                    if let forgotten, document["batch"] != nil, isPending, let at = document["occurrence"]?.integer,
                        at <= forgotten
                    {
                        _ = try await documents.delete(Layout.runs, isStale)
                    } else {
                        try await post([Mail(to: .shard(shard), .opened([RunID(run)]))])
                        _ = try await documents.update(Layout.runs, isStale, [.set("by", .int64(epoch))])
                    }
                }
            }
        }
    }
#endif
