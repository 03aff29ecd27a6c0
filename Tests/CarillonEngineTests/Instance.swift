import CarillonCore
import CarillonEngine
import CarillonTestSupport
import Logging
import MemoryStore
import ServiceLifecycle
import Synchronization
import Testing
import Timetable

/// Whatever runs what all instances hand over, and knows what it has, as workers of one Redis do: each run ends at once.
final class SharedExecutor: Sendable {
    /// Runs go on until somebody cancels them.
    let holds = Mutex(false)
    /// Who handed each attempt over.
    private let known = Mutex<[AttemptID: [String]]>([:])

    var starters: [AttemptID: [String]] { known.withLock { $0 } }
    /// Attempts that were started twice; one that is known is not.
    var doubled: [AttemptID] { starters.filter { $0.value.count > 1 }.map(\.key) }

    func start(_ attempt: AttemptID, by name: String) -> DispatchResult {
        known.withLock { known in
            if known[attempt] != nil { return .known }
            known[attempt] = [name]
            return .accepted
        }
    }

    func knows(_ attempt: AttemptID) -> Bool { known.withLock { $0[attempt] != nil } }
}

final class SharedDispatcher: Dispatcher {
    typealias Body = SampleTarget
    let name: String
    let executor: SharedExecutor
    let capacity: Int? = nil
    let events: AsyncStream<[DispatchEvent]>
    private let tell: AsyncStream<[DispatchEvent]>.Continuation
    private let clock: ManualClock

    init(_ name: String, _ executor: SharedExecutor, _ clock: ManualClock) {
        self.name = name
        self.executor = executor
        self.clock = clock
        (events, tell) = AsyncStream.makeStream()
    }

    private func tellEnd(of attempts: [AttemptID]) {
        tell.yield(attempts.map { DispatchEvent(attempt: $0, at: clock.now, what: .succeeded(Outcome())) })
    }

    func adopt(_ outstanding: [Run]) async -> [AttemptID] {
        let attempts = outstanding.map { AttemptID(run: $0.id, attempt: $0.attempt) }
        if !executor.holds.withLock({ $0 }) { tellEnd(of: attempts.filter(executor.knows)) }
        return attempts.filter { !executor.knows($0) }
    }

    func dispatch(_ batch: [Dispatch<SampleTarget>]) async -> [DispatchResult] {
        let results = batch.map { executor.start($0.attempt, by: name) }
        if !executor.holds.withLock({ $0 }) { tellEnd(of: batch.map(\.attempt)) }
        return results
    }

    func cancel(_ attempt: AttemptID, grace: Int64) async {
        guard executor.knows(attempt) else { return }
        tell.yield([DispatchEvent(attempt: attempt, at: clock.now, what: .cancelled(Outcome()))])
    }

    func acknowledge(_ attempts: [AttemptID]) async {}
    func abandon(_ attempts: [AttemptID]) async {}
    func forget(_ runs: [GoneRun]) async {}
    func shutdown() async { tell.finish() }
    func health() async -> DispatcherHealth { DispatcherHealth() }
}

/// One engine of several, and its clock.
struct Instance: Sendable {
    let clock: ManualClock
    let service: EngineService<ManualClock>
    private let group: ServiceGroup
    private let serving: Task<Void, any Error>

    init(
        _ name: String, _ store: MemoryStore, _ executor: SharedExecutor, lease: Int64, mostJobs: Int = 0,
        at now: Timestamp
    ) async throws {
        let clock = ManualClock(now: now)
        try await self.init(
            name, store, [SharedDispatcher(name, executor, clock)], clock, lease: lease, mostJobs: mostJobs)
    }

    init(
        _ name: String, _ store: MemoryStore, _ dispatchers: [any Dispatcher], _ clock: ManualClock,
        feeds: [any JobFeed] = [], lease: Int64, mostJobs: Int = 0
    ) async throws {
        self.clock = clock
        var facts = InstanceFacts.sample(name)
        facts.lease = lease
        facts.labels = ["custody"]
        facts.mostJobs = mostJobs
        var settings = EngineSettings()
        settings.shares = true
        settings.heartbeat = lease / 4
        let service = try await EngineService(
            store: store, dispatchers: dispatchers, feeds: feeds, clock: clock, zones: ZoneDatabase(),
            instance: facts, bootID: "b", settings: settings, logger: .silent)
        self.service = service
        let group = ServiceGroup(configuration: .init(services: [service], logger: .silent))
        self.group = group
        serving = Task { try await group.run() }
    }

    /// How many shares of the jobs it plans.
    var shares: Int { get async { await service.engine.heldShares } }

    func pass(_ seconds: Int) async throws { try await [self].pass(seconds) }

    /// Tells it to end in order, as SIGTERM does.
    func leave() async { await group.triggerGracefulShutdown() }

    /// Lets its time pass until it has.
    func hasEnded() async throws {
        let ended = Mutex(false)
        async let end: Void = {
            try await serving.value
            ended.withLock { $0 = true }
        }()
        while !ended.withLock({ $0 }) {
            try Task.checkCancellation()
            clock.advance(by: 50_000)
            for _ in 0..<50 { await Task.yield() }
        }
        try await end
    }

    /// Ends it at once, as nobody needs it any more.
    func stop() async throws {
        serving.cancel()
        do { try await serving.value } catch is CancellationError {}
    }
}

extension [Instance] {
    private static var step: Int64 { 50_000 }

    /// Lets their time pass by a step, once each of them waits for it.
    private func step() async {
        for instance in self { await instance.clock.untilSleeping() }
        for instance in self { instance.clock.advance(by: Self.step) }
        for _ in 0..<50 { await Task.yield() }
    }

    func pass(_ seconds: Int) async throws {
        for _ in 0..<Int64(seconds) * 1_000_000 / Self.step {
            try Task.checkCancellation()
            await step()
        }
    }

    var shares: [Int] {
        get async {
            var all: [Int] = []
            for instance in self { all.append(await instance.shares) }
            return all
        }
    }

    /// Lets time pass until something is so.
    func until(_ what: String, _ isSo: () async throws -> Bool) async throws {
        for _ in 0..<2_400 {
            if try await isSo() { return }
            try Task.checkCancellation()
            await step()
        }
        Issue.record("not after two minutes: \(what); shares \(await shares)")
    }

    /// Lets everything that is due come to its end, a moment after a second has begun.
    func settle() async throws {
        try await pass(3)
    }
}
