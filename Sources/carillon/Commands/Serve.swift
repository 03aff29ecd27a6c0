import ArgumentParser
import BTUSocket
import CarillonConfiguration
import CarillonCore
import CarillonEngine
import ControlBus
import ControlSocket
import ExecDispatcher
import FileFeed
import Foundation
import KeijiFeed
import Logging
import MailNotifier
import RQDispatcher
import SQLiteStore
import ServiceLifecycle
import Timetable

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the daemon.",
        discussion: """
            Jobs come from carillon.toml and from jobs.d beside it, and from `carillon jobs add`. Without any file it is
            an embedded daemon: a SQLite store in the state directory, and programs as targets.

            SIGTERM ends it gracefully; a second one at once. Runs that outlive it are taken up by the next daemon. SIGHUP and SIGUSR1
            reopen the log file.
            """)
    @OptionGroup var place: Place
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
    @Flag(help: "Plan and record, dispatch nothing: to run beside another scheduler before switching.")
    var shadow = false
    @Option(help: "trace, debug, info, notice, warning or error.") var logLevel: String?
    @Option(help: "text, json or logfmt.") var logFormat: String?
    @Option(help: ArgumentHelp("Log to this file instead of standard error.", valueName: "file")) var logFile: String?

    func run() async throws {
        let zones = ZoneDatabase()
        let state = place.stateDirectory
        var source = try source(zones)
        try override(&source.settings.log)
        let change = try StateDirectory.prepare(state)
        try checkTrust(source)
        let sink = try makeSink(source.settings.log)
        let logger = makeLogger(source.settings.log, to: sink, zone: try zones.zone(source.settings.timeZone))
        if let label = source.label { logger.notice("\(label)") }
        if let change { logger.warning("\(change)", metadata: ["state": "\(state)"]) }
        for remark in source.remarks { logger.warning("\(remark)") }
        do {
            let lock = try await Self.lock(state)
            try await serve(source.settings, zones, configFile: source.path, state: state, logger, sink)
            withExtendedLifetime(lock) {}
            await flush(sink)
        } catch {
            await flush(sink)
            if let error = error as? StoreError { throw Failure.failed(error.message) }
            throw error
        }
    }

    /// The last lines get a second to be read.
    private func flush(_ sink: LogSink) async {
        let clock = SystemClock()
        let deadline = clock.uptime + 1_000_000
        while !sink.isIdle, clock.uptime < deadline { try? await clock.sleep(for: 2_000) }
    }

    /// Where the settings come from.
    private struct Source {
        var settings: Settings
        var path: String
        /// What the site calls its scheduler.
        var label: String?
        var remarks: [FeedProblem] = []
    }

    private func source(_ zones: ZoneDatabase) throws -> Source {
        guard [place.config, btu, keiji].count(where: { $0 != nil }) <= 1 else {
            throw Failure.input("--config, --btu and --keiji: give one of them")
        }
        if let keiji {
            let reading = try KeijiReader.reading(Place.absolute(keiji), zones: zones)
            var settings = reading.settings
            settings.jobsDirectory = place.stateDirectory + "/jobs.d"
            settings.exec = try exec(zones)
            return Source(settings: settings, path: Place.absolute(keiji), remarks: reading.remarks)
        }
        guard let btu else {
            let settings = try place.settings(zones: zones)
            return Source(settings: settings, path: try place.configFile().path, remarks: settings.warnings)
        }
        let reading = try BTUReader.reading(Place.absolute(btu), zones: zones)
        // Jobs of one's own may lie beside the store.
        var settings = reading.settings
        settings.jobsDirectory = place.stateDirectory + "/jobs.d"
        settings.exec = try exec(zones)
        return Source(
            settings: settings, path: Place.absolute(btu), label: reading.label, remarks: reading.remarks)
    }

    /// How programs run, where another scheduler's file says nothing of it: the environment does.
    private func exec(_ zones: ZoneDatabase) throws -> Settings.Exec {
        do {
            return try SettingsReader(zones: zones, environment: ProcessInfo.processInfo.environment).read(file: nil)
                .exec
        } catch let error as ConfigurationError {
            throw Failure.input(error.description)
        }
    }

    /// Whoever may change these decides what runs.
    private func checkTrust(_ source: Source) throws(Failure) {
        for path in [source.path, source.settings.jobsFolder(beside: source.path)] {
            if let problem = FileTrust.problem(at: path) { throw Failure.input(problem.description) }
        }
    }

    /// A daemon killed in the act of starting a program holds its lock a moment longer, so a restart waits that moment.
    private static func lock(_ state: String) async throws -> StateLock {
        let clock = SystemClock()
        let deadline = clock.uptime + 2_000_000
        while true {
            do {
                return try StateLock(directory: state)
            } catch {
                if error.code != .busy || clock.uptime >= deadline { throw error }
            }
            try await clock.sleep(for: 50_000)
        }
    }

    private func serve(
        _ settings: Settings, _ zones: ZoneDatabase, configFile: String, state: String, _ logger: Logger,
        _ sink: LogSink
    ) async throws {
        guard let storePath = settings.storePath(in: state) else {
            throw Failure.input("store.url: this build knows no such store")
        }
        let environment = ProcessInfo.processInfo.environment
        let instance = settings.instance ?? ProcessInfo.processInfo.hostName
        let store = try SQLiteStore(path: storePath)
        let clock = SystemClock()
        let exec = try makeDispatcher(settings.exec, state: state, environment: environment, logger: logger)
        let storeID = String(try await store.storeID(), radix: 16)
        let rq = RQDispatcher(try settings.redis.rq(identity: storeID), clock: clock, logger: logger)
        let frappe = try FrappeParts(settings, storeID: storeID, zones: zones, logger: logger)
        if !shadow { try frappe?.checkAlone() }
        if !settings.startsUnconnected { try await frappe?.check() }
        let keiji = try KeijiParts(
            settings, state: state, store: store, isShadow: shadow, zones: zones, logger: logger)
        if !shadow { try keiji?.checkAlone() }
        let files = FileFeed(
            mainFile: btu == nil && keiji == nil ? configFile : nil,
            jobsDirectory: settings.jobsFolder(beside: configFile),
            zones: zones,
            defaultZone: settings.timeZone, limit: Int(settings.jobsFileLimit))
        var engineSettings = EngineSettings()
        engineSettings.grace = settings.exec.grace
        engineSettings.endRunsOnStop = settings.exec.onStop == .end
        engineSettings.retention = settings.retention
        engineSettings.shadow = shadow
        let mail = try shadow ? nil : settings.email?.notifier(store: store, zones: zones, logger: logger)
        if let mail { engineSettings.notify = { mail.notify($0) } }
        let mirror = shadow ? nil : keiji?.mirror(store: store)
        if let mirror { engineSettings.ended = { mirror.note($0) } }
        let engine = try await EngineService(
            store: store, dispatchers: [exec, rq] + (frappe.map { [$0.dispatcher] } ?? []),
            feeds: [files] + (frappe.map { [$0.feed] } ?? []) + (keiji.map { [$0.feed] } ?? []), clock: clock,
            zones: zones, instance: instance,
            bootID: StateDirectory.bootID, settings: engineSettings, logger: logger)
        let desk = OrderDesk(engine, version: Carillon.version)
        let control = ControlServer(path: state + "/control.sock", logger: logger) { await desk.handle($0) }
        // They stop from the last to the first: mail can still tell how the engine's runs ended.
        var services: [any Service] = mail.map { [$0] } ?? []
        if let mirror { services.append(mirror) }
        services += [engine, control]
        if !shadow, let keiji { services += try keiji.bus { await desk.handle($0) } }
        services += try frappe?.services(store: store, isShadow: shadow) ?? []
        if let systemd = Systemd(
            environment: environment,
            isAlive: {
                // Any answer is a sign of life, also that the store is in trouble.
                _ = await desk.handle(.status)
                return true
            })
        {
            services.append(systemd)
        }
        logger.notice(
            "carillon \(Carillon.version) serves",
            metadata: ["state": "\(state)", "config": "\(configFile)", "zones": "\(zones.version)"])
        let group = ServiceGroup(
            configuration: .init(services: services, logger: Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }))
        let signals = Task { await Signals.watch(group) { sink.reopen() } }
        do {
            try await group.run()
        } catch let error as StoreError {
            throw error
        } catch let error as BTUSocket.Unusable {
            throw Failure.failed("\(error)")
        } catch let error as ControlBus.Unusable {
            throw Failure.failed("\(error)")
        } catch {
            throw Failure.failed("the daemon stopped: \(error)")
        }
        signals.cancel()
        try await store.close()
    }

    private func makeDispatcher(
        _ exec: Settings.Exec, state: String, environment: [String: String], logger: Logger
    ) throws -> ExecDispatcher {
        var configuration = ExecConfiguration(
            stateDirectory: state, shim: ShimLocator.path(given: environment["CARILLON_SHIM"]), environment: environment
        )
        configuration.logCap = exec.logLimit
        configuration.grace = exec.grace
        configuration.inherited = exec.inheritEnvironment
        if let most = exec.most { configuration.capacity = Int(most) }
        let clock = SystemClock()
        do {
            return try ExecDispatcher(configuration, logger: logger) { clock.now }
        } catch {
            throw Failure.failed("\(error)")
        }
    }

    private func override(_ log: inout Settings.Log) throws {
        if let text = logLevel {
            guard let level = Settings.LogLevel(rawValue: text.lowercased()) else {
                throw Failure.input("--log-level: '\(text)' is no level")
            }
            log.level = level
        }
        if let text = logFormat {
            guard let format = Settings.LogFormat(rawValue: text) else {
                throw Failure.input("--log-format: '\(text)' is none of text, json, logfmt")
            }
            log.format = format
        }
        if let logFile { log.file = Place.absolute(logFile) }
    }

    private func makeSink(_ log: Settings.Log) throws -> LogSink {
        if log.format == .logfmt, let file = log.file {
            // keiji makes its folders by itself.
            let folder = (file as NSString).deletingLastPathComponent
            try? FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        }
        guard let file = log.file else { return try LogSink() }
        return try LogSink(path: file, largest: log.largest, keep: log.keep)
    }

    private func makeLogger(_ log: Settings.Log, to sink: LogSink, zone: Zone) -> Logger {
        let format: LineLogHandler.Format =
            switch log.format {
            case .json: .json
            case .logfmt: .logfmt(zone)
            case .text, nil: .text
            }
        let level = Logger.Level(rawValue: (log.level ?? .info).rawValue) ?? .info
        let logger = Logger(label: "carillon") {
            LineLogHandler(label: $0, level: level, format: format, sink: sink)
        }
        sink.whenLost { lines in
            logger.warning("log lines were left out; nobody took them", metadata: ["lines": "\(lines)"])
        }
        return logger
    }
}
