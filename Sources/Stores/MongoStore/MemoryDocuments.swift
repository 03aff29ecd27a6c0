#if MongoDB
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

        package struct Interrupted: Error {
            package init() {}
        }

        private struct Collection {
            var documents: [BSONDocument] = []
            var indexes = [DocumentIndex("_id_", ["_id"], unique: true)]

            /// Which unique index has the like of a document already, but for the one at a place.
            func duplicate(of document: BSONDocument, except place: Int?) -> MongoDuplicate? {
                let hindering = indexes.first { index in
                    guard index.isUnique, index.partial?.fits(document) ?? true else { return false }
                    return documents.indices.contains { other in
                        other != place && index.partial?.fits(documents[other]) ?? true
                            && index.paths.allSatisfy { path in
                                (document.at(path) ?? .null).isSame(documents[other].at(path) ?? .null)
                            }
                    }
                }
                return hindering.map { MongoDuplicate(index: $0.name, fields: $0.paths) }
            }

            /// Updates the first document that fits, or makes one; answers its place, nil when a unique index hinders it.
            mutating func update(_ update: DocumentUpdate) -> Int? {
                let place = documents.firstIndex(where: update.filter.fits)
                guard place != nil || update.upsert else { return nil }
                var document = place.map { documents[$0] } ?? MemoryDocuments.seed(update.filter)
                update.change.apply(to: &document, isNew: place == nil)
                guard duplicate(of: document, except: place) == nil else { return nil }
                guard let place else {
                    documents.append(document)
                    return documents.count - 1
                }
                documents[place] = document
                return place
            }
        }

        private struct State {
            var collections: [String: Collection] = [:]
            var writes = 0
        }

        private let state = Mutex(State())
        private let interrupt: @Sendable (Int) -> Interruption?

        /// `interrupt` is asked before each operation that changes something, with how many came before it.
        package init(interrupt: @escaping @Sendable (Int) -> Interruption? = { _ in nil }) {
            self.interrupt = interrupt
        }

        /// A document that an upsert begins with: what its filter says that it is.
        private static func seed(_ filter: DocumentFilter) -> BSONDocument {
            var document: BSONDocument = [:]
            for case .equals(let path, let value) in filter.conditions { document.put(path, value) }
            return document
        }

        private func write<Value: Sendable>(
            _ name: String, _ body: (inout Collection) -> Value
        ) throws -> Value {
            try state.withLock { state in
                let interruption = interrupt(state.writes)
                state.writes += 1
                if case .before = interruption { throw Interrupted() }
                let value = body(&state.collections[name, default: Collection()])
                if case .after = interruption { throw Interrupted() }
                return value
            }
        }

        // MARK: Reading

        package func find(
            _ collection: String, _ filter: DocumentFilter, sort: [DocumentOrder], limit: Int?
        ) async throws -> [BSONDocument] {
            var found = state.withLock { $0.collections[collection]?.documents.filter(filter.fits) ?? [] }
            if !sort.isEmpty { found.sort { Self.isBefore($0, $1, sort) } }
            return limit.map { Array(found.prefix($0)) } ?? found
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
            _ collection: String, _ filter: DocumentFilter, sort: [DocumentOrder],
            _ body: @escaping @Sendable ([BSONDocument]) throws -> Void
        ) async throws {
            let found = try await find(collection, filter, sort: sort, limit: nil)
            if !found.isEmpty { try body(found) }
        }

        package func count(_ collection: String, _ filter: DocumentFilter, upTo limit: Int?) async throws -> Int {
            try await find(collection, filter, sort: [], limit: limit).count
        }

        // MARK: Writing

        package func insert(_ collection: String, _ documents: [BSONDocument]) async throws -> [Int: MongoDuplicate] {
            try write(collection) { collection in
                var duplicates: [Int: MongoDuplicate] = [:]
                for (place, document) in documents.enumerated() {
                    if let duplicate = collection.duplicate(of: document, except: nil) {
                        duplicates[place] = duplicate
                    } else {
                        collection.documents.append(document)
                    }
                }
                return duplicates
            }
        }

        package func update(
            _ collection: String, _ filter: DocumentFilter, _ change: DocumentChange, upsert: Bool
        ) async throws -> Bool {
            try write(collection) { $0.update(DocumentUpdate(filter, change, upsert: upsert)) != nil }
        }

        package func updateEach(_ collection: String, _ updates: [DocumentUpdate]) async throws -> Int {
            try write(collection) { collection in updates.count { collection.update($0) != nil } }
        }

        package func updateAll(
            _ collection: String, _ filter: DocumentFilter, _ change: DocumentChange
        ) async throws -> Int {
            try write(collection) { collection in
                let places = collection.documents.indices.filter { filter.fits(collection.documents[$0]) }
                for place in places { change.apply(to: &collection.documents[place], isNew: false) }
                return places.count
            }
        }

        package func change(
            _ collection: String, _ filter: DocumentFilter, _ change: DocumentChange, upsert: Bool
        ) async throws -> BSONDocument? {
            try write(collection) { collection in
                collection.update(DocumentUpdate(filter, change, upsert: upsert)).map { collection.documents[$0] }
            }
        }

        package func delete(_ collection: String, _ filter: DocumentFilter) async throws -> Int {
            try write(collection) { collection in
                let before = collection.documents.count
                collection.documents.removeAll(where: filter.fits)
                return before - collection.documents.count
            }
        }

        package func prepare(_ collection: String, _ indexes: [DocumentIndex]) async throws {
            try write(collection) { collection in
                for index in indexes where !collection.indexes.contains(index) { collection.indexes.append(index) }
            }
        }
    }
#endif
