#if Postgres
    import CarillonTestSupport
    import Logging
    import PostgresClient
    import Testing

    /// A server of a test's own and a client of it, both gone with this.
    final class Rig: Sendable {
        let server: PostgresFixture
        let client: PostgresClient

        init(
            _ settings: [String] = [], tls: Bool = false, _ change: (inout PostgresConfiguration) -> Void = { _ in }
        ) async throws {
            server = try PostgresFixture(settings, tls: tls)
            try await server.start()
            client = try Rig.client(server, change)
        }

        /// Another client of the same server.
        func another(_ change: (inout PostgresConfiguration) -> Void = { _ in }) throws -> PostgresClient {
            try Rig.client(server, change)
        }

        static func client(
            _ server: PostgresFixture, _ change: (inout PostgresConfiguration) -> Void = { _ in }
        ) throws -> PostgresClient {
            var configuration = PostgresConfiguration(
                port: server.port, user: PostgresFixture.user, password: PostgresFixture.password,
                database: PostgresFixture.database)
            change(&configuration)
            return try PostgresClient(configuration, logger: .silent)
        }
    }

    extension PostgresClient {
        /// All rows of a statement as text.
        func table(_ sql: String, _ parameters: [PostgresValue] = []) async throws -> [[String?]] {
            try await query(sql, parameters) { row in
                var values: [String?] = []
                for index in row.names.indices { values.append(try row.text(index)) }
                return values
            }
        }

        func one(_ sql: String, _ parameters: [PostgresValue] = []) async throws -> String? {
            try await table(sql, parameters).first?.first ?? nil
        }
    }

    /// The `PostgresError` that `body` must throw.
    func failure<T>(
        _ what: String = "", _ sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> T
    ) async throws -> PostgresError {
        do {
            _ = try await body()
        } catch let error as PostgresError {
            return error
        }
        return try #require(nil as PostgresError?, "nothing was thrown \(what)", sourceLocation: sourceLocation)
    }

#endif
