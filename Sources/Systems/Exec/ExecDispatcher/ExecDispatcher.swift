import BlockingConnection
public import CarillonCore
import Glibc
public import Logging
import Synchronization
public import Timetable

/// Runs programs on this machine, each under a shim that outlives the daemon.
///
/// The state directory holds `attempts/`, a status file per attempt until its outcome is acknowledged, and `logs/`. The
/// kernel tells of ends: nothing is polled, and an attempt under way costs no descriptor. Under systemd, children survive a
/// crash of the daemon only with `KillMode=process`.
public final class ExecDispatcher: Dispatcher {
    public var isBound: Bool { true }
    public var lostAfter: Int64 { configuration.lostAfter }
    public var underWay: [AttemptID] { reporter.roster.attempts }
    public var capacity: Int? { configuration.capacity }
    public var events: AsyncStream<[DispatchEvent]> { reporter.events }

    private let configuration: ExecConfiguration
    /// The machine was started since the last daemon, and nothing was adopted since.
    private let isNewBoot: Mutex<Bool>
    private let reporter: Reporter
    private let watcher: Watcher
    private let launcher: Launcher
    /// Two, because a start waits for the new process more than it computes.
    private let launching: [BlockingConnection<Launcher>]
    /// For the rest of the file work, so that it never keeps a start waiting.
    private let filing: BlockingConnection<Void>

    /// Creates what is missing of the state directory (mode 0700), and listens from here on.
    ///
    /// `now` stamps what no shim has stamped. Throws when the state directory cannot be used or the system has no room
    /// for another watch or thread.
    public init(
        _ configuration: ExecConfiguration, logger: Logger, now: @escaping @Sendable () -> Timestamp
    ) throws {
        let state = configuration.stateDirectory
        for path in [state, state + "/logs"] where mkdir(path, 0o700) != 0 && errno != EEXIST {
            throw SystemError("create \(path)")
        }
        let reporter = Reporter(
            directory: try AttemptDirectory(path: state + "/attempts"), roster: RunningAttempts(),
            secondLooks: try SecondLooks(), stateDirectory: state, logger: logger, now: now)
        let launcher = Launcher(
            configuration: configuration,
            environment: ChildEnvironment(own: configuration.environment, inherited: configuration.inherited),
            own: UserAccount.current(environment: configuration.environment), reporter: reporter,
            spawner: try Spawner())
        self.configuration = configuration
        self.reporter = reporter
        self.launcher = launcher
        isNewBoot = Mutex(BootID.hasChanged(since: state + "/boot"))
        watcher = try Watcher(reporter)
        launching = try (1...2).map { number in
            try BlockingConnection(name: "exec-launch-\(number)") { launcher }
        }
        filing = try BlockingConnection(name: "exec-files") {}
        try watcher.start()
    }

    deinit { watcher.stop() }

    public func refusal(of target: ExecTarget) -> String? { launcher.refusal(of: target) }

    public func adopt(_ outstanding: [Run]) async -> [AttemptID] {
        let adoption = Adoption(
            reporter: reporter, isNewBoot: isNewBoot.withLock { $0 }, tellsOfClosed: configuration.isShared)
        do {
            let unknown = try await filing.call { _ in adoption.adopt(outstanding) }
            // From now on a file that is missing was never there.
            isNewBoot.withLock { $0 = false }
            return unknown
        } catch {
            // Closed already: nothing was adopted, and nothing may be dispatched either.
            return []
        }
    }

    public func dispatch(_ batch: [Dispatch<ExecTarget>]) async -> [DispatchResult] {
        var results = launcher.reserve(batch)
        let waiting = results.indices.filter { results[$0] == nil }
        let half = waiting.count / 2
        async let first = launch(waiting[half...].map { batch[$0] }, on: launching[0])
        async let second = launch(waiting[..<half].map { batch[$0] }, on: launching[1])
        for (index, result) in zip(waiting, await second + first) { results[index] = result }
        // Every place that was empty has its answer now.
        return results.compactMap { $0 }
    }

    private func launch(
        _ part: [Dispatch<ExecTarget>], on thread: BlockingConnection<Launcher>
    ) async -> [DispatchResult] {
        if part.isEmpty { return [] }
        do {
            return try await thread.call { launcher in launcher.launch(part) }
        } catch {
            for dispatch in part { launcher.giveBack(dispatch.attempt) }
            return part.map { _ in .unavailable("the dispatcher is shut down") }
        }
    }

    public func cancel(_ attempt: AttemptID, grace: Int64) async { reporter.roster.cancel(attempt, grace: grace) }

    public func acknowledge(_ attempts: [AttemptID]) async {
        let directory = reporter.directory
        try? await filing.call { _ in
            for attempt in attempts { directory.remove(attempt) }
        }
    }

    public func forget(_ runs: [GoneRun]) async {
        let state = configuration.stateDirectory
        try? await filing.call { _ in
            for run in runs { RunLog.remove(run.id, job: run.job, in: state) }
        }
    }

    public func output(of run: RunID, job: String, from offset: Int64, limit: Int) async throws -> [UInt8]? {
        let state = configuration.stateDirectory
        return try await filing.call { _ in
            try RunLog.read(run, job: job, in: state, from: offset, limit: limit)
        }
    }

    public func shutdown() async {
        for thread in launching { thread.close() }
        for thread in launching { await thread.closed() }
        filing.close()
        await filing.closed()
        watcher.stop()
    }

    public func health() async -> DispatcherHealth {
        let shim = configuration.shim
        let reporter = reporter
        let directory = reporter.directory
        let listens = watcher.listens
        let trouble = try? await filing.call { _ -> String? in
            if access(shim, X_OK) != 0 { return "\(SystemError("run the shim \(shim)"))" }
            if let fault = directory.fault { return "\(fault)" }
            return listens ? reporter.trouble : "\(directory.path) is not watched any more"
        }
        return DispatcherHealth(trouble: trouble ?? nil)
    }
}
