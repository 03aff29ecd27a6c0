import CarillonCore
import CarillonEngine
import CarillonTestSupport
import MemoryStore
import Synchronization
import Testing
import Timetable

/// Programs of those who share the jobs: each lives on the machine that started it, whoever has its shard.
@Suite(.timeLimit(.minutes(5))) struct SharedProgramsTests {
    private static let lease: Int64 = 3_000_000
    private let store = MemoryStore()

    private func instance(_ name: String, _ machine: Machine, at now: Timestamp = Samples.noon) async throws -> Instance
    {
        let clock = ManualClock(now: now)
        return try await Instance(
            name, store, [MachineDispatcher(machine, clock)], clock, lease: Self.lease)
    }

    /// Adds jobs that run once, and starts all of them.
    private func start(_ count: Int, through instance: Instance) async throws {
        let desk = OrderService(instance.service, version: "1")
        for number in 0..<count {
            var job = Samples.job("long \(number)", every: "30d", feed: Origin.orders.feed, source: "")
            job.policies.overlap = .skip
            #expect(try await instance.service.engine.put([(job, nil)]).map(\.message) == [])
            _ = await desk.handle(.start("long \(number)"))
        }
    }

    private func runs() async throws -> [Run] { try await store.runs(RunQuery(limit: 99)) }

    private func shared(_ all: [Instance]) async throws {
        let part = Shard.shares / all.count
        try await all.until("they share") { await all.shares.allSatisfy { $0 >= part } }
    }

    @Test func oneWhoseShardMovesRunsOnAndItsEndIsTold() async throws {
        let (here, there) = (Machine(), Machine())
        let a = try await instance("a", here)
        try await a.pass(1)
        try await start(6, through: a)
        try await [a].until("all run") { here.running.count == 6 }
        // Half of the shards go, and all programs stay.
        let b = try await instance("b", there, at: a.clock.now)
        let both = [a, b]
        try await shared(both)
        try await both.pass(5)
        #expect(here.running.count == 6 && there.started.isEmpty)
        here.endAll(at: a.clock.now)
        try await both.until("all ends are in the ledger") { try await runs().allSatisfy { $0.state == .completed } }
        try await both.until("nothing is kept any more") { here.kept.isEmpty }
        #expect(try await runs().allSatisfy { $0.machine == "a" && $0.attempt == 1 })
        for instance in both { try await instance.stop() }
    }

    /// A stop is carried out where the program is, whoever is asked.
    @Test func itIsEndedFromWhereverSomebodyAsks() async throws {
        let (here, there) = (Machine(), Machine())
        let a = try await instance("a", here)
        try await a.pass(1)
        try await start(4, through: a)
        try await [a].until("all run") { here.running.count == 4 }
        let b = try await instance("b", there, at: a.clock.now)
        let both = [a, b]
        try await shared(both)
        let desk = OrderService(b.service, version: "1")
        for run in try await runs() { _ = await desk.handle(.cancel("\(run.id)")) }
        try await both.until("all are cancelled") { try await runs().allSatisfy { $0.state == .cancelled } }
        #expect(here.running.isEmpty)
        for instance in both { try await instance.stop() }
    }

    /// A daemon that stops ends what runs on its machine, also for shards that others have had for long.
    @Test func aStopEndsWhatRunsOnTheMachine() async throws {
        let (here, there) = (Machine(), Machine())
        let a = try await instance("a", here)
        try await a.pass(1)
        try await start(4, through: a)
        try await [a].until("all run") { here.running.count == 4 }
        let b = try await instance("b", there, at: a.clock.now)
        let both = [a, b]
        try await shared(both)
        await a.leave()
        try await [b].until("all are cancelled") {
            a.clock.advance(by: 50_000)
            return try await runs().allSatisfy { $0.state == .cancelled }
        }
        #expect(try await runs().allSatisfy { $0.reason == "the daemon was stopped" })
        try await a.hasEnded()
        #expect(here.running.isEmpty && there.started.isEmpty)
        try await b.stop()
    }

    /// One that was marked and never started, since its daemon was killed in between, goes out again elsewhere.
    @Test func whatWasMarkedAndNeverStartedGoesOutAgain() async throws {
        let (here, there) = (Machine(), Machine())
        let a = try await instance("a", here)
        try await a.pass(1)
        here.swallows.withLock { $0 = true }
        try await start(3, through: a)
        try await [a].until("all are marked") { try await runs().allSatisfy { $0.dispatchedAt != nil } }
        try await a.stop()
        here.swallows.withLock { $0 = false }
        // Nobody knows what became of them, and nobody else may start them.
        let b = try await instance("b", there, at: a.clock.now)
        try await [b].until("b has everything") { await b.shares == Shard.shares }
        try await b.pass(10)
        #expect(there.started.isEmpty)
        // Its next process does.
        let again = try await instance("a", here, at: b.clock.now)
        let both = [again, b]
        try await both.until("all run") { here.running.count + there.running.count == 3 }
        #expect(try await runs().allSatisfy { $0.attempt == 2 && $0.republications == 1 })
        for instance in both { try await instance.stop() }
    }

    @Test func whatIsAwayForLongIsGivenUp() async throws {
        let (here, there) = (Machine(), Machine())
        let a = try await instance("a", here)
        try await a.pass(1)
        try await start(2, through: a)
        try await [a].until("all run") { here.running.count == 2 }
        try await a.stop()
        let b = try await instance("b", there, at: a.clock.now)
        try await [b].until("b has everything") { await b.shares == Shard.shares }
        try await b.pass(60)
        #expect(try await runs().allSatisfy { $0.state == .running })
        try await [b].until("all are given up") { try await runs().allSatisfy { $0.state == .failed } }
        #expect(try await runs().allSatisfy { $0.outcome.error == "outcome unknown: the instance 'a' is away" })
        // It comes back: what runs on for nobody is ended.
        let again = try await instance("a", here, at: b.clock.now)
        try await [again, b].until("nothing runs") { here.running.isEmpty && here.kept.isEmpty }
        for instance in [again, b] { try await instance.stop() }
    }
}

