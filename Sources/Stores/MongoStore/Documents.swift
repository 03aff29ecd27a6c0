#if MongoDB
    package import MongoClient

    /// The operations that the store is made of: each changes one document, or several of which each is changed by itself.
    ///
    /// What they are asked for are closed values, so that the documents in memory do just what a server does. Each may throw
    /// `StoreError`, and may have been carried out all the same.
    package protocol Documents: Sendable {
        /// Reads the documents that fit, in the order asked for: these fields of them with `_id`, or all where none is named.
        func find(
            _ collection: String, _ filter: DocumentFilter, fields: [String], sort: [DocumentOrder], limit: Int?
        ) async throws -> [BSONDocument]
        /// Reads the documents that fit and calls `body` for some of them at a time, on whatever thread.
        func scan(
            _ collection: String, _ filter: DocumentFilter, fields: [String], sort: [DocumentOrder],
            _ body: @escaping @Sendable ([BSONDocument]) throws -> Void
        ) async throws
        func count(_ collection: String, _ filter: DocumentFilter, upTo limit: Int?) async throws -> Int
        /// Counts the documents that fit by a field of theirs; answers those values that more than so many have.
        func tally(
            _ collection: String, _ filter: DocumentFilter, by path: String, above least: Int
        ) async throws -> [BSONValue: Int]
        /// Inserts documents; answers those of which a unique index has the like already, by their places.
        func insert(_ collection: String, _ documents: [BSONDocument]) async throws -> [Int: MongoDuplicate]
        /// Changes the first document that fits, or makes one with `upsert`; answers whether it fitted, or was made.
        ///
        /// A unique index that hinders it makes it fit nothing: somebody else was faster.
        func update(
            _ collection: String, _ filter: DocumentFilter, _ change: DocumentChange, upsert: Bool
        ) async throws -> Bool
        /// As many `update`s; answers how many fitted, or were made: never which.
        func updateEach(_ collection: String, _ updates: [DocumentUpdate]) async throws -> Int
        /// Changes every document that fits; answers how many they were.
        func updateAll(
            _ collection: String, _ filter: DocumentFilter, _ change: DocumentChange
        ) async throws -> Int
        /// As `update`; answers the document as it is afterwards, nil where none fitted.
        func change(
            _ collection: String, _ filter: DocumentFilter, _ change: DocumentChange, upsert: Bool
        ) async throws -> BSONDocument?
        /// Deletes every document that fits; answers how many they were.
        func delete(_ collection: String, _ filter: DocumentFilter) async throws -> Int
        /// Makes what indexes are missing.
        func prepare(_ collection: String, _ indexes: [DocumentIndex]) async throws
        /// Reads the server's clock, in milliseconds since 1970 UTC; nil where there is no server.
        func time() async throws -> Int64?
        /// Asks how many bytes all of it takes; nil where nobody knows.
        func bytes() async throws -> Int64?
        /// Ends every use of it.
        func close() async
    }

    extension Documents {
        package func find(
            _ collection: String, _ filter: DocumentFilter, fields: [String] = [], sort: [DocumentOrder] = []
        ) async throws -> [BSONDocument] {
            try await find(collection, filter, fields: fields, sort: sort, limit: nil)
        }

        package func first(
            _ collection: String, _ filter: DocumentFilter, fields: [String] = [], sort: [DocumentOrder] = []
        ) async throws -> BSONDocument? {
            try await find(collection, filter, fields: fields, sort: sort, limit: 1).first
        }

        package func update(
            _ collection: String, _ filter: DocumentFilter, _ change: DocumentChange
        ) async throws -> Bool {
            try await update(collection, filter, change, upsert: false)
        }
    }

    /// One of several updates.
    package struct DocumentUpdate: Hashable, Sendable {
        package var filter: DocumentFilter
        package var change: DocumentChange
        package var upsert: Bool

        package init(_ filter: DocumentFilter, _ change: DocumentChange, upsert: Bool = false) {
            self.filter = filter
            self.change = change
            self.upsert = upsert
        }
    }

    /// A field that documents are sorted by.
    package struct DocumentOrder: Hashable, Sendable {
        package var path: String
        package var isDescending: Bool

        package static func up(_ path: String) -> DocumentOrder { DocumentOrder(path: path, isDescending: false) }
        package static func down(_ path: String) -> DocumentOrder { DocumentOrder(path: path, isDescending: true) }
    }

    /// An index, which is unique or there for speed alone.
    package struct DocumentIndex: Hashable, Sendable {
        package var name: String
        package var paths: [String]
        package var isUnique: Bool
        /// Which documents are in it; nil for all.
        package var partial: DocumentFilter?

        package init(_ name: String, _ paths: [String], unique: Bool = false, partial: DocumentFilter? = nil) {
            self.name = name
            self.paths = paths
            isUnique = unique
            self.partial = partial
        }
    }
#endif
