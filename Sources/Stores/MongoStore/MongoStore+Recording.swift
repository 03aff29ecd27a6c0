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
            var shards = Dictionary(uniqueKeysWithValues: runs.map { ($0.id, known.shard(of: $0.jobID)) })
            var written = Set(runs.map(\.id))
            if try await write(runs, shards, call) != runs.count {
                written = []
                var left = runs
                // A run may stand elsewhere than this process believes its job to stand: once more with what is true.
                for isLast in [false, true] {
                    let found = try await documents.find(
                        Layout.runs, [.isOneOf("_id", left.map(\.id.object))],
                        fields: ["active", "by", "shard", "record"])
                    var again: [RunID] = []
                    for document in found {
                        guard let id = document["_id"]?.objectID.map({ RunID($0) }) else { continue }
                        if document["record"]?.integer == call {
                            written.insert(id)
                        } else if document["active"] != nil, let shard = document["shard"]?.shard {
                            again.append(id)
                            shards[id] = shard
                        }
                    }
                    left = left.filter { again.contains($0.id) }
                    if left.isEmpty { break }
                    guard !isLast else { throw StoreError.lost(term) }
                    _ = try await write(left, shards, call)
                }
            }
            let ended = runs.filter { $0.state.isFinal && written.contains($0.id) }
            if !ended.isEmpty { try await count(ended, now) }
            return Set(runs.map(\.id)).subtracting(written)
        }

        /// Writes runs that are active still and that nobody has taken since, as they stand; answers how many they were.
        private func write(_ runs: [Run], _ shards: [RunID: Shard], _ call: Int64) async throws -> Int {
            let epochs = try await epochs(of: Set(shards.values))
            return try await documents.updateEach(
                Layout.runs,
                runs.map { run in
                    let epoch = shards[run.id].flatMap { epochs[$0] } ?? 0
                    return DocumentUpdate(
                        [.equals("_id", run.id.object), .equals("active", true), .isAtMost("by", .int64(epoch))],
                        try RunDocument.recorded(run, by: epoch, record: call))
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
                let since = HourCount.hour(of: now)
                known.withLock { $0.owesRecount = true }
                try? await oweRecount(since: since)
            }
        }

        static func hourID(_ hour: Timestamp, _ state: RunState) -> String {
            "\(hour.microseconds):\(state.number)"
        }

        private static let recount = DocumentFilter([.equals("_id", "recount")])

        /// Notes that hours from this one on may be counted short.
        func oweRecount(since hour: Timestamp) async throws {
            // Minus: the lowest counts, and the operation is one that raises.
            _ = try await documents.update(
                Layout.counters, Self.recount, [.raise("value", .int64(-hour.microseconds))], upsert: true)
            known.withLock { $0.owesRecount = false }
        }

        /// How long after its end nobody is still counting an hour's runs, in microseconds.
        private static let settled: Int64 = 300_000_000

        /// Counts hours again whose counts may be short, once they are over; never to less, since retention may have removed
        /// what was counted.
        func recount(_ now: Timestamp) async throws {
            guard let owed = try await documents.first(Layout.counters, Self.recount)?["value"]?.integer else {
                return
            }
            let start = Timestamp(microseconds: -owed)
            // Whoever died has ended nothing since: an hour after that all is counted.
            let end = HourCount.hour(of: now.adding(microseconds: -Self.settled))
            guard start < end else { return }
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
            _ = try await documents.delete(Layout.counters, Self.recount + [.equals("value", .int64(owed))])
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
