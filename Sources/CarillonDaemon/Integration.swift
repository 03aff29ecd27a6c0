package import CarillonConfiguration
package import CarillonCore
package import CarillonEngine
package import CarillonMetrics
package import Logging
package import ServiceLifecycle
package import Timetable

/// A system that a daemon works with: programs, workers, feeds, channels. All there are stand in one list.
package protocol Integration: Sendable {
    /// What it reads of the settings.
    static var sections: [any SettingsSection.Type] { get }

    /// What it executes, by the keys of a job.
    static var targets: [any TargetKeys.Type] { get }

    /// Answers what it brings into a daemon with these settings; connects to nobody yet. Throws `Failure`.
    static func parts(_ daemon: DaemonContext) throws -> Parts
}

extension Integration {
    package static var sections: [any SettingsSection.Type] { [] }
    package static var targets: [any TargetKeys.Type] { [] }
}

/// The daemon that is being put together, as an integration sees it.
package struct DaemonContext: Sendable {
    package var composition: Composition
    package var settings: Settings
    /// `carillon.toml`, for the jobs in it; nil where another scheduler's file holds the settings.
    package var mainFile: String?
    package var jobsFolder: String
    /// The state directory.
    package var state: String
    package var store: any JobStore
    /// In hexadecimal digits.
    package var storeID: String
    /// Of the state directory.
    package var identity: String
    package var zones: ZoneDatabase
    package var environment: [String: String]
    /// Nothing goes out, and nobody is told.
    package var isShadow: Bool
    /// Another scheduler's work is taken over although it may still be at it.
    package var takesOver = false
    package var clock = SystemClock()
    /// What the process counts, as `serve` has bootstrapped it.
    package var metrics = MetricsRegistry()
    package var logger: Logger

    package init(
        composition: Composition, settings: Settings, mainFile: String?, jobsFolder: String, state: String,
        store: any JobStore, storeID: String, identity: String = "", zones: ZoneDatabase, environment: [String: String],
        isShadow: Bool,
        logger: Logger
    ) {
        self.composition = composition
        self.settings = settings
        self.mainFile = mainFile
        self.jobsFolder = jobsFolder
        self.state = state
        self.store = store
        self.storeID = storeID
        self.identity = identity
        self.zones = zones
        self.environment = environment
        self.isShadow = isShadow
        self.logger = logger
    }
}

extension DaemonContext {
    /// What this daemon leaves at a server, to see whether that has lost its data: of those that share a store each has its own.
    package var mark: String { store.isShared ? "\(storeID).\(identity)" : storeID }
}

/// Who carries out orders.
package typealias OrderHandler = @Sendable (Order, Caller) async -> Reply

/// What an integration brings into a daemon.
package struct Parts: Sendable {
    package var dispatchers: [any Dispatcher] = []
    package var feeds: [any JobFeed] = []
    /// Told of whatever a person may want to hear of; must not wait.
    package var notify: (@Sendable (Notice) -> Void)?
    /// Hears of every run that ended for good; must not wait.
    package var ended: (@Sendable (Run) -> Void)?
    /// Hears of everything that was written; must not wait.
    package var changed: (@Sendable (LedgerChange) -> Void)?
    /// Stop after the engine, and so can still tell how its last runs ended.
    package var outlasting: [any Service] = []
    /// Channels and whatever else runs beside the engine, made when orders can be given.
    package var services: @Sendable (_ desk: @escaping OrderHandler) throws -> [any Service] = { _ in [] }
    /// What is served where the daemon has the role of it, `api`, whatever else it does.
    package var interfaces: @Sendable (_ desk: @escaping OrderHandler) async throws -> [any Service] = { _ in [] }
    /// Whether what a daemon is not to start without can be reached. Throws `Failure`.
    package var check: @Sendable () async throws -> Void = {}
    /// Brings the store into order before anybody plans with it; once, and to be done again when it was cut short. Throws
    /// `Failure` and `StoreError`.
    package var prepare: @Sendable () async throws -> Void = {}
    /// How what is no dispatcher is, by a name for `status`.
    package var health: [@Sendable () async -> (name: String, health: DispatcherHealth)] = []
    /// Its jobs and what it notes of them belong to one machine: such a daemon has its store alone.
    package var isOfOneMachine = false
    /// What it sets of the engine.
    package var adjust: @Sendable (inout EngineSettings) -> Void = { _ in }

    package init() {}

    /// Joins all parts of several integrations, in their order.
    package init(_ all: [Parts]) {
        dispatchers = all.flatMap(\.dispatchers)
        feeds = all.flatMap(\.feeds)
        outlasting = all.flatMap(\.outlasting)
        let listeners = all.compactMap(\.notify)
        if !listeners.isEmpty { notify = { notice in for listener in listeners { listener(notice) } } }
        let hearers = all.compactMap(\.ended)
        if !hearers.isEmpty { ended = { run in for hearer in hearers { hearer(run) } } }
        let watchers = all.compactMap(\.changed)
        if !watchers.isEmpty { changed = { change in for watcher in watchers { watcher(change) } } }
        services = { desk in try all.flatMap { try $0.services(desk) } }
        interfaces = { desk in
            var services: [any Service] = []
            for parts in all { services += try await parts.interfaces(desk) }
            return services
        }
        health = all.flatMap(\.health)
        isOfOneMachine = all.contains(where: \.isOfOneMachine)
        check = { for parts in all { try await parts.check() } }
        prepare = { for parts in all { try await parts.prepare() } }
        adjust = { settings in for parts in all { parts.adjust(&settings) } }
    }
}
