#if MongoDB
    import BlockingConnection
    import CMongoDB

    // Writing: known to a majority, and in its journals, when a call returns. After `lost` and `timedOut` nobody knows.
    extension MongoCollection {
        /// Which document a `findOneAndUpdate` answers.
        public enum Version: Sendable {
            case before, after
        }

        /// Inserts documents in whatever order, each by itself; says which were there already, or were refused. One without an
        /// `_id` is given an `ObjectID`.
        @discardableResult
        public func insert(_ documents: [BSONDocument]) async throws -> MongoWriteResult {
            try await write(documents.map { .insert($0) })
        }

        /// Carries writes out in whatever order, each by itself; says what became of them. Those that were refused are in the
        /// result, and hinder none of the others.
        @discardableResult
        public func write(_ writes: [MongoWrite]) async throws -> MongoWriteResult {
            guard !writes.isEmpty else { return MongoWriteResult([:], places: []) }
            return try await change { session, collection in try Self.write(writes, session, collection) }
        }

        /// Updates the first document that fits, or makes it with `upsert`; says whether there was one, and whether it changed.
        /// Throws `Kind.duplicate` where a unique index hinders it.
        @discardableResult
        public func updateOne(
            _ filter: BSONDocument, _ update: BSONDocument, upsert: Bool = false
        ) async throws -> MongoWriteResult {
            try await single(.updateOne(filter, update, upsert: upsert))
        }

        /// Updates every document that fits, each by itself. Throws as `updateOne`, and some are changed then.
        @discardableResult
        public func updateMany(_ filter: BSONDocument, _ update: BSONDocument) async throws -> MongoWriteResult {
            try await single(.updateMany(filter, update))
        }

        /// Deletes the first document that fits; answers whether there was one.
        @discardableResult
        public func deleteOne(_ filter: BSONDocument) async throws -> Bool {
            try await single(.deleteOne(filter)).deleted > 0
        }

        /// Deletes every document that fits; answers how many they were.
        @discardableResult
        public func deleteMany(_ filter: BSONDocument) async throws -> Int {
            try await single(.deleteMany(filter)).deleted
        }

        /// Updates the first document that fits, or makes it with `upsert`; answers it as it was or as it is, nil when there is
        /// none. Throws `Kind.duplicate` where a unique index hinders it.
        public func findOneAndUpdate(
            _ filter: BSONDocument, _ update: BSONDocument, returning version: Version = .after,
            sort: BSONDocument = [:], projection: BSONDocument = [:], upsert: Bool = false
        ) async throws -> BSONDocument? {
            try await change { session, collection in
                let options = mongoc_find_and_modify_opts_new()
                defer { mongoc_find_and_modify_opts_destroy(options) }
                var flags = MONGOC_FIND_AND_MODIFY_NONE.rawValue
                if version == .after { flags |= MONGOC_FIND_AND_MODIFY_RETURN_NEW.rawValue }
                if upsert { flags |= MONGOC_FIND_AND_MODIFY_UPSERT.rawValue }
                mongoc_find_and_modify_opts_set_flags(options, mongoc_find_and_modify_flags_t(flags))
                mongoc_find_and_modify_opts_set_max_time_ms(options, UInt32(session.limit.integer ?? 0))
                let answer = try session.lend(filter, update, sort, projection) { lent in
                    mongoc_find_and_modify_opts_set_update(options, lent[1])
                    if !sort.isEmpty { mongoc_find_and_modify_opts_set_sort(options, lent[2]) }
                    if !projection.isEmpty { mongoc_find_and_modify_opts_set_fields(options, lent[3]) }
                    return try session.answer { reply, error in
                        mongoc_collection_find_and_modify_with_opts(collection, lent[0], options, reply, &error)
                    }
                }
                return answer["value"]?.document
            }
        }

        private func single(_ write: MongoWrite) async throws -> MongoWriteResult {
            try await change { session, collection in
                let result = try Self.write([write], session, collection)
                if let failure = result.failures.first { throw session.failure(failure) }
                return result
            }
        }

        private static func write(
            _ writes: [MongoWrite], _ session: Session, _ collection: OpaquePointer
        ) throws -> MongoWriteResult {
            // All of them are taken before any is sent.
            let commands = try WriteCommand.commands(for: writes, session).map { command in
                try Bulk(command, session, collection)
            }
            var result = MongoWriteResult([:], places: [])
            for (done, bulk) in commands.enumerated() {
                do {
                    result.add(try bulk.execute(session))
                } catch var error as MongoError where done > 0 && error.isOutcomeKnown {
                    error.kind = .lost
                    error.message += "; \(done) of \(commands.count) commands were carried out before"
                    throw error
                }
            }
            return result
        }
    }

    /// Writes that are one command of the server.
    ///
    /// The library would make commands of a mixed list by itself, but what it then says of a command that was lost is nothing,
    /// when a document of another one was refused before.
    struct WriteCommand {
        /// Updates and deletions of many documents are none that may be sent twice, so they are kept apart.
        enum Kind: Hashable {
            case insert, updateOne, updateMany, deleteOne, deleteMany
        }

        /// Less than a server takes at once (`maxWriteBatchSize`, `maxMessageSizeBytes`).
        private static let mostWrites = 10_000
        private static let mostBytes = 2 * BSONBuffer.mostBytes

        let kind: Kind
        /// Of the writes, where they were given.
        private(set) var places: [Int] = []
        private(set) var documents: [[BSONBuffer]] = []
        private var bytes = 0

        static func commands(for writes: [MongoWrite], _ session: Session) throws -> [WriteCommand] {
            var commands: [WriteCommand] = []
            var open: [Kind: Int] = [:]
            for (place, write) in writes.enumerated() {
                let documents = try session.buffers(write.documents)
                let bytes = documents.reduce(0) { $0 + $1.bytes }
                var current = open[write.kind]
                if let number = current, !commands[number].hasRoom(for: bytes) { current = nil }
                let number = current ?? commands.count
                if current == nil { commands.append(WriteCommand(kind: write.kind)) }
                open[write.kind] = number
                commands[number].places.append(place)
                commands[number].documents.append(documents)
                commands[number].bytes += bytes
            }
            return commands
        }

        private init(kind: Kind) { self.kind = kind }

        private func hasRoom(for more: Int) -> Bool {
            places.count < Self.mostWrites && bytes + more <= Self.mostBytes
        }
    }

    extension MongoWrite {
        fileprivate var kind: WriteCommand.Kind {
            switch self {
            case .insert: .insert
            case .updateOne: .updateOne
            case .updateMany: .updateMany
            case .deleteOne: .deleteOne
            case .deleteMany: .deleteMany
            }
        }

        fileprivate var documents: [BSONDocument] {
            switch self {
            case .insert(let document): [document]
            case .updateOne(let filter, let update, let upsert): [filter, update, ["upsert": .bool(upsert)]]
            case .updateMany(let filter, let update): [filter, update]
            case .deleteOne(let filter), .deleteMany(let filter): [filter]
            }
        }
    }

    /// A command as the library has it; freed with the value.
    private final class Bulk {
        private let handle: OpaquePointer
        private let places: [Int]

        init(_ command: WriteCommand, _ session: Session, _ collection: OpaquePointer) throws {
            let made = try session.lend(["ordered": false]) {
                mongoc_collection_create_bulk_operation_with_opts(collection, $0[0])
            }
            guard let made else { throw session.misuse("there is no memory for the writes") }
            handle = made
            places = command.places
            for documents in command.documents {
                var error = bson_error_t()
                let isAdded = BSONBuffer.lend(documents) { lent in
                    switch command.kind {
                    case .insert: mongoc_bulk_operation_insert_with_opts(made, lent[0], nil, &error)
                    case .updateOne:
                        mongoc_bulk_operation_update_one_with_opts(made, lent[0], lent[1], lent[2], &error)
                    case .updateMany: mongoc_bulk_operation_update_many_with_opts(made, lent[0], lent[1], nil, &error)
                    case .deleteOne: mongoc_bulk_operation_remove_one_with_opts(made, lent[0], nil, &error)
                    case .deleteMany: mongoc_bulk_operation_remove_many_with_opts(made, lent[0], nil, &error)
                    }
                }
                guard isAdded else { throw session.misuse(error.text) }
            }
        }

        deinit { mongoc_bulk_operation_destroy(handle) }

        func execute(_ session: Session) throws -> MongoWriteResult {
            let (answer, failure) = try session.attempt { reply, error in
                mongoc_bulk_operation_execute(handle, reply, &error) != 0
            }
            let result = MongoWriteResult(answer, places: places)
            guard let failure else { return result }
            // Of one command: either documents were refused, or it failed as a whole, or nobody knows how far it got.
            let isUnsure = answer["writeConcernErrors"]?.array?.isEmpty == false
            if isUnsure || result.failures.isEmpty { throw failure }
            return result
        }
    }
#endif
