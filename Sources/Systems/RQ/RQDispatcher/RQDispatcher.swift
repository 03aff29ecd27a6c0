public import CarillonCore
import DequeModule
public import Logging
import RedisClient
import Timetable

/// Enqueues runs for workers of Python RQ, and reads from RQ's own registries how they ended.
///
/// A run is enqueued by one atomic script under a guard key (design: promise 3), so a repeated dispatch is harmless. Redis is
/// connected to when there is something to do for the first time.
public actor RQDispatcher: ListenedDispatcher {
    /// RQ queues by itself.
    public nonisolated var capacity: Int? { nil }
    public nonisolated let events: AsyncStream<[DispatchEvent]>

    let configuration: RQConfiguration
    let server: any RedisServer
    let facts: ServerFacts
    let clock: any EngineClock
    let logger: Logger
    private let told: AsyncStream<[DispatchEvent]>.Continuation

    /// Attempts Redis has, as far as is known.
    var entries = SlotTable<AttemptID, RQEntry>()
    /// The same attempts, in the order in which they are looked at one by one; ended ones drop out when their turn comes.
    var rounds: Deque<AttemptID> = []
    var books: [String: RegistryCursor] = [:]
    /// Attempts that are to end, with the microseconds each has once its worker was told.
    var cancelling: [AttemptID: Int64] = [:]
    /// Attempts that were sent without an answer: Redis may have them.
    var uncertain: [AttemptID: RQEntry] = [:]
    /// Attempts Redis never had, until the engine was told.
    var unreceived: [AttemptID] = []
    /// When everything that is out was last looked at.
    var lastRound: Timestamp?
    /// Attempts of the ledger of which it is not known yet what Redis has.
    var adopted: [AttemptID: Run] = [:]
    /// Attempts whose end may have been there before they were asked for again.
    var repeated: [AttemptID] = []
    /// Whether a script came too late by the server's clock.
    var isLate = false
    var memory = Memory()
    var listeners = Listeners()
    private var trouble: String?
    /// The last error in the log, and when (uptime): the same one is not repeated every second.
    private var logged: (text: String, at: Int64)?

    public init(_ configuration: RQConfiguration, clock: any EngineClock, logger: Logger) {
        let facts = ServerFacts(clock)
        self.configuration = configuration
        self.facts = facts
        self.clock = clock
        self.logger = logger
        server = RedisClient(configuration.redis, logger: logger) { info throws(RedisError) in try facts.greet(info) }
        (events, told) = AsyncStream.makeStream()
    }

    public func acknowledge(_ attempts: [AttemptID]) async {
        for attempt in attempts { remove(attempt) }
        guard memory.isUsed else { return }
        var command = RedisCommand.script(RQScripts.release, keys: [])
        for attempt in attempts { command.append(attempt.sentName) }
        // A guard that stays for its seven days does no harm.
        _ = try? await ask([command])
    }

    public func abandon(_ attempts: [AttemptID]) async { for attempt in attempts { remove(attempt) } }

    public func forget(_ runs: [GoneRun]) async {}

    public func shutdown() async {
        told.finish()
        await server.close()
    }

    // MARK: The connection

    /// Asks the server; error replies are thrown as well.
    func ask(_ commands: [RedisCommand]) async throws(RedisError) -> [RedisValue] {
        do throws(RedisError) {
            let answers = try await server.send(commands)
            if let error = answers.lazy.compactMap(\.error).first { throw error }
            note(nil)
            return answers
        } catch {
            note(error)
            throw error
        }
    }

    /// Says once when the server goes away and, with nil, when it is back.
    func note(_ error: RedisError?) {
        if let error {
            guard error.code != .cancelled, error.code != .closed else { return }
            trouble = describe(error)
            say(describe(error))
        } else {
            trouble = nil
            // Not when one command fails among others that do not, once a second.
            guard let logged, clock.uptime - logged.at > Self.sayInterval / 20 else { return }
            logger.notice("Redis answers again", metadata: ["redis": "\(configuration.redis)"])
            self.logged = nil
        }
    }

    private static let sayInterval: Int64 = 60_000_000

    private func say(_ text: String) {
        if let logged, logged.text == text, clock.uptime - logged.at < Self.sayInterval { return }
        logger.error("\(text)")
        logged = (text, clock.uptime)
    }

    func describe(_ error: RedisError) -> String { configuration.describe(error) }

    public func health() async -> DispatcherHealth {
        guard memory.isUsed || !listeners.expected.isEmpty else { return DispatcherHealth() }
        var warnings: [String] = []
        if let policy = facts.now.evictingPolicy {
            warnings.append(
                "Redis may evict guards and results (maxmemory-policy \(policy)); set it to noeviction, or a run may be doubled or its outcome lost"
            )
        }
        return DispatcherHealth(trouble: trouble, warnings: warnings + listeners.warnings)
    }

    // MARK: Books

    func add(_ entry: RQEntry) {
        memory.isUsed = true
        if let before = entries[entry.attempt] {
            // Counted once, or its queue's book would never be closed.
            books[before.queue]?.remove(before)
        } else {
            rounds.append(entry.attempt)
        }
        entries[entry.attempt] = entry
        if books[entry.queue]?.add(entry) == nil {
            books[entry.queue] = RegistryCursor(entry, now: clock.now)
            listeners.expected.insert(entry.queue)
        }
    }

    @discardableResult
    func remove(_ attempt: AttemptID) -> RQEntry? {
        adopted[attempt] = nil
        uncertain[attempt] = nil
        cancelling[attempt] = nil
        guard let entry = entries[attempt] else { return nil }
        entries[attempt] = nil
        books[entry.queue]?.remove(entry)
        if books[entry.queue]?.isEmpty ?? false { books[entry.queue] = nil }
        if entries.count == 0 { rounds.removeAll() }
        return entry
    }

    func tell(_ events: [DispatchEvent]) {
        if !events.isEmpty { told.yield(events) }
    }
}
