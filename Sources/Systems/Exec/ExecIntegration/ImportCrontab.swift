package import ArgumentParser
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import Foundation
import Timetable

package struct ImportCrontab: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "crontab",
        abstract: "A crontab as a job file.",
        discussion: """
            /etc/crontab and files of /etc/cron.d have a user column; of any other file --system or --no-system says so where \
            it is not plain. What cannot be taken over is named by its line, and the exit code is 2 then.

            EXAMPLES
              crontab -l | carillon import crontab - > jobs.d/mine.toml
              carillon import crontab /etc/crontab --output /etc/carillon/jobs.d/crontab.toml
              carillon import crontab mine --add        to be changed by `carillon jobs` from then on
            """)
    @OptionGroup var place: DaemonLocation
    @Argument(help: "The crontab; - for standard input.") var file: String
    @Flag(inversion: .prefixedNo, help: "Whether the file has a user column.") var system: Bool?
    @Option(help: "Run the jobs of a user crontab as this user.") var user: String?
    @Option(help: "Zone of entries without CRON_TZ. Default: the machine's.") var zone: String?
    @Option(help: "Put this before every job's name.") var prefix = ""
    @Option(help: ArgumentHelp("Write to this file; it must not exist.", valueName: "file")) var output: String?

    @Flag(help: "Add the jobs to the daemon, which keeps them, instead of writing a file.") var add = false

    package init() {}

    package func validate() throws {
        if add, output != nil { throw ValidationError("give --add or --output, not both") }
    }

    package func run() async throws {
        let zones = ZoneDatabase()
        let bytes = try contents()
        let crontab = Crontab(bytes, isSystem: try isSystem(bytes), zones: zones)
        var writer = CrontabWriter(
            zone: try ownZone(zones), user: user, prefix: prefix, taken: taken(zones), zones: zones)
        let jobs = writer.write(crontab, source: file == "-" ? "on standard input" : file)
        if add {
            try await put(jobs, zones)
        } else if let output {
            guard !FileManager.default.fileExists(atPath: output) else {
                throw Failure.input("\(output): is there already")
            }
            do {
                try jobs.write(toFile: output, atomically: true, encoding: .utf8)
            } catch {
                throw Failure.failed("\(output): \(error.localizedDescription)")
            }
            say("\(output): \(writer.count) jobs")
        } else {
            Terminal.write(jobs)
        }
        for problem in writer.problems { Terminal.error("\(file):\(problem.line): \(problem.message)") }
        if !writer.problems.isEmpty { throw ExitCode(2) }
    }

    /// Lists the names that none of these jobs may have.
    private func taken(_ zones: ZoneDatabase) -> Set<String> {
        output.map { namesBeside($0, zones) } ?? []
    }

    /// Adds all jobs of a job file's text that are not there yet; none when one of them is no job, or another one's name.
    private func put(_ text: String, _ zones: ZoneDatabase) async throws {
        let reader = JobFileReader(
            JobReader(targets: Composition.current.targets, zones: zones, directory: DaemonLocation.absolute(".")))
        let read = reader.read(
            try ConfigDocument.read(text, format: .toml, path: file), path: file, isMain: false)
        if let problem = read.problems.first { throw Failure.input("\(problem)") }
        let client = DaemonClient(place: place)
        let names = Set(try await client.jobs(JobQuery(limit: 1_000_000)).views.map(\.name))
        var new: [Job] = []
        for job in read.jobs {
            guard names.contains(job.name) else {
                new.append(job)
                continue
            }
            let there = try await client.definition(job.name).job
            guard there.schedule == job.schedule, there.target == job.target, there.policies == job.policies else {
                throw Failure.failed("there is another job '\(job.name)' already; see --prefix")
            }
            say("\(job.name) is there already")
        }
        for job in new { say("\(try await client.done(.put(job, replacing: false)))") }
    }

    private func contents() throws -> [UInt8] {
        if file == "-" { return Array(FileHandle.standardInput.readDataToEndOfFile()) }
        guard let data = FileManager.default.contents(atPath: file) else {
            throw Failure.input("\(file): cannot be read")
        }
        return Array(data)
    }

    private func isSystem(_ bytes: [UInt8]) throws(Failure) -> Bool {
        if let system { return system }
        let path = DaemonLocation.absolute(file)
        if path == "/etc/crontab" || path.hasPrefix("/etc/cron.d/") { return true }
        guard let (line, user) = CrontabForm.userColumn(in: bytes) else { return false }
        throw Failure.input(
            "\(file):\(line): '\(user)' looks like a user: say --system when the sixth field is one, else --no-system")
    }

    private func ownZone(_ zones: ZoneDatabase) throws(Failure) -> String {
        if let zone {
            do throws(ScheduleError) {
                _ = try zones.zone(zone)
            } catch {
                throw Failure.input("--zone: \(error.message)")
            }
            return zone
        }
        guard let name = MachineZone(zones: zones).name else {
            throw Failure.input(
                "the machine's zone has no name that is known here (TZ, /etc/localtime): give it with --zone")
        }
        return name
    }

    /// Lists the names of the jobs in files beside the one that is to be written.
    private func namesBeside(_ path: String, _ zones: ZoneDatabase) -> Set<String> {
        let folder = (DaemonLocation.absolute(path) as NSString).deletingLastPathComponent
        let reader = JobFileReader(
            JobReader(targets: Composition.current.targets, zones: zones, directory: folder))
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let jobFiles = files.filter { !$0.hasPrefix(".") && ConfigDocument.Format(path: $0) != nil }
        return Set(
            jobFiles.flatMap { name in
                let read = reader.read(path: folder + "/" + name, isMain: name == "carillon.toml")
                return read.jobs.map(\.name) + read.problems.compactMap(\.job)
            })
    }
}
