#if MongoDB
    import BlockingConnection
    import CMongoDB
    public import Logging

    /// A client of a MongoDB server, replica set or sharded cluster: so many calls at a time as it has threads, each on a
    /// connection of its own.
    ///
    /// It connects with the first call, and again when a connection broke. A call ends by the configuration's time-outs;
    /// cancelling the task of a call does not end it sooner. A reading call is made a second time when the server went
    /// away over it, and so is a writing one where the server can tell whether it has done it already (`retryWrites`, not of a
    /// standalone server). There is no backoff: whoever calls again and again waits in between.
    public final class MongoClient: Sendable {
        public let configuration: MongoConfiguration
        private let client: BlockingClient<Session, MongoError>

        /// Connects to nobody yet. Throws `Kind.unreachable` when the system has no thread to spare.
        public init(_ configuration: MongoConfiguration, threads: Int = 1, logger: Logger) throws(MongoError) {
            self.configuration = configuration
            let pool = Pool(configuration, threads: threads, logger: logger)
            client = try BlockingClient(name: configuration.threadName, threads: threads) { kind, message in
                MongoError(kind, message, server: configuration.address)
            } open: {
                Session(configuration, pool)
            } close: { session in
                session.end()
            }
        }

        /// Names a collection of the configuration's database, whether it is there or not.
        public func collection(_ name: String) -> MongoCollection { MongoCollection(name: name, client: self) }

        /// Asks whether the primary is there. Throws `MongoError`.
        public func ping() async throws { _ = try await run(["ping": 1], of: "admin") }

        /// Asks what there is, and for its clock. Throws `MongoError`.
        public func server() async throws -> MongoServer {
            let hello = try await hello()
            let build = try await run(["buildInfo": 1], of: "admin")
            return MongoServer(hello: hello, version: build["version"]?.string ?? "")
        }

        /// Reads the primary's clock, in milliseconds since 1970 UTC. Throws `MongoError`.
        public func time() async throws -> Int64 {
            guard let time = try await hello()["localTime"]?.date else {
                throw MongoError(.statement, "the server does not say its time", server: configuration.address)
            }
            return time
        }

        private func hello() async throws -> BSONDocument {
            do {
                return try await run(["hello": 1], of: "admin")
            } catch let error as MongoError where error.code == MongoCode.noSuchCommand {
                // Before 4.4.2.
                return try await run(["isMaster": 1], of: "admin")
            }
        }

        /// Runs a command of a database, the configuration's own when nil, as it stands; answers what the server says.
        /// Throws `MongoError`.
        public func run(_ command: BSONDocument, of database: String? = nil) async throws -> BSONDocument {
            let name = database ?? configuration.database
            return try await call { session in try session.command(command, of: name) }
        }

        /// Refuses further calls at once with `Kind.closed`, also those that wait; returns when those that run have ended, at
        /// the latest by their time-outs, and the connections are closed.
        public func close() async { await client.close() }

        func call<Value: Sendable>(_ body: @escaping @Sendable (Session) throws -> Value) async throws -> Value {
            try await client.call { session in try body(session) }
        }
    }
#endif
