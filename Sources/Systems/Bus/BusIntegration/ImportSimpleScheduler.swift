package import ArgumentParser
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import Foundation
import Timetable

#if MongoDB
    import MongoStore
#endif

package struct ImportSimpleScheduler: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "simple-scheduler",
        abstract: "The jobs of a Simple Scheduler as a job file.",
        discussion: """
            For those who leave MongoDB behind: its database is read and left as it is, and each job goes on at its next time. \
            `carillon serve` on that database needs no import, and takes over the runs too; from there `carillon store copy` \
            carries everything into another store.

            EXAMPLES
              carillon import simple-scheduler --simple-scheduler .env --output /etc/carillon/jobs.d/jobs.toml
              carillon import simple-scheduler --from mongodb://localhost/simpleScheduler --add
            """)
    @OptionGroup var place: DaemonLocation
    @Option(help: ArgumentHelp("The address of its database.", valueName: "address")) var from: String?
    @Option(help: ArgumentHelp("Its own .env, which says where that is.", valueName: "file"))
    var simpleScheduler: String?
    @Option(help: ArgumentHelp("Write to this file; it must not exist.", valueName: "file")) var output: String?

    @Flag(help: "Add the jobs to the daemon, which keeps them, instead of writing a file.") var add = false
    @Flag(help: "Read them although Simple Scheduler may still schedule them.") var takeOver = false

    package init() {}

    package func validate() throws {
        if add, output != nil { throw ValidationError("give --add or --output, not both") }
        if (from == nil) == (simpleScheduler == nil) {
            throw ValidationError("give --from or --simple-scheduler, one of them")
        }
    }

    package func run() async throws {
        #if MongoDB
            let source = try source()
            let reading = try await Self.read(source.address)
            var signs = source.signs
            signs.isIgnored = takeOver
            let now = SystemClock().now
            try signs.check(reading.values, now: now)
            let jobs = reading.values.map { AdoptedJob($0, now: now).job }
            if add {
                try await put(jobs)
            } else {
                try write(jobs, reading.unreadable.map(\.description))
            }
            for document in reading.unreadable { Terminal.error("\(document)") }
            if !reading.unreadable.isEmpty { throw ExitCode(2) }
        #else
            throw Failure.input("this build was made without MongoDB, which Simple Scheduler's database needs")
        #endif
    }

    #if MongoDB
        private func source() throws -> (address: StoreAddress, signs: SeedSigns) {
            if let from {
                guard MongoDriver.canOpen(from) else {
                    // It may hold a password, and is not repeated.
                    throw Failure.input("--from: expected \(MongoDriver.form)")
                }
                return (StoreAddress(url: from), SeedSigns())
            }
            let path = DaemonLocation.absolute(simpleScheduler ?? "")
            let reading = try SimpleSchedulerReader.reading(path)
            let settings = try DaemonLocation.settings(reading.settings, source: path, zones: ZoneDatabase())
            guard MongoDriver.canOpen(settings.store.url) else {
                throw Failure.input("\(simpleScheduler ?? ""): it names no database of MongoDB")
            }
            let section = settings[SimpleSchedulerSettings.self] ?? SimpleSchedulerSettings()
            return (
                settings.store,
                SeedSigns(beat: settings.instance.heartbeat ?? SeedSigns().beat, silence: section.silence)
            )
        }

        private static func read(_ address: StoreAddress) async throws -> ForeignReading<ForeignJob> {
            do {
                let documents = try ForeignDocuments.open(address)
                do {
                    let reading = try await documents.jobs()
                    await documents.close()
                    return reading
                } catch {
                    await documents.close()
                    throw error
                }
            } catch let error as StoreError {
                throw Failure.failed("Simple Scheduler's database: \(error.message)")
            }
        }
    #endif

    private func write(_ jobs: [Job], _ left: [String]) throws {
        let writer = JobWriter(targets: Composition.current.targets)
        var parts = ["# The jobs of Simple Scheduler.\n"]
        for job in jobs {
            do {
                parts.append(try writer.toml(job))
            } catch {
                throw Failure.failed("\(job.name): \(error.message)")
            }
        }
        parts += left.map { "# \(TOMLText.comment($0)): not taken over\n" }
        let text = parts.joined(separator: "\n")
        guard let output else { return Terminal.write(text) }
        let path = DaemonLocation.absolute(output)
        guard !FileManager.default.fileExists(atPath: path) else {
            throw Failure.input("\(output): is there already")
        }
        do {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        } catch {
            throw Failure.failed("\(output): \(error.localizedDescription)")
        }
        say("\(output): \(jobs.count) jobs")
    }

    /// Adds all jobs that are not there yet; none when one of them has another one's name.
    private func put(_ jobs: [Job]) async throws {
        let client = DaemonClient(place: place)
        let names = Set(try await client.jobs(JobQuery(limit: 1_000_000)).views.map(\.name))
        var new: [Job] = []
        for job in jobs {
            guard names.contains(job.name) else {
                new.append(job)
                continue
            }
            let there = try await client.definition(job.name).job
            guard there.schedule == job.schedule, there.target == job.target, there.policies == job.policies else {
                throw Failure.failed("there is another job '\(job.name)' already")
            }
            say("\(job.name) is there already")
        }
        for job in new { say("\(try await client.done(.put(job, replacing: false)))") }
    }
}
