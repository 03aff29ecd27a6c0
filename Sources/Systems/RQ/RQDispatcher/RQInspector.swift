import CarillonCore
public import Logging
public import RedisClient
public import Timetable

/// A quick look at what RQ has, without a daemon.
public struct RQInspector: Sendable {
    public struct Server: Sendable, Encodable {
        public var address: String
        public var version: String
        /// The policy, when it may evict what runs depend on.
        public var evictingPolicy: String?
    }

    public struct Queue: Sendable, Encodable {
        public var name: String
        public var waiting: Int
        public var started: Int
        public var finished: Int
        public var failed: Int
        /// Living workers that listen.
        public var workers: Int
    }

    public struct Job: Sendable {
        public var id: String
        /// Fields of RQ's hash, without the call's data.
        public var fields: [(name: String, value: String)]
        public var traceback: String?
        /// Carillon enqueued it, and will not do so again.
        public var isGuarded: Bool
    }

    private let client: RedisClient
    private let facts = ServerFacts()
    private let address: String

    public init(_ configuration: RQConfiguration, logger: Logger) {
        let facts = facts
        client = RedisClient(configuration.redis, logger: logger) { info throws(RedisError) in try facts.greet(info) }
        address = configuration.redis.address
    }

    public func close() async { await client.close() }

    public func ping() async throws(RedisError) -> Server {
        _ = try await client.send(RedisCommand("PING"))
        let facts = facts.now
        return Server(address: address, version: facts.version, evictingPolicy: facts.evictingPolicy)
    }

    /// Reads every queue RQ knows, in the order of their names.
    public func queues() async throws(RedisError) -> [Queue] {
        let keys = try await client.send(RedisCommand("SMEMBERS", "rq:queues")).array ?? []
        let names = keys.compactMap { $0.text.map { String($0.dropFirst("rq:queue:".count)) } }.sorted()
        guard !names.isEmpty else { return [] }
        var listeners = RedisCommand.script(RQScripts.listeners, keys: [])
        for name in names { listeners.append(name) }
        let workers = try await client.send(listeners).array ?? []
        let counts = try await client.send(
            names.flatMap { name in
                [RedisCommand("LLEN", "rq:queue:\(name)")]
                    + ["wip", "finished", "failed"].map { RedisCommand("ZCARD", "rq:\($0):\(name)") }
            })
        let number = { (value: RedisValue?) in Int(value?.integer ?? 0) }
        return names.enumerated().map { index, name in
            let own = counts[(index * 4)...].prefix(4).map(number)
            return Queue(
                name: name, waiting: own[0], started: own[1], finished: own[2], failed: own[3],
                workers: workers.indices.contains(index) ? number(workers[index]) : 0)
        }
    }

    /// Reads a job by its RQ id; nil when Redis has neither it nor a guard of it.
    public func job(_ id: String) async throws(RedisError) -> Job? {
        var look = RedisCommand.script(RQScripts.look, keys: [])
        look.append(id)
        let sight = RQJobSnapshot(try await client.send(look).array?.first?.array ?? [])
        let hash = try await client.send(RedisCommand("HGETALL", "rq:job:\(id)")).array ?? []
        guard !sight.isNothing else { return nil }
        var fields: [(name: String, value: String)] = []
        for index in stride(from: 0, to: hash.count - 1, by: 2) {
            guard let name = hash[index].text, !["data", "exc_info", "result"].contains(name),
                let value = hash[index + 1].text, !value.isEmpty
            else { continue }
            fields.append((name, value))
        }
        return Job(
            id: id, fields: fields.sorted { $0.name < $1.name }, traceback: sight.traceback,
            isGuarded: sight.guardText != nil)
    }

    /// Reads every job there is a record of, in no order; `each` gets them batch by batch.
    public func jobs(_ each: ([Job]) -> Void) async throws(RedisError) {
        var cursor = "0"
        repeat {
            let page = try await client.send(
                RedisCommand("SCAN", cursor, "MATCH", "rq:job:*", "COUNT", "1000")
            ).array
            cursor = page?.first?.text ?? "0"
            let keys = (page?.last?.array ?? []).compactMap(\.text)
            if keys.isEmpty { continue }
            let hashes = try await client.send(
                keys.map { RedisCommand("HMGET", $0, "status", "origin", "created_at", "description") })
            each(
                zip(keys, hashes).map { key, hash in
                    let values = hash.array ?? []
                    let fields = zip(["status", "origin", "created_at", "description"], values)
                        .compactMap { name, value in value.text.map { (name: name, value: $0) } }
                    return Job(id: String(key.dropFirst("rq:job:".count)), fields: fields, isGuarded: false)
                })
        } while cursor != "0"
    }

    /// What became of an order to run a job again.
    public enum Requeued: Sendable {
        case queued(String)
        case unknown
        /// It waits on its queue already, or a worker has it.
        case active(String)
    }

    /// Puts a job that Redis still has a record of on its queue again.
    public func requeue(_ id: String, now: Timestamp) async throws(RedisError) -> Requeued {
        var command = RedisCommand.script(RQScripts.requeue, keys: [])
        command.append(id)
        command.append(RQTime.text(now))
        let answer = try await client.send(command).array?.compactMap(\.text) ?? []
        switch answer.first {
        case "queued": return .queued(answer.last ?? "")
        case "active": return .active(answer.last ?? "")
        default: return .unknown
        }
    }
}
