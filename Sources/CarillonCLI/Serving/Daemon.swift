import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CarillonEngine
import CommandSupport
import ControlSocket
import CoreMetrics
import Foundation
import Listening
import Logging
import ServiceLifecycle
import Timetable

/// The daemon: what all integrations bring, around one engine on one store.
struct Daemon {
    let composition: Composition
    let source: SettingsSource
    /// The state directory.
    let state: String
    let zones: ZoneDatabase
    let isShadow: Bool
    let takesOver: Bool
    /// Whose members may ask.
    let group: gid_t?
    let log: LogSink
    let logger: Logger
    /// Reads the settings anew.
    let reread: @Sendable () throws -> Settings

    /// Runs until a signal ends it. Throws `Failure` and `StoreError`.
    func run() async throws {
        let settings = source.settings
        let store = try await openStore(settings)
        let environment = ProcessInfo.processInfo.environment
        var context = DaemonContext(
            composition: composition, settings: settings, mainFile: source.hasJobs ? source.path : nil,
            jobsFolder: source.jobsFolder, state: state, store: store,
            storeID: String(try await store.storeID(), radix: 16), identity: try StateDirectory.identity(of: state),
            zones: zones, environment: environment,
            isShadow: isShadow, logger: logger)
        context.takesOver = takesOver
        MetricsSystem.bootstrap(context.metrics)
        let dropped = Counter(label: "carillon_log_bytes_dropped_total")
        log.whenDropped { dropped.increment(by: $0) }
        let parts = Parts(try composition.integrations.map { [context] in try $0.parts(context) })
        if !settings.startsUnconnected { try await parts.check() }
        try await whenReachable(settings) { try await parts.prepare() }
        let engine = try await EngineService(
            store: store, dispatchers: isScheduler ? parts.dispatchers : [],
            feeds: isScheduler ? parts.feeds : [], clock: context.clock, zones: zones,
            instance: try facts(isShared: store.isShared), bootID: StateDirectory.bootID,
            settings: try engineSettings(parts, isShared: store.isShared), logger: logger)
        let live = LiveSettings(settings, path: source.path, logger: logger, read: reread) { settings in
            log.level = LogOptions.level(settings.log)
            await engine.engine.keep(settings.retention)
        }
        let desk = OrderService(
            engine,
            DaemonFacts(
                version: Carillon.version, stateDirectory: state, configuration: source.path,
                troubles: { live.troubles }, health: parts.health,
                reload: {
                    log.reopen()
                    return await live.look()
                },
                describe: { [composition] job in
                    let table = try? JobWriter(targets: composition.targets).table(job).masked
                    return table.flatMap(TOMLText.value) ?? "\(job.schedule.summary): \(job.target.kind)"
                },
                auditKeep: settings.auditKeep))
        let handle: OrderHandler = { await desk.handle($0, from: $1) }
        // They stop from the last to the first.
        var services = parts.outlasting + [engine]
        services.append(live)
        services.append(ControlServer(path: state + "/control.sock", group: group, logger: logger, handle: handle))
        if isScheduler { services += try parts.services(handle) }
        if settings.instance.roles.contains(.api) { services += try await parts.interfaces(handle) }
        if let systemd = Systemd(
            environment: environment,
            state: {
                // Any answer is a sign of life, also that the store is in trouble.
                switch await desk.handle(.status) {
                case .status(let status): status.inOneLine
                case .failed(_, let message): message
                default: "no status"
                }
            })
        {
            services.append(systemd)
        }
        logger.notice(
            "carillon \(Carillon.version) serves",
            metadata: ["state": "\(state)", "config": "\(source.path)", "zones": "\(zones.version)"])
        try await serve(services, live)
        try await store.close()
    }

    private func openStore(_ settings: Settings) async throws -> any JobStore {
        let driver = try composition.driver(of: settings.store)
        return try await whenReachable(settings) { try await driver.open(settings.store, state: state) }
    }

    /// Does something with the store; waits for one whose server cannot be reached yet, as after a start of the machine, and for
    /// a daemon of an older build to let it go.
    private func whenReachable<Value>(_ settings: Settings, _ body: () async throws -> Value) async throws -> Value {
        let driver = try composition.driver(of: settings.store)
        let clock = SystemClock()
        var isSaid = false
        while true {
            do {
                return try await body()
            } catch let error as StoreError
                where driver.isRemote
                && (error.code == .busy || error.code == .unreachable && settings.startsUnconnected)
            {
                if !isSaid { logger.warning("waiting for the store", metadata: ["error": "\(error)"]) }
                isSaid = true
                try await clock.sleep(for: Self.storePause)
            }
        }
    }

    private var isScheduler: Bool { source.settings.instance.roles.contains(.scheduler) }

    /// Microseconds.
    private static let storePause: Int64 = 1_000_000

    /// How long this instance may be silent, in microseconds: shorter where others would do its work.
    private func lease(isShared: Bool) -> Int64 {
        let instance = source.settings.instance
        return instance.lease ?? instance.heartbeat.map { 4 * $0 } ?? (isShared ? 3_000_000 : 30_000_000)
    }

    private func facts(isShared: Bool) throws -> InstanceFacts {
        let instance = source.settings.instance
        let host = ProcessInfo.processInfo.hostName
        return InstanceFacts(
            id: try StateDirectory.identity(of: state), name: instance.name ?? host, host: host,
            boot: StateDirectory.bootID,
            roles: Set(instance.roles.map(\.rawValue)), mostJobs: instance.mostJobs, lease: lease(isShared: isShared),
            build: Carillon.version)
    }

    private func engineSettings(_ parts: Parts, isShared: Bool) throws -> EngineSettings {
        var settings = EngineSettings()
        settings.retention = source.settings.retention
        settings.heartbeat = source.settings.instance.heartbeat ?? lease(isShared: isShared) / 4
        settings.shadow = isShadow
        // Whoever hands nothing over has a store of its own, or waits until it is alone.
        settings.shares = isShared && !isShadow && !parts.isOfOneMachine
        settings.waitsForStore =
            try composition.driver(of: source.settings.store).isRemote && source.settings.startsUnconnected
        settings.notify = parts.notify
        settings.ended = parts.ended
        settings.changed = parts.changed
        parts.adjust(&settings)
        return settings
    }

    private func serve(_ services: [any Service], _ live: LiveSettings) async throws {
        let group = ServiceGroup(
            configuration: .init(services: services, logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }))
        let signals = Task {
            await Signals.watch(group, reopenLog: { log.reopen() }, reload: { await live.look() })
        }
        defer { signals.cancel() }
        do {
            try await group.run()
        } catch let error as StoreError {
            throw error
        } catch let error as any ChannelUnusable {
            throw Failure.failed("\(error)")
        } catch {
            throw Failure.failed("the daemon stopped: \(error)")
        }
    }
}
