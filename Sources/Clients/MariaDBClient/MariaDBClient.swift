#if MariaDB
    import BlockingConnection
    public import Logging

    /// One connection to a MariaDB server, on a thread of its own, for one call at a time.
    ///
    /// It opens with the first call, and again with the first call after it broke; nothing is sent twice. A call ends by
    /// the configuration's time-outs; cancelling its task does not end it sooner. There is no backoff: whoever calls
    /// again and again waits in between.
    public final class MariaDBClient: Sendable {
        public let configuration: MariaDBConfiguration
        private let client: BlockingClient<Session, MariaDBError>

        /// Connects to nobody yet. Throws `Kind.unreachable` when the system has no thread to spare.
        public init(_ configuration: MariaDBConfiguration, logger: Logger) throws(MariaDBError) {
            self.configuration = configuration
            client = try BlockingClient(name: configuration.threadName) { kind, message in
                MariaDBError(kind, message, server: configuration.address)
            } open: {
                Session(configuration, logger: logger)
            } close: { session in
                session.end()
            }
        }

        /// Runs `body` on the connection's thread in one read-only transaction, whose statements all see the database as
        /// it was at its beginning (START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY), and which is rolled back.
        ///
        /// It holds no locks on rows; the server keeps old versions of what changes meanwhile, so it should be short.
        /// Throws `MariaDBError`, and what `body` throws.
        public func read<Value: Sendable>(
            _ body: @escaping @Sendable (MariaDBSnapshot) throws -> Value
        ) async throws -> Value {
            try await client.call { session in try session.read(body) }
        }

        /// Carries one statement out, with the parameters for its question marks; answers how many rows changed.
        ///
        /// Rows of an answer are dropped. After `Kind.lost` and `Kind.timedOut` the change may have been made.
        /// Throws `MariaDBError`.
        @discardableResult
        public func execute(_ sql: String, _ parameters: [MariaDBValue] = []) async throws -> Int {
            try await client.call { session in try session.execute(sql, parameters) }
        }

        /// Carries one statement out for each element of `batch`, in one transaction: all or nothing, but for the
        /// statements that commit by themselves, such as CREATE TABLE. Throws `MariaDBError`.
        @discardableResult
        public func execute(_ sql: String, batch: [[MariaDBValue]]) async throws -> Int {
            try await client.call { session in try session.execute(sql, batch: batch) }
        }

        /// Refuses further calls at once with `Kind.closed`, also those that wait; returns when the one that runs has
        /// ended, at the latest by its time-outs, and the connection is closed.
        public func close() async { await client.close() }
    }
#endif
