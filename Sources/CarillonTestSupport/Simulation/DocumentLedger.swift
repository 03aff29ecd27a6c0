#if MongoDB
    import CarillonCore
    import MemoryStore
    import MongoClient
    import MongoStore
    import Timetable

    extension MongoStore: WorldStore {}

    /// The world's ledger as documents in memory. Whatever changes in them is told to the checks in the same moment, whoever has
    /// changed it, and whether that one ever hears of it or not.
    ///
    /// Unchecked: it belongs to a world, and that to one thread.
    final class DocumentLedger: @unchecked Sendable {
        private unowned let world: World
        private let reader = DocumentReader()
        private(set) lazy var documents = MemoryDocuments(observe: { [unowned self] in self.changed($0, $1) })
        private var skips: [JobID: [Int64: Skip]] = [:]
        /// Whose operation is carried out just now.
        private var writer: SimulatedDocuments?
        /// Operations that wait for the world.
        private var waiting: [Int: UnsafeContinuation<Void, Never>] = [:]
        private var waits = 0

        /// Begins without anything but the store's id, which is the seed.
        init(_ world: World) {
            self.world = world
            let id = String(world.seed, radix: 16)
            world.calls.begin { [documents] in
                try await documents.insert("notes", [["_id": "store.id", "value": .string(id)]])
            } then: { _ in
            }
        }

        /// Opens the store for a process of an instance, when nothing goes wrong.
        func open(for instance: SimulatedInstance) -> (documents: SimulatedDocuments, store: MongoStore)? {
            let documents = SimulatedDocuments(self, of: instance)
            var store: MongoStore?
            documents.isSpared = true
            // A look comes every few hours here.
            world.calls.begin {
                try await MongoStore(documents, looksBetweenSweeps: 4)
            } then: { answer in
                store = try? answer.get()
            }
            documents.isSpared = false
            return store.map { (documents, $0) }
        }

        // MARK: Waiting

        /// Lets an operation wait until the world wakes it; `plan` is to see to that.
        func wait(_ plan: (@escaping () -> Void) -> Void) async {
            await withUnsafeContinuation { continuation in
                waits += 1
                let number = waits
                waiting[number] = continuation
                plan { [unowned self] in self.wake(number) }
            }
        }

        private func wake(_ number: Int) {
            guard let continuation = waiting.removeValue(forKey: number) else { return }
            continuation.resume()
            world.calls.run()
        }

        /// Ends every operation that still waits, as the world ends.
        func end() {
            while let number = waiting.keys.min() { wake(number) }
        }

        /// Carries an operation of a process out.
        func carryOut<Value>(
            for process: SimulatedDocuments, _ body: () async throws -> Value
        ) async throws -> Value {
            let before = writer
            writer = process
            defer { writer = before }
            return try await body()
        }

        // MARK: What changes

        private func changed(_ collection: String, _ pairs: [DocumentPair]) {
            for pair in pairs {
                do {
                    if let after = pair.after {
                        if !Self.isBeat(collection, pair), let content = try reader.read(collection, after) {
                            put(content, pair)
                        }
                    } else if let before = pair.before, let content = try reader.read(collection, before) {
                        remove(content, before)
                    }
                } catch {
                    world.fail(.ledgerFirst, "a document of \(collection) cannot be read: \(error)")
                }
            }
        }

        /// Signs of life are many, and nobody checks them.
        private static func isBeat(_ collection: String, _ pair: DocumentPair) -> Bool {
            guard collection == "managers", let before = pair.before, let after = pair.after else { return false }
            return before["term"] == after["term"] && before["facts"] == after["facts"]
        }

        private func put(_ content: DocumentReader.Content, _ pair: DocumentPair) {
            switch content {
            case .job(let stored, let changing, let decision): put(stored, changing, decision, pair)
            case .run(let run): put(run, pair)
            case .skip(let skip):
                guard let number = pair.after?["_id"]?.integer else { return }
                skips[skip.jobID, default: [:]][number] = skip
                world.ledger.mirror(skips[skip.jobID].map { Array($0.values) } ?? [], of: skip.jobID)
            case .note(let key, let value): world.ledger.notes[key] = value
            case .instance(let record): world.ledger.mirror(record)
            case .shard(let record): world.ledger.mirror(record)
            }
        }

        private func put(
            _ stored: StoredJob, _ changing: ChangingJob?, _ decision: DocumentReader.Decision?, _ pair: DocumentPair
        ) {
            let known = world.ledger.jobs[stored.id]?.stored
            world.ledger.mirror(stored, changing: changing)
            guard let known else { return world.auditor.added(stored) }
            guard pair.before?["decision"] != pair.after?["decision"] else {
                if stored.cursor < known.cursor {
                    world.trace { "\(stored.job.name) set back from \(known.cursor) to \(stored.cursor)" }
                    world.auditor.rewound(stored.id, from: known.cursor, to: stored.cursor)
                }
                return
            }
            // From now on this is so, whatever becomes of whoever has decided it.
            let follows = decision.flatMap { $0.number == pair.after?["decision"]?.integer ? $0 : nil }
            let part = JobAdvance(
                id: stored.id, revision: known.revision, from: known.cursor, to: stored.cursor,
                nextDue: stored.nextDue, runs: follows?.runs ?? [], skips: follows?.skips ?? [],
                takesUp: known.isChanging && !stored.isChanging)
            world.trace { [name = writer?.name] in "\(name ?? "-") has decided \(part.summary)" }
            guard let instance = writer?.instance else { return }
            let new = part.runs.filter { !world.auditor.knows($0) }
            world.auditor.opened([part], Opened(new: new), by: instance)
        }

        private func put(_ run: Run, _ pair: DocumentPair) {
            let known = world.ledger.runs[run.id]
            world.ledger.mirror(run)
            guard let known else {
                world.trace { [name = writer?.name] in "\(name ?? "-") has written \(run.id) of \(run.job)" }
                return world.auditor.inserted(run)
            }
            if pair.before?["record"] == pair.after?["record"] { return }
            world.trace { [name = writer?.name] in "\(name ?? "-") has recorded \(run.id) \(run.state)" }
            world.auditor.recorded(run, before: known)
            if let writer, let shard = pair.after?["shard"]?.integer {
                world.auditor.wrote(run, in: Shard(Int16(shard)), by: writer.instance.number, writer.process)
            }
        }

        private func remove(_ content: DocumentReader.Content, _ document: BSONDocument) {
            switch content {
            case .job(let stored, _, _): world.ledger.removeMirrored(stored.id)
            case .run(let run):
                world.ledger.removeMirrored(run.id)
                world.auditor.pruned([run])
            case .skip(let skip):
                if let number = document["_id"]?.integer { skips[skip.jobID]?[number] = nil }
                world.ledger.mirror(skips[skip.jobID].map { Array($0.values) } ?? [], of: skip.jobID)
            case .note(let key, _): world.ledger.notes[key] = nil
            case .instance(let record): world.ledger.removeMirrored(record.number)
            case .shard: break
            }
        }
    }
#endif
