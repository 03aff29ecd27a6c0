#if Postgres
    import CarillonCore
    import CarillonTestSupport
    import Foundation
    import Logging
    import PostgresClient
    import PostgresStore
    import Synchronization

    /// One server for all tests, and a database of its own for each.
    actor Rig {
        static let shared = Rig()

        private var starting: Task<PostgresFixture, any Error>?
        private var made = 0

        func server() async throws -> PostgresFixture {
            let starting =
                self.starting
                ?? Task {
                    let server = try PostgresFixture(["max_connections=200"])
                    try await server.start()
                    return server
                }
            self.starting = starting
            return try await starting.value
        }

        /// Makes an empty database; answers how to reach it.
        func database(_ options: String = "") async throws -> PostgresConfiguration {
            made += 1
            let name = "store\(made)"
            let server = try await server()
            let admin = try PostgresClient(Self.configuration(server, PostgresFixture.database), logger: .silent)
            try await admin.execute("CREATE DATABASE \(name) \(options)")
            await admin.close()
            return Self.configuration(server, name)
        }

        private static func configuration(_ server: PostgresFixture, _ database: String) -> PostgresConfiguration {
            PostgresConfiguration(
                port: server.port, user: PostgresFixture.user, password: PostgresFixture.password, database: database)
        }
    }

    extension PostgresConfiguration {
        /// A connection of one's own to the same database.
        func client() throws -> PostgresClient { try PostgresClient(self, logger: .silent) }
    }
#endif
