#if MongoDB
    import CarillonTestSupport
    import Logging
    import MongoClient
    import Testing

    /// A server of a test's own and a client of it, both gone with this.
    final class Rig: Sendable {
        let server: MongoFixture
        let client: MongoClient

        init(
            replicaSet: Bool = true, threads: Int = 1, options: String = "",
            _ change: (inout MongoConfiguration) -> Void = { _ in }
        ) async throws {
            server = try MongoFixture(replicaSet: replicaSet)
            try await server.start()
            client = try Rig.client(server.address() + options, threads: threads, change)
        }

        /// Another client of the same server.
        func another(
            _ options: String = "", threads: Int = 1, _ change: (inout MongoConfiguration) -> Void = { _ in }
        ) throws -> MongoClient {
            try Rig.client(server.address() + options, threads: threads, change)
        }

        static func client(
            _ url: String, threads: Int = 1, _ change: (inout MongoConfiguration) -> Void = { _ in }
        ) throws -> MongoClient {
            var configuration = try MongoConfiguration(url: url)
            change(&configuration)
            return try MongoClient(configuration, threads: threads, logger: .silent)
        }

        /// Has the server fail the next of these commands; `data` says how ("The failCommand Fail Point" of MongoDB's driver
        /// specifications).
        func fail(_ commands: [String], times: Int = 1, _ data: BSONDocument) async throws {
            var all = data
            all["failCommands"] = .array(commands.map { .string($0) })
            _ = try await client.run(
                [
                    "configureFailPoint": "failCommand", "mode": ["times": .int32(Int32(times))],
                    "data": .document(all),
                ], of: "admin")
        }
    }

    /// The `MongoError` that `body` must throw.
    func failure<T>(
        _ what: String = "", _ sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> T
    ) async throws -> MongoError {
        do {
            _ = try await body()
        } catch let error as MongoError {
            return error
        }
        return try #require(nil as MongoError?, "nothing was thrown \(what)", sourceLocation: sourceLocation)
    }
#endif
