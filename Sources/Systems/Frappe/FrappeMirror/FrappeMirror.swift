public import CarillonCore
public import Logging
public import RedisClient
public import ServiceLifecycle
import Timetable

/// Upcoming runs of Frappe's schedules in a sorted set of Redis, for tools that read them there; nothing here reads it.
///
/// It is rewritten whole every so often, so that it also comes back after a FLUSHALL.
public actor FrappeMirror: Service {
    public static let key = "btu_scheduler:task_execution_times"

    private let store: any JobStore
    private let feed: String
    /// What stands before a schedule's name in its job's.
    private let prefix: String
    private let server: any RedisServer
    private let clock: any EngineClock
    private let logger: Logger
    /// Microseconds between two rewritings.
    private let refresh: Int64
    /// What stands there: seconds by schedule. Nil when nobody knows.
    private var written: [String: Int64]?
    private var rewrittenAt: Int64?
    private var isFailing = false

    public init(
        store: any JobStore, feed: String, prefix: String, server: any RedisServer, refresh: Int64,
        clock: any EngineClock, logger: Logger
    ) {
        self.store = store
        self.feed = feed
        self.prefix = prefix
        self.server = server
        self.refresh = refresh
        self.clock = clock
        self.logger = logger
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while true {
                let start = self.clock.uptime
                await self.sync()
                // With very many schedules a look costs something, so they are farther apart.
                let pause = max(1_000_000, 20 * (self.clock.uptime - start))
                do { try await self.clock.sleep(for: pause) } catch { return }
            }
        }
        await server.close()
    }

    /// Brings the set in line with the store.
    package func sync() async {
        do {
            let upcoming = try await upcoming()
            if let written, let rewrittenAt, clock.uptime - rewrittenAt < refresh {
                try await change(from: written, to: upcoming)
            } else {
                try await rewrite(upcoming)
                rewrittenAt = clock.uptime
            }
            written = upcoming
            isFailing = false
        } catch {
            written = nil
            if !isFailing {
                logger.warning("the mirror of upcoming runs is not kept", metadata: ["error": "\(error)"])
            }
            isFailing = true
        }
    }

    private func upcoming() async throws -> [String: Int64] {
        var upcoming: [String: Int64] = [:]
        for job in try await store.jobs(ofFeed: feed) {
            if let due = job.nextDue, due < .distantFuture {
                upcoming[String(job.name.dropFirst(prefix.count))] = due.seconds
            }
        }
        return upcoming
    }

    private static func member(_ name: String, _ seconds: Int64) -> String { "\(name)|\(seconds)" }

    /// Members in one command.
    private static let batch = 1_000

    private func change(from old: [String: Int64], to new: [String: Int64]) async throws {
        let gone = old.filter { new[$0.key] != $0.value }.map { Self.member($0.key, $0.value) }
        let come = new.filter { old[$0.key] != $0.value }
        var commands: [RedisCommand] = []
        for start in stride(from: 0, to: gone.count, by: Self.batch) {
            var command = RedisCommand("ZREM", Self.key)
            for member in gone[start..<min(start + Self.batch, gone.count)] { command.append(member) }
            commands.append(command)
        }
        commands += additions(come, to: Self.key)
        try await send(commands)
    }

    /// Puts the new set in the old one's place at once.
    private func rewrite(_ upcoming: [String: Int64]) async throws {
        guard !upcoming.isEmpty else { return try await send([RedisCommand("DEL", Self.key)]) }
        let draft = Self.key + ":draft"
        try await send(
            [RedisCommand("DEL", draft)] + additions(upcoming, to: draft) + [RedisCommand("RENAME", draft, Self.key)])
    }

    private func additions(_ upcoming: [String: Int64], to key: String) -> [RedisCommand] {
        let entries = Array(upcoming)
        return stride(from: 0, to: entries.count, by: Self.batch).map { start in
            var command = RedisCommand("ZADD", key)
            for (name, seconds) in entries[start..<min(start + Self.batch, entries.count)] {
                command.append(Int(seconds))
                command.append(Self.member(name, seconds))
            }
            return command
        }
    }

    private func send(_ commands: [RedisCommand]) async throws {
        if commands.isEmpty { return }
        if let error = try await server.send(commands).lazy.compactMap(\.error).first { throw error }
    }
}
