#if MongoDB
    public import CarillonCore
    import MongoClient
    import StoreCodec
    import Synchronization
    public import Timetable

    /// Opening what schedules bring.
    extension MongoStore {
        public func openRuns(_ batch: [JobAdvance], under term: Term, now: Timestamp) async throws -> Opened {
            if batch.isEmpty { return Opened() }
            // Of one command nobody says in which order it is carried out: a job's second part comes after it.
            var seen: Set<JobID> = []
            if let place = batch.firstIndex(where: { !seen.insert($0.id).inserted }) {
                let first = try await openRuns(Array(batch[..<place]), under: term, now: now)
                let second = try await openRuns(Array(batch[place...]), under: term, now: now)
                return Opened(new: first.new + second.new, refused: first.refused.union(second.refused))
            }
            try await check(term)
            let staying = batch.filter { $0.moves == nil }
            var opened = Opened()
            do {
                if !staying.isEmpty { opened = try await open(staying, term) }
                for part in batch where part.moves != nil {
                    let moved = try await move(part, term)
                    opened.new += moved.new
                    opened.refused.formUnion(moved.refused)
                }
            } catch {
                // Some of it may be decided, and not carried out: their next time may be far off.
                doubt(batch.map(\.id))
                throw error
            }
            // Whoever was replaced meanwhile starts nothing of it: who has the shards now finds what was decided.
            if !opened.new.isEmpty { try await check(term) }
            return opened
        }

        /// The decisions, and what follows from them.
        private func open(_ parts: [JobAdvance], _ term: Term) async throws -> Opened {
            let decision = Int64.random(in: 1 ... .max)
            let finished = known.withLock(\.finished)
            let openings = parts.map { opening($0, decision, term) }
            let updates = try zip(parts, openings).map { part, opening in
                try Self.decision(part, opening, after: finished[part.id])
            }
            let matched = try await documents.updateEach(Layout.jobs, updates)
            var refused: Set<JobID> = []
            if matched != parts.count {
                let mine = try await documents.find(
                    Layout.jobs, [Self.numbers(parts.map(\.id)), .equals("decision", .int64(decision))],
                    fields: ["number"])
                refused = Set(parts.map(\.id)).subtracting(mine.compactMap { $0["number"]?.job })
            }
            let decided = openings.filter { !refused.contains($0.job) && !($0.runs.isEmpty && $0.skips.isEmpty) }
            let new = try await carryOut(decided)
            // Another's decision may stand in the way: its runs are for whoever has the shard.
            if !refused.isEmpty {
                try await check(term)
                try await settle(Array(refused))
            }
            return Opened(new: new, refused: refused)
        }

        private func opening(_ part: JobAdvance, _ decision: Int64, _ term: Term) -> Opening {
            Opening(
                batch: decision, by: writer, job: part.id, name: part.runs.first?.job ?? part.skips.first?.job ?? "",
                shard: known.shard(of: part.id), term: term.count, runs: part.runs, skips: part.skips)
        }

        /// Moves a job's cursor on if it is where it was read, and says in the same document what follows from that. What
        /// stands there of an earlier decision is overwritten once everything of it is written.
        private static func decision(
            _ part: JobAdvance, _ opening: Opening, after finished: Int64?
        ) throws -> DocumentUpdate {
            var filter: DocumentFilter = [
                .equals("number", BSONValue(part.id)), .equals("revision", .int64(part.revision)),
                .equals("cursor", BSONValue(part.from)), part.takesUp ? .exists("former") : .isMissing("former"),
            ]
            filter.conditions.append(
                finished.map { .any([[.isMissing("opening")], [.equals("opening.batch", .int64($0))]]) }
                    ?? .isMissing("opening"))
            var change = DocumentChange([
                .set("cursor", BSONValue(part.to)), .set("decision", .int64(opening.batch)),
            ])
            change.set("nextDue", part.nextDue.map { BSONValue($0) })
            change.set("nextRunAt", part.nextDue.map { .date($0) })
            if part.takesUp { change.set("former", nil) }
            if part.takesUp, part.countsAnew {
                change.set("opened", .int64(0))
            } else if !part.runs.isEmpty {
                change.steps.append(.add("opened", Int64(part.runs.count)))
            }
            let isEmpty = opening.runs.isEmpty && opening.skips.isEmpty
            if !isEmpty {
                var document = try opening.document()
                // Its runs count for nothing, and so there is nothing to count back.
                if part.takesUp, part.countsAnew { document.append("known", 0) }
                change.set("opening", .document(document))
            } else if finished != nil {
                change.set("opening", nil)
            }
            return DocumentUpdate(filter, change)
        }

        /// Writes the runs and skips of decisions of this process; answers the runs that it wrote itself.
        private func carryOut(_ openings: [Opening]) async throws -> [Run] {
            if openings.isEmpty { return [] }
            let epochs = try await epochs(of: Set(openings.map(\.shard)))
            let inserted = try await insertRuns(of: openings, by: epochs)
            try await uncount(inserted.known, of: openings)
            try await insert(openings.flatMap(\.skips))
            known.withLock { known in for opening in openings { known.finished[opening.job] = opening.batch } }
            return inserted.inOrder(of: openings)
        }

        // MARK: Moves

        /// Brings a job to where it stands by its definition, if nothing of it goes on.
        private func move(_ part: JobAdvance, _ term: Term) async throws -> Opened {
            guard let place = part.moves else { return Opened() }
            let isActive = try await documents.first(
                Layout.runs, [.equals("jobID", BSONValue(part.id)), .equals("active", true)], fields: ["_id"])
            if isActive != nil { return Opened(refused: [part.id]) }
            let target: Shard =
                if let label = place.label { try await shard(labelled: label) } else { Shard(of: part.id) }
            let decision = Int64.random(in: 1 ... .max)
            var opening = opening(part, decision, term)
            opening.shard = target
            var update = try Self.decision(part, opening, after: known.withLock { $0.finished[part.id] })
            update.change.steps += [
                .set("shard", BSONValue(target)), .set("revision", .int64(part.revision + 1)),
                // Whoever has it then hears of it.
                .set("fresh", .int64(part.revision + 1)),
            ]
            update.change.set("pinned", place.label == nil ? nil : BSONValue(target))
            guard try await documents.update(Layout.jobs, update.filter, update.change) else {
                try await check(term)
                try await settle([part.id])
                return Opened(refused: [part.id])
            }
            known.withLock { $0.pins[part.id] = place.label == nil ? nil : target }
            // Under the epoch as it is now: this one may never have had that shard.
            let epochs = try await currentEpochs(of: [target])
            let inserted = try await insertRuns(of: [opening], by: epochs)
            try await uncount(inserted.known, of: [opening])
            try await insert(opening.skips)
            let late = try await rehomeActiveRuns(of: part.id, to: target, by: (epochs[target] ?? 0) - 1)
            let told = (inserted.all[part.id] ?? []) + late
            if !told.isEmpty { try await post([Mail(to: .shard(target), .opened(told))]) }
            if !late.isEmpty { try await stamp(late, in: [target]) }
            try await clear([part.id: decision])
            return Opened(new: inserted.new)
        }

        /// Brings runs along that somebody has asked for since a job was found to have none.
        private func rehomeActiveRuns(of job: JobID, to shard: Shard, by epoch: Int64) async throws -> [RunID] {
            let elsewhere: DocumentFilter = [
                .equals("jobID", BSONValue(job)), .equals("active", true), .isNot("shard", BSONValue(shard)),
            ]
            let found = try await documents.find(Layout.runs, elsewhere, fields: ["_id"])
            if found.isEmpty { return [] }
            _ = try await documents.updateAll(
                Layout.runs, elsewhere, [.set("shard", BSONValue(shard)), .set("by", .int64(epoch))])
            return found.compactMap { $0["_id"]?.objectID.map { RunID($0) } }
        }

        // MARK: Epochs

        /// Reads under which epochs this process writes: those that it knows, and of the others what they are now.
        func epochs(of shards: Set<Shard>) async throws -> [Shard: Int64] {
            var epochs = known.withLock { known in known.epochs.filter { shards.contains($0.key) } }
            let missing = shards.subtracting(epochs.keys)
            if missing.isEmpty { return epochs }
            let read = try await currentEpochs(of: missing)
            known.withLock { known in
                for (shard, epoch) in read where known.epochs[shard] == nil { known.epochs[shard] = epoch }
            }
            epochs.merge(read) { first, _ in first }
            return epochs
        }

        /// Groups shards by their epochs, in an order that is the same each time.
        static func byEpoch(_ shards: Set<Shard>, _ epochs: [Shard: Int64]) -> [(epoch: Int64, shards: [Shard])] {
            Dictionary(grouping: shards.sorted(), by: { epochs[$0] ?? 0 }).sorted { $0.key < $1.key }
                .map { (epoch: $0.key, shards: $0.value) }
        }

        func currentEpochs(of shards: Set<Shard>) async throws -> [Shard: Int64] {
            let found = try await documents.find(Layout.shards, [Self.among(shards, "_id")], fields: ["epoch"])
            // One that was never dealt is nowhere.
            let none = Dictionary(uniqueKeysWithValues: shards.map { ($0, Int64(0)) })
            return found.reduce(into: none) { epochs, document in
                if let shard = document["_id"]?.shard { epochs[shard] = document["epoch"]?.integer ?? 0 }
            }
        }

        // MARK: Back

        public func rewind(_ cursors: [JobCursor], under term: Term, now: Timestamp) async throws {
            try await check(term)
            // What is open belongs before the cursor as it is.
            try await settle(cursors.map(\.id))
            let there = try await documents.find(
                Layout.jobs, [Self.numbers(cursors.map(\.id)), .isAbove("cursor", BSONValue(now))],
                fields: ["number", "cursor"]
            ).reduce(into: [JobID: BSONValue]()) { cursors, job in
                if let id = job["number"]?.job { cursors[id] = job["cursor"] }
            }
            let moved = cursors.compactMap { cursor -> DocumentUpdate? in
                guard let from = there[cursor.id] else { return nil }
                var change = DocumentChange([.set("cursor", BSONValue(now))])
                change.set("nextDue", cursor.nextDue.map { BSONValue($0) })
                change.set("nextRunAt", cursor.nextDue.map { .date($0) })
                return DocumentUpdate([.equals("number", BSONValue(cursor.id)), .equals("cursor", from)], change)
            }
            _ = try await documents.updateEach(Layout.jobs, moved)
            try await check(term)
            let jobs = DocumentFilter.Condition.isOneOf("jobID", cursors.map { BSONValue($0.id) })
            _ = try await documents.delete(Layout.skips, [jobs, .isAtLeast("after", BSONValue(now))])
            _ = try await documents.updateAll(
                Layout.skips, [jobs, .isAbove("through", BSONValue(now))], [.set("through", BSONValue(now))])
        }
    }

    extension MongoStore.Inserted {
        /// The runs that were written, as their openings have them.
        fileprivate func inOrder(of openings: [Opening]) -> [Run] {
            let isWhole = new.count == openings.reduce(0) { $0 + $1.runs.count }
            if isWhole, zip(new, openings.lazy.flatMap(\.runs)).allSatisfy({ $0.scheduledAt == $1.scheduledAt }) {
                return new
            }
            var places: [MongoStore.RunKey: Int] = [:]
            for (place, run) in openings.flatMap(\.runs).enumerated() { places[.init(run)] = place }
            return new.sorted { places[.init($0)] ?? 0 < places[.init($1)] ?? 0 }
        }
    }

    extension MongoStore {
        fileprivate struct RunKey: Hashable {
            var job: JobID
            var at: Timestamp
            var trigger: Trigger

            init(_ run: Run) { (job, at, trigger) = (run.jobID, run.scheduledAt, run.trigger) }
        }
    }
#endif
