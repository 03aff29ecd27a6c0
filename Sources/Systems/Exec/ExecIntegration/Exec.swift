package import CarillonConfiguration
import CarillonCore
package import CarillonDaemon
import CarillonEngine
import ExecDispatcher
import Foundation
import Logging

/// Programs of this machine.
package enum Exec: Integration {
    package static var sections: [any SettingsSection.Type] { [ExecSettings.self] }
    package static var targets: [any TargetKeys.Type] { [ExecKeys.self] }

    package static func parts(_ daemon: DaemonContext) throws -> Parts {
        let settings = daemon.settings[ExecSettings.self] ?? ExecSettings()
        let environment = daemon.environment
        var configuration = ExecConfiguration(
            stateDirectory: daemon.state, shim: ShimLocator.path(given: environment["CARILLON_SHIM"]),
            environment: environment)
        configuration.logCap = settings.logLimit
        configuration.grace = settings.grace
        configuration.lostAfter = settings.lostAfter
        configuration.isShared = daemon.store.isShared
        configuration.inherited = settings.inheritEnvironment
        if let most = settings.most { configuration.capacity = Int(most) }
        if access(configuration.shim, X_OK) != 0 {
            daemon.logger.error(
                "programs cannot start, and wait: the shim they run under cannot be run",
                metadata: ["shim": "\(configuration.shim)", "error": "\(String(cString: strerror(errno)))"])
        }
        var parts = Parts()
        do {
            let clock = daemon.clock
            parts.dispatchers = [try ExecDispatcher(configuration, logger: daemon.logger) { clock.now }]
        } catch {
            throw Failure.failed("\(error)")
        }
        parts.adjust = {
            $0.grace = settings.grace
            $0.endRunsOnStop = settings.onStop == .end
        }
        return parts
    }
}
