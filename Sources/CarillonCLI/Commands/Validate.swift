import ArgumentParser
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CommandSupport
import Foundation
import Timetable

struct Validate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check configuration and job files without running anything.",
        discussion: """
            Every problem is printed as file:line: key: message. Exit code 2 when there is any.

            EXAMPLES
              carillon validate carillon.toml jobs.d/*.toml
              carillon validate                      the files the daemon would read
            """)
    @OptionGroup var place: DaemonLocation
    @Argument(help: "Files; without any, those the daemon would read.", completion: .file()) var files: [String] = []
    @Flag(help: "Print one JSON object a problem.") var json = false

    func run() throws {
        let zones = ZoneDatabase()
        let composition = Composition.current
        let paths = try files.isEmpty ? ownFiles(zones) : files.map(DaemonLocation.absolute)
        let config = try? place.configFile().path
        var problems: [ConfigProblem] = []
        var warnings: [ConfigProblem] = []
        var names: [String: String] = [:]
        var jobs = 0
        var limit = (try? place.settings(zones: zones))?.jobsFileLimit ?? Int64(Bounds.bytes)
        for path in paths {
            let isMain =
                path == config || (path as NSString).lastPathComponent == "carillon.toml" || Self.holdsSettings(path)
            var zone = "UTC"
            if isMain {
                do {
                    let settings = try composition.settingsReader(
                        zones: zones, environment: ProcessInfo.processInfo.environment
                    ).read(file: path)
                    zone = settings.timeZone
                    limit = settings.jobsFileLimit
                    warnings += settings.warnings
                } catch let error as ConfigurationError {
                    problems += error.problems
                }
            }
            let directory = (path as NSString).deletingLastPathComponent
            let reader = JobFileReader(
                JobReader(targets: composition.targets, zones: zones, defaultZone: zone, directory: directory),
                limit: Int(limit))
            let snapshot = reader.read(path: path, isMain: isMain)
            problems += snapshot.problems.filter { !problems.contains($0) }
            warnings += snapshot.warnings
            for job in snapshot.jobs {
                jobs += 1
                warnings += JobCheck.warnings(job, source: path, zones: zones)
                if let other = names.updateValue(path, forKey: job.name) {
                    problems.append(
                        ConfigProblem(
                            source: path, job: job.name, message: "there is a job of this name in \(other) too")
                    )
                }
            }
        }
        for problem in problems {
            if json { try say(json: Finding("error", problem)) } else { say("\(problem)") }
        }
        for warning in warnings {
            if json {
                try say(json: Finding("warning", warning))
            } else {
                say(Terminal.paint("warning: ", .yellow) + "\(warning)")
            }
        }
        if !problems.isEmpty { throw ExitCode(2) }
        func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
        if !json { say("\(counted(paths.count, "file")), \(counted(jobs, "job")): all well") }
    }

    /// A problem by its keys elsewhere, and how bad it is.
    private struct Finding: Encodable {
        var severity: String
        var source: String
        var line: Int?
        var key: String?
        var job: String?
        var message: String

        init(_ severity: String, _ problem: ConfigProblem) {
            self.severity = severity
            source = problem.source
            line = problem.line
            key = problem.key
            job = problem.job
            message = problem.message
        }
    }

    /// Whether a file has keys besides its jobs: then it is one of settings, whatever its name.
    private static func holdsSettings(_ path: String) -> Bool {
        guard let document = try? ConfigDocument.read(path: path), case .table(let entries) = document.value else {
            return false
        }
        return entries.contains { $0.key != "job" }
    }

    private func ownFiles(_ zones: ZoneDatabase) throws -> [String] {
        let config = try place.configFile()
        let settings = try place.settings(zones: zones)
        let folder = settings.jobsFolder(beside: config.path)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let jobFiles = names.filter { !$0.hasPrefix(".") && ConfigDocument.Format(path: $0) != nil }.sorted()
        return (config.exists ? [config.path] : []) + jobFiles.map { folder + "/" + $0 }
    }
}
