#if MongoDB
    public import CarillonCore
    import MongoClient
    import StoreCodec
    public import Timetable

    /// Runs that somebody asks for.
    extension MongoStore {
        public func openOrdered(_ runs: [Run], under term: Term, now: Timestamp) async throws -> [Run?] {
            try await check(term)
            if runs.isEmpty { return [] }
            let shards = try await shards(of: runs)
            let epochs = try await currentEpochs(of: Set(shards.values))
            var opened: [Run?] = []
            for run in runs {
                let shard = shards[run.jobID] ?? Shard(of: run.jobID)
                // Under an epoch that is over, until whoever has the shard was told: else its sweep finds it.
                let epoch = (epochs[shard] ?? 0) - 1
                opened.append(
                    try await isLast(run) ? try await insert(run, in: shard, by: epoch, term.count) : nil)
            }
            let new = opened.compactMap { $0 }
            if new.isEmpty { return opened }
            let now = try await rehome(new, from: shards)
            try await tell(new, now, but: term)
            // Whoever asked is to know of them, whatever becomes of this: what it leaves the sweep finds, and tells once more.
            try? await stamp(new.map(\.id), in: Set(now.values))
            return opened
        }

        /// Brings new runs to where their jobs stand by now: one may have moved since that was read.
        private func rehome(_ runs: [Run], from before: [JobID: Shard]) async throws -> [JobID: Shard] {
            let now = try await shards(of: runs)
            let moved = runs.filter { now[$0.jobID] != before[$0.jobID] }
            if moved.isEmpty { return now }
            let epochs = try await currentEpochs(of: Set(now.values))
            _ = try await documents.updateEach(
                Layout.runs,
                moved.compactMap { run in
                    guard let shard = now[run.jobID] else { return nil }
                    return DocumentUpdate(
                        [.equals("_id", run.id.object), RunDocument.isActive],
                        [.set("shard", BSONValue(shard)), .set("by", .int64((epochs[shard] ?? 0) - 1))])
                })
            return now
        }

        private func shards(of runs: [Run]) async throws -> [JobID: Shard] {
            let jobs = try await documents.find(
                Layout.jobs, [Self.numbers(Set(runs.map(\.jobID)))], fields: ["number", "shard"])
            return jobs.reduce(into: [:]) { shards, job in
                if let id = job["number"]?.job { shards[id] = job["shard"]?.shard }
            }
        }

        /// Writes a run, under another id when its own is taken; nil when its occurrence is there already, or what it was asked
        /// for under.
        private func insert(_ asked: Run, in shard: Shard, by epoch: Int64, _ term: Int64) async throws -> Run? {
            var run = asked
            var salt: UInt64 = 0
            let store = try await storeID()
            while true {
                let document = try RunDocument.opened(run, in: shard, by: epoch, term: term, batch: nil)
                if try await documents.insert(Layout.runs, [document]).isEmpty { return run }
                let job = DocumentFilter.Condition.equals("jobID", BSONValue(run.jobID))
                // What may hinder it besides its id.
                for key in ["occurrence", "asked", "repeats"] {
                    guard let value = document[key] else { continue }
                    let isThere = try await documents.first(Layout.runs, [job, .equals(key, value)], fields: ["_id"])
                    if isThere != nil { return nil }
                }
                guard run.occurrence != nil else {
                    run.id.hash &+= 1
                    continue
                }
                salt += 1
                run.id = RunID(store: store, job: run.job, scheduledAt: run.scheduledAt, salt: salt)
            }
        }

        /// Whether what a run of a backfill repeats is the last of its time, and nothing of that time goes on. Of two who ask at
        /// the same moment the index of what is repeated lets one through.
        private func isLast(_ run: Run) async throws -> Bool {
            guard run.trigger == .backfill, case .repeats(let old) = run.cause else { return true }
            let same = try await documents.find(
                Layout.runs,
                [.equals("jobID", BSONValue(run.jobID)), .equals("scheduledAt", BSONValue(run.scheduledAt))],
                fields: ["active"], sort: [.down("createdAt"), .down("_id")])
            return same.first?["_id"] == old.object && same.allSatisfy { $0["active"] == nil }
        }

        /// Puts runs of which everybody has been told under the epochs that their shards have.
        func stamp(_ runs: [RunID], in shards: Set<Shard>) async throws {
            for (shard, epoch) in try await currentEpochs(of: shards).sorted(by: { $0.key < $1.key }) {
                _ = try await documents.updateAll(
                    Layout.runs,
                    [
                        .isOneOf("_id", runs.map(\.object)), .equals("shard", BSONValue(shard)),
                        .isBelow("by", .int64(epoch)),
                    ], [.set("by", .int64(epoch))])
            }
        }

        /// Tells whoever holds the shards of new runs, but the instance of a term: it still has them after they were written, so
        /// whoever is given them reads them.
        private func tell(_ runs: [Run], _ shards: [JobID: Shard], but term: Term) async throws {
            if runs.isEmpty { return }
            let own = try await held(by: term, among: Set(runs.compactMap { shards[$0.jobID] }))
            let others = runs.filter { shards[$0.jobID].map { !own.contains($0) } ?? true }
            try await post(Mail.opened(others))
        }

        /// Which of these shards the instance of a term holds, if that is in force.
        func held(by term: Term?, among shards: Set<Shard>) async throws -> Set<Shard> {
            guard let term, !shards.isEmpty else { return [] }
            let found = try await documents.find(
                Layout.shards, [Self.among(shards, "_id"), .equals("holder", BSONValue(term.instance))],
                fields: ["_id"])
            // A term in force after that was in force then: its shards grow and never shrink.
            guard !found.isEmpty, try await isInForce(term) else { return [] }
            return Set(found.compactMap { $0["_id"]?.shard })
        }
    }
#endif
