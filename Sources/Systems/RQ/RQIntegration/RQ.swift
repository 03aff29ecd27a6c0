package import CarillonConfiguration
import CarillonCore
package import CarillonDaemon
import RQDispatcher

/// Workers of Python RQ.
package enum RQ: Integration {
    package static var sections: [any SettingsSection.Type] { [RedisSettings.self] }
    package static var targets: [any TargetKeys.Type] { [RQKeys.self] }

    package static func parts(_ daemon: DaemonContext) throws -> Parts {
        let redis = daemon.settings[RedisSettings.self] ?? RedisSettings()
        var parts = Parts()
        parts.dispatchers = [
            RQDispatcher(
                try redis.configuration(identity: daemon.mark), clock: daemon.clock, logger: daemon.logger)
        ]
        return parts
    }
}
