import CarillonCore
import CarillonEngine
import CarillonTestSupport
import Logging
import MemoryStore
import ServiceLifecycle
import Synchronization
import Testing
import Timetable

/// Calls that wait until somebody lets them go.
private final class HeldCalls: Sendable {
    private let waiting = Mutex<(calls: [CheckedContinuation<Void, Never>], most: Int)>(([], 0))

    /// How many have waited at once.
    var most: Int { waiting.withLock(\.most) }

    func wait() async {
        await withCheckedContinuation { call in
            waiting.withLock { waiting in
                waiting.calls.append(call)
                waiting.most = max(waiting.most, waiting.calls.count)
            }
        }
    }

    func release() {
        let calls = waiting.withLock { waiting in
            defer { waiting.calls = [] }
            return waiting.calls
        }
        for call in calls { call.resume() }
    }
}

/// Live engines that share one store; each has a clock of its own, and one whose clock stands still is frozen.
@Suite(.timeLimit(.minutes(5))) struct InstancesTests {
    private static let lease: Int64 = 3_000_000
    private let store = MemoryStore()
    private let executor = SharedExecutor()

    private func instance(
        _ name: String, at now: Timestamp = Samples.noon, mostJobs: Int = 0
    ) async throws -> Instance {
        try await Instance(name, store, executor, lease: Self.lease, mostJobs: mostJobs, at: now)
    }

    /// Two that share the jobs.
    private func two() async throws -> [Instance] {
        let both = [try await instance("a"), try await instance("b")]
        try await both.until("they share") { await both.shares.allSatisfy { $0 == Shard.shares / 2 } }
        return both
    }

    /// Adds jobs of every second through an instance.
    private func add(_ count: Int, through instance: Instance, from first: Int = 0) async throws {
        let jobs = (first..<first + count).map { number in
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

    /// Whatever comes first, the reading of what stands in a share or a change there.
    @Test func aJobThatComesWhileSharesAreTakenIsPlanned() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("jobs while shares are taken: seed \(seed)")
        var random = SplitMix64(seed: seed)
        for round in 0..<40 {
            let instance = try await Instance("a", MemoryStore(), SharedExecutor(), lease: Self.lease, at: Samples.noon)
            let yields = random.number(0...60)
            async let looking: Void = {
                for _ in 0..<3 { _ = await instance.service.engine.look() }
            }()
            for _ in 0..<yields { await Task.yield() }
            for number in 0..<8 {
                let job = Samples.job("job \(number)", every: "1s", feed: Origin.orders.feed, source: "")
                #expect(try await instance.service.engine.put([(job, nil)]).map(\.message) == [])
            }
            await looking
            let due = await instance.service.engine.plannedJobs
            #expect(due == 8, "round \(round), \(yields) yields, seed \(seed)")
            try await instance.stop()
        }
    }

    /// A store may carry out the older one of two writes last: of one instance there is never a second one on its way.
    @Test func runsAreWrittenByOneAtATime() async throws {
        let a = try await instance("a")
        try await a.pass(1)
        try await add(30, through: a)
        let held = HeldCalls()
        await store.delayRecords { await held.wait() }
        try await a.pass(2)
        #expect(held.most == 1)
        // What is not written comes to no rest, so shares that are to go ask for it, too.
        let b = try await instance("b", at: a.clock.now)
        try await [a, b].pass(10)
        #expect(held.most == 1)
        await store.delayRecords(nil)
        held.release()
        try await [a, b].until("they share") { await [a, b].shares.allSatisfy { $0 == Shard.shares / 2 } }
        try await [a, b].settle()
        try await checkEveryTime(30, seconds: 10...400)
        for instance in [a, b] { try await instance.stop() }
    }

    /// Others take over what a frozen one had; it finds out when it goes on, and writes nothing more.
    @Test func aFrozenOneIsReplacedAndComesBack() async throws {
        let both = try await two()
        let (a, b) = (both[0], both[1])
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
        let both = try await two()
        let (a, b) = (both[0], both[1])
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
        // Ten more are five too many, which is said, until a fourth one comes.
        try await add(10, through: a, from: 25)
        let desk = OrderService(a.service, version: "1")
        func status() async -> StatusView? {
            if case .status(let view) = await desk.handle(.status) { view } else { nil }
        }
        try await all.until("five are said to be nobody's") {
            let status = await status()
            return status?.orphans == 5
                && status?.troubles.contains("nobody plans 5 jobs: see `carillon instances list`") == true
        }
        #expect(try await jobs() == [10, 10, 10])
        guard case .instances(let views, 5) = await desk.handle(.instances) else {
            Issue.record("the list does not say it")
            return
        }
        #expect(views.map(\.jobs) == [10, 10, 10])
        let d = try await instance("d", at: c.clock.now, mostJobs: 10)
        try await (all + [d]).until("d has the rest") { try await jobs() == [10, 10, 10, 5] }
        try await (all + [d]).until("all have run") {
            Set(try await store.runs(RunQuery(limit: .max)).map(\.job)).count == 35
        }
        #expect(await status()?.orphans == 0)
        for instance in all + [d] { try await instance.stop() }
    }

    /// What is told to one concerns jobs of another, and is done there.
    @Test func anOrderReachesWhoeverHasTheJob() async throws {
        let both = try await two()
        let a = both[0]
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
        let both = try await two()
        let a = both[0]
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
        let both = try await two()
        let a = both[0]
        try await add(8, through: a)
        try await both.pass(3)
        let desk = OrderService(a.service, version: "1")
        // The answer is true when it is given.
        let reply = Mutex<Reply?>(nil)
        async let pausing: Void = {
            let answer = await desk.handle(.pause(reason: "a test"))
            reply.withLock { $0 = answer }
        }()
        try await both.until("it was answered") { reply.withLock { $0 != nil } }
        await pausing
        guard case .done("dispatching is paused: a test") = reply.withLock({ $0 }) else {
            Issue.record("\(reply.withLock { $0 })")
            return
        }
        let before = executor.starters.count
        try await both.pass(4)
        #expect(executor.starters.count == before)
        _ = await desk.handle(.resume())
        try await both.until("they go on") { executor.starters.count > before + 8 }
        for instance in both { try await instance.stop() }
    }
}
