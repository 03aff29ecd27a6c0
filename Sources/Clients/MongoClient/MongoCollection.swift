#if MongoDB
    import BlockingConnection
    import CMongoDB

    /// A collection of documents. Every call throws `MongoError`.
    public struct MongoCollection: Sendable {
        public let name: String
        let client: MongoClient

        // MARK: Reading: of the primary, of what a majority has

        /// Reads the first document that fits.
        public func findOne(
            _ filter: BSONDocument, sort: BSONDocument = [:], projection: BSONDocument = [:]
        ) async throws -> BSONDocument? {
            try await find(MongoQuery(filter, sort: sort, projection: projection, limit: 1)).first
        }

        /// Reads all documents that fit, which is to be no more than there is memory for.
        public func find(_ query: MongoQuery) async throws -> [BSONDocument] {
            guard query.limit != 0 else { return [] }
            return try await call { session, collection in
                var documents: [BSONDocument] = []
                try session.read(try Self.cursor(query, session, collection), within: query.timeLimit) { document in
                    documents.append(try session.document(document))
                    return true
                }
                return documents
            }
        }

        /// Reads the documents that fit and calls `body` on the thread for each `query.batch` of them, in order, so that no
        /// more are in memory; answers how many they were. Throws what `body` throws, too.
        @discardableResult
        public func scan(_ query: MongoQuery, _ body: @escaping @Sendable ([BSONDocument]) throws -> Void) async throws
            -> Int
        {
            guard query.limit != 0 else { return 0 }
            return try await call { session, collection in
                var batch: [BSONDocument] = []
                var count = 0
                try session.read(try Self.cursor(query, session, collection), within: query.timeLimit) { document in
                    batch.append(try session.document(document))
                    count += 1
                    if batch.count == query.batch {
                        try body(batch)
                        batch.removeAll(keepingCapacity: true)
                    }
                    return true
                }
                if !batch.isEmpty { try body(batch) }
                return count
            }
        }

        /// Counts the documents that fit; at most so many, where it need not know more.
        public func count(_ filter: BSONDocument, upTo limit: Int? = nil) async throws -> Int {
            guard limit != 0 else { return 0 }
            return try await call { session, collection in
                var options: BSONDocument = ["maxTimeMS": session.limit]
                if let limit { options["limit"] = .int64(Int64(limit)) }
                var count: Int64 = 0
                _ = try session.lend(filter, options) { lent in
                    try session.answer { reply, error in
                        count = mongoc_collection_count_documents(collection, lent[0], lent[1], nil, reply, &error)
                        return count >= 0
                    }
                }
                return Int(count)
            }
        }

        /// Reads what a pipeline makes of the collection.
        public func aggregate(_ pipeline: [BSONDocument], within limit: Duration? = nil) async throws -> [BSONDocument]
        {
            try await call { session, collection in
                // The library copies both, as for every cursor. An array is a document whose fields are named 0, 1 and so on.
                let stages = BSONDocument(pipeline.enumerated().map { ("\($0.offset)", .document($0.element)) })
                let cursor = try session.lend(stages, ["maxTimeMS": session.limit, "allowDiskUse": true]) { lent in
                    mongoc_collection_aggregate(collection, MONGOC_QUERY_NONE, lent[0], lent[1], nil)
                }
                var documents: [BSONDocument] = []
                try session.read(cursor, within: limit) { document in
                    documents.append(try session.document(document))
                    return true
                }
                return documents
            }
        }

        private static func cursor(
            _ query: MongoQuery, _ session: Session, _ collection: OpaquePointer
        ) throws -> OpaquePointer? {
            let time = query.timeLimit.map { BSONValue.int64(Int64($0.milliseconds)) } ?? session.limit
            return try session.lend(query.filter, query.options(time)) { lent in
                mongoc_collection_find_with_opts(collection, lent[0], lent[1], nil)
            }
        }

        func call<Value: Sendable>(
            _ body: @escaping @Sendable (Session, OpaquePointer) throws -> Value
        ) async throws -> Value {
            let name = name
            return try await client.call { session in try session.collection(name) { try body(session, $0) } }
        }

        /// As `call`, for what changes something.
        func change<Value: Sendable>(
            _ body: @escaping @Sendable (Session, OpaquePointer) throws -> Value
        ) async throws -> Value {
            try await call { session, collection in
                try session.probe()
                return try body(session, collection)
            }
        }
    }
#endif
