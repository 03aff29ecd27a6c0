import CarillonCore
import DequeModule
import Logging
import RedisClient
import Timetable

/// Enqueues runs for workers of Python RQ, and reads from RQ's own registries how they ended.
///
/// A run is enqueued by one atomic script under a guard key (design: promise 3), so a repeated dispatch is harmless. Redis is
/// connected to when there is something to do for the first time.
public actor RQDispatcher: Dispatcher {
    public nonisolated var kind: Target.Kind { .rq }
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
    var entries: [AttemptID: RQEntry] = [:]
    /// The same attempts, in the order in which they are looked at one by one; ended ones drop out when their turn comes.
    var rounds: Deque<AttemptID> = []
    var books: [String: QueueBook] = [:]
    /// Of these the ones that were told to end.
    var cancelling: Set<AttemptID> = []
    /// Attempts of the ledger of which it is not known yet what Redis has.
    var adopted: [AttemptID: Run] = [:]
    /// Attempts whose end may have been there before they were asked for again.
    var repeated: [AttemptID] = []
    var memory = Memory()
    var listeners = Listeners()
    private var trouble: String?
    /// The last error in the log, and when (uptime): the same one is not repeated every second.
    private var logged: (text: String, at: Int64)?

    public init(_ configuration: RQConfiguration, clock: any EngineClock, logger: Logger) {
        let facts = ServerFacts()
        self.configuration = configuration
        self.facts = facts
        self.clock = clock
        self.logger = logger
        server = RedisClient(configuration.redis, logger: logger) { info throws(RedisError) in try facts.greet(info) }
        (events, told) = AsyncStream.makeStream()
    }

    // MARK: Handing over

    public func dispatch(_ batch: [Dispatch]) async -> [DispatchResult] {
        var results: [DispatchResult] = []
        results.reserveCapacity(batch.count)
        var next = parcel(batch.prefix(Self.inParcel * configuration.batch))
        while !next.dispatches.isEmpty {
            let parcel = next
            async let answers = answers(to: parcel.commands)
            // The next one is written while the server has this one.
            next = self.parcel(
                batch[parcel.dispatches.endIndex...].prefix(Self.inParcel * configuration.batch))
            results += read(await answers, parcel)
        }
        return results
    }

    /// Scripts on their way at once: enough that the server never waits for the next.
    private static let inParcel = 4

    /// Runs as the commands that enqueue them, one for each batch.
    private struct Parcel: Sendable {
        var dispatches: ArraySlice<Dispatch>
        var commands: [RedisCommand] = []
        /// Nil for what is no target of this dispatcher.
        var entries: [RQEntry?] = []
    }

    private func parcel(_ dispatches: ArraySlice<Dispatch>) -> Parcel {
        let made = RQTime.text(clock.now)
        var parcel = Parcel(dispatches: dispatches)
        parcel.entries.reserveCapacity(dispatches.count)
        var rest = dispatches
        while !rest.isEmpty {
            var command = RedisCommand.script(RQScripts.enqueue, keys: [])
            for dispatch in rest.prefix(configuration.batch) { parcel.entries.append(add(dispatch, made, to: &command)) }
            parcel.commands.append(command)
            rest = rest.dropFirst(configuration.batch)
        }
        return parcel
    }

    private func add(_ dispatch: Dispatch, _ made: String, to command: inout RedisCommand) -> RQEntry? {
        guard case .rq(let target) = dispatch.target else { return nil }
        let entry = RQEntry(dispatch.attempt, queue: configuration.queue(target.queue), resultTTL: target.resultTTL)
        command.append(dispatch.attempt.sentName)
        command.append(entry.queue)
        command.append(target.serializer == .pickle ? PickleWriter.call(target) : JSONCall.call(target))
        command.append(made)
        command.append(CallText.describe(target))
        command.append(Int(target.timeout))
        command.append(Int(target.resultTTL))
        command.append(entry.guardText)
        return entry
    }

    private func answers(to commands: [RedisCommand]) async -> Result<[RedisValue], RedisError> {
        do throws(RedisError) {
            return .success(try await ask(commands).flatMap { $0.array ?? [] })
        } catch {
            return .failure(error)
        }
    }

    private func read(_ answers: Result<[RedisValue], RedisError>, _ parcel: Parcel) -> [DispatchResult] {
        let values: [RedisValue]
        switch answers {
        case .success(let answered): values = answered
        case .failure(let error): return parcel.dispatches.map { _ in .away(describe(error)) }
        }
        var rest = values.makeIterator()
        return parcel.entries.map { entry in
            guard let entry else { return .refused("its target is none of RQ's") }
            switch rest.next() {
            case .integer(1)?:
                add(entry)
                return .accepted
            case .integer?:
                if entries[entry.attempt] == nil { add(entry) }
                repeated.append(entry.attempt)
                return .known
            case let other: return .refused(other?.text ?? other?.error?.message ?? "no answer")
            }
        }
    }

    public func acknowledge(_ attempts: [AttemptID]) async {
        for attempt in attempts { remove(attempt) }
        guard memory.isUsed else { return }
        var command = RedisCommand.script(RQScripts.release, keys: [])
        for attempt in attempts { command.append(attempt.sentName) }
        // A guard that stays for its seven days does no harm.
        _ = try? await ask([command])
    }

    public func forget(_ runs: [(id: RunID, job: String)]) async {}

    public func shutdown() async {
        told.finish()
        await server.close()
    }

    // MARK: The connection

    /// Asks the server; error replies are thrown as well. Says once when it goes away and when it is back.
    func ask(_ commands: [RedisCommand]) async throws(RedisError) -> [RedisValue] {
        do throws(RedisError) {
            let answers = try await server.send(commands)
            if let error = answers.lazy.compactMap(\.error).first { throw error }
            trouble = nil
            // Not when one command fails among others that do not, once a second.
            if let logged, clock.uptime - logged.at > Self.sayInterval / 20 {
                logger.notice("Redis answers again", metadata: ["redis": "\(configuration.redis)"])
                self.logged = nil
            }
            return answers
        } catch {
            if error.code != .cancelled, error.code != .closed {
                trouble = describe(error)
                say(describe(error))
            }
            throw error
        }
    }

    private static let sayInterval: Int64 = 60_000_000

    private func say(_ text: String) {
        if let logged, logged.text == text, clock.uptime - logged.at < Self.sayInterval { return }
        logger.error("\(text)")
        logged = (text, clock.uptime)
    }

    private func describe(_ error: RedisError) -> String { "Redis at \(configuration.redis): \(error.message)" }

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
        if entries.updateValue(entry, forKey: entry.attempt) == nil { rounds.append(entry.attempt) }
        books[entry.queue, default: QueueBook(now: clock.now)].add(entry)
        listeners.expected.insert(entry.queue)
    }

    @discardableResult
    func remove(_ attempt: AttemptID) -> RQEntry? {
        adopted[attempt] = nil
        cancelling.remove(attempt)
        guard let entry = entries.removeValue(forKey: attempt) else { return nil }
        books[entry.queue]?.remove(entry)
        if books[entry.queue]?.isEmpty ?? false { books[entry.queue] = nil }
        if entries.isEmpty { rounds.removeAll() }
        return entry
    }

    func tell(_ events: [DispatchEvent]) {
        if !events.isEmpty { told.yield(events) }
    }
}
