/// A server that carries out commands; `RedisClient` is the real one.
public protocol RedisServer: Sendable {
    /// Sends the commands in one write and answers their replies in order; an error reply is `.error` in its place.
    ///
    /// Throws when the connection failed or could not be made: nobody knows then which commands were carried out.
    nonisolated(nonsending) func send(_ commands: [RedisCommand]) async throws(RedisError) -> [RedisValue]

    /// Ends the connection; what waits and what comes later fails with `Code.closed`.
    func close() async
}

extension RedisServer {
    /// Sends one command; also throws the server's error reply, as `Code.server`.
    @discardableResult
    public nonisolated(nonsending) func send(_ command: RedisCommand) async throws(RedisError) -> RedisValue {
        guard let reply = try await send([command]).first else {
            throw RedisError(.protocolError, "a command was left without a reply")
        }
        if case .error(let error) = reply { throw error }
        return reply
    }
}
