#if MongoDB
    import CarillonCore
    import CarillonTestSupport
    import Logging
    import MongoClient
    import MongoStore
    import Testing

    /// What every store must do, over documents in memory and over a server, by itself and as a set of one.
    @Suite(.serialized, .timeLimit(.minutes(8)))
    struct ConformanceTests {
        private static let all = StoreConformance.checks + InstanceConformance.checks

        @Test(arguments: all)
        func memory(_ check: Check<any JobStore>) async throws { try await check.run(MongoStore(MemoryDocuments())) }

        @Test func aServerByItself() async throws { try await run(replicaSet: false) }

        @Test func aReplicaSetOfOne() async throws { try await run(replicaSet: true) }

        private func run(replicaSet: Bool) async throws {
            let server = try MongoFixture(replicaSet: replicaSet)
            try await server.start()
            for (number, check) in Self.all.enumerated() {
                let store = try await MongoStore.open(
                    MongoConfiguration(url: server.address("check\(number)")), logger: .silent)
                do {
                    try await check.run(store)
                } catch {
                    Issue.record("\(check): \(error)")
                }
                try await store.close()
            }
        }
    }
#endif
