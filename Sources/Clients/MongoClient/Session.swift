#if MongoDB
    import BlockingConnection
    import CMongoDB
    import Glibc

    typealias Documents = (OpaquePointer) throws -> Bool

    /// What one thread of a client has to do with the servers; on that thread only.
    final class Session {
        private let configuration: MongoConfiguration
        private let pool: Pool
        private var handle: OpaquePointer?
        /// When a server last answered.
        private var answered: ContinuousClock.Instant?

        /// A connection that has rested longer is tried before it is written on.
        private static let rest = Duration.seconds(1)

        init(_ configuration: MongoConfiguration, _ pool: Pool) {
            self.configuration = configuration
            self.pool = pool
        }

        /// Gives up what it has: the thread's last call.
        func end() {
            if let handle { pool.give(handle) }
            handle = nil
        }

        private func client() throws(MongoError) -> OpaquePointer {
            if let handle { return handle }
            let taken = try pool.take()
            handle = taken
            return taken
        }

        /// How long a call may take.
        var limit: BSONValue { .int64(Int64(configuration.callTimeout.milliseconds)) }

        // MARK: Calls

        /// Tries a connection that has rested, so that its end is noticed before a write is asked for on it, which then nobody
        /// could tell whether it was done. Throws what is the fault of the server; a connection that ended is none.
        func probe() throws {
            guard let answered, ContinuousClock.now - answered > Self.rest else { return }
            do {
                _ = try command(["ping": 1], of: "admin")
            } catch var error as MongoError where error.kind != .lost {
                // Nothing was asked but this.
                if error.kind == .timedOut { error.kind = .unreachable }
                throw error
            } catch is MongoError {
                // The library connects anew.
                self.answered = nil
            }
        }

        /// Lends a collection.
        func collection<Value>(_ name: String, _ body: (OpaquePointer) throws -> Value) throws -> Value {
            guard !configuration.database.isEmpty else { throw misuse("the address names no database") }
            guard !name.isEmpty, !name.utf8.contains(0), !name.contains("$") else {
                throw misuse("a collection's name is empty, or has a dollar or a zero byte in it")
            }
            guard let collection = mongoc_client_get_collection(try client(), configuration.database, name) else {
                throw misuse("there is no memory for a collection")
            }
            defer { mongoc_collection_destroy(collection) }
            return try body(collection)
        }

        /// Makes a call that answers with one document, and says by what it returns whether it succeeded.
        func answer(_ call: (OpaquePointer, inout bson_error_t) -> Bool) throws -> BSONDocument {
            let (answer, failure) = try attempt(call)
            if let failure { throw failure }
            return answer
        }

        /// Makes a call, whose answer may be worth something even where it failed.
        func attempt(
            _ call: (OpaquePointer, inout bson_error_t) -> Bool
        ) throws -> (answer: BSONDocument, failure: MongoError?) {
            guard let reply = carillon_bson_inner() else { throw misuse("there is no memory for an answer") }
            // Every call of the library makes one of it, also where it fails; this is for those that come to nothing before.
            bson_init(reply)
            defer {
                bson_destroy(reply)
                free(UnsafeMutableRawPointer(reply))
            }
            var error = bson_error_t()
            let began = ContinuousClock.now
            let isDone = call(reply, &error)
            let now = ContinuousClock.now
            let took = now - began
            if isDone { answered = now }
            let answer = try written { () throws(BSONFlaw) in try BSONBuffer.read(reply) }
            return (answer, isDone ? nil : MongoError(error, reply: answer, took: took, at: configuration))
        }

        /// Runs a command of a database.
        func command(_ document: BSONDocument, of database: String) throws -> BSONDocument {
            let client = try client()
            return try lend(document) { command in
                try answer { reply, error in
                    mongoc_client_command_simple(client, database, command[0], nil, reply, &error)
                }
            }
        }

        /// Reads a cursor to its end, or until `each` answers false; ends it.
        ///
        /// Throws `timedOut` when that takes longer than `limit`, between two documents.
        func read(_ cursor: OpaquePointer?, within limit: Duration? = nil, _ each: Documents) throws {
            guard let cursor else { throw misuse("there is no memory for a cursor") }
            defer { mongoc_cursor_destroy(cursor) }
            let began = ContinuousClock.now
            let limit = limit ?? configuration.callTimeout
            var document: OpaquePointer?
            while mongoc_cursor_next(cursor, &document) {
                if let document, try !each(document) { return }
                guard ContinuousClock.now - began < limit else {
                    throw MongoError(
                        .timedOut, "not all documents have come within \(limit)", code: MongoCode.timeLimit,
                        server: configuration.address)
                }
            }
            var error = bson_error_t()
            var reply: OpaquePointer?
            if mongoc_cursor_error_document(cursor, &error, &reply) {
                let answer = try reply.map { reply in try written { () throws(BSONFlaw) in try BSONBuffer.read(reply) }
                }
                throw MongoError(error, reply: answer, took: ContinuousClock.now - began, at: configuration)
            }
        }

        // MARK: Documents

        /// Lends documents to the library, in their order, for as long as `body` runs.
        func lend<Value>(_ documents: BSONDocument..., body: ([OpaquePointer]) throws -> Value) throws -> Value {
            try BSONBuffer.lend(try buffers(documents), body)
        }

        func buffers(_ documents: [BSONDocument]) throws(MongoError) -> [BSONBuffer] {
            try written { () throws(BSONFlaw) in
                var buffers: [BSONBuffer] = []
                for document in documents { buffers.append(try BSONBuffer(document)) }
                return buffers
            }
        }

        func document(_ pointer: OpaquePointer) throws(MongoError) -> BSONDocument {
            try written { () throws(BSONFlaw) in try BSONBuffer.read(pointer) }
        }

        private func written<Value>(_ body: () throws(BSONFlaw) -> Value) throws(MongoError) -> Value {
            do {
                return try body()
            } catch {
                throw misuse("\(error)")
            }
        }

        /// Makes an error of whoever calls.
        func misuse(_ what: String) -> MongoError { MongoError(.statement, what, server: configuration.address) }

        /// Says what the server means by a failure of one write.
        func failure(_ failure: MongoWriteResult.Failure) -> MongoError {
            MongoError(
                failure.duplicate == nil
                    ? MongoError(code: failure.code, failure.message, pattern: nil, at: configuration).kind
                    : .duplicate,
                MongoError.tidy(failure.message, configuration), code: failure.code, server: configuration.address,
                duplicate: failure.duplicate)
        }
    }
#endif
