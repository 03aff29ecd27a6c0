#if Postgres
    public import CarillonCore
    public import Logging
    public import PostgresClient
    import StoreCodec
    import Synchronization
    import Timetable

    /// The store of a PostgreSQL database: what people have, back up and replicate already.
    ///
    /// One connection writes, one renews the term, so that no batch delays it, and one to three read.
    public final class PostgresStore: JobStore {
        /// Connections at once: those that read are fewer mostly.
        static let mostConnections = 5
        private static let mostReaders = 3

        public let configuration: PostgresConfiguration
        let writer: PostgresClient
        let beater: PostgresClient
        let readers: ReaderPool
        let codec = RowCodec()
        /// Drawn once and never changed, so it is read once; forgotten when a copy brings another.
        let knownID: Mutex<UInt64?>
        /// The pass of retention that is under way.
        let pruning = Mutex<PruningPass?>(nil)

        private init(
            _ configuration: PostgresConfiguration, id: UInt64?, writer: PostgresClient, beatPatience: Int,
            _ logger: Logger
        ) throws {
            self.configuration = configuration
            self.writer = writer
            // A connection that a dead machine has left must be given up before the shortest usual lease is over.
            var beating = configuration
            beating.connectTimeout = min(beatPatience, configuration.connectTimeout)
            beating.statementTimeout = min(beatPatience, configuration.statementTimeout)
            beating.settings["lock_timeout"] = "\(beatPatience)s"
            beater = try PostgresClient(beating, logger: logger)
            readers = ReaderPool(configuration, most: Self.mostReaders, logger: logger)
            knownID = Mutex(id)
        }

        /// Opens the store, and makes or migrates its tables.
        ///
        /// A sign of life that gets no answer within `beatPatience` seconds is given up. Throws `StoreError`: `refused` for a database
        /// that cannot hold a store or a user who may not, `unreachable` for a server that does not answer.
        public static func open(
            _ configuration: PostgresConfiguration, beatPatience: Int = 1,
            logger: Logger = Logger(label: "carillon.store")
        ) async throws -> PostgresStore {
            try await make(configuration, beatPatience: beatPatience, logger, isReading: false)
        }

        /// Opens the store for looking only; nil when there is none.
        public static func look(
            _ configuration: PostgresConfiguration, logger: Logger = Logger(label: "carillon.store")
        ) async throws -> PostgresStore? {
            let store = try await make(configuration, logger, isReading: true)
            if store.knownID.withLock({ $0 }) != nil { return store }
            try await store.close()
            return nil
        }

        /// Names the migrations that opening would carry out. Throws `StoreError`.
        public static func missing(_ asked: PostgresConfiguration) async throws -> [String] {
            do {
                let client = try PostgresClient(asked, logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() })
                do {
                    let missing = try await Schema.missing(client)
                    await client.close()
                    return missing
                } catch {
                    await client.close()
                    throw error
                }
            } catch {
                throw StoreError(postgres: error)
            }
        }

        private static func make(
            _ asked: PostgresConfiguration, beatPatience: Int = 1, _ logger: Logger, isReading: Bool
        ) async throws -> PostgresStore {
            var configuration = asked
            configuration.settings["lock_timeout"] = "5s"
            // A frozen process holds its locks no longer than that.
            configuration.settings["idle_in_transaction_session_timeout"] = "2s"
            configuration.settings["synchronous_commit"] = "on"
            if isReading {
                configuration.settings["default_transaction_read_only"] = "on"
                // Whoever only looks may look at everything.
                configuration.statementTimeout = 3_600
            }
            // Compiling a statement takes longer than what it saves here.
            configuration.settings["jit"] = "off"
            do {
                var writing = configuration
                // Whatever is written is looked up by a key. One plan is right for all values then, and to plan takes longer
                // than to carry out; but a plan that was made while the tables were empty would read all of them for ever.
                writing.settings["plan_cache_mode"] = "force_generic_plan"
                writing.settings["enable_seqscan"] = "off"
                let writer = try PostgresClient(writing, logger: logger)
                do {
                    let id = try await Schema.prepare(writer, isReading: isReading)
                    return try PostgresStore(configuration, id: id, writer: writer, beatPatience: beatPatience, logger)
                } catch {
                    await writer.close()
                    throw error
                }
            } catch {
                throw StoreError(postgres: error)
            }
        }

        // MARK: Calls

        /// Runs `body` with a connection that reads.
        func read<Value: Sendable>(
            _ body: @escaping @Sendable (PostgresClient) async throws -> Value
        ) async throws -> Value {
            do {
                return try await readers.use(body)
            } catch {
                throw StoreError(postgres: error)
            }
        }

        /// Answers what `transform` makes of every row.
        func rows<Value: Sendable>(
            _ sql: String, _ values: [PostgresValue] = [],
            _ transform: @escaping @Sendable (borrowing PostgresRow) throws -> Value
        ) async throws -> [Value] {
            try await read { try await $0.query(sql, values, transform) }
        }

        /// Runs `body` with the connection that writes; what others' locks made fail is done again.
        func change<Value: Sendable>(
            _ body: @Sendable (PostgresClient) async throws -> Value
        ) async throws -> Value {
            var left = 3
            while true {
                do {
                    return try await body(writer)
                } catch let error as PostgresError where error.isRepeatable && left > 0 {
                    left -= 1
                } catch {
                    throw StoreError(postgres: error)
                }
            }
        }

        /// Runs `body` in a transaction that only who is in force may make.
        func write<Value: Sendable>(
            under term: Term, _ body: @escaping @Sendable (PostgresTransaction) throws -> Value
        ) async throws -> Value {
            try await change { writer in
                try await writer.transaction { transaction in
                    let held = try transaction.first(
                        "SELECT 1 FROM terms WHERE instance = $1 AND term = $2 AND nonce = $3 FOR SHARE",
                        Self.values(term)
                    ) { _ in true }
                    guard held == true else { throw StoreError.lost(term) }
                    return try body(transaction)
                }
            }
        }

        // MARK: What is there

        public func storeID() async throws -> UInt64 {
            if let id = knownID.withLock({ $0 }) { return id }
            guard let text = try await note("store.id"), let id = UInt64(text, radix: 16) else {
                throw StoreError(.corrupt, "\(configuration): the store has no id")
            }
            knownID.withLock { $0 = id }
            return id
        }

        public func note(_ key: String) async throws -> String? {
            try await rows("SELECT value FROM notes WHERE key = $1", [.init(storable: key)]) { try $0.text(0) ?? "" }
                .first
        }

        public func notes(withPrefix prefix: String) async throws -> [String: String] {
            let found = try await rows(
                "SELECT key, value FROM notes WHERE starts_with(key, $1)", [.init(storable: prefix)]
            ) { (try $0.text(0) ?? "", try $0.text(1) ?? "") }
            return Dictionary(found) { first, _ in first }
        }

        public func setNote(_ key: String, _ value: String?) async throws {
            _ = try await change { writer in
                guard let value else {
                    return try await writer.execute("DELETE FROM notes WHERE key = $1", [.init(storable: key)])
                }
                return try await writer.execute(
                    """
                    INSERT INTO notes (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value
                    """, [.init(storable: key), .init(storable: value)])
            }
        }

        public func space() async throws -> StoreSpace? {
            try await rows("SELECT pg_database_size(current_database())", []) {
                StoreSpace(taken: try $0.integer(0) ?? 0, free: nil)
            }.first
        }

        public func notesRevision() async throws -> Int64 {
            try await rows("SELECT value FROM counters WHERE name = 'notes'") { try $0.integer(0) ?? 0 }.first ?? 0
        }

        public func counts() async throws -> StoreCounts {
            try await read { reader in
                let jobs = try await reader.query(
                    """
                    SELECT (SELECT count(*) FROM cursors) - (SELECT count(*) FROM jobs WHERE removed),
                    (SELECT count(*) FROM cursors WHERE is_on)
                    """
                ) { (Int(try $0.integer(0) ?? 0), Int(try $0.integer(1) ?? 0)) }.first
                let active = try await reader.query(
                    "SELECT state, count(*) FROM runs WHERE state < 3 GROUP BY state"
                ) { (RunState(number: Int(try $0.integer(0) ?? 0)), Int(try $0.integer(1) ?? 0)) }
                let named = active.compactMap { state, count in state.map { ($0.rawValue, count) } }
                return StoreCounts(
                    jobs: jobs?.0 ?? 0, enabled: jobs?.1 ?? 0, active: Dictionary(named) { first, _ in first })
            }
        }

        public func close() async throws {
            await readers.close()
            await beater.close()
            await writer.close()
        }
    }
#endif
