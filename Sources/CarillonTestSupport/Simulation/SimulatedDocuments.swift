#if MongoDB
    import CarillonCore
    import MongoClient
    import MongoStore
    import Timetable

    /// The documents as one process reaches them. Each operation may find the store out of reach, be carried out without its caller
    /// hearing of it, take its time while others go on, or be the last one of its process.
    ///
    /// Unchecked: it belongs to a world, and that to one thread.
    final class SimulatedDocuments: Documents, @unchecked Sendable {
        private let ledger: DocumentLedger
        private var inner: MemoryDocuments { ledger.documents }
        unowned let instance: SimulatedInstance
        let process: Int
        let name: String
        /// Nothing goes wrong with what it does now.
        var isSpared = false
        private(set) var isDead = false
        /// Operations that have not been sent, as the process stands still.
        private var held: [() -> Void] = []

        private enum Fault { case none, before, part, after }

        init(_ ledger: DocumentLedger, of instance: SimulatedInstance) {
            self.ledger = ledger
            self.instance = instance
            process = instance.process
            name = "\(instance.name), process \(instance.process)"
        }

        /// Nothing that it asks for from now on is carried out; what is on its way may be.
        func die() {
            isDead = true
            let waiting = held
            held = []
            for wake in waiting { wake() }
        }

        // MARK: What goes wrong

        private static let died = StoreError(.unreachable, "its process is dead")
        private static let unheard = StoreError(.unreachable, "nobody hears what became of it")

        /// Comes to an operation, as far as its process gets there.
        private func begin() async throws {
            if isSpared { return }
            if isDead { throw Self.died }
            if instance.isFrozen {
                await ledger.wait { wake in
                    held.append(wake)
                    instance.onceThawedInAnyLife(wake)
                }
                if isDead { throw Self.died }
                held = []
            }
            instance.totals.operations += 1
            let delay = instance.operationDelay()
            if delay > 0 {
                await ledger.wait { wake in instance.later(delay, wake) }
                // What was on its way when its process died arrives or does not.
                if isDead, instance.random.chance(0.5) { throw Self.died }
            }
            if instance.isStoreDown { throw StoreError(.unreachable, "the store is down") }
        }

        private func read<Value>(_ body: () async throws -> Value) async throws -> Value {
            try await begin()
            if !isSpared, instance.faulty, instance.random.chance(0.001) {
                throw StoreError(.unreachable, "nothing was read")
            }
            let value = try await body()
            if isDead { throw Self.died }
            return value
        }

        private func fault() -> Fault {
            guard !isSpared, instance.faulty, instance.random.chance(0.004) else { return .none }
            instance.totals.interruptions += 1
            let fault = instance.random.pick([Fault.before, .part, .after])
            instance.trace { "its operation is interrupted: \(fault)" }
            return fault
        }

        /// Carries a change out; `part` does some of it, where it is of several documents.
        private func write<Value>(
            _ collection: String, part: (() async throws -> Void)? = nil, whole body: () async throws -> Value
        ) async throws -> Value {
            stopSometimes(at: collection)
            try await begin()
            let fault = fault()
            if fault == .before { throw StoreError(.unreachable, "nothing was written") }
            if fault == .part, let part {
                try await ledger.carryOut(for: self, part)
                throw Self.unheard
            }
            let value = try await ledger.carryOut(for: self, body)
            stopSometimes(at: collection)
            if isDead { throw Self.died }
            if fault != .none { throw Self.unheard }
            return value
        }

        /// Ends its process between two operations, or has it stand still until others may have taken over: mostly where the ledger
        /// is written.
        private func stopSometimes(at collection: String) {
            guard !isSpared, !isDead, instance.isUp, !instance.isFrozen, instance.faulty else { return }
            let isLedger = ["jobs", "runs", "skips", "shards"].contains(collection)
            if instance.random.chance(instance.crashSoon ? 0.2 : isLedger ? 0.002 : 0.0003) {
                instance.totals.deaths += 1
                instance.trace { "dies in the middle of a call" }
                instance.crash()
            } else if instance.random.chance(isLedger ? 0.002 : 0.0001) {
                instance.trace { "stands still in the middle of a call" }
                instance.freeze(for: instance.random.number(World.lease...2 * World.lease))
            }
        }

        // MARK: Reading

        func find(
            _ collection: String, _ filter: DocumentFilter, fields: [String], sort: [DocumentOrder], limit: Int?
        ) async throws -> [BSONDocument] {
            if instance.sabotage?.hides(collection, filter) == true { return [] }
            return try await read {
                try await inner.find(collection, filter, fields: fields, sort: sort, limit: limit)
            }
        }

        func scan(
            _ collection: String, _ filter: DocumentFilter, fields: [String], sort: [DocumentOrder],
            _ body: @escaping @Sendable ([BSONDocument]) throws -> Void
        ) async throws {
            try await read { try await inner.scan(collection, filter, fields: fields, sort: sort, body) }
        }

        func count(_ collection: String, _ filter: DocumentFilter, upTo limit: Int?) async throws -> Int {
            try await read { try await inner.count(collection, filter, upTo: limit) }
        }

        func tally(
            _ collection: String, _ filter: DocumentFilter, by path: String, above least: Int
        ) async throws -> [BSONValue: Int] {
            try await read { try await inner.tally(collection, filter, by: path, above: least) }
        }

        // MARK: Writing

        /// Some of several, each as likely as not: a server carries them out one by one.
        private func some<Element>(_ all: [Element]) -> [Element] { all.filter { _ in instance.random.chance(0.5) } }

        private func spoilt(_ collection: String, _ update: DocumentUpdate) -> DocumentUpdate {
            var update = update
            instance.sabotage?.spoil(collection, &update)
            return update
        }

        func insert(_ collection: String, _ documents: [BSONDocument]) async throws -> [Int: MongoDuplicate] {
            try await write(
                collection, part: { _ = try await self.inner.insert(collection, self.some(documents)) },
                whole: { try await inner.insert(collection, documents) })
        }

        func update(
            _ collection: String, _ filter: DocumentFilter, _ change: DocumentChange, upsert: Bool
        ) async throws -> Bool {
            let update = spoilt(collection, DocumentUpdate(filter, change, upsert: upsert))
            return try await write(collection) {
                try await inner.update(collection, update.filter, update.change, upsert: update.upsert)
            }
        }

        func updateEach(_ collection: String, _ updates: [DocumentUpdate]) async throws -> Int {
            if updates.isEmpty { return 0 }
            let updates = updates.map { spoilt(collection, $0) }
            return try await write(
                collection, part: { _ = try await self.inner.updateEach(collection, self.some(updates)) },
                whole: { try await inner.updateEach(collection, updates) })
        }

        func updateAll(
            _ collection: String, _ filter: DocumentFilter, _ change: DocumentChange
        ) async throws -> Int {
            let update = spoilt(collection, DocumentUpdate(filter, change))
            return try await write(
                collection, part: { try await self.updateSome(collection, update) },
                whole: { try await inner.updateAll(collection, update.filter, update.change) })
        }

        private func updateSome(_ collection: String, _ update: DocumentUpdate) async throws {
            let found = try await inner.find(collection, update.filter, fields: ["_id"], sort: [], limit: nil)
            let ids = some(found.compactMap { $0["_id"] })
            let those = DocumentFilter(update.filter.conditions + [.isOneOf("_id", ids)])
            if !ids.isEmpty { _ = try await inner.updateAll(collection, those, update.change) }
        }

        func change(
            _ collection: String, _ filter: DocumentFilter, _ change: DocumentChange, upsert: Bool
        ) async throws -> BSONDocument? {
            try await write(collection) { try await inner.change(collection, filter, change, upsert: upsert) }
        }

        func delete(_ collection: String, _ filter: DocumentFilter) async throws -> Int {
            try await write(collection) { try await inner.delete(collection, filter) }
        }

        func prepare(_ collection: String, _ indexes: [DocumentIndex]) async throws {
            try await write(collection) { try await inner.prepare(collection, indexes) }
        }

        func time() async throws -> Int64? { nil }

        func bytes() async throws -> Int64? { nil }

        func close() async {}
    }

    /// Rules of the store that are not kept.
    extension Sabotage {
        /// Whether documents are not found.
        func hides(_ collection: String, _ filter: DocumentFilter) -> Bool {
            self == .openingsUnseen && collection == "jobs"
                && (filter.conditions.contains(.exists("opening")) || filter.conditions.contains(.exists("opening.by")))
        }

        /// Asks for something else than the store does.
        func spoil(_ collection: String, _ update: inout DocumentUpdate) {
            func sets(_ path: String) -> Bool {
                update.change.steps.contains { if case .set(path, _) = $0 { true } else { false } }
            }
            switch self {
            case .recordsWithoutEpoch where collection == "runs":
                update.filter.conditions.removeAll { if case .isAtMost("by", _) = $0 { true } else { false } }
            case .openingUnsaid where collection == "jobs" && sets("decision"):
                update.change.steps.removeAll { if case .set("opening", _) = $0 { true } else { false } }
            case .openingOverwritten where collection == "jobs" && sets("decision"):
                update.filter.conditions.removeAll {
                    switch $0 {
                    case .isMissing("opening"), .any: true
                    default: false
                    }
                }
            case .decisionUnconditional where collection == "jobs" && sets("decision"):
                update.filter.conditions.removeAll {
                    switch $0 {
                    case .equals("revision", _), .equals("cursor", _): true
                    default: false
                    }
                }
            case .changeDropsOpening where collection == "jobs" && sets("change"):
                update.change.steps.append(.unset("opening"))
            default: break
            }
        }
    }
#endif
