#if MongoDB
    import CarillonCore
    import MongoClient
    import MongoStore
    import Synchronization

    /// Documents of one process among several: before each operation that changes something it may die, be told nothing of what it
    /// did, or stand still; and what it asks for may be spoilt.
    final class WatchedDocuments: Documents {
        enum Turn: Sendable {
            case goOn
            /// It dies before the operation, and nothing that it asks for afterwards is carried out.
            case die
            /// It is carried out, and the process dies before it hears of it.
            case dieAfter
        }

        struct Dead: Error {}

        private static let mostWrites = 2_000

        private let inner: MemoryDocuments
        private let turn: @Sendable (Int) async -> Turn
        private let step: @Sendable (Int) async -> Void
        private let sabotage: Sabotage?
        private let state = Mutex((count: 0, steps: 0, isDead: false))

        init(
            _ inner: MemoryDocuments, _ sabotage: Sabotage? = nil,
            turn: @escaping @Sendable (Int) async -> Turn = { _ in .goOn },
            step: @escaping @Sendable (Int) async -> Void = { _ in }
        ) {
            self.inner = inner
            self.sabotage = sabotage
            self.turn = turn
            self.step = step
        }

        /// Waits before every operation, also one that reads.
        private func begin() async throws {
            let number = try state.withLock { state in
                if state.isDead { throw Dead() }
                state.steps += 1
                return state.steps - 1
            }
            await step(number)
        }

        private func write<Value>(_ body: () async throws -> Value) async throws -> Value {
            try await begin()
            let number = state.withLock { state in
                state.count += 1
                return state.count - 1
            }
            // Where a rule is not kept somebody may try for ever.
            let turn = number < Self.mostWrites ? await turn(number) : .die
            if case .goOn = turn { return try await body() }
            state.withLock { $0.isDead = true }
            if case .dieAfter = turn { _ = try await body() }
            throw Dead()
        }

        private func read<Value>(_ body: () async throws -> Value) async throws -> Value {
            try await begin()
            return try await body()
        }

        func find(
            _ collection: String, _ filter: DocumentFilter, fields: [String], sort: [DocumentOrder], limit: Int?
        ) async throws -> [BSONDocument] {
            if sabotage?.hides(collection, filter) == true { return [] }
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

        private func spoilt(_ collection: String, _ update: DocumentUpdate) -> DocumentUpdate {
            var update = update
            sabotage?.spoil(collection, &update)
            return update
        }

        func insert(_ collection: String, _ documents: [BSONDocument]) async throws -> [Int: MongoDuplicate] {
            try await write { try await inner.insert(collection, documents) }
        }

        func update(
            _ collection: String, _ filter: DocumentFilter, _ change: DocumentChange, upsert: Bool
        ) async throws -> Bool {
            let update = spoilt(collection, DocumentUpdate(filter, change, upsert: upsert))
            return try await write {
                try await inner.update(collection, update.filter, update.change, upsert: update.upsert)
            }
        }

        func updateEach(_ collection: String, _ updates: [DocumentUpdate]) async throws -> Int {
            if updates.isEmpty { return 0 }
            let updates = updates.map { spoilt(collection, $0) }
            return try await write { try await inner.updateEach(collection, updates) }
        }

        func updateAll(
            _ collection: String, _ filter: DocumentFilter, _ change: DocumentChange
        ) async throws -> Int {
            let update = spoilt(collection, DocumentUpdate(filter, change))
            return try await write { try await inner.updateAll(collection, update.filter, update.change) }
        }

        func change(
            _ collection: String, _ filter: DocumentFilter, _ change: DocumentChange, upsert: Bool
        ) async throws -> BSONDocument? {
            try await write { try await inner.change(collection, filter, change, upsert: upsert) }
        }

        func delete(_ collection: String, _ filter: DocumentFilter) async throws -> Int {
            try await write { try await inner.delete(collection, filter) }
        }

        func prepare(_ collection: String, _ indexes: [DocumentIndex]) async throws {
            try await write { try await inner.prepare(collection, indexes) }
        }

        func time() async throws -> Int64? { nil }

        func bytes() async throws -> Int64? { nil }

        func close() async {}
    }
#endif
