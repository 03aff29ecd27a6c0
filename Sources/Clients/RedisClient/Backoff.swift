import NIOCore

/// How long a failure to connect stands for all who ask: a wrong password must not become a storm of logins.
struct Backoff {
    /// 100 ms, doubling to 5 s; refused credentials stay refused, so 5 s at once.
    private static let first: Int64 = 100_000
    private static let longest: Int64 = 5_000_000

    private var failures = 0
    private var standing: (error: RedisError, until: NIODeadline)?

    /// Answers the last failure, while it stands.
    func error(at now: NIODeadline) -> RedisError? {
        guard let standing, now < standing.until else { return nil }
        return standing.error
    }

    var hasFailed: Bool { failures > 0 }

    /// Answers the wait in microseconds: a fifth more or less, so that many daemons do not come back as one.
    @discardableResult
    mutating func fail(_ error: RedisError, at now: NIODeadline) -> Int64 {
        let wait = error.code == .refused ? Self.longest : min(Self.longest, Self.first << Int64(min(failures, 16)))
        failures += 1
        let spread = wait * Int64.random(in: 80...120) / 100
        standing = (error, now + .microseconds(spread))
        return spread
    }

    mutating func succeed() { self = Backoff() }
}
