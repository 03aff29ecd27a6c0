import CarillonTestSupport
import Logging
import NIOCore
import RedisClient
import Testing

/// A server of a test's own and a client of it, both gone with this.
final class Rig: RedisServer {
    let server: RedisFixture
    let client: RedisClient

    init(
        _ arguments: [String] = [], password: String? = nil, _ change: (inout RedisConfiguration) -> Void = { _ in }
    ) async throws {
        server = try RedisFixture(arguments, password: password)
        try await server.start()
        client = try Rig.client(server.url, change)
    }

    func send(_ commands: [RedisCommand]) async throws(RedisError) -> [RedisValue] {
        // Nothing else may hold the server while its reply is awaited.
        defer { withExtendedLifetime(self) {} }
        return try await client.send(commands)
    }

    func close() async { await client.close() }

    static func client(
        _ url: String, _ change: (inout RedisConfiguration) -> Void = { _ in },
        greet: @escaping RedisClient.Greeter = { _ in }
    ) throws -> RedisClient {
        var configuration = try RedisConfiguration(url: url)
        change(&configuration)
        return RedisClient(
            configuration, logger: .silent, greet: greet)
    }

    /// How many connections the server has ever taken.
    static func connections(_ client: some RedisServer) async throws -> Int {
        let lines = try await client.send(RedisCommand("INFO", "stats")).text ?? ""
        let line = lines.split(whereSeparator: \.isNewline).first { $0.hasPrefix("total_connections_received:") }
        return try #require(line.flatMap { Int($0.drop { $0 != ":" }.dropFirst()) })
    }
}

/// The `RedisError` that `body` must throw.
func failure<T>(
    _ what: String = "", _ sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> T
) async throws -> RedisError {
    do {
        _ = try await body()
    } catch let error as RedisError {
        return error
    }
    return try #require(nil as RedisError?, "nothing was thrown \(what)", sourceLocation: sourceLocation)
}

extension RedisValue {
    /// A bulk string.
    static func bulk(_ text: String) -> RedisValue { .string(ByteBuffer(string: text)) }
}
