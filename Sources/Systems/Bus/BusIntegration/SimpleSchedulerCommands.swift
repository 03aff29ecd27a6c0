import APIClient
package import ArgumentParser
import CarillonCore
import CarillonDaemon
import CommandSupport
import Foundation
import Timetable

/// The commands of Simple Scheduler's own program, over its routes.
package enum SimpleSchedulerCommands {
    package static let all: [any ParsableCommand.Type] = [ListCommand.self, AddCommand.self, UpdateCommand.self]

    /// The program that is called so is these commands, and `login`.
    package static let program = "simple-scheduler-cli"

    /// Answers the same words with a value behind each switch of a job: `-e` alone is `-e true`, as that program has it.
    package static func prepared(_ words: [String]) -> [String] {
        guard let first = words.first, ["add", "a", "update", "u"].contains(first) else { return words }
        let switches = ["-e": "-e", "--enabled": "-e", "-c": "-c", "--allow-concurrent-runs": "-c"]
        var prepared: [String] = []
        for (place, word) in words.enumerated() {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            guard let name = parts.first, let short = switches[name] else {
                prepared.append(word)
                continue
            }
            let next = place + 1 < words.count ? words[place + 1] : ""
            let isAlone = parts.count == 1 && Switch(argument: next) == nil
            prepared += isAlone ? [short, "true"] : [short] + parts.dropFirst()
        }
        return prepared
    }

    /// The API that is asked: where nothing says otherwise, the one of this machine.
    fileprivate static func client(_ place: DaemonLocation) throws -> APIClient {
        if let remote = try place.remote() { return try place.client(of: remote) }
        var place = place
        place.url = "http://localhost:8080/api"
        guard let remote = try place.remote() else { throw Failure.input("give the API's address by --url") }
        return try place.client(of: remote)
    }

    /// Asks, and says what went wrong in a sentence.
    fileprivate static func ask(
        _ place: DaemonLocation, _ method: String, _ path: String, query: [(String, String?)] = [],
        body: JSONObject? = nil
    ) async throws -> Data {
        let client = try client(place)
        do {
            return try await client.ask(
                method, "/api" + path, query: query.compactMap { name, value in value.map { (name, $0) } },
                body: try body.map { Array(try PublicJSON.encode($0).utf8) }
            ).body
        } catch let error as APIClient.MissingScopes {
            throw error.failure
        } catch let error as APIClient.Refusal {
            throw Failure(code: error.status == 400 ? 2 : 1, message: error.message)
        }
    }

    fileprivate static func list<Item: Decodable>(_ data: Data) throws -> [Item] {
        do {
            return try JSONDecoder().decode([Item].self, from: data)
        } catch {
            throw Failure.failed("the API answers something else than a list")
        }
    }
}

/// `true` or `false`, in the words that Go reads.
private struct Switch: ExpressibleByArgument {
    let isOn: Bool

    init?(argument: String) {
        switch argument {
        case "1", "t", "T", "true", "TRUE", "True": isOn = true
        case "0", "f", "F", "false", "FALSE", "False": isOn = false
        default: return nil
        }
    }
}

private struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Jobs or runs, as Simple Scheduler's program lists them.",
        subcommands: [JobList.self, RunList.self], aliases: ["l", "ls"])
}

private struct JobList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "Jobs for workers on a bus, on an interval or once.",
        discussion: "Lengths of time are milliseconds.\n\nEXAMPLE\n  carillon list jobs -u http://localhost:8080/api",
        aliases: ["j"])
    @OptionGroup var place: DaemonLocation
    @Flag(help: "Print one JSON object a line, by the keys of the API.") var json = false

    private struct Job: Codable {
        var name: String
        var enabled: Bool
        var nextRunAt: String?
        var interval: Int64
        var runExecutionTimeout: Int64
        var runStartTimeout: Int64
        var maxQueueCount: Int64
        var allowConcurrentRuns: Bool
        var heartbeatTimeout: Int64
    }

    func run() async throws {
        let jobs: [Job] = try SimpleSchedulerCommands.list(await SimpleSchedulerCommands.ask(place, "GET", "/jobs"))
        if json {
            for job in jobs { try say(json: job) }
            return
        }
        var table = TextTable(
            "NAME", "ENABLED", .fixed("NEXT RUN AT"), "INTERVAL", .first("RUN EXECUTION TIMEOUT"),
            .first("RUN START TIMEOUT"), .first("MAX QUEUE COUNT"), .first("ALLOW CONCURRENT RUNS"),
            .first("HEARTBEAT TIMEOUT"))
        for job in jobs {
            table.add(
                .init(job.name), .init("\(job.enabled)"), .init(job.nextRunAt ?? "-"), .init("\(job.interval)"),
                .init("\(job.runExecutionTimeout)"), .init("\(job.runStartTimeout)"), .init("\(job.maxQueueCount)"),
                .init("\(job.allowConcurrentRuns)"), .init("\(job.heartbeatTimeout)"))
        }
        table.print()
    }
}

