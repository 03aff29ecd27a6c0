package import ArgumentParser
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import Foundation
import KeijiFeed
import Logging
import Timetable

package struct ImportKeiji: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "keiji",
        abstract: "The tasks of a keiji as a job file.",
        discussion: """
            For those who move over for good: the database is read and left as it is, and the binaries stay where they are. \
            `carillon serve --keiji` needs no import.

            EXAMPLE
              carillon import keiji ~/keiji/settings.conf --output /etc/carillon/jobs.d/keiji.toml
            """)
    @Argument(help: "keiji's settings.conf.") var file = "~/keiji/settings.conf"
    @Option(help: ArgumentHelp("Write to this file; it must not exist.", valueName: "file")) var output: String?

    package init() {}

    package func run() async throws {
        let zones = ZoneDatabase()
        let quiet = Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }
        let path = DaemonLocation.absolute(file)
        let reading = try KeijiReader.reading(path, zones: zones)
        let settings = try DaemonLocation.settings(reading.settings, source: path, zones: zones)
        guard let keiji = settings[KeijiSettings.self] else { return }
        let tables = try keiji.tables(zone: try zones.zone(keiji.zone), logger: quiet)
        let feed = KeijiFeed(
            tables: tables, folders: KeijiFolders(root: keiji.root), zones: zones, zone: keiji.zone,
            clock: SystemClock(), logger: quiet)
        let snapshot: FeedSnapshot
        do {
            snapshot = try await feed.snapshot(of: .everything)
        } catch {
            throw Failure.failed("keiji's database: \(error)")
        }
        await tables.close()
        // The address of a PostgreSQL may hold a password.
        let writer = KeijiWriter(snapshot.jobs, problems: snapshot.problems, source: file)
        if let output {
            let path = DaemonLocation.absolute(output)
            guard !FileManager.default.fileExists(atPath: path) else {
                throw Failure.input("\(output): is there already")
            }
            do {
                try writer.text.write(toFile: path, atomically: true, encoding: .utf8)
            } catch {
                throw Failure.failed("\(output): \(error.localizedDescription)")
            }
            say("\(output): \(snapshot.jobs.count) jobs")
        } else {
            Terminal.write(writer.text)
        }
        for problem in snapshot.problems { Terminal.error("\(problem)") }
        if !snapshot.problems.isEmpty { throw ExitCode(2) }
    }
}
