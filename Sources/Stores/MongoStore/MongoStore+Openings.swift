#if MongoDB
    import CarillonCore
    import MongoClient
    import StoreCodec
    import Synchronization
    import Timetable

    /// What is to follow from a decision that stands in a job's document: runs and skips that are to be in the ledger.
    struct Opening: Sendable {
        /// Names the decision; its runs have the same.
        var batch: Int64
        /// Who made it: `MongoStore.writer`.
        var by: Int64
        var job: JobID
        var name: String
        var shard: Shard
        var term: Int64?
        /// In the order of their times.
        var runs: [Run]
        var skips: [Skip]
        /// The newest time of the job whose run retention has removed.
        var forgotten: Timestamp?
    }

    extension Opening {
        /// What `init` reads of a job.
        static let fields = ["number", "shard", "opening", "forgotten"]

        /// Reads the one of a job's document; nil where there is none.
        init?(_ document: BSONDocument) throws {
            guard let job = document["number"]?.job, let opening = document["opening"]?.document else { return nil }
            do {
                try self.init(BSONFields(opening, of: Layout.jobs), job, document)
            } catch let error as BSONMismatch {
                throw StoreError(mongo: error)
            }
        }

        private init(_ opening: BSONFields, _ job: JobID, _ document: BSONDocument) throws {
            let name = document["_id"]?.string ?? ""
            batch = try opening.integer("batch")
            by = try opening.integer("by")
            self.job = job
            self.name = name
            shard = document["shard"]?.shard ?? Shard(of: job)
            term = try opening.integerIfPresent("term")
            forgotten = document["forgotten"]?.time
            let instance = try opening.stringIfPresent("instance")
            let createdAt = Timestamp(microseconds: try opening.integer("createdAt"))
            let revision = try opening.integer("revision")
            runs = try opening.array("runs").map { value in
                let run = BSONFields(value.document ?? [:], of: Layout.jobs)
                return Run(
                    id: RunID(try run.objectID("id")), jobID: job, job: name,
                    revision: try run.integerIfPresent("revision") ?? revision,
                    trigger: Trigger(rawValue: try run.string("trigger")) ?? .schedule,
                    scheduledAt: Timestamp(microseconds: try run.integer("at")),
                    notBefore: try run.integerIfPresent("notBefore").map { Timestamp(microseconds: $0) },
                    createdAt: try run.integerIfPresent("createdAt").map { Timestamp(microseconds: $0) } ?? createdAt,
                    instance: try run.stringIfPresent("instance") ?? instance,
                    reason: try run.stringIfPresent("reason"),
                    cause: try run.stringIfPresent("cause").flatMap { Cause(text: $0) },
                    arguments: try run.stringIfPresent("arguments").map {
                        try RowCodec.decode([String: String].self, $0)
                    })
            }
            skips = try opening.array("skips").map { value in
                let skip = BSONFields(value.document ?? [:], of: Layout.jobs)
                return Skip(
                    jobID: job, job: name, revision: try skip.integer("revision"),
                    after: Timestamp(microseconds: try skip.integer("after")),
                    through: Timestamp(microseconds: try skip.integer("through")),
                    reason: SkipReason(rawValue: try skip.string("reason")) ?? .unknown,
                    detail: try skip.stringIfPresent("detail"),
                    recordedAt: Timestamp(microseconds: try skip.integer("recordedAt")))
            }
        }

        /// As it stands in the job's document: what runs have in common once, and no target.
        func document() throws -> BSONDocument {
            let first = runs.first
            let (createdAt, instance) = (first?.createdAt ?? .distantPast, first?.instance)
            let revision = first?.revision ?? 0
            var document: BSONDocument = [
                "batch": .int64(batch), "by": .int64(by), "createdAt": BSONValue(createdAt),
                "revision": .int64(revision),
            ]
            document.append("term", some: term.map { .int64($0) })
            document.append("instance", some: instance.map { .string($0) })
            document.append(
                "runs",
                .array(
                    try runs.map { run in
                        var short: BSONDocument = [
                            "id": run.id.object, "trigger": .string(run.trigger.rawValue),
                            "at": BSONValue(run.scheduledAt),
                        ]
                        if run.notBefore != run.scheduledAt { short.append("notBefore", BSONValue(run.notBefore)) }
                        if run.createdAt != createdAt { short.append("createdAt", BSONValue(run.createdAt)) }
                        if run.revision != revision { short.append("revision", .int64(run.revision)) }
                        if run.instance != instance { short.append("instance", some: run.instance.map { .string($0) }) }
                        short.append("reason", some: run.reason.map { .string($0) })
                        short.append("cause", some: run.cause.map { .string($0.text) })
                        short.append("arguments", some: try run.arguments.map { .string(try RowCodec.encode($0)) })
                        return .document(short)
                    }))
            document.append(
                "skips",
                .array(
                    skips.map { skip in
                        var short: BSONDocument = [
                            "revision": .int64(skip.revision), "after": BSONValue(skip.after),
                            "through": BSONValue(skip.through), "reason": .string(skip.reason.rawValue),
                            "recordedAt": BSONValue(skip.recordedAt),
                        ]
                        short.append("detail", some: skip.detail.map { .string($0) })
                        return .document(short)
                    }))
            return document
        }
    }

    extension MongoStore {
        /// What became of the runs of an opening.
        struct Inserted: Sendable {
            /// Those that this call wrote, with the ids they got.
            var new: [Run] = []
            /// All that are of these decisions, whoever wrote them.
            var all: [JobID: [RunID]] = [:]
            /// Occurrences that were in the ledger before the decision.
            var known: [JobID: Int64] = [:]
        }

        /// Writes the runs of openings, each in its job's shard under these epochs. What is there already is left; an id that
        /// another occurrence has is drawn again, the same way by whoever does it.
        func insertRuns(of openings: [Opening], by epochs: [Shard: Int64]) async throws -> Inserted {
            var inserted = Inserted()
            var waiting = openings.flatMap { opening in opening.runs.map { (opening, $0) } }
            var salts: [RunID: UInt64] = [:]
            let store = try await storeID()
            while !waiting.isEmpty {
                let documents = try waiting.map { opening, run in
                    try RunDocument.opened(
                        run, in: opening.shard, by: epochs[opening.shard] ?? 0, term: opening.term, batch: opening.batch
                    )
                }
                let duplicates = try await self.documents.insert(Layout.runs, documents)
                var next: [(Opening, Run)] = []
                for (place, (opening, asked)) in waiting.enumerated() {
                    var run = asked
                    guard duplicates[place] != nil else {
                        inserted.new.append(run)
                        inserted.all[opening.job, default: []].append(run.id)
                        continue
                    }
                    switch try await standing(of: run, batch: opening.batch) {
                    case .same(let id):
                        inserted.all[opening.job, default: []].append(id)
                        // Its own: somebody has only written it for this process, which is to start it.
                        if opening.by == writer {
                            run.id = id
                            inserted.new.append(run)
                        }
                    case .known: inserted.known[opening.job, default: 0] += 1
                    case .clash:
                        let salt = (salts[asked.id] ?? 0) + 1
                        guard run.occurrence != nil else {
                            run.id.hash &+= 1
                            next.append((opening, run))
                            continue
                        }
                        run.id = RunID(store: store, job: run.job, scheduledAt: run.scheduledAt, salt: salt)
                        salts[run.id] = salt
                        next.append((opening, run))
                    }
                }
                waiting = next
            }
            return inserted
        }

        private enum RunStanding {
            /// It is in the ledger, of the same decision.
            case same(RunID)
            /// Its occurrence has a run of another decision.
            case known
            /// Something else has its id.
            case clash
        }

        private func standing(of run: Run, batch: Int64) async throws -> RunStanding {
            let place: DocumentFilter =
                if let occurrence = run.occurrence {
                    [.equals("jobID", BSONValue(run.jobID)), .equals("occurrence", BSONValue(occurrence))]
                } else {
                    [
                        .equals("_id", run.id.object), .equals("jobID", BSONValue(run.jobID)),
                        .equals("batch", .int64(batch)),
                    ]
                }
            // What was asked for under a key is there under that.
            if let cause = run.cause, case .asked = cause, try await self.run(of: run.jobID, cause: cause) != nil {
                return .known
            }
            let found = try await documents.first(Layout.runs, place, fields: ["batch"])
            guard let found, let id = found["_id"]?.objectID else { return .clash }
            return found["batch"]?.integer == batch ? .same(RunID(id)) : .known
        }

        /// Counts what an opening's runs were too many, once.
        func uncount(_ known: [JobID: Int64], of openings: [Opening]) async throws {
            if known.isEmpty { return }
            var updates: [DocumentUpdate] = []
            for opening in openings {
                guard let count = known[opening.job] else { continue }
                updates.append(
                    DocumentUpdate(
                        [
                            .equals("number", BSONValue(opening.job)), .equals("opening.batch", .int64(opening.batch)),
                            .isMissing("opening.known"),
                        ], [.set("opening.known", .int64(count)), .add("opened", -count)]))
            }
            _ = try await documents.updateEach(Layout.jobs, updates)
        }

        /// Writes skips; one that goes on where the last one of its kind ended is the same record, longer. Written again, none
        /// becomes shorter.
        func insert(_ skips: [Skip]) async throws {
            var new: [Skip] = []
            for skip in skips {
                // Of one batch what follows is joined here already.
                if let last = new.last, last.jobID == skip.jobID, last.through == skip.after,
                    last.reason == skip.reason,
                    last.revision == skip.revision, last.detail == skip.detail
                {
                    new[new.count - 1].through = skip.through
                } else {
                    new.append(skip)
                }
            }
            for skip in new { try await insert(skip) }
        }

        private func insert(_ skip: Skip) async throws {
            let same = SkipDocument.identity(skip)
            let isLonger = try await documents.update(
                Layout.skips, DocumentFilter(same + [.equals("through", BSONValue(skip.after))]),
                [.raise("through", BSONValue(skip.through))])
            if isLonger { return }
            // Written by an earlier try: one that is longer covers it.
            let isCovered = try await documents.first(
                Layout.skips,
                DocumentFilter(
                    same + [
                        .isAtLeast("through", BSONValue(skip.through)), .isAtMost("after", BSONValue(skip.after)),
                    ]), fields: ["_id"])
            if isCovered != nil { return }
            let fields = DocumentChange(SkipDocument.fields(skip).map { .setOnInsert($0.name, $0.value) })
            var number = SkipDocument.number(skip)
            // Another one may have the number: then it fits nothing, and hinders this one.
            while try await !documents.update(
                Layout.skips,
                DocumentFilter([.equals("_id", .int64(number)), .equals("after", BSONValue(skip.after))] + same),
                fields,
                upsert: true)
            { number += 1 }
        }

        /// Has the ledger hold what these openings say, whoever made them, and the jobs say nothing of it any more. Their runs are
        /// in force under these epochs from then on; where `tells`, whoever has their shards has mail of them.
        func settle(_ openings: [Opening], by epochs: [Shard: Int64], tells: Bool) async throws {
            if openings.isEmpty { return }
            // A run that retention has removed since is not opened again.
            let due = openings.map { opening in
                var opening = opening
                if let forgotten = opening.forgotten { opening.runs.removeAll { $0.scheduledAt <= forgotten } }
                return opening
            }
            let inserted = try await insertRuns(of: due, by: epochs)
            for (epoch, shards) in Self.byEpoch(Set(due.map(\.shard)), epochs) {
                let ids = inserted.all.values.flatMap { $0.map(\.object) }
                if ids.isEmpty { break }
                _ = try await documents.updateAll(
                    Layout.runs,
                    [.isOneOf("_id", ids), Self.among(shards), RunDocument.isActive, .isBelow("by", .int64(epoch))],
                    [.set("by", .int64(epoch))])
            }
            try await uncount(inserted.known, of: openings)
            try await insert(due.flatMap(\.skips))
            if tells {
                for opening in due {
                    var mail = [Mail(to: .shard(opening.shard), .changed([opening.job]))]
                    if let runs = inserted.all[opening.job] {
                        mail.insert(Mail(to: .shard(opening.shard), .opened(runs)), at: 0)
                    }
                    try await post(mail)
                }
            }
            try await clear(Dictionary(openings.map { ($0.job, $0.batch) }) { first, _ in first })
        }

        /// Removes openings of which everything is written.
        func clear(_ finished: [JobID: Int64]) async throws {
            _ = try await documents.updateEach(
                Layout.jobs,
                finished.sorted { $0.key < $1.key }.map { job, batch in
                    DocumentUpdate(
                        [.equals("number", BSONValue(job)), .equals("opening.batch", .int64(batch))],
                        [.unset("opening")])
                })
            known.withLock { known in
                for (job, batch) in finished where known.finished[job] == batch { known.finished[job] = nil }
            }
        }

        /// Keeps in mind that a decision of this process on these jobs may not have been carried out.
        func doubt(_ jobs: [JobID]) { known.withLock { $0.doubtful.formUnion(jobs) } }

        /// Finishes what this process may have left open in these shards; elsewhere it is another's, who does.
        func finishDoubtful(in shards: Set<Shard>) async throws {
            let doubtful = known.withLock { known in
                defer { known.doubtful = [] }
                return known.doubtful
            }
            let own = doubtful.filter { shards.contains(known.shard(of: $0)) }.sorted()
            if own.isEmpty { return }
            do {
                try await settle(own)
            } catch {
                doubt(own)
                throw error
            }
        }

        /// Finishes what is open of these jobs, but for what this process has finished; of others' their holder is told.
        func settle(_ jobs: [JobID]) async throws {
            let found = try await documents.find(
                Layout.jobs, [Self.numbers(jobs), .exists("opening")], fields: Opening.fields)
            let openings = try found.compactMap { try Opening($0) }
            let finished = known.withLock(\.finished)
            let open = openings.filter { finished[$0.job] != $0.batch }
            if open.isEmpty { return }
            let epochs = try await epochs(of: Set(open.map(\.shard)))
            try await settle(open, by: epochs, tells: true)
        }
    }
#endif
