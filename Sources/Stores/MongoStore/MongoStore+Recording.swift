#if MongoDB
    public import CarillonCore
    import MongoClient
    import StoreCodec
    import Synchronization
    public import Timetable

    /// Recording how runs go on.
    extension MongoStore {
        @discardableResult
        public func record(_ runs: [Run], under term: Term, now: Timestamp) async throws -> Set<RunID> {
            // Of one command nobody says in which order it is carried out: a run's second change comes after it.
            var seen: Set<RunID> = []
            if let place = runs.firstIndex(where: { !seen.insert($0.id).inserted }) {
                let first = try await record(Array(runs[..<place]), under: term, now: now)
                return first.union(try await record(Array(runs[place...]), under: term, now: now))
            }
            try await check(term)
            if runs.isEmpty { return [] }
            let call = Int64.random(in: 1 ... .max)
            let written: Set<RunID>
            do {
                written = try await write(runs, call, term)
            } catch {
                // Whatever was written of it ends uncounted: told again it is final already.
                if runs.contains(where: \.state.isFinal) { known.withLock { $0.owesRecount = true } }
                throw error
            }
            let ended = runs.filter { $0.state.isFinal && written.contains($0.id) }
            if !ended.isEmpty { try await count(ended, now) }
            return Set(runs.map(\.id)).subtracting(written)
        }

        /// Writes runs as they stand; answers those that were active still. Throws `leaseLost` when somebody has taken one since.
        private func write(_ runs: [Run], _ call: Int64, _ term: Term) async throws -> Set<RunID> {
            var shards = Dictionary(uniqueKeysWithValues: runs.map { ($0.id, known.shard(of: $0.jobID)) })
            let epochs = try await epochs(of: Set(shards.values))
            if try await write(runs, shards, epochs, call) == runs.count { return Set(runs.map(\.id)) }
            var written: Set<RunID> = []
            var left = runs
            // A run may stand elsewhere than this process believes its job to stand: once more with what is true.
            for isLast in [false, true] {
                let found = try await documents.find(
                    Layout.runs, [.isOneOf("_id", left.map(\.id.object))], fields: ["active", "shard", "record"])
                var again: Set<RunID> = []
                for document in found {
                    guard let id = document["_id"]?.objectID.map({ RunID($0) }) else { continue }
                    if document["record"]?.integer == call {
                        written.insert(id)
                    } else if document["active"] != nil, let shard = document["shard"]?.shard {
                        again.insert(id)
                        shards[id] = shard
                    }
                }
                left = left.filter { again.contains($0.id) }
                if left.isEmpty { break }
                try await check(term)
                // Only what this process has taken: of others' shards it must not learn the epochs.
                let own = known.withLock(\.epochs)
                guard !isLast, left.allSatisfy({ shards[$0.id].map { own[$0] != nil } ?? false }) else {
                    throw StoreError.lost(term)
                }
                _ = try await write(left, shards, own, call)
            }
            return written
        }

        private func write(
            _ runs: [Run], _ shards: [RunID: Shard], _ epochs: [Shard: Int64], _ call: Int64
        ) async throws -> Int {
            try await documents.updateEach(
                Layout.runs,
                runs.map { run in
                    let shard = shards[run.id] ?? Shard(of: run.jobID)
                    let epoch = epochs[shard] ?? 0
                    return DocumentUpdate(
                        [
                            .equals("_id", run.id.object), RunDocument.isActive, .equals("shard", BSONValue(shard)),
                            .isAtMost("by", .int64(epoch)),
                        ], try RunDocument.recorded(run, by: epoch, record: call))
                })
        }

        // MARK: Counts

        /// Counts what has ended. Whoever dies before that leaves it uncounted, until custody counts those hours again.
        private func count(_ runs: [Run], _ now: Timestamp) async throws {
            var counts = EndedCounts()
            for run in runs { counts.count(run) }
            do {
                _ = try await documents.updateEach(
                    Layout.hours,
                    counts.hours.map { key, count in
                        DocumentUpdate(
                            [.equals("_id", .string(Self.hourID(key.hour, key.state)))],
                            [
                                .setOnInsert("hour", BSONValue(key.hour)),
                                .setOnInsert("state", .int64(Int64(key.state.number))),
                                .add("runs", Int64(count.runs)), .add("took", count.took),
                            ], upsert: true)
                    })
                if !counts.completed.isEmpty {
                    // Almost none of them has one.
                    _ = try await documents.updateAll(
                        Layout.jobs, [.isAbove("streak", 0), Self.numbers(Set(counts.completed))],
                        [.set("streak", .int64(0))])
                }
                _ = try await documents.updateEach(
                    Layout.jobs,
                    counts.failures.map { job, count in
                        DocumentUpdate([.equals("number", BSONValue(job))], [.add("streak", Int64(count))])
                    })
            } catch {
                // The runs stand as they were recorded, and that is what was asked for.
                known.withLock { $0.owesRecount = true }
            }
        }

        static func hourID(_ hour: Timestamp, _ state: RunState) -> String {
            "\(hour.microseconds):\(state.number)"
        }

        private static let recount = DocumentFilter([.equals("_id", "recount")])

        /// Notes that somebody may have ended runs of this hour, or of the one before, and not counted them.
        func oweRecount() async throws {
            let clock = Timestamp(microseconds: (try await documents.time() ?? 0) * 1_000)
            let hour = HourCount.hour(of: clock)
            // Minus: the lowest counts, and the operation is one that raises.
            _ = try await documents.update(
                Layout.counters, Self.recount,
                [
                    .raise("value", .int64(3_600_000_000 - hour.microseconds)),
                    .raise("until", .int64(hour.microseconds)),
                ], upsert: true)
            known.withLock { $0.owesRecount = false }
        }

        /// How long after its end nobody is still counting an hour's runs, in microseconds.
        private static let settled: Int64 = 300_000_000

        /// Counts hours again whose counts may be short, once they are over; never to less, since retention may have removed
        /// what was counted.
        func recount(_ now: Timestamp) async throws {
            guard let debt = try await documents.first(Layout.counters, Self.recount),
                let owed = debt["value"]?.integer, let until = debt["until"]?.time
            else { return }
            let start = Timestamp(microseconds: -owed)
            // Whoever died has ended nothing since: an hour after that all is counted.
            let end = HourCount.hour(of: now.adding(microseconds: -Self.settled))
            guard start < end, known.withLock(\.recounted) != end else { return }
            let counted = Gathered<Run>()
            let codec = codec
            try await documents.scan(
                Layout.runs,
                [.isAtLeast("endedAt", BSONValue(start)), .isBelow("endedAt", BSONValue(end)), .isMissing("active")],
                fields: RunDocument.countedFields, sort: []
            ) { counted.add(try $0.map { try RunDocument.run($0, codec) }) }
            var counts = EndedCounts()
            var jobs: [JobID: (last: Timestamp, failed: Bool)] = [:]
            for run in counted.all {
                counts.count(run)
                guard run.hasFailed || run.state == .completed, let endedAt = run.endedAt else { continue }
                if jobs[run.jobID].map({ $0.last <= endedAt }) ?? true { jobs[run.jobID] = (endedAt, run.hasFailed) }
            }
            _ = try await documents.updateEach(
                Layout.hours,
                counts.hours.map { key, count in
                    DocumentUpdate(
                        [.equals("_id", .string(Self.hourID(key.hour, key.state)))],
                        [
                            .setOnInsert("hour", BSONValue(key.hour)),
                            .setOnInsert("state", .int64(Int64(key.state.number))),
                            .raise("runs", .int64(Int64(count.runs))), .raise("took", .int64(count.took)),
                        ], upsert: true)
                })
            for (job, end) in jobs { try await recountStreak(of: job, failed: end.failed) }
            known.withLock { $0.recounted = end }
            if until >= end { return }
            // As it was read: what somebody noted meanwhile is still owed.
            _ = try await documents.delete(
                Layout.counters, Self.recount + [.equals("value", .int64(owed)), .equals("until", BSONValue(until))])
        }

        /// Counts a job's failures in a row again, from its last runs.
        private func recountStreak(of job: JobID, failed: Bool) async throws {
            let number = DocumentFilter.Condition.equals("number", BSONValue(job))
            guard failed else {
                _ = try await documents.update(
                    Layout.jobs, [number, .isAbove("streak", 0)], [.set("streak", .int64(0))])
                return
            }
            let last = try await runs(
                [.equals("jobID", BSONValue(job)), .isMissing("active")], sort: [.down("endedAt")], limit: 1_000)
            let streak = last.prefix { $0.state != .completed }.count(where: \.hasFailed)
            _ = try await documents.update(
                Layout.jobs, [number, .isBelow("streak", .int64(Int64(streak)))],
                [.set("streak", .int64(Int64(streak)))])
        }
    }

    extension DocumentFilter {
        static func + (filter: DocumentFilter, more: DocumentFilter) -> DocumentFilter {
            DocumentFilter(filter.conditions + more.conditions)
        }
    }
#endif
