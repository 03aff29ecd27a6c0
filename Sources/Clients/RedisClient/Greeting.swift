/// What is said first on a connection, and what its replies mean.
struct Greeting {
    private enum Step {
        case auth, select, name, info
    }

    let commands: [RedisCommand]
    private let steps: [Step]
    private var replies: [RedisValue] = []
    private let secret: String?

    init(_ configuration: RedisConfiguration) {
        var commands: [RedisCommand] = []
        var steps: [Step] = []
        if configuration.user != nil || configuration.password != nil {
            var auth = RedisCommand("AUTH")
            if let user = configuration.user { auth.append(user) }
            auth.append(configuration.password ?? "")
            commands.append(auth)
            steps.append(.auth)
        }
        if configuration.database != 0 {
            commands.append(RedisCommand("SELECT", String(configuration.database)))
            steps.append(.select)
        }
        commands += [RedisCommand("CLIENT", "SETNAME", configuration.clientName), RedisCommand("INFO")]
        steps += [.name, .info]
        self.commands = commands
        self.steps = steps
        secret = configuration.password
    }

    /// Takes a reply; true when all have come.
    mutating func add(_ reply: RedisValue) -> Bool {
        replies.append(reply)
        return replies.count == steps.count
    }

    /// Answers what the server said of itself, empty when it would not.
    ///
    /// Throws `Code.refused` when the password, the user or the database is not accepted, `Code.unreachable` when the
    /// server has no room or is not ready.
    func outcome() throws(RedisError) -> [String: String] {
        for (step, reply) in zip(steps, replies) {
            guard let error = reply.error else { continue }
            let prefix = error.prefix
            if Self.isRefusal(prefix) { throw refusal(error) }
            guard step == .auth || step == .select else { continue }
            // WRONGPASS, NOPERM and ERR (no such database, no password set) stay as they are until somebody acts.
            if prefix == "WRONGPASS" || prefix == "NOPERM" || prefix == "ERR" { throw refusal(error) }
            throw RedisError(.unreachable, "the server is not ready: \(plain(error))")
        }
        return Self.parse(replies.last?.text ?? "")
    }

    /// Answers the same error with what the server said before it hung up, such as `max number of clients reached`.
    func explain(_ error: RedisError) -> RedisError {
        guard error.code == .closed || error.code == .unreachable else { return error }
        guard let last = replies.lazy.compactMap(\.error).last else {
            return RedisError(.unreachable, error.message)
        }
        if Self.isRefusal(last.prefix) { return refusal(last) }
        return RedisError(.unreachable, "\(error.message): \(plain(last))")
    }

    /// Whether it is a refusal; `DENIED` is protected mode: no password is set, and the client is on another host.
    private static func isRefusal(_ prefix: String) -> Bool { prefix == "NOAUTH" || prefix == "DENIED" }

    private func refusal(_ error: RedisError) -> RedisError {
        RedisError(.refused, "the server refuses the connection: \(plain(error))")
    }

    /// Keeps the password out of an error's text: no server repeats it; one that did would not get it into a log.
    private func plain(_ error: RedisError) -> String {
        guard let secret, !secret.isEmpty, error.message.contains(secret) else { return error.message }
        return "\(RedisError.firstWord(of: error.message)) (its text has the password in it)"
    }

    /// Reads the lines `key:value` of INFO; headings begin with #.
    private static func parse(_ text: String) -> [String: String] {
        var values: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            values[String(line[..<colon])] = String(line[line.index(after: colon)...])
        }
        return values
    }
}
