import ArgumentParser
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import Foundation

extension Jobs {
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a job.",
            discussion: """
                EXAMPLES
                  carillon jobs add report --cron '0 19 * * MON-FRI' \\
                      --zone America/New_York -- /usr/local/bin/report --full
                  carillon jobs add ping --every 15s --shell 'ping -c1 gateway >/dev/null'
                  carillon jobs add nightly --cron @daily --set retry.attempts=3 \\
                      --set retry.backoff=1m -- /usr/local/bin/backup
                  carillon jobs add sync --every 5m --rq shop.tasks.sync \\
                      --rq-args '[1, {"a": "b"}]' --queue low
                """)
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The job's name.", completion: .jobs) var name: String
        @OptionGroup(title: "The job") var options: JobOptions
        @OptionGroup var change: ChangeOptions

        func run() async throws {
            let job = try options.job(name: name, place: place)
            try await change.make(job, over: nil, place: place)
        }
    }

    struct Update: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Replace a job's definition.",
            discussion: """
                The definition is given whole, as with `jobs add`; what is left out takes its default, and is named. `carillon \
                jobs set` changes single keys.
                """)
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The job's name.", completion: .jobs) var name: String
        @OptionGroup(title: "The job") var options: JobOptions
        @OptionGroup var change: ChangeOptions

        func run() async throws {
            let job = try options.job(name: name, place: place)
            let known = try await DaemonClient(place: place).definition(name)
            let reset = try change.keys(of: known.job).subtracting(try change.keys(of: job)).sorted()
            if !reset.isEmpty { Terminal.error("back to its default: \(reset.joined(separator: ", "))") }
            try await change.make(job, over: known, place: place)
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change single keys of a job.",
            discussion: """
                Keys and values are those of a job file; a value is TOML, or plain text. A key without a value goes back to its \
                default. A new schedule or target takes the place of the old one, whatever its key was.

                EXAMPLES
                  carillon jobs set backup cron='0 4 * * *' timeout=2h
                  carillon jobs set backup retry.attempts=3 tags='["db", "eu"]'
                  carillon jobs set backup window=            without a window again
                """)
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The job's name.", completion: .jobs) var name: String
        @Argument(help: ArgumentHelp("KEY=VALUE, or KEY= for the default.", valueName: "key=value")) var pairs: [String]
        @OptionGroup var change: ChangeOptions

        func run() async throws {
            let known = try await DaemonClient(place: place).definition(name)
            let text = JobText(place)
            var table = try text.table(known.job)
            for pair in pairs { try text.set(pair, in: &table) }
            let job = try text.job(table, name: name, source: "command line")
            guard job.name == known.job.name else {
                throw Failure.input("a job keeps its name; `carillon jobs copy` makes one of another name")
            }
            try await change.make(job, over: known, place: place)
        }
    }

    struct Edit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change a job in an editor.",
            discussion: """
                The definition is opened in $VISUAL or $EDITOR, as a job file has it; what is wrong with it is said, and it is \
                opened again. The difference is shown before the change is made.
                """)
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The job's name.", completion: .jobs) var name: String
        @OptionGroup var change: ChangeOptions

        func run() async throws {
            let known = try await DaemonClient(place: place).definition(name)
            guard known.job.origin.feed == Origin.orders.feed else {
                throw Failure.failed(
                    "\(name) belongs to \(known.job.origin); it is changed there, and the change is taken up at once")
            }
            let text = JobText(place)
            let editor = try Editor(try text.toml(known.job))
            defer { editor.remove() }
            while true {
                try await editor.open()
                do {
                    let job = try text.job(file: editor.path, name: known.job.name)
                    return try await change.make(job, over: known, place: place)
                } catch let failure as Failure where failure.code == 2 {
                    Terminal.error("carillon: \(failure.message)")
                    guard editor.asks("Edit it again?") else { throw Failure.input("nothing was changed") }
                }
            }
        }
    }

    struct Copy: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a job that is like another one.",
            discussion: "EXAMPLE\n  carillon jobs copy backup backup-eu time_zone=Europe/Berlin")
        @OptionGroup var place: DaemonLocation
        @Argument(help: "The job to copy.", completion: .jobs) var name: String
        @Argument(help: "The new job's name.") var copy: String
        @Argument(help: ArgumentHelp("What is different: KEY=VALUE.", valueName: "key=value")) var pairs: [String] = []
        @OptionGroup var change: ChangeOptions

        func run() async throws {
            let text = JobText(place)
            var table = try text.table(try await DaemonClient(place: place).definition(name).job)
            table.set("name", .text(copy))
            for pair in pairs { try text.set(pair, in: &table) }
            let job = try text.job(table, name: copy, source: "command line")
            try await change.make(job, over: nil, place: place)
        }
    }

    struct Export: AsyncParsableCommand {
        enum Format: String, CaseIterable, ExpressibleByArgument { case toml, json }

        static let configuration = CommandConfiguration(
            abstract: "Print jobs as a job file has them.",
            discussion: """
                What is printed reads back as the same jobs: in a file of jobs.d, or with `carillon jobs add`. Secrets among a \
                program's variables are in it.

                EXAMPLE
                  carillon jobs export --tag eu >jobs.d/eu.toml
                """)
        @OptionGroup var place: DaemonLocation
        @OptionGroup var filter: JobFilter
        @Option(help: "toml or json.") var format = Format.toml

        func run() async throws {
            let client = DaemonClient(place: place)
            var filter = filter
            if filter.isEmpty { filter.names = ["*"] }
            let text = JobText(place)
            var tables: [ConfigNode] = []
            for (place, name) in try await filter.select(client).enumerated() {
                let job = try await client.definition(name).job
                switch format {
                case .toml: Terminal.write((place == 0 ? "" : "\n") + (try text.toml(job)))
                case .json: tables.append(try text.table(job))
                }
            }
            if format == .json { try say(json: JSONObject([("job", tables)])) }
        }
    }
}
