#if MongoDB
    import BlockingConnection
    import CMongoDB

    /// An index of a collection.
    public struct MongoIndex: Hashable, Sendable {
        public var name: String
        /// Fields, 1 for upwards and -1 for downwards.
        public var keys: BSONDocument
        public var isUnique: Bool
        /// The filter of the documents that are in it; nil for all.
        public var partial: BSONDocument?

        public init(_ name: String, _ keys: BSONDocument, unique: Bool = false, partial: BSONDocument? = nil) {
            self.name = name
            self.keys = keys
            isUnique = unique
            self.partial = partial
        }

        var specification: BSONDocument {
            var document: BSONDocument = ["key": .document(keys), "name": .string(name)]
            if isUnique { document["unique"] = true }
            if let partial { document["partialFilterExpression"] = .document(partial) }
            return document
        }

        /// Reads what the server says of one.
        init(_ specification: BSONDocument) {
            name = specification["name"]?.string ?? ""
            keys = specification["key"]?.document ?? [:]
            // A shell writes a number for a truth value.
            isUnique = specification["unique"].map { $0 == true || $0.double ?? 0 != 0 } ?? false
            partial = specification["partialFilterExpression"]?.document
        }

        /// Whether both mean the same; a number is the same in whatever type.
        func means(_ other: MongoIndex) -> Bool {
            Self.plain(.document(specification)) == Self.plain(.document(other.specification))
        }

        private static func plain(_ value: BSONValue) -> BSONValue {
            switch value {
            case .document(let document): .document(BSONDocument(document.map { ($0.name, plain($0.value)) }))
            case .array(let values): .array(values.map(plain))
            default: value.integer.map { .int64($0) } ?? value
            }
        }
    }

    extension MongoCollection {
        /// Reads which indexes there are; none of a collection that is not there.
        public func indexes() async throws -> [MongoIndex] {
            try await call { session, collection in try Self.indexes(session, collection) }
        }

        /// Makes indexes, where they are not there already, and the collection with them; answers the names of those it made.
        ///
        /// Throws `Kind.statement`, and makes none, when there is another one of the same name: nobody but its owner knows what
        /// that is for. Throws `Kind.duplicate` when documents hinder a unique one.
        @discardableResult
        public func createIndexes(_ wanted: [MongoIndex]) async throws -> [String] {
            let name = name
            return try await change { session, collection in
                let there = try Self.indexes(session, collection)
                var missing: [MongoIndex] = []
                for index in wanted {
                    guard let found = there.first(where: { $0.name == index.name }) else {
                        missing.append(index)
                        continue
                    }
                    guard found.means(index) else {
                        throw session.misuse(
                            "the collection \(name) has another index named \(index.name); drop that one, or rename it")
                    }
                }
                guard !missing.isEmpty else { return [] }
                let specifications = missing.map { BSONValue.document($0.specification) }
                _ = try session.lend(["createIndexes": .string(name), "indexes": .array(specifications)]) { command in
                    try session.answer { reply, error in
                        mongoc_collection_write_command_with_opts(collection, command[0], nil, reply, &error)
                    }
                }
                return missing.map(\.name)
            }
        }

        private static func indexes(_ session: Session, _ collection: OpaquePointer) throws -> [MongoIndex] {
            var indexes: [MongoIndex] = []
            try session.read(mongoc_collection_find_indexes_with_opts(collection, nil)) { document in
                indexes.append(MongoIndex(try session.document(document)))
                return true
            }
            return indexes
        }
    }
#endif
