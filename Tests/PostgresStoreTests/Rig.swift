#if Postgres
    import CarillonCore
    import CarillonTestSupport
    import Dispatch
    import Logging
    import PostgresClient
    import PostgresStore
    import Synchronization
    import Testing
    import Timetable

    /// A server for all tests of this target, each of which has a database of its own.
    final class Rig: Sendable {
        private static let starting = Task { try await alone() }

        static var shared: Rig { get async throws { try await starting.value } }

        /// A server that no other test has: what one has begun in its database keeps dead rows alive in all others.
        static func alone() async throws -> Rig {
            let server = try PostgresFixture(["max_connections=600"])
            try await server.start()
            return Rig(server)
        }

        let server: PostgresFixture
        private let last = Mutex(0)

        private init(_ server: PostgresFixture) { self.server = server }

        /// Makes an empty database, such as with `ENCODING 'LATIN1'`, and answers how to reach it.
        func database(_ options: String = "") async throws -> PostgresConfiguration {
            let number = last.withLock { last in
                last += 1
                return last
            }
            let name = "test_\(number)"
            var configuration = PostgresConfiguration(
                port: server.port, user: PostgresFixture.user, password: PostgresFixture.password,
                database: PostgresFixture.database)
            let client = try PostgresClient(configuration, logger: .silent)
            try await client.execute("CREATE DATABASE \(name) TEMPLATE template0 \(options)")
            await client.close()
            configuration.database = name
            // Hundreds of databases come and go meanwhile.
            configuration.connectTimeout = 30
            return configuration
        }
    }

    /// A store in a database of its own, with an instance and a job, and a client beside it.
    struct Bench: Sendable {
        /// The server lives as long as somebody has this.
        let rig: Rig
        let configuration: PostgresConfiguration
        let store: PostgresStore
        let client: PostgresClient
        let term: Term
        let job: StoredJob
        let start = Samples.noon

        init(on rig: Rig? = nil, _ change: (inout PostgresConfiguration) -> Void = { _ in }) async throws {
            let rig = if let rig { rig } else { try await Rig.shared }
            self.rig = rig
            var configuration = try await rig.database()
            client = try PostgresClient(configuration, logger: .silent)
            change(&configuration)
            self.configuration = configuration
            store = try await PostgresStore.open(configuration, beatPatience: 20, logger: .silent)
            term = try await store.join("a")
            job = try await #require(Self.put(["tick"], in: store, term)[0])
        }

        static func put(_ names: [String], in store: PostgresStore, _ term: Term) async throws -> [StoredJob?] {
            let changes = names.map {
                JobChange.add(Samples.job($0), cursor: Samples.noon, nextDue: Samples.noon.plus(60), skips: [])
            }
            return try await store.apply(changes, now: Samples.noon).map(\.stored)
        }

        func put(_ names: [String]) async throws -> [StoredJob?] { try await Self.put(names, in: store, term) }

        func run(_ seconds: Int64) async throws -> Run {
            Samples.run(job, at: start.plus(seconds), store: try await store.storeID(), under: term)
        }

        /// What the schedule brings in so many seconds: one run at their end.
        func advance(_ seconds: Int64) async throws -> JobAdvance {
            JobAdvance(
                id: job.id, revision: job.revision, from: start, to: start.plus(seconds),
                nextDue: start.plus(seconds + 60), runs: [try await run(seconds)])
        }

        /// Holds what the statements lock until `body` lets go, or is over.
        func holding<Value: Sendable>(
            _ statements: [String], during body: (_ letGo: @escaping @Sendable () -> Void) async throws -> Value
        ) async throws -> Value {
            let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
            let end = DispatchSemaphore(value: 0)
            async let holding: Void = client.transaction { transaction in
                defer { beginning.finish() }
                for statement in statements { try transaction.execute(statement) }
                beginning.yield()
                end.wait()
            }
            guard await begun.first(where: { _ in true }) != nil else {
                try await holding
                return try #require(nil as Value?, "\(statements) are over")
            }
            let value: Value
            do {
                defer { end.signal() }
                value = try await body { end.signal() }
            }
            try await holding
            return value
        }

        /// Waits until so many statements like this wait for locks in this database; with `ending` their connections are cut.
        func untilWaiting(_ count: Int = 1, like text: String = "%", ending: Bool = false) async throws {
            let watch = try PostgresClient(configuration, logger: .silent)
            try await eventually("\(count) wait for a lock") {
                try await watch.query(
                    """
                    SELECT \(ending ? "pg_terminate_backend(pid)" : "true") FROM pg_stat_activity
                    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1
                    """, [.init(text)]
                ) { _ in true }.count == count
            }
            await watch.close()
        }

        func one(_ sql: String) async throws -> String? { try await client.query(sql) { try $0.text(0) }.first ?? nil }

        func close() async throws {
            try await store.close()
            await client.close()
        }
    }

    /// The `StoreError` that `body` must throw.
    func failure<T>(
        _ sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> T
    ) async throws -> StoreError {
        do {
            _ = try await body()
        } catch let error as StoreError {
            return error
        }
        return try #require(nil as StoreError?, "nothing was thrown", sourceLocation: sourceLocation)
    }
#endif
