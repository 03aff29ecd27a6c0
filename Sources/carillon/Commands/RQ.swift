import ArgumentParser
import CarillonConfiguration
import CarillonCore
import Foundation
import Logging
import RQDispatcher
import RedisClient
import Timetable

struct RQ: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rq", abstract: "A quick look at Python RQ's side of Redis; needs no daemon.",
        subcommands: [Ping.self, Queues.self, Job.self])

    /// A desk on the configured Redis for as long as `body` takes.
    static func withDesk<T>(_ place: Place, _ body: (RQDesk) async throws -> T) async throws -> T {
        try await withDesk(try place.settings(zones: ZoneDatabase()), body)
    }

    static func withDesk<T>(_ settings: Settings, _ body: (RQDesk) async throws -> T) async throws -> T {
        let desk = RQDesk(
            try settings.redis.rq(identity: ""), logger: Logger(label: "rq") { _ in SwiftLogNoOpLogHandler() })
        let answer: T
        do {
            answer = try await body(desk)
        } catch let error as RedisError {
            await desk.close()
            throw Failure.failed(try settings.redis.rq(identity: "").describe(error))
        }
        await desk.close()
        return answer
    }

    struct Ping: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Whether Redis answers, and what stands against it.")
        @OptionGroup var place: Place
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            let server = try await RQ.withDesk(place) { try await $0.ping() }
            if json {
                return say(
                    JSONObject([
                        ("redis", .text(server.address)), ("version", .text(server.version)),
                        ("evictingPolicy", .text(server.evictingPolicy)),
                    ]).line)
            }
            say("Redis \(server.version) at \(server.address) answers")
            if let policy = server.evictingPolicy {
                say(
                    Terminal.paint("warning: ", .yellow)
                        + "maxmemory-policy \(policy) may evict what runs depend on; set it to noeviction")
            }
        }
    }

    struct Queues: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "RQ's queues: what waits, and who listens.")
        @OptionGroup var place: Place
        @Flag(help: "Print one JSON object a line.") var json = false

        func run() async throws {
            let queues = try await RQ.withDesk(place) { try await $0.queues() }
            if json {
                for queue in queues {
                    let numbers = [
                        ("waiting", queue.waiting), ("started", queue.started), ("finished", queue.finished),
                        ("failed", queue.failed), ("workers", queue.workers),
                    ]
                    say(
                        JSONObject([("queue", .text(queue.name))] + numbers.map { ($0.0, .number(Int64($0.1))) }).line)
                }
                return
            }
            if queues.isEmpty { return say("RQ has no queues there yet") }
            var table = Table("QUEUE", "WAITING", "STARTED", "FINISHED", "FAILED", "WORKERS")
            for queue in queues {
                table.add(
                    .init(queue.name), .init("\(queue.waiting)"), .init("\(queue.started)"),
                    .init("\(queue.finished)"), .init("\(queue.failed)", queue.failed > 0 ? .red : nil),
                    .init(queue.workers == 0 ? "none" : "\(queue.workers)", queue.workers == 0 ? .yellow : nil))
            }
            table.print()
        }
    }

    struct Job: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "What RQ knows of one job; a run's id is its job's id.")
        @OptionGroup var place: Place
        @Argument(help: "The job's id.") var id: String
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            guard let job = try await RQ.withDesk(place, { try await $0.job(id) }) else {
                throw Failure.failed("Redis has no job '\(id)'; its result may have expired")
            }
            job.show(json)
        }
    }
}

extension RQDesk.Job {
    /// All there is, for one reader or the other.
    func show(_ json: Bool) {
        if json {
            return say(
                JSONObject(
                    [("id", .text(id)), ("guarded", .bool(isGuarded))] + fields.map { ($0.name, .text($0.value)) }
                        + [("traceback", .text(traceback))]
                ).line)
        }
        say(Terminal.paint(id, .bold))
        if fields.isEmpty { say("  its record has expired; only Carillon's guard is left") }
        for (name, value) in fields { say("  \(name.padded(14))\(value)") }
        if let traceback {
            say("  traceback")
            for line in traceback.split(whereSeparator: \.isNewline) { say("    \(line)") }
        }
    }
}

extension Settings.Redis {
    /// Throws `Failure` for an address that cannot be read.
    func rq(identity: String) throws -> RQConfiguration {
        do {
            var redis = try RedisConfiguration(url: url)
            if let user { redis.user = user }
            if let password { redis.password = password }
            if redis.tls != nil {
                redis.tls = .init(
                    caFile: caFile, certificateFile: certificateFile, keyFile: keyFile, verify: verifies)
            }
            var configuration = RQConfiguration(redis: redis, identity: identity)
            configuration.queuePrefix = queuePrefix
            return configuration
        } catch {
            throw Failure.input("redis.url: \(error.message)")
        }
    }
}
