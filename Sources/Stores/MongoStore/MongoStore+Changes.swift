#if MongoDB
    public import CarillonCore
    import MongoClient
    import StoreCodec
    import Synchronization
    public import Timetable

    /// Changes of definitions. None of them touches a cursor, nor what is to follow from a decision of whoever plans the job.
    extension MongoStore {
        public func apply(_ changes: [JobChange], by term: Term?, now: Timestamp) async throws -> [JobAnswer] {
            var answers: [JobAnswer] = []
            answers.reserveCapacity(changes.count)
            for part in Self.parts(of: changes) { answers += try await apply(part, term, now) }
            return answers
        }

        /// One part is one question to the server, and one answer.
        private static let mostAtOnce = 1_000

        /// Cuts changes into parts of which none is about one job twice.
        private static func parts(of changes: [JobChange]) -> [ArraySlice<JobChange>] {
            var parts: [ArraySlice<JobChange>] = []
            var start = changes.startIndex
            var names: Set<String> = []
            var removed: Set<JobID> = []
            for (place, change) in changes.enumerated() {
                let isNext =
                    switch change {
                    case .add(let job, _, _, _), .change(_, let job, _): !removed.isEmpty || names.contains(job.name)
                    // A removal names a number, which may be that of any name before it.
                    case .remove(let id, _): !names.isEmpty || removed.contains(id)
                    }
                if isNext || place - start >= mostAtOnce {
                    parts.append(changes[start..<place])
                    (start, names, removed) = (place, [], [])
                }
                switch change {
                case .add(let job, _, _, _), .change(_, let job, _): names.insert(job.name)
                case .remove(let id, _): removed.insert(id)
                }
            }
            return parts + [changes[start...]]
        }

        private func apply(_ changes: ArraySlice<JobChange>, _ term: Term?, _ now: Timestamp) async throws
            -> [JobAnswer]
        {
            var answers: [JobAnswer?] = Array(repeating: nil, count: changes.count)
            // What somebody else changed meanwhile is read anew; each try answers one of them at least.
            while true {
                let open = answers.indices.filter { answers[$0] == nil }
                if open.isEmpty { break }
                let some = open.map { changes[changes.startIndex + $0] }
                for (place, answer) in zip(open, try await attempt(some, term, now)) { answers[place] = answer }
            }
            return answers.compactMap { $0 }
        }

        /// What is known of the jobs that changes are about.
        private struct Present {
            var byName: [String: StoredJob] = [:]
            var byID: [JobID: StoredJob] = [:]
        }

        private func present(for changes: [JobChange]) async throws -> Present {
            var names: [BSONValue] = []
            var ids: [JobID] = []
            for change in changes {
                switch change {
                case .add(let job, _, _, _): names.append(.string(job.name))
                case .change(let id, _, _), .remove(let id, _): ids.append(id)
                }
            }
            var filters: [DocumentFilter] = []
            if !names.isEmpty { filters.append([.isOneOf("_id", names)]) }
            if !ids.isEmpty { filters.append([Self.numbers(ids)]) }
            var present = Present()
            for filter in filters {
                for document in try await documents.find(Layout.jobs, filter) {
                    guard document["number"] != nil else {
                        throw StoreError(
                            .refused,
                            "\(address): the job \(document["_id"]?.string ?? "") is Simple Scheduler's, and is to be taken over first"
                        )
                    }
                    let stored = try JobDocument.job(document, codec)
                    present.byName[stored.job.name] = stored
                    present.byID[stored.id] = stored
                }
            }
            return present
        }

        /// Tries changes once; nil for one that somebody else was in the way of.
        private func attempt(_ changes: [JobChange], _ term: Term?, _ now: Timestamp) async throws -> [JobAnswer?] {
            let present = try await present(for: changes)
            var texts = JobTexts()
            var answers: [JobAnswer?] = Array(repeating: nil, count: changes.count)
            var added: [Addition] = []
            var replaced: [Replacement] = []
            for (place, change) in changes.enumerated() {
                switch change {
                case .add(let job, let cursor, let nextDue, let skips):
                    guard let before = present.byName[job.name] else {
                        added.append(
                            Addition(
                                place: place, job: job, parts: try texts.parts(of: job), cursor: cursor,
                                nextDue: nextDue, skips: skips))
                        continue
                    }
                    guard before.isRemoved else {
                        answers[place] = before.job.origin.feed == job.origin.feed ? .stale(before) : .foreign
                        continue
                    }
                    let back = job.returned(before.job.origin.feed, under: before.job.standing)
                    replaced.append(Replacement(place, before, back, try texts.parts(of: back)))
                case .change(let id, let job, let revision):
                    guard let before = present.byID[id], before.revision == revision, !before.isRemoved else {
                        answers[place] = .stale(present.byID[id])
                        continue
                    }
                    guard before.job.origin.feed == job.origin.feed else {
                        answers[place] = .foreign
                        continue
                    }
                    replaced.append(Replacement(place, before, job, try texts.parts(of: job)))
                case .remove(let id, let revision):
                    guard let before = present.byID[id], before.revision == revision, !before.isRemoved else {
                        answers[place] = .stale(present.byID[id])
                        continue
                    }
                    replaced.append(
                        Replacement(place, before, before.job, try texts.parts(of: before.job), isRemoved: true))
                }
            }
            var stored = try await add(added)
            stored += try await replace(replaced, now)
            for (place, job) in stored { answers[place] = .stored(job) }
            try await unmark(stored.map(\.job), term)
            return answers
        }

        // MARK: New jobs

        private struct Addition {
            var place: Int
            var job: Job
            var parts: JobTexts.Parts
            var cursor: Timestamp
            var nextDue: Timestamp?
            var skips: [Skip]
        }

        /// Adds jobs; leaves out those of whose name there is one by now.
        private func add(_ added: [Addition]) async throws -> [(place: Int, job: StoredJob)] {
            if added.isEmpty { return [] }
            var labels: [String: Shard] = [:]
            for label in Set(added.compactMap { Place(of: $0.job.policies).label }) {
                labels[label] = try await shard(labelled: label)
            }
            let manager = JobDocument.manager(of: try await storeID())
            let first = try await draw("jobs", added.count) - Int64(added.count) + 1
            let decision = Int64.random(in: 1 ... .max)
            var stored: [StoredJob] = []
            var openings: [Opening] = []
            var new: [BSONDocument] = []
            for (place, addition) in added.enumerated() {
                let id = JobID(Int32(truncatingIfNeeded: first + Int64(place)))
                let (job, cursor) = (addition.job, addition.cursor)
                var one = StoredJob(id: id, job: job, revision: 1, cursor: cursor, nextDue: addition.nextDue)
                one.pinned = Place(of: job.policies).label.flatMap { labels[$0] }
                var document: BSONDocument = [
                    "_id": .string(job.name), "number": BSONValue(id), "shard": BSONValue(one.shard),
                    "managerId": manager, "revision": .int64(1), "cursor": BSONValue(cursor), "opened": .int64(0),
                    "streak": .int64(0), "fresh": .int64(1),
                ]
                document.append("pinned", some: one.pinned.map { BSONValue($0) })
                document.append("nextDue", some: addition.nextDue.map { BSONValue($0) })
                document.append("nextRunAt", some: addition.nextDue.map { .date($0) })
                DocumentChange(JobDocument.fields(of: job, addition.parts, isRemoved: false))
                    .apply(to: &document, isNew: true)
                if !addition.skips.isEmpty {
                    let opening = Opening(
                        batch: decision, by: writer, job: id, name: job.name, shard: one.shard, runs: [],
                        skips: addition.skips.map { skip in
                            var skip = skip
                            (skip.jobID, skip.revision) = (id, 1)
                            return skip
                        })
                    document.append("opening", .document(try opening.document()))
                    openings.append(opening)
                }
                new.append(document)
                stored.append(one)
            }
            let made: [Int]
            do {
                let duplicates = try await documents.insert(Layout.jobs, new)
                made = stored.indices.filter { duplicates[$0] == nil }
                let ids = Set(made.map { stored[$0].id })
                let open = openings.filter { ids.contains($0.job) }
                try await insert(open.flatMap(\.skips))
                if !open.isEmpty { try await clear(Dictionary(open.map { ($0.job, $0.batch) }) { first, _ in first }) }
            } catch {
                doubt(openings.map(\.job))
                throw error
            }
            known.withLock { known in for place in made { known.pins[stored[place].id] = stored[place].pinned } }
            return made.map { (added[$0].place, stored[$0]) }
        }

        // MARK: Jobs that are there

        private struct Replacement {
            var place: Int
            var before: StoredJob
            var after: StoredJob
            var parts: JobTexts.Parts

            init(_ place: Int, _ before: StoredJob, _ job: Job, _ parts: JobTexts.Parts, isRemoved: Bool = false) {
                self.place = place
                self.before = before
                self.parts = parts
                after = before
                after.job = job
                after.revision += 1
                after.isRemoved = isRemoved
                after.isChanging = true
                after.fault = nil
            }
        }

        /// Begins the next revisions of jobs, where nobody else has; their cursors go on following the ones that they follow.
        private func replace(_ replaced: [Replacement], _ now: Timestamp) async throws -> [(place: Int, job: StoredJob)]
        {
            if replaced.isEmpty { return [] }
            try await keepSchedules(of: replaced)
            let formers = try await formers(of: replaced)
            let decision = Int64.random(in: 1 ... .max)
            let updates = replaced.map { one in
                var filter: DocumentFilter = [
                    .equals("number", BSONValue(one.before.id)), .equals("revision", .int64(one.before.revision)),
                ]
                var change = DocumentChange(
                    JobDocument.fields(of: one.after.job, one.parts, isRemoved: one.after.isRemoved) + [
                        .set("revision", .int64(one.after.revision)), .set("change", .int64(decision)),
                        .set("fresh", .int64(one.after.revision)),
                    ])
                if one.before.isChanging {
                    filter.conditions.append(.exists("former"))
                } else {
                    // The one that its cursor follows until it is taken up.
                    filter.conditions.append(.isMissing("former"))
                    change.set(
                        "former",
                        [
                            "definition": formers[one.before.id] ?? [:], "revision": .int64(one.before.revision),
                            "removed": .bool(one.before.isRemoved), "changedAt": BSONValue(now),
                        ])
                }
                return DocumentUpdate(filter, change)
            }
            let matched = try await documents.updateEach(Layout.jobs, updates)
            var done = replaced
            if matched != replaced.count {
                let mine = try await documents.find(
                    Layout.jobs, [Self.numbers(replaced.map(\.before.id)), .equals("change", .int64(decision))],
                    fields: ["number"])
                let ids = Set(mine.compactMap { $0["number"]?.job })
                done = replaced.filter { ids.contains($0.before.id) }
            }
            var stored: [(place: Int, job: StoredJob)] = []
            for one in done {
                var after = one.after
                let place = after.isRemoved ? Place.share : Place(of: after.job.policies)
                if let pinned = one.before.pinned,
                    after.isRemoved || one.before.isChanging || one.before.job.policies.host != after.job.policies.host
                {
                    after.pinned = try await free(after, from: pinned, to: place)
                }
                stored.append((one.place, after))
            }
            return stored
        }

        /// Keeps the schedules that skips are counted with.
        private func keepSchedules(of replaced: [Replacement]) async throws {
            let old = replaced.filter { $0.before.job.schedule != $0.after.job.schedule }
            _ = try await documents.updateEach(
                Layout.revisions,
                try old.map { one in
                    let (job, revision) = (one.before.id, one.before.revision)
                    return DocumentUpdate(
                        [.equals("_id", .string("\(job.number):\(revision)"))],
                        [
                            .setOnInsert("jobID", BSONValue(job)), .setOnInsert("revision", .int64(revision)),
                            .setOnInsert("schedule", .string(try RowCodec.encode(one.before.job.schedule))),
                        ], upsert: true)
                })
        }

        /// The definitions of jobs as they stand, whatever this build can read of them.
        private func formers(of replaced: [Replacement]) async throws -> [JobID: BSONValue] {
            let asked = replaced.filter { !$0.before.isChanging }.map(\.before.id)
            if asked.isEmpty { return [:] }
            return try await documents.find(Layout.jobs, [Self.numbers(asked)], fields: ["number", "definition"])
                .reduce(into: [:]) { formers, document in
                    if let id = document["number"]?.job { formers[id] = document["definition"] }
                }
        }

        /// Brings a job to where it stands by its definition, when nobody in force has where it stood; answers where it stands.
        private func free(_ job: StoredJob, from old: Shard, to place: Place) async throws -> Shard? {
            let record = try await documents.first(Layout.shards, [.equals("_id", BSONValue(old))], fields: ["holder"])
            if let holder = record?["holder"] {
                let isThere = try await documents.first(
                    Layout.instances, [.equals("number", holder), .exists("term")], fields: ["_id"])
                if isThere != nil { return old }
            }
            let new: Shard =
                if let label = place.label { try await shard(labelled: label) } else { Shard(of: job.id) }
            if new == old { return old }
            let epoch = try await currentEpochs(of: [new])[new] ?? 0
            // Under an epoch that is over, until whoever has the shard was told. The runs first: a run in a shard whose job is elsewhere is tracked all the same, a job without its runs is not.
            let active: DocumentFilter = [
                .equals("jobID", BSONValue(job.id)), .equals("active", true), .equals("shard", BSONValue(old)),
            ]
            let runs = try await documents.find(Layout.runs, active, fields: ["_id"]).compactMap { $0["_id"]?.objectID }
            _ = try await documents.updateAll(
                Layout.runs, active, [.set("shard", BSONValue(new)), .set("by", .int64(epoch - 1))])
            var change = DocumentChange([.set("shard", BSONValue(new)), .set("fresh", .int64(job.revision))])
            change.set("pinned", place.label == nil ? nil : BSONValue(new))
            _ = try await documents.update(
                Layout.jobs, [.equals("number", BSONValue(job.id)), .equals("pinned", BSONValue(old))], change)
            if !runs.isEmpty {
                let ids = runs.map { RunID($0) }
                try await post([Mail(to: .shard(new), .opened(ids))])
                try await stamp(ids, in: [new])
            }
            let pinned = place.label == nil ? nil : new
            known.withLock { $0.pins[job.id] = pinned }
            return pinned
        }

        /// Takes the mark off jobs that the writer's own instance has: it knows what it has changed. It has them still after they
        /// were written, so whoever is given them reads them.
        private func unmark(_ jobs: [StoredJob], _ term: Term?) async throws {
            let own = try await held(by: term, among: Set(jobs.map(\.shard)))
            try await unmark(jobs.filter { own.contains($0.shard) }.map { ($0.id, $0.revision) })
        }
    }
#endif
