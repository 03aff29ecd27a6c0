import ArgumentParser
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CommandSupport
import Foundation
import Logging
import Timetable

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the daemon.",
        discussion: """
            Jobs come from carillon.toml and from jobs.d beside it, and from `carillon jobs add`. Without any file it is \
            an embedded daemon: a SQLite store in the state directory, and programs as targets.

            SIGTERM ends it gracefully; a second one at once. Runs that outlive it are taken up by the next daemon. SIGHUP reads the \
            settings again, as `carillon reload` does, and reopens the log; SIGUSR1 reopens the log alone.
            """)
    @OptionGroup var place: DaemonLocation
    @OptionGroup(title: "Another scheduler's configuration") var other: OtherScheduler
    @Flag(help: "Plan and record, dispatch nothing: to run beside another scheduler before switching.")
    var shadow = false
    @OptionGroup(title: "The log") var log: LogOptions

    func run() async throws {
        let zones = ZoneDatabase()
        let state = place.stateDirectory
        let source = try source(zones)
        let group = try source.settings.controlGroup.map(StateDirectory.group)
        let changes = try StateDirectory.prepare(state, group: group)
        try source.checkTrust()
        let sink = try LogOptions.sink(source.settings.log)
        let logger = LogOptions.logger(
            source.settings.log, to: sink, zone: try zones.zone(source.settings.timeZone))
        if let label = source.label { logger.notice("\(label)") }
        for change in changes { logger.warning("\(change)", metadata: ["state": "\(state)"]) }
        for remark in source.remarks { logger.warning("\(remark)") }
        do {
            let lock = try await StateLock.held(state)
            let composition = Composition.current
            let daemon = Daemon(
                composition: composition, source: source, state: state, zones: zones, isShadow: shadow, group: group,
                log: sink, logger: logger
            ) {
                try Composition.$current.withValue(composition) { try self.source(zones).settings }
            }
            try await daemon.run()
            withExtendedLifetime(lock) {}
            await sink.flush()
        } catch {
            await sink.flush()
            if let error = error as? StoreError { throw Failure.failed(error.message) }
            throw error
        }
    }

    private func source(_ zones: ZoneDatabase) throws -> SettingsSource {
        let files = [place.config, other.btu, other.keiji, other.simpleScheduler]
        guard files.count(where: { $0 != nil }) <= 1 else {
            throw Failure.input("--config, --btu, --keiji and --simple-scheduler: give one of them")
        }
        var source: SettingsSource
        if let theirs = try other.source(zones, state: place.stateDirectory) {
            source = theirs
        } else {
            let settings = try place.settings(zones: zones)
            let path = try place.configFile().path
            source = SettingsSource(settings: settings, path: path, hasJobs: true, remarks: settings.warnings)
        }
        try log.override(&source.settings.log)
        return source
    }
}
