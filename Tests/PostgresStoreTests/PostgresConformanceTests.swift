#if Postgres
    import CarillonCore
    import CarillonTestSupport
    import PostgresClient
    import PostgresStore
    import Testing

    @Suite(.timeLimit(.minutes(5)))
    struct PostgresConformanceTests {
        @Test(arguments: StoreConformance.checks + InstanceConformance.checks)
        func postgres(_ check: Check<any JobStore>) async throws {
            let store = try await PostgresStore.open(try await Rig.shared.database(), beatPatience: 20, logger: .silent)
            try await check.run(store)
            try await store.close()
        }

        private static let bouncing = Task {
            let bouncer = try PgBouncerFixture(before: try await Rig.shared.server, poolSize: 2)
            try await bouncer.start()
            return bouncer
        }

        /// Behind a real pooler with two connections for each store, where nothing is prepared or set in a session.
        @Test(arguments: StoreConformance.checks + InstanceConformance.checks)
        func pooled(_ check: Check<any JobStore>) async throws {
            var configuration = try await Rig.shared.database()
            configuration.port = try await Self.bouncing.value.port
            configuration.isPooled = true
            let store = try await PostgresStore.open(configuration, beatPatience: 20, logger: .silent)
            try await check.run(store)
            try await store.close()
        }
    }
#endif
