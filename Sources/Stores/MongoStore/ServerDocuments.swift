#if MongoDB
    import BlockingConnection
    package import MongoClient

    /// Documents of a MongoDB server.
    package struct ServerDocuments: Documents {
        private let client: MongoClient

        package init(_ client: MongoClient) { self.client = client }

        private static func sorted(_ sort: [DocumentOrder]) -> BSONDocument {
            BSONDocument(sort.map { ($0.path, .int32($0.isDescending ? -1 : 1)) })
        }

        package func find(
            _ collection: String, _ filter: DocumentFilter, sort: [DocumentOrder], limit: Int?
        ) async throws -> [BSONDocument] {
            try await client.collection(collection).find(
                MongoQuery(filter.document, sort: Self.sorted(sort), limit: limit))
        }

        package func scan(
            _ collection: String, _ filter: DocumentFilter, sort: [DocumentOrder],
            _ body: @escaping @Sendable ([BSONDocument]) throws -> Void
        ) async throws {
            try await client.collection(collection).scan(MongoQuery(filter.document, sort: Self.sorted(sort)), body)
        }

        package func count(_ collection: String, _ filter: DocumentFilter, upTo limit: Int?) async throws -> Int {
            try await client.collection(collection).count(filter.document, upTo: limit)
        }

        package func insert(_ collection: String, _ documents: [BSONDocument]) async throws -> [Int: MongoDuplicate] {
            let result = try await client.collection(collection).insert(documents)
            try check(result)
            return result.failures.reduce(into: [:]) { $0[$1.index] = $1.duplicate }
        }

        package func update(
            _ collection: String, _ filter: DocumentFilter, _ change: DocumentChange, upsert: Bool
        ) async throws -> Bool {
            try await updateEach(collection, [DocumentUpdate(filter, change, upsert: upsert)]) == 1
        }

        package func updateEach(_ collection: String, _ updates: [DocumentUpdate]) async throws -> Int {
            let result = try await client.collection(collection).write(
                updates.map { .updateOne($0.filter.document, $0.change.document, upsert: $0.upsert) })
            try check(result)
            return result.matched + result.upserted.count
        }

        package func updateAll(
            _ collection: String, _ filter: DocumentFilter, _ change: DocumentChange
        ) async throws -> Int {
            try await client.collection(collection).updateMany(filter.document, change.document).matched
        }

        package func change(
            _ collection: String, _ filter: DocumentFilter, _ change: DocumentChange, upsert: Bool
        ) async throws -> BSONDocument? {
            do {
                return try await client.collection(collection).findOneAndUpdate(
                    filter.document, change.document, upsert: upsert)
            } catch let error as MongoError where error.kind == .duplicate {
                return nil
            }
        }

        package func delete(_ collection: String, _ filter: DocumentFilter) async throws -> Int {
            try await client.collection(collection).deleteMany(filter.document)
        }

        package func prepare(_ collection: String, _ indexes: [DocumentIndex]) async throws {
            try await client.collection(collection).createIndexes(
                indexes.map { index in
                    MongoIndex(
                        index.name, BSONDocument(index.paths.map { ($0, 1) }), unique: index.isUnique,
                        partial: index.partial?.document)
                })
        }

        /// Throws what is refused for another reason than that it is there already.
        private func check(_ result: MongoWriteResult) throws {
            guard let failure = result.failures.first(where: { $0.duplicate == nil }) else { return }
            throw MongoError(.statement, failure.message, code: failure.code, server: client.configuration.address)
        }
    }
#endif
