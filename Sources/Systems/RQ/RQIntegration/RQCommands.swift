package import ArgumentParser
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CommandSupport
import Foundation
import Logging
package import RQDispatcher
import RedisClient
import Timetable

package struct RQCommands: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "rq", abstract: "A quick look at Python RQ's side of Redis; needs no daemon.",
        subcommands: [Ping.self, Queues.self, Job.self])

    package init() {}

    /// Opens an inspector of the configured Redis for as long as `body` takes.
    fileprivate static func withInspector<T>(_ place: DaemonLocation, _ body: (RQInspector) async throws -> T)
        async throws
        -> T
    {
        let settings = try place.settings(zones: ZoneDatabase())
        return try await (settings[RedisSettings.self] ?? RedisSettings()).withInspector(body)
    }

    struct Ping: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Whether Redis answers, and what stands against it.")
        @OptionGroup var place: DaemonLocation
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            let server = try await RQCommands.withInspector(place) { try await $0.ping() }
            if json {
                return try say(json: server)
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
        @OptionGroup var place: DaemonLocation
        @Flag(help: "Print one JSON object a line.") var json = false

        func run() async throws {
            let queues = try await RQCommands.withInspector(place) { try await $0.queues() }
            if json {
                for queue in queues { try say(json: queue) }
                return
            }
            if queues.isEmpty { return say("RQ has no queues there yet") }
            var table = TextTable("QUEUE", "WAITING", "STARTED", "FINISHED", "FAILED", "WORKERS")
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
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The job's id.") var id: String
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            guard let job = try await RQCommands.withInspector(place, { try await $0.job(id) }) else {
                throw Failure.failed("Redis has no job '\(id)'; its result may have expired")
            }
            try job.show(json)
        }
    }
}

extension RedisSettings {
    /// Opens an inspector of this Redis for as long as `body` takes. Throws `Failure` when it cannot be asked.
    package func withInspector<T>(_ body: (RQInspector) async throws -> T) async throws -> T {
        let configuration = try configuration(identity: "")
        let desk = RQInspector(configuration, logger: Logger(label: "rq") { _ in SwiftLogNoOpLogHandler() })
        let answer: T
        do {
            answer = try await body(desk)
        } catch let error as RedisError {
            await desk.close()
            throw Failure.failed(configuration.describe(error))
        }
        await desk.close()
        return answer
    }
}

extension RQInspector.Job {
    /// Shows all there is, for one reader or the other.
    package func show(_ json: Bool) throws {
        if json { return try say(json: self) }
        say(Terminal.paint(id, .bold))
        if fields.isEmpty { say("  its record has expired; only Carillon's guard is left") }
        for (name, value) in fields { say("  \(name.padded(14))\(value)") }
        if let traceback {
            say("  traceback")
            for line in traceback.split(whereSeparator: \.isNewline) { say("    \(line)") }
        }
    }
}
