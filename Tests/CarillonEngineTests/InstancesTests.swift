import CarillonCore
import CarillonEngine
import CarillonTestSupport
import Logging
import MemoryStore
import ServiceLifecycle
import Synchronization
import Testing
import Timetable

/// Live engines that share one store; each has a clock of its own, and one whose clock stands still is frozen.
@Suite(.timeLimit(.minutes(2))) struct InstancesTests {
    private static let lease: Int64 = 3_000_000
    private let store = MemoryStore()
    private let executor = SharedExecutor()

    private func instance(
        _ name: String, at now: Timestamp = Samples.noon, mostJobs: Int = 0
    ) async throws -> Instance {
        try await Instance(name, store, executor, lease: Self.lease, mostJobs: mostJobs, at: now)
    }

    /// Adds jobs of every second through an instance.
    private func add(_ count: Int, through instance: Instance) async throws {
        let jobs = (0..<count).map { number in
            var job = Samples.job("job \(number)", every: "1s", feed: Origin.orders.feed, source: "")
            job.policies.catchUp = .all(limit: 1_000, rate: 1_000)
            // However long an end takes to be known.
            job.policies.overlap = .allow
            return (job, nil as JobID?)
        }
        #expect(try await instance.service.engine.put(jobs).map(\.message) == [])
    }

    /// Every time of every job has one run, from the first to the last, and each was started once.
    private func checkEveryTime(_ count: Int, seconds: ClosedRange<Int>) async throws {
        let runs = try await store.runs(RunQuery(limit: .max))
        #expect(try await store.skips(RunQuery(limit: .max)).isEmpty)
        for (job, ofJob) in Dictionary(grouping: runs, by: \.job) {
            let times = ofJob.map(\.scheduledAt).sorted()
            #expect(seconds.contains(times.count), "\(job): \(times.count)")
            #expect(zip(times, times.dropFirst()).allSatisfy { $0.plus(1) == $1 }, "\(job): \(times)")
        }
        #expect(Set(runs.map(\.job)).count == count)
        #expect(executor.doubled.isEmpty)
    }

    @Test func thoseWhoJoinShareTheJobsAndEachTimeRunsOnce() async throws {
        let a = try await instance("a")
        try await a.pass(1)
        #expect(await a.shares == Shard.shares)
        try await add(30, through: a)
        try await a.pass(3)
        let b = try await instance("b", at: a.clock.now)
        let c = try await instance("c", at: a.clock.now)
        let all = [a, b, c]
        try await all.until("they share evenly") {
            let shares = await all.shares
            return shares.allSatisfy { $0 >= Shard.shares / 3 }
        }
        try await all.pass(5)
        let by = Dictionary(grouping: executor.starters.values.flatMap { $0 }) { $0 }.mapValues(\.count)
        #expect(by.count == 3, "each has started some: \(by)")
        try await all.settle()
        try await checkEveryTime(30, seconds: 20...400)
        for instance in all { try await instance.stop() }
    }

    /// Others take over what a frozen one had; it finds out when it goes on, and writes nothing more.
    @Test func aFrozenOneIsReplacedAndComesBack() async throws {
        let (a, b) = (try await instance("a"), try await instance("b"))
        let both = [a, b]
        try await both.until("they share") { await both.shares.allSatisfy { $0 == Shard.shares / 2 } }
        try await add(30, through: b)
        try await both.pass(5)
        // B stands still; A has everything after a lease.
        try await [a].until("a has everything") { await a.shares == Shard.shares }
        try await a.pass(5)
        let missed = a.clock.uptime - b.clock.uptime
        #expect(missed > Self.lease)
        b.clock.advance(by: missed)
        try await both.until("b has its part again") { await both.shares.allSatisfy { $0 == Shard.shares / 2 } }
        try await both.settle()
        try await checkEveryTime(30, seconds: 15...400)
        for instance in both { try await instance.stop() }
    }

    /// What it has is somebody else's at once, before it ends what it runs: nobody waits for its lease.
    @Test func whoLeavesHandsEverythingOver() async throws {
        let (a, b) = (try await instance("a"), try await instance("b"))
        let both = [a, b]
        try await both.until("they share") { await both.shares.allSatisfy { $0 == Shard.shares / 2 } }
        try await add(30, through: a)
        try await both.pass(5)
        let before = a.clock.uptime
        await b.leave()
        try await [a].until("a has everything") {
            // Nobody waits for the one that ends to sleep: it may have ended.
            b.clock.advance(by: 50_000)
            return await a.shares == Shard.shares
        }
        #expect(a.clock.uptime - before < Self.lease, "it took \(a.clock.uptime - before) µs")
        try await b.hasEnded()
        try await [a].settle()
        try await checkEveryTime(30, seconds: 5...400)
        #expect(try await store.instances().filter { $0.term != nil }.map(\.facts.name) == ["a"])
        try await a.stop()
    }

    /// Ten, ten and five of twenty-five; of more than all may have, some wait until somebody comes.
    @Test func nobodyPlansMoreJobsThanItMay() async throws {
        let a = try await instance("a", mostJobs: 10)
        try await a.pass(1)
        try await add(25, through: a)
        func jobs() async throws -> [Int] {
            let shards = try await store.shards(counting: true)
            let records = try await store.instances().filter { $0.term != nil }
            return records.map { record in shards.filter { $0.holder == record.number }.reduce(0) { $0 + $1.jobs } }
        }
        try await [a].until("a has ten") { try await jobs() == [10] }
        let b = try await instance("b", at: a.clock.now, mostJobs: 10)
        try await [a, b].until("b has ten") { try await jobs() == [10, 10] }
        let c = try await instance("c", at: a.clock.now, mostJobs: 10)
        try await [a, b, c].until("c has the rest") { try await jobs() == [10, 10, 5] }
        let all = [a, b, c]
        try await all.pass(5)
        let runs = try await store.runs(RunQuery(limit: .max))
        #expect(Set(runs.map(\.job)).count == 25 && executor.doubled.isEmpty)
        for instance in all { try await instance.stop() }
    }

    /// What is told to one concerns jobs of another, and is done there.
    @Test func anOrderReachesWhoeverHasTheJob() async throws {
        let (a, b) = (try await instance("a"), try await instance("b"))
        let both = [a, b]
        try await both.until("they share") { await both.shares.allSatisfy { $0 == Shard.shares / 2 } }
        try await add(8, through: a)
        try await both.pass(3)
        let desk = OrderService(a.service, version: "1")
        for number in 0..<8 {
            guard case .started = await desk.handle(.start("job \(number)")) else {
                Issue.record("job \(number) was not started")
                return
            }
        }
        try await both.until("all were started") {
            let runs = try await store.runs(RunQuery(triggers: [.manual], limit: 99))
            return runs.count == 8 && runs.allSatisfy { $0.state == .completed }
        }
        let byHand = try await store.runs(RunQuery(triggers: [.manual], limit: 99)).map(\.id)
        let starters = byHand.compactMap { executor.starters[AttemptID(run: $0, attempt: 1)]?.first }
        #expect(Set(starters) == ["a", "b"])
        for instance in both { try await instance.stop() }
    }

    /// What goes on at another instance is ended from here, and the answer comes when it has ended.
    @Test func whatRunsElsewhereIsEndedFromHere() async throws {
        let (a, b) = (try await instance("a"), try await instance("b"))
        let both = [a, b]
        try await both.until("they share") { await both.shares.allSatisfy { $0 == Shard.shares / 2 } }
        let desk = OrderService(a.service, version: "1")
        for number in 0..<4 {
            let job = Samples.job("long \(number)", every: "30d", feed: Origin.orders.feed, source: "")
            #expect(try await a.service.engine.put([(job, nil)]).map(\.message) == [])
        }
        executor.holds.withLock { $0 = true }
        for number in 0..<4 { _ = await desk.handle(.start("long \(number)")) }
        func runs() async throws -> [Run] { try await store.runs(RunQuery(triggers: [.manual], limit: 99)) }
        try await both.until("all run") { executor.starters.count == 4 }
        let first = try await runs()[0]
        guard case .done = await desk.handle(.cancel("\(first.id)")) else {
            Issue.record("\(first.id) is not cancelled")
            return
        }
        try await both.until("it is cancelled") { try await store.run(first.id)?.state == .cancelled }
        let replies = Mutex<[Reply]>([])
        async let stopping: Void = {
            for number in 0..<4 {
                let reply = await desk.handle(.stop("long \(number)"))
                replies.withLock { $0.append(reply) }
            }
        }()
        try await both.until("all were answered") { replies.withLock { $0.count == 4 } }
        await stopping
        #expect(try await runs().allSatisfy { $0.state == .cancelled })
        let answers = replies.withLock { $0.compactMap { if case .done(let text) = $0 { text } else { nil } } }
        #expect(answers.count { $0.hasSuffix("is stopped") } == 3 && answers.count == 4, "\(answers)")
        for instance in both { try await instance.stop() }
    }

    /// What one pauses the others do not dispatch.
    @Test func aPauseIsEverybodys() async throws {
        let (a, b) = (try await instance("a"), try await instance("b"))
        let both = [a, b]
        try await both.until("they share") { await both.shares.allSatisfy { $0 == Shard.shares / 2 } }
        try await add(8, through: a)
        try await both.pass(3)
        let desk = OrderService(a.service, version: "1")
        _ = await desk.handle(.pause(reason: "a test"))
        try await both.pass(1)
        let before = executor.starters.count
        try await both.pass(4)
        #expect(executor.starters.count == before)
        _ = await desk.handle(.resume())
        try await both.until("they go on") { executor.starters.count > before + 8 }
        for instance in both { try await instance.stop() }
    }
}

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

