import BusDispatcher
package import CarillonConfiguration
import CarillonCore
package import CarillonDaemon
import Foundation

#if MongoDB
    import MongoStore
#endif

/// Workers on a message bus.
package enum Bus: Integration {
    package static var sections: [any SettingsSection.Type] { [BusSettings.self, SimpleSchedulerSettings.self] }
    package static var targets: [any TargetKeys.Type] { [BusKeys.self] }

    package static func parts(_ daemon: DaemonContext) throws -> Parts {
        var parts = Parts()
        #if RabbitMQ
            let settings = daemon.settings[BusSettings.self] ?? BusSettings()
            parts.dispatchers = [
                BusDispatcher(
                    try settings.bus(daemon.clock, mark: daemon.mark), isShared: daemon.store.isShared,
                    marks: daemon.store.isShared ? marks(in: daemon.state) : .always, clock: daemon.clock,
                    logger: daemon.logger)
            ]
        #endif
        #if MongoDB
            if let store = daemon.store as? MongoStore {
                let section = daemon.settings[SimpleSchedulerSettings.self] ?? SimpleSchedulerSettings()
                let signs = SeedSigns(
                    beat: daemon.settings.instance.heartbeat ?? SeedSigns().beat, silence: section.silence,
                    isIgnored: daemon.takesOver)
                parts.prepare = { try await TakingOver(store, signs: signs).run(daemon) }
            }
        #endif
        return parts
    }

    /// A file in the state directory, empty, says that the mark was left.
    private static func marks(in state: String) -> BusMarks {
        let path = state + "/bus-mark"
        return BusMarks(wasLeft: { access(path, F_OK) == 0 }, note: { close(open(path, O_CREAT | O_CLOEXEC, 0o600)) })
    }
}