private struct RunList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs", abstract: "Runs, the newest first.",
        discussion: "EXAMPLE\n  carillon list runs -j resize -s failed", aliases: ["r"])
    @OptionGroup var place: DaemonLocation
    @Option(name: .shortAndLong, help: "Only this job's.") var job: String?
    @Option(
        name: .shortAndLong, help: "Only in this state: pending, running, cancelling, cancelled, failed or completed.")
    var status: String?
    @Flag(help: "Print one JSON object a line, by the keys of the API.") var json = false

    private struct Run: Codable {
        var id: String
        var jobName: String
        var status: String
        var createdTime: String
        var startTime: String?
        var endTime: String?
        var heartbeat: String?
    }

    func run() async throws {
        let runs: [Run] = try SimpleSchedulerCommands.list(
            await SimpleSchedulerCommands.ask(
                place, "GET", "/runs", query: [("jobName", job), ("status", status)]))
        if json {
            for run in runs { try say(json: run) }
            return
        }
        var table = TextTable(.fixed("ID"), "JOB", .fixed("STATUS"), .first("START TIME"), .first("END TIME"))
        for run in runs {
            table.add(
                .init(run.id), .init(run.jobName), .init(run.status), .init(run.startTime ?? "-"),
                .init(run.endTime ?? "-"))
        }
        table.print()
    }
}

/// A job's keys, as that program spells them.
private struct SeedOptions: ParsableArguments {
    @Option(name: [.customShort("n"), .customLong("name")], help: "The job's name.") var name: String
    @Option(name: [.customShort("e"), .customLong("enabled")], help: "Whether it is enabled: true or false.")
    private var enabled: Switch?
    @Option(name: [.customShort("r"), .customLong("next-run-at")], help: "Its next time, RFC 3339.")
    var nextRunAt: String?
    @Option(
        name: [.customShort("i", allowingJoined: true), .customLong("interval")], help: "Its interval; 0 runs once.")
    private var interval: Int64?
    @Option(
        name: [.customShort("x", allowingJoined: true), .customLong("run-execution-timeout")],
        help: "How long a run may take; 0 for as long as it likes.")
    private var executionTimeout: Int64?
    @Option(
        name: [.customShort("s", allowingJoined: true), .customLong("run-start-timeout")],
        help: "How long a run may wait for its worker; 0 for ever.")
    private var startTimeout: Int64?
    @Option(
        name: [.customShort("q", allowingJoined: true), .customLong("max-queue-count")],
        help: "How many runs may wait; 0 for any number.")
    private var queueCount: Int64?
    @Option(
        name: [.customShort("c"), .customLong("allow-concurrent-runs")],
        help: "Whether several may run at once: true or false.")
    private var concurrent: Switch?
    @Option(
        name: [.customShort("t", allowingJoined: true), .customLong("heartbeat-timeout")],
        help: "How long a worker may be silent; 0 for ever.")
    private var heartbeatTimeout: Int64?

    func validate() throws {
        if let nextRunAt, Timestamp(rfc3339: nextRunAt) == nil {
            throw ValidationError(
                "--next-run-at: expected a time such as 2026-11-22T19:00:00Z, found '\(nextRunAt)'")
        }
    }

    /// What is given, and where `whole` what is not as nothing, as that program writes it.
    func body(whole: Bool) -> JSONObject {
        var entries: [(key: String, value: any Encodable)] = []
        func add(_ key: String, _ value: (some Encodable)?, _ none: some Encodable) {
            if let value { entries.append((key, value)) } else if whole { entries.append((key, none)) }
        }
        if whole { entries.append(("name", name)) }
        add("enabled", enabled?.isOn, true)
        if let nextRunAt { entries.append(("nextRunAt", nextRunAt)) }
        add("interval", interval, 0)
        add("runExecutionTimeout", executionTimeout, 0)
        add("runStartTimeout", startTimeout, 0)
        add("maxQueueCount", queueCount, 0)
        add("allowConcurrentRuns", concurrent?.isOn, false)
        add("heartbeatTimeout", heartbeatTimeout, 0)
        return JSONObject(entries)
    }
}

private struct AddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add a job, as Simple Scheduler's program does.", subcommands: [JobAdd.self],
        aliases: ["a"])
}

private struct JobAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job", abstract: "Add a job for workers on a bus.",
        discussion: """
            Lengths of time are milliseconds. `carillon jobs add` knows every kind of job.

            EXAMPLE
              carillon add job -n resize -r 2026-11-22T19:00:00Z -i 60000 -x 30000
            """, aliases: ["j"])
    @OptionGroup var place: DaemonLocation
    @OptionGroup(title: "The job") var options: SeedOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        guard options.nextRunAt != nil else { throw Failure.input("--next-run-at (-r) is missing") }
        _ = try await SimpleSchedulerCommands.ask(place, "POST", "/jobs", body: options.body(whole: true))
        let sentence = "\(options.name) is added"
        if json { try say(json: JSONObject([("done", sentence)])) } else { say("\(sentence)") }
    }
}

private struct UpdateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Change a job, as Simple Scheduler's program does.",
        subcommands: [JobUpdate.self], aliases: ["u"])
}

private struct JobUpdate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job", abstract: "Change what is given of a job.",
        discussion: "EXAMPLE\n  carillon update job -n resize -e false", aliases: ["j"])
    @OptionGroup var place: DaemonLocation
    @OptionGroup(title: "The job") var options: SeedOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        _ = try await SimpleSchedulerCommands.ask(
            place, "PATCH", "/jobs/\(options.name.percentEncoded)", body: options.body(whole: false))
        let sentence = "\(options.name) is changed"
        if json { try say(json: JSONObject([("done", sentence)])) } else { say("\(sentence)") }
    }
}
