import CarillonCore
import CarillonEngine
import CarillonTestSupport
import MemoryStore
import Testing
import Timetable

/// Jobs that are for one machine, of those that share a store.
@Suite(.timeLimit(.minutes(5))) struct PinnedJobsTests {
    private static let lease: Int64 = 3_000_000
    private let store = MemoryStore()
    private let machines = ["a": Machine(), "b": Machine()]

    private func instance(_ name: String, at now: Timestamp = Samples.noon) async throws -> Instance {
        let clock = ManualClock(now: now)
        let machine = try #require(machines[name])
        return try await Instance(name, store, [MachineDispatcher(machine, clock)], clock, lease: Self.lease)
    }

    private func pair() async throws -> (a: Instance, b: Instance) {
        let a = try await instance("a")
        let b = try await instance("b", at: a.clock.now)
        try await [a, b].until("they share") { await [a, b].shares.allSatisfy { $0 == Shard.shares / 2 } }
        return (a, b)
    }

    private func put(_ jobs: [Job], through instance: Instance) async throws {
        let known = try await store.jobs(after: nil, limit: 99)
        let asked = jobs.map { job in (job, known.first { $0.job.name == job.name }?.id) }
        #expect(try await instance.service.engine.put(asked).map(\.message) == [])
    }

    private func job(_ number: Int, on host: String?, every: String = "1s", overlap: Overlap = .allow) -> Job {
        var job = Samples.job(
            "job \(number)", every: every, policies: Policies(catchUp: .all(limit: 1_000, rate: 100), overlap: overlap),
            feed: Origin.orders.feed, source: "", host: host)
        job.schedule.zone = "UTC"
        return job
    }

    private func started(_ name: String) -> Int { machines[name]?.started.count ?? 0 }

    private func runs() async throws -> [Run] { try await store.runs(RunQuery(limit: 9_999)) }

    /// Whoever adds them, and wherever their numbers would place them.
    @Test func theyRunOnTheirMachineAlone() async throws {
        let (a, b) = try await pair()
        try await put((0..<8).map { job($0, on: "b") }, through: a)
        try await [a, b].pass(5)
        #expect(started("a") == 0)
        #expect(started("b") >= 32)
        // Also what somebody asks another instance for, and its end.
        machines["b"]?.endAll(at: b.clock.now)
        try await put((0..<8).map { job($0, on: "b", every: "30d") }, through: a)
        try await [a, b].until("all is at rest") {
            machines["b"]?.endAll(at: b.clock.now)
            return try await runs().allSatisfy(\.state.isFinal)
        }
        let desk = OrderService(a.service, version: "1")
        for number in 0..<8 { _ = await desk.handle(.start("job \(number)")) }
        try await [a, b].until("they run") { machines["b"]?.running.count == 8 }
        #expect(started("a") == 0)
        for run in try await runs() where !run.state.isFinal { _ = await desk.handle(.cancel("\(run.id)")) }
        try await [a, b].until("they are cancelled") { machines["b"]?.running.isEmpty ?? false }
        for instance in [a, b] { try await instance.stop() }
    }

    /// Nobody else takes them while their machine is away; what passed then was missed, and is caught up there.
    @Test func whileItsMachineIsAwayNobodyPlansThem() async throws {
        let (a, b) = try await pair()
        try await put([job(1, on: "b")], through: a)
        try await [a, b].pass(5)
        await b.leave()
        try await b.hasEnded()
        let before = started("b")
        try await [a].pass(20)
        #expect(started("a") == 0)
        guard case .instances(_, let orphans) = await OrderService(a.service, version: "1").handle(.instances) else {
            Issue.record("no answer")
            return
        }
        #expect(orphans == 1)
        let back = try await instance("b", at: a.clock.now)
        try await [a, back].until("they are caught up") { started("b") >= before + 20 }
        #expect(started("a") == 0)
        let times = try await runs().map(\.scheduledAt)
        #expect(Set(times).count == times.count)
        let (first, last) = (try #require(times.min()), try #require(times.max()))
        #expect(Int64(times.count - 1) == (last.microseconds - first.microseconds) / 1_000_000)
        for instance in [a, back] { try await instance.stop() }
    }

    /// What runs where it was ends there, before it begins elsewhere; nothing that is due meanwhile is lost.
    @Test(arguments: [true, false]) func oneThatIsGivenToAnotherMachineComesToRestFirst(isPinnedBefore: Bool)
        async throws
    {
        let (a, b) = try await pair()
        let both = [a, b]
        // Of free ones some are with either.
        try await put((0..<6).map { job($0, on: isPinnedBefore ? "a" : nil) }, through: b)
        try await both.until("each has run") { try await Set(runs().map(\.job)).count == 6 }
        try await both.pass(2)
        try await put((0..<6).map { job($0, on: "b") }, through: a)
        let there = try #require(machines["a"])
        try await both.pass(1)
        let gone = started("a")
        if isPinnedBefore { #expect(gone > 0 && started("b") == 0) }
        try await both.pass(6)
        // They still run, so it is still theirs.
        #expect(started("a") == gone)
        let newest = { (name: String) in Set((machines[name]?.started ?? []).map(\.run)) }
        let late = newest("b")
        there.endAll(at: a.clock.now)
        machines["b"]?.endAll(at: b.clock.now)
        try await both.until("all run there") {
            let runs = try await runs()
            let begun = Set(runs.filter { $0.machine == "b" && !late.contains($0.id) }.map(\.job))
            machines["b"]?.endAll(at: b.clock.now)
            return begun.count == 6
        }
        try await both.pass(5)
        #expect(started("a") == gone)
        for number in 0..<6 {
            let times = try await runs().filter { $0.job == "job \(number)" }.map(\.scheduledAt)
            #expect(Set(times).count == times.count)
            let (first, last) = (try #require(times.min()), try #require(times.max()))
            #expect(Int64(times.count - 1) == (last.microseconds - first.microseconds) / 1_000_000)
        }
        for instance in both { try await instance.stop() }
    }

    /// A name that no machine has is no trap: what is changed of the job brings it where it belongs.
    @Test func oneOfAMachineThatIsNotThereIsFree() async throws {
        let (a, b) = try await pair()
        try await put((0..<4).map { job($0, on: "typo") }, through: a)
        try await [a, b].pass(3)
        #expect(started("a") + started("b") == 0)
        try await put((0..<2).map { job($0, on: "b") }, through: a)
        try await put([job(2, on: nil)], through: b)
        _ = await OrderService(a.service, version: "1").handle(.delete("job 3"))
        try await [a, b].until("they run") { try await Set(runs().map(\.job)) == ["job 0", "job 1", "job 2"] }
        #expect(try await runs().filter { $0.job != "job 2" }.allSatisfy { $0.machine == nil || $0.machine == "b" })
        // The name is free again.
        try await put([job(3, on: "a")], through: b)
        try await [a, b].until("it runs") { try await runs().contains { $0.job == "job 3" && $0.machine == "a" } }
        for instance in [a, b] { try await instance.stop() }
    }

    /// One that is for nobody in particular again is planned by whoever has the share of its number.
    @Test func oneIsAnybodysAgain() async throws {
        let (a, b) = try await pair()
        try await put((0..<8).map { job($0, on: "b", overlap: .skip) }, through: a)
        try await [a, b].pass(3)
        #expect(started("a") == 0)
        try await put((0..<8).map { job($0, on: nil, overlap: .skip) }, through: a)
        try await [a, b].until("both run some") {
            for (name, instance) in [("a", a), ("b", b)] { machines[name]?.endAll(at: instance.clock.now) }
            return started("a") > 8 && started("b") > 8
        }
        await b.leave()
        try await b.hasEnded()
        try await [a].until("the other one has all") {
            machines["a"]?.endAll(at: a.clock.now)
            return Set(try await runs().filter { $0.machine == "a" }.map(\.job)).count == 8
        }
        try await a.stop()
    }

    /// A daemon that has its store alone would leave it to nobody.
    @Test func aDaemonThatSharesNothingRefusesWhatIsForAnother() async throws {
        let clock = ManualClock(now: Samples.noon)
        let service = try await EngineService(
            store: store, dispatchers: [SharedDispatcher("a", SharedExecutor(), clock)], feeds: [], clock: clock,
            zones: ZoneDatabase(), instance: .sample("a"), bootID: "b", logger: .silent)
        let faults = try await service.engine.put([(job(1, on: "elsewhere"), nil), (job(2, on: "a"), nil)])
        #expect(faults.map(\.job) == ["job 1"])
        #expect(faults.first?.message.contains("host: 'elsewhere' is another machine") == true)
    }
}