private final class SharedDispatcher: Dispatcher {
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
    func forget(_ runs: [(id: RunID, job: String)]) async {}
    func shutdown() async { tell.finish() }
    func health() async -> DispatcherHealth { DispatcherHealth() }
}

/// One engine of several, and its clock.
private struct Instance: Sendable {
    let clock: ManualClock
    let service: EngineService<ManualClock>
    private let group: ServiceGroup
    private let serving: Task<Void, any Error>

    init(
        _ name: String, _ store: MemoryStore, _ executor: SharedExecutor, lease: Int64, mostJobs: Int, at now: Timestamp
    ) async throws {
        clock = ManualClock(now: now)
        var facts = InstanceFacts.sample(name)
        facts.lease = lease
        facts.labels = ["custody"]
        facts.mostJobs = mostJobs
        var settings = EngineSettings()
        settings.shares = true
        settings.heartbeat = lease / 4
        let service = try await EngineService(
            store: store, dispatchers: [SharedDispatcher(name, executor, clock)], feeds: [], clock: clock,
            zones: ZoneDatabase(), instance: facts, bootID: "b", settings: settings, logger: .silent)
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

    fileprivate func pass(_ seconds: Int) async throws {
        for _ in 0..<Int64(seconds) * 1_000_000 / Self.step {
            try Task.checkCancellation()
            await step()
        }
    }

    fileprivate var shares: [Int] {
        get async {
            var all: [Int] = []
            for instance in self { all.append(await instance.shares) }
            return all
        }
    }

    /// Lets time pass until something is so.
    fileprivate func until(_ what: String, _ isSo: () async throws -> Bool) async throws {
        for _ in 0..<2_400 {
            if try await isSo() { return }
            try Task.checkCancellation()
            await step()
        }
        Issue.record("not after two minutes: \(what); shares \(await shares)")
    }

    /// Lets everything that is due come to its end, a moment after a second has begun.
    fileprivate func settle() async throws {
        try await pass(3)
    }
}
