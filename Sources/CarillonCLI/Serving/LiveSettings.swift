import CarillonConfiguration
import CarillonDaemon
import CarillonEngine
import Foundation
import Logging
import ServiceLifecycle
import Synchronization

/// Follows the settings of a running daemon: what can be applied is, and of the rest it is said that it waits for a restart.
final class LiveSettings: Service {
    /// Keys that take effect in a running daemon.
    private static let applied: Set = ["log.level", "ledger.keep", "ledger.keep_per_job"]

    private struct State {
        var waiting: [String] = []
        var problem: String?
        /// What was said last of either.
        var told = ""
        var current: Settings
        /// The last look, which the next one waits for.
        var looking: Task<String, Never>?
    }

    private let started: Settings
    private let path: String
    private let read: @Sendable () throws -> Settings
    private let apply: @Sendable (Settings) async -> Void
    private let logger: Logger
    private let state: Mutex<State>

    /// `read` reads them anew from where they were read at the start; `apply` takes what `applied` names.
    init(
        _ started: Settings, path: String, logger: Logger, read: @escaping @Sendable () throws -> Settings,
        apply: @escaping @Sendable (Settings) async -> Void
    ) {
        self.started = started
        self.path = path
        self.read = read
        self.apply = apply
        self.logger = logger
        state = Mutex(State(current: started))
    }

    /// What somebody should know: settings that wait for a restart, and those that cannot be read.
    var troubles: [String] {
        state.withLock { state in
            if let problem = state.problem { return ["settings cannot be read, those before count: \(problem)"] }
            return state.waiting.isEmpty
                ? [] : ["settings changed since the start: \(state.waiting.joined(separator: ", ")); restart to apply"]
        }
    }

    /// Looks for a change of the file every second.
    func run() async throws {
        let clock = SystemClock()
        try? await cancelWhenGracefulShutdown {
            var seen = Self.sign(of: self.path)
            while true {
                try await clock.sleep(for: 1_000_000)
                let now = Self.sign(of: self.path)
                // A file that is away is about to be replaced; the one before counts.
                guard let now, now != seen else { continue }
                seen = now
                await self.look()
            }
        }
    }

    /// Reads the settings and applies what can be; answers what became of them, in a sentence.
    @discardableResult
    func look() async -> String {
        let task = state.withLock { state in
            let before = state.looking
            let task = Task {
                _ = await before?.value
                return await self.lookOnce()
            }
            state.looking = task
            return task
        }
        return await task.value
    }

    private func lookOnce() async -> String {
        let settings: Settings
        do {
            settings = try read()
        } catch {
            let problem = (error as? Failure)?.message ?? "\(error)"
            tell { $0.problem = problem }
            return "the settings cannot be read, those before count: \(problem)"
        }
        let changed = settings.changes(since: state.withLock { $0.current })
        if changed.contains(where: Self.applied.contains) { await apply(settings) }
        let taken = changed.filter(Self.applied.contains)
        if !taken.isEmpty {
            logger.notice("settings are applied", metadata: ["keys": "\(taken.joined(separator: ", "))"])
        }
        let waiting = settings.changes(since: started).filter { !Self.applied.contains($0) }
        tell { state in
            state.problem = nil
            state.waiting = waiting
            state.current = settings
        }
        return waiting.isEmpty
            ? taken.isEmpty ? "the settings are as they were" : "applied: \(taken.joined(separator: ", "))"
            : troubles.joined()
    }

    /// Changes the state, and logs what is new of what somebody should know.
    private func tell(_ change: (inout State) -> Void) {
        state.withLock { change(&$0) }
        let words = troubles.joined()
        let isNews = state.withLock { state in
            defer { state.told = words }
            return words != state.told
        }
        if !isNews { return }
        if words.isEmpty {
            logger.notice("settings are again as they were at the start")
        } else {
            logger.warning("\(words)")
        }
    }

    private struct Sign: Equatable {
        var inode: UInt64
        var size: Int64
        var seconds: Int
        var nanoseconds: Int
    }

    private static func sign(of path: String) -> Sign? {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return nil }
        return Sign(
            inode: UInt64(facts.st_ino), size: Int64(facts.st_size), seconds: facts.st_mtim.tv_sec,
            nanoseconds: facts.st_mtim.tv_nsec)
    }
}
