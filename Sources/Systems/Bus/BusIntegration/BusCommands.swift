package import ArgumentParser
import BusDispatcher
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import Timetable

package struct BusCommands: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "bus", abstract: "A quick look at the bus over which workers get their runs.",
        subcommands: [Ping.self, Queues.self])

    package init() {}

    /// The daemon, and the file that says where its bus is.
    struct Place: ParsableArguments {
        @OptionGroup var daemon: DaemonLocation
        @Option(
            help: ArgumentHelp("The .env that the daemon serves Simple Scheduler with.", valueName: "file"))
        var simpleScheduler: String?

        func settings() throws -> Settings {
            guard let simpleScheduler else { return try daemon.settings(zones: ZoneDatabase()) }
            guard daemon.config == nil else {
                throw Failure.input("--config and --simple-scheduler: give one of them")
            }
            let path = DaemonLocation.absolute(simpleScheduler)
            let reading = try SimpleSchedulerReader.reading(path)
            return try DaemonLocation.settings(reading.settings, source: path, zones: ZoneDatabase())
        }
    }

    /// Opens a line to the configured bus for as long as `body` takes. Throws `Failure` when it cannot be asked.
    private static func withLine<T>(
        _ place: Place, _ body: (any BusLine, String) async throws -> T
    ) async throws -> T {
        let settings = try place.settings()
        let bus = try (settings[BusSettings.self] ?? BusSettings()).bus(SystemClock(), mark: "")
        do {
            let line = try await bus.connect()
            let answer: T
            do {
                answer = try await body(line, bus.address)
            } catch {
                await line.close()
                throw error
            }
            await line.close()
            return answer
        } catch let error as BusError {
            throw Failure.failed("\(bus.address): \(error.message)")
        }
    }

    struct Ping: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Whether the bus answers, and takes messages; needs no daemon.")
        @OptionGroup var place: Place
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            let (address, blockage) = try await BusCommands.withLine(place) { line, address in
                (address, await line.blockage)
            }
            if json { return try say(json: JSONObject([("bus", address), ("blockage", blockage)])) }
            say("\(address) answers")
            if let blockage { say(Terminal.paint("warning: ", .yellow) + "it takes no messages: \(blockage)") }
        }
    }

    struct Queues: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The jobs on the bus: what waits for their workers, and how many listen.",
            discussion: """
                With the topology exchanges workers have queues of their own, of which nobody knows how full they are.

                EXAMPLE
                  carillon bus queues --json | jq -r 'select(.workers == 0) | .job'
                """)
        @OptionGroup var place: Place
        @Flag(help: "Print one JSON object a line.") var json = false

        private static let page = 1_000

        func run() async throws {
            let jobs = try await places()
            let depths = try await BusCommands.withLine(place) { line, _ in
                var depths: [BusDepth?] = []
                for job in jobs { depths.append(try await line.depth(of: job.place)) }
                return depths
            }
            if json {
                for (job, depth) in zip(jobs, depths) {
                    try say(
                        json: JSONObject([
                            ("job", job.place.job), ("topology", job.place.topology), ("waiting", depth?.waiting),
                            ("workers", depth?.workers), ("pending", job.view.pending), ("running", job.view.running),
                        ]))
                }
                return
            }
            if jobs.isEmpty { return say("no job is for workers on the bus") }
            var table = TextTable("JOB", "TOPOLOGY", "WAITING", "WORKERS", "PENDING", "RUNNING")
            for (job, depth) in zip(jobs, depths) {
                let workers = depth.map { $0.workers == 0 ? "none" : "\($0.workers)" } ?? "?"
                table.add(
                    .init(job.place.job), .init(job.place.topology.rawValue),
                    .init(depth.map { "\($0.waiting)" } ?? "?"), .init(workers, workers == "none" ? .yellow : nil),
                    .init("\(job.view.pending)"), .init("\(job.view.running)"))
            }
            table.print()
        }

        private func places() async throws -> [(place: JobPlace, view: JobView)] {
            let client = DaemonClient(place: place.daemon)
            var query = JobQuery(limit: Self.page)
            var found: [(place: JobPlace, view: JobView)] = []
            while true {
                let page = try await client.jobs(query).views
                for view in page where view.target.kind == BusTarget.kind.rawValue {
                    // The summary does not say it in a way for programs.
                    guard let job = try? await client.definition(view.name).job,
                        let target = try? job.target.open(as: BusTarget.self)
                    else { continue }
                    found.append((JobPlace(job: view.name, topology: target.topology), view))
                }
                guard page.count == query.limit, let last = page.last else { return found }
                query.after = last.name
            }
        }
    }
}
