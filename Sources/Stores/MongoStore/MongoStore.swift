#if MongoDB
    public import CarillonCore
    package import Logging
    package import MongoClient
    import StoreCodec
    import Synchronization
    import Timetable

    /// The store of a MongoDB database, whose jobs and runs Simple Scheduler's own tools can read.
    ///
    /// A server by itself has no transactions. So each change is a decision, which is one conditional update of one document, and
    /// what follows from it, which anybody may repeat; docs/mongodb.md has every one with what is left when its writer dies.
    public final class MongoStore: JobStore {
        let documents: any Documents
        /// Signs of life go on ways of their own: no batch delays them.
        let pulse: any Documents
        /// Where it is, for people.
        let address: String
        let codec = RowCodec()
        /// Tells the decisions of this process from others'.
        let writer = Int64.random(in: 1 ... .max)
        let known = Mutex(Known())

        /// After how many looks at what others did it is looked for runs that came late.
        let looksBetweenSweeps: Int

        /// A minute, usually.
        private static let usualLooks = 180

        /// Makes indexes and shards where they are missing. Throws `StoreError`.
        package init(
            _ documents: any Documents, pulse: (any Documents)? = nil, address: String = "memory",
            looksBetweenSweeps: Int? = nil
        ) async throws {
            self.documents = documents
            self.pulse = pulse ?? documents
            self.address = address
            self.looksBetweenSweeps = looksBetweenSweeps ?? Self.usualLooks
            try await Layout.prepare(documents)
            _ = try await storeID()
        }

        /// Looks only: makes nothing.
        private init(looking documents: any Documents, address: String) {
            self.documents = documents
            pulse = documents
            self.address = address
            looksBetweenSweeps = Self.usualLooks
        }

        /// Calls at once, and connections.
        private static let mostCalls = 4

        /// Opens the store, and makes it if need be. A sign of life that gets no answer within a second is given up. Throws
        /// `StoreError`.
        package static func open(
            _ configuration: MongoConfiguration, logger: Logger = Logger(label: "carillon.store")
        ) async throws -> MongoStore {
            var beating = configuration
            beating.selectionTimeout = min(.seconds(1), configuration.selectionTimeout)
            beating.connectTimeout = min(.seconds(1), configuration.connectTimeout)
            beating.callTimeout = min(.seconds(1), configuration.callTimeout)
            let documents: ServerDocuments
            let pulse: ServerDocuments
            do {
                documents = ServerDocuments(try MongoClient(configuration, threads: mostCalls, logger: logger))
                pulse = ServerDocuments(try MongoClient(beating, logger: logger))
            } catch {
                throw StoreError(mongo: error)
            }
            do {
                return try await MongoStore(documents, pulse: pulse, address: configuration.address)
            } catch {
                await documents.close()
                await pulse.close()
                throw error
            }
        }

        /// Opens the store for looking only; nil when there is none.
        package static func look(
            _ configuration: MongoConfiguration, logger: Logger = Logger(label: "carillon.store")
        ) async throws -> MongoStore? {
            let documents: ServerDocuments
            do {
                documents = ServerDocuments(try MongoClient(configuration, threads: mostCalls, logger: logger))
            } catch {
                throw StoreError(mongo: error)
            }
            let store = MongoStore(looking: documents, address: configuration.address)
            do {
                if try await store.note(storeIDKey) != nil { return store }
            } catch {
                await documents.close()
                throw error
            }
            await documents.close()
            return nil
        }

        public func close() async throws {
            await pulse.close()
            await documents.close()
        }

        // MARK: Terms

        static func filter(_ term: Term) -> DocumentFilter {
            [
                .equals("number", .int64(Int64(term.instance.number))), .equals("term.count", .int64(term.count)),
                .equals("term.nonce", .int64(Int64(bitPattern: term.nonce))),
            ]
        }

        /// Throws `leaseLost` unless a term is in force. What it may write late all the same is refused by what stands in each
        /// document.
        func check(_ term: Term) async throws {
            guard try await isInForce(term) else { throw StoreError.lost(term) }
        }

        func isInForce(_ term: Term) async throws -> Bool {
            try await documents.first(Layout.instances, Self.filter(term), fields: ["number"]) != nil
        }

        // MARK: Counters

        /// Draws numbers; answers the last of them.
        @discardableResult
        func draw(_ counter: String, _ count: Int = 1) async throws -> Int64 {
            let drawn = try await documents.change(
                Layout.counters, [.equals("_id", .string(counter))], [.add("value", Int64(count))], upsert: true)
            if let value = drawn?["value"]?.integer { return value }
            // Two made it at the same moment: now it is there.
            let again = try await documents.change(
                Layout.counters, [.equals("_id", .string(counter))], [.add("value", Int64(count))], upsert: true)
            guard let value = again?["value"]?.integer else {
                throw StoreError(.corrupt, "\(address): the counter of \(counter) is none")
            }
            return value
        }

        func counter(_ name: String) async throws -> Int64 {
            try await documents.first(Layout.counters, [.equals("_id", .string(name))])?["value"]?.integer ?? 0
        }

        // MARK: Notes

        static let storeIDKey = "store.id"

        public func storeID() async throws -> UInt64 {
            if let id = known.withLock(\.id) { return id }
            var text = try await note(Self.storeIDKey)
            if text == nil {
                let new = String(UInt64.random(in: 1 ... .max), radix: 16)
                _ = try await documents.update(
                    Layout.notes, [.equals("_id", .string(Self.storeIDKey))], [.setOnInsert("value", .string(new))],
                    upsert: true)
                text = try await note(Self.storeIDKey)
            }
            guard let id = text.flatMap({ UInt64($0, radix: 16) }) else {
                throw StoreError(.corrupt, "\(address): the store has no id")
            }
            known.withLock { $0.id = id }
            return id
        }

        public func note(_ key: String) async throws -> String? {
            try await documents.first(Layout.notes, [.equals("_id", .string(key))])?["value"]?.string
        }

        public func notes(withPrefix prefix: String) async throws -> [String: String] {
            // By bytes, nothing that begins so comes after this one.
            let end = prefix + "\u{10FFFF}\u{10FFFF}"
            let found = try await documents.find(
                Layout.notes, [.isAtLeast("_id", .string(prefix)), .isBelow("_id", .string(end))])
            return found.reduce(into: [:]) { notes, note in
                if let key = note["_id"]?.string, let value = note["value"]?.string { notes[key] = value }
            }
        }

        public func setNote(_ key: String, _ value: String?) async throws {
            let filter: DocumentFilter = [.equals("_id", .string(key))]
            if let value {
                _ = try await documents.update(Layout.notes, filter, [.set("value", .string(value))], upsert: true)
            } else {
                _ = try await documents.delete(Layout.notes, filter)
            }
            // Whoever dies before it has told nobody: its caller does it again.
            try await draw("notes")
        }

        public func notesRevision() async throws -> Int64 { try await counter("notes") }

        // MARK: What is there

        public func counts() async throws -> StoreCounts {
            let all = try await documents.count(Layout.jobs, [.exists("number")], upTo: nil)
            let removed = try await documents.count(Layout.jobs, [.equals("removed", true)], upTo: nil)
            let enabled = try await documents.count(Layout.jobs, [.equals("on", true)], upTo: nil)
            let active = try await documents.tally(Layout.runs, [.equals("active", true)], by: "state", above: 0)
            return StoreCounts(
                jobs: all - removed, enabled: enabled,
                active: active.reduce(into: [:]) { counts, state in
                    let known = state.key.integer.flatMap { RunState(number: Int($0)) }
                    if let known { counts[known.rawValue, default: 0] += state.value }
                })
        }

        public func space() async throws -> StoreSpace? {
            try await documents.bytes().map { StoreSpace(taken: $0, free: nil) }
        }
    }

    /// What a store keeps in mind of what it has read and written; nothing of it is needed after a restart.
    struct Known: Sendable {
        var id: UInt64?
        /// Epochs of shards as they were when they were taken, or first asked for: under them this process writes, and is refused
        /// once somebody else has taken them.
        var epochs: [Shard: Int64] = [:]
        /// Jobs that stand under a label.
        var pins: [JobID: Shard] = [:]
        /// Openings of this process all of whose runs and skips are written, by jobs; and those of them that have stood for a
        /// while.
        var finished: [JobID: Int64] = [:]
        var clearable: [JobID: Int64] = [:]
        /// Jobs of which a decision was cut short.
        var doubtful: Set<JobID> = []
        /// What the last `news` has told of changed jobs, by the numbers of its mail.
        var told: [Int64: [JobID: Int64]] = [:]
        /// Looks since the store was opened.
        var looks = 0
        /// The pass of retention that is under way.
        var pruning: PruningPass?
        /// Counts of what ended were lost on the way.
        var owesRecount = false
        /// Up to which hour was counted again.
        var recounted: Timestamp?
        /// When retention last counted the runs of every job, and for which rule.
        var counted: (at: Timestamp, for: Retention)?
    }

    extension Mutex where Value == Known {
        /// Where a job stands, as far as this process knows.
        func shard(of job: JobID) -> Shard { withLock { $0.pins[job] } ?? Shard(of: job) }
    }
#endif
