#if MariaDB
    import CarillonTestSupport
    import Logging
    import MariaDBClient
    import Testing

    /// A server of a test's own and a client of it, both gone with this.
    final class Rig: Sendable {
        let server: MariaDBFixture
        let client: MariaDBClient

        init(
            _ arguments: [String] = [], tls: Bool = false, _ change: (inout MariaDBConfiguration) -> Void = { _ in }
        ) async throws {
            server = try MariaDBFixture(arguments, tls: tls)
            try await server.start()
            client = try Rig.client(server, change)
        }

        /// Another client of the same server.
        func another(_ change: (inout MariaDBConfiguration) -> Void = { _ in }) throws -> MariaDBClient {
            try Rig.client(server, change)
        }

        static func client(
            _ server: MariaDBFixture, _ change: (inout MariaDBConfiguration) -> Void = { _ in }
        ) throws -> MariaDBClient {
            var configuration = MariaDBConfiguration(
                port: server.port, user: MariaDBFixture.user, password: server.password,
                database: MariaDBFixture.database)
            change(&configuration)
            return try MariaDBClient(configuration, logger: .silent)
        }
    }

    extension MariaDBClient {
        /// All rows of a statement as text, in a snapshot of its own.
        func table(_ sql: String, _ parameters: [MariaDBValue] = []) async throws -> [[String?]] {
            try await read { snapshot in
                try snapshot.all(sql, parameters) { row in
                    var values: [String?] = []
                    for index in row.names.indices { values.append(try row.text(index)) }
                    return values
                }
            }
        }

        func one(_ sql: String, _ parameters: [MariaDBValue] = []) async throws -> String? {
            try await table(sql, parameters).first?.first ?? nil
        }
    }

    /// The `MariaDBError` that `body` must throw.
    func failure<T>(
        _ what: String = "", _ sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> T
    ) async throws -> MariaDBError {
        do {
            _ = try await body()
        } catch let error as MariaDBError {
            return error
        }
        return try #require(nil as MariaDBError?, "nothing was thrown \(what)", sourceLocation: sourceLocation)
    }

#endif
