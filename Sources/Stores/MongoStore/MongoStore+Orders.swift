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
            let jobs = try await documents.find(
                Layout.jobs, [Self.numbers(Set(runs.map(\.jobID)))], fields: ["number", "shard"])
            let shards = jobs.reduce(into: [JobID: Shard]()) { shards, job in
                if let id = job["number"]?.job { shards[id] = job["shard"]?.shard }
            }
            let before = try await currentEpochs(of: Set(shards.values))
            var opened: [Run?] = []
            for run in runs {
                let shard = shards[run.jobID] ?? Shard(of: run.jobID)
                opened.append(
                    try await isLast(run) ? try await insert(run, in: shard, by: before[shard] ?? 0, term.count) : nil)
            }
            try await stamp(opened.compactMap { $0 }, shards, before)
            try await tell(opened.compactMap { $0 }, shards, but: term)
            return opened
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

        /// Puts new runs under the epochs that their shards have by now: whoever took one meanwhile may have looked before they
        /// were there.
        private func stamp(_ runs: [Run], _ shards: [JobID: Shard], _ before: [Shard: Int64]) async throws {
            var epochs = before
            while true {
                let now = try await currentEpochs(of: Set(epochs.keys))
                let changed = now.filter { $0.value != epochs[$0.key] }
                if changed.isEmpty { return }
                for (shard, epoch) in changed {
                    let ids = runs.filter { shards[$0.jobID] == shard }.map(\.id.object)
                    if ids.isEmpty { continue }
                    _ = try await documents.updateAll(
                        Layout.runs, [.isOneOf("_id", ids), .isBelow("by", .int64(epoch))], [.set("by", .int64(epoch))])
                }
                epochs.merge(changed) { $1 }
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
