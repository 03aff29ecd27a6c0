import CarillonConfiguration
import CarillonCore
package import CarillonDaemon
import FileFeed

/// Jobs in `carillon.toml` and in `jobs.d`.
package enum Files: Integration {
    package static func parts(_ daemon: DaemonContext) throws -> Parts {
        var parts = Parts()
        parts.feeds = [
            FileFeed(
                mainFile: daemon.mainFile, jobsDirectory: daemon.jobsFolder, targets: daemon.composition.targets,
                zones: daemon.zones, defaultZone: daemon.settings.timeZone, limit: Int(daemon.settings.jobsFileLimit))
        ]
        return parts
    }
}
