import BusDispatcher
package import CarillonConfiguration
import CarillonCore
package import CarillonDaemon

/// Workers on a message bus.
package enum Bus: Integration {
    package static var sections: [any SettingsSection.Type] { [BusSettings.self] }
    package static var targets: [any TargetKeys.Type] { [BusKeys.self] }

    package static func parts(_ daemon: DaemonContext) throws -> Parts {
        var parts = Parts()
        #if RabbitMQ
            let settings = daemon.settings[BusSettings.self] ?? BusSettings()
            parts.dispatchers = [
                BusDispatcher(
                    try settings.bus(daemon.clock, mark: daemon.mark), isShared: daemon.store.isShared,
                    clock: daemon.clock,
                    logger: daemon.logger)
            ]
        #endif
        return parts
    }
}
