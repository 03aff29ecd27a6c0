#if MongoDB
    import BlockingConnection
    import CMongoDB
    import Glibc
    import Logging
    import Synchronization

    /// The library, which is started once in a process, before anything of it is called.
    package enum Library {
        static let isStarted: Void = carillon_mongo_start()

        /// Takes away the name of the memory that the library, once loaded, counts in for mongoc-stat(1). Nobody removes it when a
        /// process is killed, and a later process of the same number complains of it before it does anything else.
        package static func leaveNoTrace() { _ = shm_unlink("/mongoc-\(getpid())") }
    }

    /// The connections of one client and what the library knows about the servers, which threads of its own keep up to date.
    ///
    /// Each of the client's threads takes a handle when it first needs one and keeps it to its end: there are as many as
    /// threads, so nobody ever waits for one.
    final class Pool: Sendable {
        private struct Handle: @unchecked Sendable {
            // Sendable because a mongoc_client_pool_t may be used from any thread (its manual page), and is freed by the
            // last that gives a handle back.
            let pointer: OpaquePointer
        }

        private struct State {
            var handle: Handle?
            var users = 0
        }

        private let state = Mutex(State())
        private let configuration: MongoConfiguration
        private let threads: Int
        private let logger: Logger

        init(_ configuration: MongoConfiguration, threads: Int, logger: Logger) {
            self.configuration = configuration
            self.threads = threads
            self.logger = logger
        }

        /// Answers a handle, which only the thread may use that asks; connects to nobody yet.
        ///
        /// The first call looks up what a `mongodb+srv` address stands for. Throws `unreachable` and `badConfiguration`, and
        /// the next call tries anew.
        func take() throws(MongoError) -> OpaquePointer {
            let taken = state.withLock { state -> Result<Handle, MongoError> in
                do throws(MongoError) {
                    let pool: Handle
                    if let handle = state.handle { pool = handle } else { pool = try make() }
                    state.handle = pool
                    guard let client = mongoc_client_pool_try_pop(pool.pointer) else {
                        throw MongoError(
                            .unreachable, "there is no handle for the thread", server: configuration.address)
                    }
                    state.users += 1
                    return .success(Handle(pointer: client))
                } catch {
                    return .failure(error)
                }
            }
            return try taken.get().pointer
        }

        /// Takes a handle back.
        func give(_ client: OpaquePointer) {
            let client = Handle(pointer: client)
            let last = state.withLock { state -> Handle? in
                guard let pool = state.handle else { return nil }
                mongoc_client_pool_push(pool.pointer, client.pointer)
                state.users -= 1
                guard state.users == 0 else { return nil }
                state.handle = nil
                return pool
            }
            // Waits for the library's threads, each of which ends by the time-out of a connection.
            if let last { mongoc_client_pool_destroy(last.pointer) }
        }

        private func make() throws(MongoError) -> Handle {
            _ = Library.isStarted
            if let flaw = configuration.flaw ?? missingFile() { throw bad(flaw) }
            var failure = bson_error_t()
            guard let uri = mongoc_uri_new_with_error(configuration.url, &failure) else {
                throw bad("the address is none")
            }
            defer { mongoc_uri_destroy(uri) }
            guard set(uri) else { throw bad("user, password or database is no text that the library takes") }
            guard let pool = mongoc_client_pool_new_with_error(uri, &failure) else {
                let error = MongoError(failure, reply: nil, at: configuration)
                // Nothing was asked of any server.
                throw MongoError(
                    configuration.isService ? .unreachable : .badConfiguration, error.message,
                    server: configuration.address)
            }
            mongoc_client_pool_set_error_api(pool, MONGOC_ERROR_API_VERSION_2)
            logger.debug("a pool of connections", metadata: ["server": "\(configuration)"])
            return Handle(pointer: pool)
        }

        /// Sets what stands above the address; false when the library does not take it.
        private func set(_ uri: OpaquePointer) -> Bool {
            var isTaken = true
            let its = configuration
            if let user = its.user { isTaken = mongoc_uri_set_username(uri, user) && isTaken }
            if let password = its.password { isTaken = mongoc_uri_set_password(uri, password) && isTaken }
            isTaken = mongoc_uri_set_appname(uri, its.applicationName) && isTaken
            for (name, file) in [
                (MONGOC_URI_TLSCAFILE, its.caFile), (MONGOC_URI_TLSCERTIFICATEKEYFILE, its.certificateFile),
            ] {
                guard let file else { continue }
                isTaken = mongoc_uri_set_option_as_utf8(uri, name, file) && isTaken
                isTaken = mongoc_uri_set_option_as_bool(uri, MONGOC_URI_TLS, true) && isTaken
            }
            let numbers = [
                (MONGOC_URI_SERVERSELECTIONTIMEOUTMS, its.selectionTimeout.milliseconds),
                (MONGOC_URI_CONNECTTIMEOUTMS, its.connectTimeout.milliseconds),
                (MONGOC_URI_SOCKETTIMEOUTMS, its.callTimeout.milliseconds + 1000),
                (MONGOC_URI_MAXPOOLSIZE, Int32(clamping: threads)),
            ]
            for (name, value) in numbers { isTaken = mongoc_uri_set_option_as_int32(uri, name, value) && isTaken }
            let writing = mongoc_write_concern_new()
            mongoc_write_concern_set_wmajority(writing, its.callTimeout.milliseconds)
            mongoc_write_concern_set_journal(writing, true)
            mongoc_uri_set_write_concern(uri, writing)
            mongoc_write_concern_destroy(writing)
            let reading = mongoc_read_concern_new()
            mongoc_read_concern_set_level(reading, MONGOC_READ_CONCERN_LEVEL_MAJORITY)
            mongoc_uri_set_read_concern(uri, reading)
            mongoc_read_concern_destroy(reading)
            let primary = mongoc_read_prefs_new(MONGOC_READ_PRIMARY)
            mongoc_uri_set_read_prefs_t(uri, primary)
            mongoc_read_prefs_destroy(primary)
            return isTaken
        }

        /// The library would only say that the handshake failed.
        private func missingFile() -> String? {
            for file in configuration.files where access(file, R_OK) != 0 {
                return "\(file): \(String(cString: strerror(errno)))"
            }
            return nil
        }

        private func bad(_ what: String) -> MongoError {
            MongoError(.badConfiguration, what, server: configuration.address)
        }
    }

    extension Duration {
        var milliseconds: Int32 {
            let (seconds, attoseconds) = components
            return Int32(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000)
        }
    }
#endif
