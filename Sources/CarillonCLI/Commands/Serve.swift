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
    @Option(
        help: ArgumentHelp(
            "What this daemon does, of what those who share a store do: scheduler, custodian, api; all by default.",
            valueName: "roles"))
    var roles: RoleList?
    @Flag(help: "Plan and record, dispatch nothing: to run beside another scheduler before switching.")
    var shadow = false
    @Flag(
        help: "Take over the jobs that Simple Scheduler has in the MongoDB store although it may still schedule them.")
    var takeOver = false
    @OptionGroup(title: "The log") var log: LogOptions

    func run() async throws {
        try await Serving(
            place: place, other: other, isShadow: shadow, takesOver: takeOver, roles: roles?.roles, log: log
        ).run()
    }
}

struct Custodian: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a daemon that watches others, deals out what the dead have left, and keeps the ledger tidy.",
        discussion: """
            Of those who share a PostgreSQL store each does that already; this is for a machine that is to plan nothing, as Simple \
            Scheduler's custodian does. It is `carillon serve --roles custodian`.

            EXAMPLES
              carillon custodian
              carillon custodian --simple-scheduler /etc/simple-scheduler/custodian.env
            """)
    @OptionGroup var place: DaemonLocation
    @OptionGroup(title: "Another scheduler's configuration") var other: OtherScheduler
    @OptionGroup(title: "The log") var log: LogOptions

    func run() async throws {
        try await Serving(place: place, other: other, isShadow: false, takesOver: false, roles: [.custodian], log: log)
            .run()
    }
}

/// What a daemon does of the work that those who share a store do, as words on a command line.
struct RoleList: ExpressibleByArgument {
    var roles: Set<Settings.Role>

    init?(argument: String) {
        let names = argument.split(separator: ",").map { Settings.Role(rawValue: String($0)) }
        roles = Set(names.compactMap(\.self))
        if names.isEmpty || roles.count < names.count { return nil }
    }

    static var allValueStrings: [String] { Settings.Role.allCases.map(\.rawValue) }
}

/// Starts a daemon in the way that a command says.
private struct Serving {
    let place: DaemonLocation
    let other: OtherScheduler
    let isShadow: Bool
    let takesOver: Bool
    /// Nil for what the settings say.
    let roles: Set<Settings.Role>?
    let log: LogOptions

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
                composition: composition, source: source, state: state, zones: zones, isShadow: isShadow,
                takesOver: takesOver, group: group, log: sink, logger: logger
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
        if let roles { source.settings.instance.roles = try checked(roles, source.settings) }
        return source
    }

    /// Throws `Failure` where nobody else would do what it leaves.
    private func checked(_ roles: Set<Settings.Role>, _ settings: Settings) throws(Failure) -> Set<Settings.Role> {
        if roles.contains(.scheduler) { return roles }
        guard try Composition.current.driver(of: settings.store).isRemote else {
            throw Failure.input(
                "a daemon without the role scheduler needs a store that several share, such as store.url = \"postgres://...\""
            )
        }
        return roles
    }
}
