import ArgumentParser
import CarillonConfiguration
import Foundation
import Timetable

struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take over another scheduler's jobs.",
        subcommands: [ImportCrontab.self, ImportBTU.self, ImportKeiji.self])
}

struct ImportCrontab: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crontab",
        abstract: "A crontab as a job file.",
        discussion: """
            /etc/crontab and files of /etc/cron.d have a user column; --system says so of any other file.

            EXAMPLES
              crontab -l | carillon import crontab - > jobs.d/mine.toml
              carillon import crontab /etc/crontab --output /etc/carillon/jobs.d/crontab.toml
            """)
    @Argument(help: "The crontab; - for standard input.") var file: String
    @Flag(help: "The file has a user column.") var system = false
    @Option(help: "Run the jobs of a user crontab as this user.") var user: String?
    @Option(help: "Zone of entries without CRON_TZ. Default: the machine's.") var zone: String?
    @Option(help: ArgumentHelp("Write to this file; it must not exist.", valueName: "file")) var output: String?

    func run() throws {
        let text: String
        if file == "-" {
            text = String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self)
        } else {
            guard let data = FileManager.default.contents(atPath: file) else {
                throw Failure.input("\(file): cannot be read")
            }
            text = String(decoding: data, as: UTF8.self)
        }
        let path = Place.absolute(file)
        let crontab = Crontab(text, isSystem: system || path == "/etc/crontab" || path.hasPrefix("/etc/cron.d/"))
        var writer = CrontabWriter(zone: zone ?? Self.machineZone, user: user)
        let jobs = writer.write(crontab, source: file == "-" ? "on standard input" : file)
        if let output {
            guard !FileManager.default.fileExists(atPath: output) else {
                throw Failure.input("\(output): is there already")
            }
            do {
                try jobs.write(toFile: output, atomically: true, encoding: .utf8)
            } catch {
                throw Failure.failed("\(output): \(error.localizedDescription)")
            }
            say("\(output): \(crontab.entries.count) jobs")
        } else {
            Terminal.write(jobs)
        }
        for problem in crontab.problems { Terminal.error("\(file):\(problem.line): \(problem.message)") }
        if !crontab.problems.isEmpty { throw ExitCode(2) }
    }

    /// What /etc/localtime points at, or /etc/timezone names.
    private static var machineZone: String {
        let zones = ZoneDatabase()
        let link = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/etc/localtime")) ?? ""
        let linked = link.range(of: "zoneinfo/").map { String(link[$0.upperBound...]) }
        let named = (try? String(contentsOfFile: "/etc/timezone", encoding: .utf8))?
            .trimmingCharacters(in: .whitespacesAndNewlines)
        return [linked, named].compactMap { $0 }.first { (try? zones.zone($0)) != nil } ?? "UTC"
    }
}
