import CarillonCore
import RedisClient
import Synchronization

/// What a server told of itself when the connection was made.
final class ServerFacts: Sendable {
    struct Facts: Sendable {
        /// Counts connections.
        var connection = 0
        /// Drawn anew each time the server starts.
        var runID = ""
        /// The policy, when it may evict keys.
        var evictingPolicy: String?
        var evicted = 0
        var version = ""
        /// The server's own clock in microseconds since 1970, and when it said so, by this machine's time since its boot.
        var clock: (time: Int64, at: Int64)?
    }

    private let facts = Mutex(Facts())
    /// Nil for who sends nothing that may come too late.
    private let clock: (any EngineClock)?

    init(_ clock: (any EngineClock)? = nil) { self.clock = clock }

    var now: Facts { facts.withLock { $0 } }

    /// Reads INFO; throws when such a server cannot be used.
    func greet(_ info: [String: String]) throws(RedisError) {
        if info["cluster_enabled"] == "1" || info["redis_mode"] == "cluster" {
            throw RedisError(
                .refused,
                "this is a Redis Cluster, which cannot enqueue a run and its guard at once; give the address of a single server"
            )
        }
        if info["redis_mode"] == "sentinel" {
            throw RedisError(.refused, "this is a Redis Sentinel; give the address of the server itself")
        }
        if info["role"] == "slave" {
            throw RedisError(.refused, "this is a replica, which takes no writes; give the address of the master")
        }
        let policy = info["maxmemory_policy"] ?? "noeviction"
        let isBounded = (info["maxmemory"] ?? "0") != "0"
        facts.withLock {
            $0.connection += 1
            $0.runID = info["run_id"] ?? ""
            $0.evictingPolicy = isBounded && policy != "noeviction" ? policy : nil
            $0.evicted = Int(info["evicted_keys"] ?? "") ?? 0
            $0.version = info["redis_version"] ?? ""
            $0.clock = info["server_time_usec"].flatMap { Int64($0) }.flatMap { time in
                clock.map { (time, $0.sinceBoot) }
            }
        }
    }

    /// Takes in what the server's clock says now, in seconds.
    func note(time seconds: Int64) { facts.withLock { $0.clock = clock.map { (seconds * 1_000_000, $0.sinceBoot) } } }

    /// The second by the server's clock up to which what is sent now may come; nil for a server that does not tell its time.
    var sendBy: Int64? {
        guard let clock, let known = now.clock else { return nil }
        return (known.time + clock.sinceBoot - known.at) / 1_000_000 + RQScripts.longestWay
    }
}
