#if MongoDB
    package import CarillonCore
    package import MongoClient
    import Synchronization

    /// Documents in memory, as a server has them; each operation may be the last that its caller makes.
    package final class MemoryDocuments: Documents {
        /// How an operation that changes something goes wrong.
        package enum Interruption: Sendable {
            /// It is not carried out.
            case before
            /// It is carried out, and the caller does not hear of it.
            case after
        }

        /// What an interrupted operation throws.
        package static let interrupted = StoreError(.unreachable, "the operation was interrupted")

        private struct State {
            var collections: [String: MemoryCollection] = [:]
            var writes = 0
        }

        private let state = Mutex(State())
        private let interrupt: @Sendable (Int) -> Interruption?
        private let observe: (@Sendable (String, [DocumentPair]) -> Void)?

        /// `interrupt` is asked before each operation that changes something, with how many came before it; `observe` is told
        /// what each has changed.
        package init(
            interrupt: @escaping @Sendable (Int) -> Interruption? = { _ in nil },
            observe: (@Sendable (String, [DocumentPair]) -> Void)? = nil
        ) {
            self.interrupt = interrupt
            self.observe = observe
        }

        private func write<Value: Sendable>(
            _ name: String, _ body: (inout MemoryCollection) -> Value
        ) throws -> Value {
            let (value, changes, interruption) = try state.withLock { state in
                let interruption = interrupt(state.writes)
                state.writes += 1
                if case .before = interruption { throw Self.interrupted }
                if observe != nil { state.collections[name, default: MemoryCollection()].journal = [] }
                let value = body(&state.collections[name, default: MemoryCollection()])
                return (value, state.collections[name]?.journal ?? [], interruption)
            }
            if !changes.isEmpty { observe?(name, changes) }
            if case .after = interruption { throw Self.interrupted }
            return value
        }

        // MARK: Reading

        package func find(
            _ collection: String, _ filter: DocumentFilter, fields: [String], sort: [DocumentOrder], limit: Int?
        ) async throws -> [BSONDocument] {
            var found = state.withLock { $0.collections[collection]?.documents(filter) ?? [] }
            if !sort.isEmpty { found.sort { Self.isBefore($0, $1, sort) } }
            if let limit { found = Array(found.prefix(limit)) }
            return fields.isEmpty ? found : found.map { Self.part($0, ["_id"] + fields) }
        }

        private static func part(_ document: BSONDocument, _ fields: [String]) -> BSONDocument {
            var part: BSONDocument = [:]
            for field in fields { if let value = document.at(field) { part.put(field, value) } }
            return part
        }

        private static func isBefore(_ one: BSONDocument, _ two: BSONDocument, _ sort: [DocumentOrder]) -> Bool {
            for order in sort {
                let (first, second) = (one.at(order.path), two.at(order.path))
                // What is not there comes before everything.
                let result: Int =
                    switch (first, second) {
                    case (nil, nil): 0
                    case (nil, _): -1
                    case (_, nil): 1
                    case (let first?, let second?): first.compared(to: second) ?? 0
                    }
                if result != 0 { return order.isDescending ? result > 0 : result < 0 }
            }
            return false
        }

        package func scan(
            _ collection: String, _ filter: DocumentFilter, fields: [String], sort: [DocumentOrder],
            _ body: @escaping @Sendable ([BSONDocument]) throws -> Void
        ) async throws {
            let found = try await find(collection, filter, fields: fields, sort: sort, limit: nil)
            if !found.isEmpty { try body(found) }
        }

        package func count(_ collection: String, _ filter: DocumentFilter, upTo limit: Int?) async throws -> Int {
            let count = state.withLock { $0.collections[collection]?.documents(filter).count ?? 0 }
            return limit.map { min($0, count) } ?? count
        }

        package func tally(
            _ collection: String, _ filter: DocumentFilter, by path: String, above least: Int
        ) async throws -> [BSONValue: Int] {
            var tally: [BSONValue: Int] = [:]
            for document in try await find(collection, filter) { tally[document.at(path) ?? .null, default: 0] += 1 }
            return tally.filter { $0.value > least }
        }

        package func time() async throws -> Int64? { nil }

        package func bytes() async throws -> Int64? { nil }

        package func close() async {}

        // MARK: Writing

        package func insert(_ collection: String, _ documents: [BSONDocument]) async throws -> [Int: MongoDuplicate] {
            try write(collection) { collection in
                var duplicates: [Int: MongoDuplicate] = [:]
                for (place, document) in documents.enumerated() { duplicates[place] = collection.insert(document) }
                return duplicates
            }
        }

        package func update(
            _ collection: String, _ filter: DocumentFilter, _ change: DocumentChange, upsert: Bool
        ) async throws -> Bool {
            try write(collection) { $0.update(DocumentUpdate(filter, change, upsert: upsert)) != nil }
        }

        package func updateEach(_ collection: String, _ updates: [DocumentUpdate]) async throws -> Int {
            if updates.isEmpty { return 0 }
            return try write(collection) { collection in updates.count { collection.update($0) != nil } }
        }

        package func updateAll(
            _ collection: String, _ filter: DocumentFilter, _ change: DocumentChange
        ) async throws -> Int {
            try write(collection) { $0.updateAll(filter, change) }
        }

        package func change(
            _ collection: String, _ filter: DocumentFilter, _ change: DocumentChange, upsert: Bool
        ) async throws -> BSONDocument? {
            try write(collection) { $0.update(DocumentUpdate(filter, change, upsert: upsert)) }
        }

        package func delete(_ collection: String, _ filter: DocumentFilter) async throws -> Int {
            try write(collection) { $0.delete(filter) }
        }

        package func prepare(_ collection: String, _ indexes: [DocumentIndex]) async throws {
            try write(collection) { collection in for index in indexes { collection.add(index) } }
        }
    }
#endif
