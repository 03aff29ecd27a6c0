#if Postgres
    import BlockingConnection
    public import Logging

    /// One connection to a PostgreSQL server, on a thread of its own, for one call at a time.
    ///
    /// It opens with the first call, and again with the first call after it broke; nothing is sent twice. A statement ends
    /// by the configuration's time-outs; cancelling the task of a call does not end it sooner. There is no backoff: whoever
    /// calls again and again waits in between. Every statement is prepared once in a connection and must be one
    /// statement; parameters make it the same for all values.
    public final class PostgresClient: Sendable {
        public let configuration: PostgresConfiguration
        private let client: BlockingClient<Session, PostgresError>

        /// Connects to nobody yet. Throws `Kind.unreachable` when the system has no thread to spare.
        public init(_ configuration: PostgresConfiguration, logger: Logger) throws(PostgresError) {
            self.configuration = configuration
            client = try BlockingClient(name: configuration.threadName) { kind, message in
                PostgresError(kind, message, server: configuration.address)
            } open: {
                Session(configuration, logger: logger)
            } close: { session in
                session.end()
            }
        }

        /// Carries one statement out, with the parameters for `$1`, `$2` and so on, in a transaction of its own; answers how
        /// many rows it inserted, updated or deleted, or would have answered.
        ///
        /// Rows of an answer are dropped. After `Kind.lost`, and `Kind.timedOut` without a `sqlState`, the change may have
        /// been made. Throws `PostgresError`.
        @discardableResult
        public func execute(_ sql: String, _ parameters: [PostgresValue] = []) async throws -> Int {
            try await client.call { session in try session.single(sql, parameters) }
        }

        /// Answers what `transform` makes, on the connection's thread, of every row that one statement answers, in
        /// order; as `execute` otherwise. Throws `PostgresError`, and what `transform` throws.
        public func query<Value: Sendable>(
            _ sql: String, _ parameters: [PostgresValue] = [],
            _ transform: @escaping @Sendable (borrowing PostgresRow) throws -> Value
        ) async throws -> [Value] {
            try await client.call { session in
                var values: [Value] = []
                _ = try session.single(sql, parameters) { row in values.append(try transform(row)) }
                return values
            }
        }

        /// Runs `body` on the connection's thread in one transaction, which is committed when it returns, and rolled back
        /// when it throws.
        ///
        /// After `Kind.lost` and `Kind.timedOut` it may have been committed; after every other error it was not. When
        /// `PostgresError.isConflict` says so, the same call may be made again. Throws `PostgresError`, and what `body`
        /// throws.
        public func transaction<Value: Sendable>(
            _ isolation: PostgresTransaction.Isolation = .readCommitted,
            _ body: @escaping @Sendable (PostgresTransaction) throws -> Value
        ) async throws -> Value {
            try await client.call { session in
                try session.transaction("BEGIN ISOLATION LEVEL \(isolation.rawValue)", body)
            }
        }

        /// Runs `body` on the connection's thread in one transaction that changes nothing, whose statements all see the
        /// database as it was when the first of them began. Throws `PostgresError`, and what `body` throws.
        public func read<Value: Sendable>(
            _ body: @escaping @Sendable (PostgresTransaction) throws -> Value
        ) async throws -> Value {
            try await client.call { session in
                try session.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", body)
            }
        }

        /// Refuses further calls at once with `Kind.closed`, also those that wait; returns when the one that runs has
        /// ended, at the latest by its time-outs, and the connection is closed.
        public func close() async { await client.close() }
    }
#endif
