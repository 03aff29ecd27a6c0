package import ArgumentParser
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CommandSupport
import FrappeFeed
import FrappeSite
import Logging
import RQDispatcher
import RQIntegration
import Timetable

package struct BTU: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "btu",
        abstract: "The nine commands of BTU Scheduler's `btu`, over its own configuration, and `results`.",
        discussion: """
            EXAMPLES
              carillon btu show-scheduled
              carillon btu test-ping --config ~/btu_scheduler.toml
              carillon btu queue-task-now TASK-0001
              carillon btu results --since yesterday
            """,
        subcommands: [
            ListJobs.self, ListTasks.self, ShowScheduled.self, ShowJob.self, QueueJobNow.self, QueueTaskNow.self,
            PrintConfig.self, TestPing.self, TestPickler.self, Results.self,
        ])

    package init() {}

    /// What each of the nine takes.
    struct Options: ParsableArguments {
        @Option(help: ArgumentHelp("BTU Scheduler's configuration file.", valueName: "file"))
        var config = BTUReader.standardPath
        @Flag(help: "Say on standard error what is asked of whom.") var debug = false
        @Flag(help: "Print one JSON object a line.") var json = false

        func settings() throws -> Settings {
            let path = DaemonLocation.absolute(config)
            let reading = try BTUReader.reading(path, zones: ZoneDatabase())
            if debug { for remark in reading.remarks { Terminal.error("\(remark)") } }
            return try DaemonLocation.settings(reading.settings, source: path, zones: ZoneDatabase())
        }

        func redis() throws -> RedisSettings { try settings()[RedisSettings.self] ?? RedisSettings() }

        var logger: Logger {
            let level: Logger.Level = debug ? .trace : .critical
            return Logger(label: "btu") { label in
                LineLogHandler(label: label, level: level, format: .text, sink: .direct)
            }
        }

        /// Opens the site's web server for as long as `body` takes.
        func withSite<T>(_ body: (FrappeSite) async throws -> T) async throws -> T {
            guard let web = try settings()[FrappeSettings.self]?.web else {
                throw Failure.input("\(config): names no web server")
            }
            let site = FrappeSite(web.configuration)
            if debug { Terminal.error("asking \(site.address)") }
            do {
                let answer = try await body(site)
                await site.close()
                return answer
            } catch let error as FrappeSiteError {
                await site.close()
                throw Failure.failed(error.message)
            }
        }

        /// Opens the site's database for as long as `body` takes.
        func withTables<T>(_ body: (any FrappeTables) async throws -> T) async throws -> T {
            guard let site = try settings()[FrappeSettings.self] else {
                throw Failure.input("\(config): names no database")
            }
            let tables = try site.tables(patience: 10, logger: logger)
            if debug { Terminal.error("asking \(site.database) at \(site.host):\(site.port)") }
            do {
                let answer = try await body(tables)
                await tables.close()
                return answer
            } catch {
                await tables.close()
                if error is Failure { throw error }
                throw Failure.failed("\(error)")
            }
        }
    }

    struct TestPing: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "test-ping", abstract: "Whether the site's web server answers, with the token.")
        @OptionGroup var options: Options

        func run() async throws {
            let word = try await options.withSite { try await ($0.ping(), $0.address) }
            if options.json {
                return try say(json: JSONObject([("site", word.1), ("answer", word.0)]))
            }
            say("\(word.1) answers: \(word.0)")
        }
    }

    struct TestPickler: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "test-pickler", abstract: "Whether the site's web server makes pickles.")
        @OptionGroup var options: Options

        func run() async throws {
            for method in ["test_function_ping_now_bytes", "test_hello_world_bytes"] {
                let bytes = try await options.withSite { try await $0.sample(method) }
                let start = String(decoding: bytes.prefix(60), as: UTF8.self).map { $0.isPlain ? $0 : "." }
                if options.json {
                    try say(
                        json: JSONObject([
                            ("method", method), ("bytes", bytes.count), ("pickle", bytes.first == 0x80),
                            ("start", String(start)),
                        ]))
                } else {
                    let kind = bytes.first == 0x80 ? "a pickle of \(bytes.count) bytes" : "\(bytes.count) bytes"
                    say("\(method.padded(32))\(kind): \(String(start))")
                }
            }
        }
    }
}

extension Character {
    fileprivate var isPlain: Bool { asciiValue.map { (0x20..<0x7f).contains($0) } ?? isLetter }
}
