#if MongoDB
    import BlockingConnection
    import CarillonCore
    package import MongoClient

    /// Documents of a MongoDB server.
    package struct ServerDocuments: Documents {
        private let client: MongoClient

        package init(_ client: MongoClient) { self.client = client }

        private static func sorted(_ sort: [DocumentOrder]) -> BSONDocument {
            BSONDocument(sort.map { ($0.path, .int32($0.isDescending ? -1 : 1)) })
        }

        /// Carries out a call. Throws `StoreError`.
        private func ask<Value>(_ collection: String, _ body: (MongoCollection) async throws -> Value) async throws
            -> Value
        {
            do {
                return try await body(client.collection(collection))
            } catch {
                throw StoreError(mongo: error)
            }
        }

        package func find(
            _ collection: String, _ filter: DocumentFilter, fields: [String], sort: [DocumentOrder], limit: Int?
        ) async throws -> [BSONDocument] {
            try await ask(collection) {
                try await $0.find(
                    MongoQuery(
                        filter.document, sort: Self.sorted(sort), projection: Self.projection(fields), limit: limit))
            }
        }

        package func scan(
            _ collection: String, _ filter: DocumentFilter, fields: [String], sort: [DocumentOrder],
            _ body: @escaping @Sendable ([BSONDocument]) throws -> Void
        ) async throws {
            _ = try await ask(collection) {
                var query = MongoQuery(
                    filter.document, sort: Self.sorted(sort), projection: Self.projection(fields))
                query.timeLimit = Self.longest
                return try await $0.scan(query, body)
            }
        }

        /// For reading all there is.
        private static let longest = Duration.seconds(3_600)

        private static func projection(_ fields: [String]) -> BSONDocument {
            // Of a path and one that leads further the server takes the first alone.
            BSONDocument(fields.filter { $0 != "_id" }.map { ($0, 1) })
        }

        package func count(_ collection: String, _ filter: DocumentFilter, upTo limit: Int?) async throws -> Int {
            try await ask(collection) { try await $0.count(filter.document, upTo: limit) }
        }

        package func tally(
            _ collection: String, _ filter: DocumentFilter, by path: String, above least: Int
        ) async throws -> [BSONValue: Int] {
            let stages: [BSONDocument] = [
                ["$match": .document(filter.document)],
                ["$group": ["_id": .string("$" + path), "count": ["$sum": 1]]],
                ["$match": ["count": ["$gt": .int64(Int64(least))]]],
            ]
            let found = try await ask(collection) { try await $0.aggregate(stages, within: Self.longest) }
            return found.reduce(into: [:]) { $0[$1["_id"] ?? .null] = Int($1["count"]?.integer ?? 0) }
        }

        package func insert(_ collection: String, _ documents: [BSONDocument]) async throws -> [Int: MongoDuplicate] {
            let result = try await ask(collection) { try await $0.insert(documents) }
            try check(result)
            return result.failures.reduce(into: [:]) { $0[$1.index] = $1.duplicate }
        }

        package func update(
            _ collection: String, _ filter: DocumentFilter, _ change: DocumentChange, upsert: Bool
        ) async throws -> Bool {
            try await updateEach(collection, [DocumentUpdate(filter, change, upsert: upsert)]) == 1
        }

        package func updateEach(_ collection: String, _ updates: [DocumentUpdate]) async throws -> Int {
            if updates.isEmpty { return 0 }
            let writes = updates.map { MongoWrite.updateOne($0.filter.document, $0.change.document, upsert: $0.upsert) }
            let result = try await ask(collection) { try await $0.write(writes) }
            try check(result)
            return result.matched + result.upserted.count
        }

        package func updateAll(
            _ collection: String, _ filter: DocumentFilter, _ change: DocumentChange
        ) async throws -> Int {
            try await ask(collection) { try await $0.updateMany(filter.document, change.document).matched }
        }

        package func change(
            _ collection: String, _ filter: DocumentFilter, _ change: DocumentChange, upsert: Bool
        ) async throws -> BSONDocument? {
            try await ask(collection) { collection in
                do {
                    return try await collection.findOneAndUpdate(filter.document, change.document, upsert: upsert)
                } catch let error as MongoError where error.kind == .duplicate {
                    return nil
                }
            }
        }

        package func delete(_ collection: String, _ filter: DocumentFilter) async throws -> Int {
            try await ask(collection) { try await $0.deleteMany(filter.document) }
        }

        package func prepare(_ collection: String, _ indexes: [DocumentIndex]) async throws {
            let wanted = indexes.map { index in
                MongoIndex(
                    index.name, BSONDocument(index.paths.map { ($0, 1) }), unique: index.isUnique,
                    partial: index.partial?.document)
            }
            _ = try await ask(collection) { try await $0.createIndexes(wanted) }
        }

        package func time() async throws -> Int64? {
            do {
                return try await client.time()
            } catch {
                throw StoreError(mongo: error)
            }
        }

        package func bytes() async throws -> Int64? {
            do {
                let told = try await client.run(["dbStats": 1])
                return told["totalSize"]?.integer ?? told["storageSize"]?.integer
            } catch {
                throw StoreError(mongo: error)
            }
        }

        package func close() async { await client.close() }

        /// Throws what is refused for another reason than that it is there already.
        private func check(_ result: MongoWriteResult) throws {
            guard let failure = result.failures.first(where: { $0.duplicate == nil }) else { return }
            throw StoreError(
                mongo: MongoError(
                    .statement, failure.message, code: failure.code, server: client.configuration.address))
        }
    }
#endif
