import ArgumentParser
import BusIntegration
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CommandSupport
import FrappeIntegration
import KeijiIntegration
import Timetable

/// Settings, and where they come from.
struct SettingsSource {
    var settings: Settings
    var path: String
    /// The file may hold jobs too.
    var hasJobs = false
    /// What the site calls its scheduler.
    var label: String?
    var remarks: [ConfigProblem] = []

    var jobsFolder: String { settings.jobsFolder(beside: path) }

    /// Throws `Failure` when others may write what decides what runs.
    func checkTrust() throws(Failure) {
        for path in [path, jobsFolder] {
            if let problem = FileTrust.problem(at: path) { throw Failure.input(problem.description) }
        }
    }
}

/// The file of a scheduler whose work is taken over: it says all that `carillon.toml` would.
struct OtherScheduler: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Do the work of BTU Scheduler, with its own configuration; there is no carillon.toml then.",
            valueName: "file"))
    var btu: String?
    @Option(
        help: ArgumentHelp(
            "Do the work of keiji-scheduler and keiji-bus, with keiji's settings.conf; there is no carillon.toml then.",
            valueName: "file"))
    var keiji: String?
    @Option(
        help: ArgumentHelp(
            "Do the work of Simple Scheduler's scheduler and custodian, with its .env; there is no carillon.toml then.",
            valueName: "file"))
    var simpleScheduler: String?

    /// Nil when none is given. Jobs of one's own may lie beside the store.
    func source(_ zones: ZoneDatabase, state: String) throws -> SettingsSource? {
        var source: SettingsSource
        if let keiji {
            let path = DaemonLocation.absolute(keiji)
            let reading = try KeijiReader.reading(path, zones: zones)
            source = SettingsSource(
                settings: try DaemonLocation.settings(reading.settings, source: path, zones: zones), path: path,
                remarks: reading.remarks)
        } else if let btu {
            let path = DaemonLocation.absolute(btu)
            let reading = try BTUReader.reading(path, zones: zones)
            source = SettingsSource(
                settings: try DaemonLocation.settings(reading.settings, source: path, zones: zones), path: path,
                label: reading.label, remarks: reading.remarks)
        } else if let simpleScheduler {
            let path = DaemonLocation.absolute(simpleScheduler)
            let reading = try SimpleSchedulerReader.reading(path)
            source = SettingsSource(
                settings: try DaemonLocation.settings(reading.settings, source: path, zones: zones), path: path,
                remarks: reading.remarks)
        } else {
            return nil
        }
        source.settings.jobsDirectory = state + "/jobs.d"
        source.remarks += source.settings.warnings
        return source
    }
}