/// What runs on one machine, whatever becomes of its daemon.
final class Machine: Sendable {
    private struct State {
        var running: Set<AttemptID> = []
        var started: [AttemptID] = []
        var ends: [AttemptID: DispatchEvent] = [:]
    }

    private let state = Mutex(State())
    private let listener = Mutex<(@Sendable (DispatchEvent) -> Void)?>(nil)
    /// A daemon that is killed before it comes to start anything.
    let swallows = Mutex(false)

    var running: Set<AttemptID> { state.withLock { $0.running } }
    var started: [AttemptID] { state.withLock { $0.started } }
    /// Ends that nobody has acknowledged.
    var kept: Set<AttemptID> { state.withLock { Set($0.ends.keys) } }

    func listen(_ listener: @escaping @Sendable (DispatchEvent) -> Void) { self.listener.withLock { $0 = listener } }

    func start(_ attempt: AttemptID, at time: Timestamp) {
        if swallows.withLock({ $0 }) { return }
        state.withLock { state in
            #expect(!state.started.contains(attempt), "\(attempt) is started twice")
            state.started.append(attempt)
            state.running.insert(attempt)
        }
        tell(DispatchEvent(attempt: attempt, at: time, what: .started(nil)))
    }

    func end(_ attempt: AttemptID, _ what: DispatchEvent.What, at time: Timestamp) {
        let event = DispatchEvent(attempt: attempt, at: time, what: what)
        let isEnd = state.withLock { state in
            guard state.running.remove(attempt) != nil else { return false }
            state.ends[attempt] = event
            return true
        }
        if isEnd { tell(event) }
    }

    func endAll(at time: Timestamp) {
        for attempt in running { end(attempt, .succeeded(Outcome(exitCode: 0)), at: time) }
    }

    func acknowledge(_ attempt: AttemptID) { state.withLock { _ = $0.ends.removeValue(forKey: attempt) } }

    /// Answers what it never received; tells of all that it has.
    func adopt(_ attempts: [AttemptID], at time: Timestamp) -> [AttemptID] {
        let (running, ends) = state.withLock { ($0.running, $0.ends) }
        for attempt in running { tell(DispatchEvent(attempt: attempt, at: time, what: .started(nil))) }
        for end in ends.values { tell(end) }
        return attempts.filter { !running.contains($0) && ends[$0] == nil }
    }

    private func tell(_ event: DispatchEvent) { listener.withLock { $0 }?(event) }
}

final class MachineDispatcher: Dispatcher {
    typealias Body = SampleTarget
    let machine: Machine
    let isBound = true
    let capacity: Int? = nil
    let events: AsyncStream<[DispatchEvent]>
    private let tell: AsyncStream<[DispatchEvent]>.Continuation
    private let clock: ManualClock

    init(_ machine: Machine, _ clock: ManualClock) {
        self.machine = machine
        self.clock = clock
        (events, tell) = AsyncStream.makeStream()
        machine.listen { [tell] in tell.yield([$0]) }
    }

    var underWay: [AttemptID] { Array(machine.running) }

    func adopt(_ outstanding: [Run]) async -> [AttemptID] {
        machine.adopt(outstanding.map { AttemptID(run: $0.id, attempt: $0.attempt) }, at: clock.now)
    }

    func dispatch(_ batch: [Dispatch<SampleTarget>]) async -> [DispatchResult] {
        for dispatch in batch { machine.start(dispatch.attempt, at: clock.now) }
        return batch.map { _ in .accepted }
    }

    func cancel(_ attempt: AttemptID, grace: Int64) async {
        machine.end(attempt, .cancelled(Outcome(signal: 15)), at: clock.now)
    }

    func acknowledge(_ attempts: [AttemptID]) async { for attempt in attempts { machine.acknowledge(attempt) } }
    func forget(_ runs: [GoneRun]) async {}
    func shutdown() async { tell.finish() }
    func health() async -> DispatcherHealth { DispatcherHealth() }
}
