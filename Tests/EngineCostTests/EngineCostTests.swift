import CarillonCore
import CarillonEngine
import CarillonMetrics
import CarillonTestSupport
import Foundation
import Logging
import SQLiteStore
import ServiceLifecycle
import Synchronization
import Testing
import Timetable

/// The gate against a slower engine: what a run of a burst costs in CPU time, as a ratio to a fixed workload that is
/// measured in turns with it, so that the machine and what else it does stand on both sides.
///
/// It goes by itself, without other tests beside it (see scripts/test.sh).
@Suite struct EngineCostTests {
    /// Runs of one burst.
    private static let runs = 10_000
    /// Turns at least and at most; the cheapest of each side counts, so a noisy moment costs turns and not the verdict.
    private static let turns = 7...21
    /// A burst in yardsticks: the highest of what quiet machines measured when it was last allowed to change;
    /// CONTRIBUTING.md says when it may.
    private static let bound = 6.6
    /// What is forgiven.
    private static let tolerance = 1.1

    @Test(.timeLimit(.minutes(5))) func aRunCostsNoMoreThanItDid() async throws {
        var (burst, yardstick) = (Double.infinity, Double.infinity)
        for turn in 1...Self.turns.upperBound {
            yardstick = min(yardstick, try Yardstick().cost())
            burst = min(burst, try await Burst(runs: Self.runs).cost())
            if turn >= Self.turns.lowerBound, burst / yardstick <= Self.bound * Self.tolerance { break }
        }
        let ratio = burst / yardstick
        let told = String(
            format: "%.2f µs CPU a run, %.1f ms the yardstick: ratio %.3f, bound %.3f",
            burst / Double(Self.runs) * 1_000_000, yardstick * 1_000, ratio, Self.bound)
        print(told)
        #expect(ratio <= Self.bound * Self.tolerance, "\(told)")
    }

    /// Seconds of CPU time that this process has used, in all its threads (clock_gettime(2)).
    fileprivate static var cpu: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// Work of the kind that an engine does, and no part of it: texts, tables, sorting, small objects, pages written to a file.
private struct Yardstick {
    private final class Item {
        let name: String
        let number: Int

        init(_ number: Int) {
            self.number = number
            name = "item-\(number &* 2_654_435_761 % 1_000_003)"
        }
    }

    func cost() throws -> Double {
        let folder = try TemporaryFolder()
        let path = folder.path + "/pages"
        let before = EngineCostTests.cpu
        let items = (0..<60_000).map(Item.init)
        var table: [String: Item] = [:]
        for item in items { table[item.name] = item }
        let sorted = table.values.sorted { ($0.name, $0.number) < ($1.name, $1.number) }
        let file = open(path, O_RDWR | O_CREAT, 0o600)
        try #require(file >= 0)
        defer { close(file) }
        for page in 0..<2_000 {
            let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: sorted[page].number), count: 4_096)
            try #require(pwrite(file, bytes, bytes.count, page * 4_096) == bytes.count)
        }
        return EngineCostTests.cpu - before
    }
}

/// As many jobs, all due in the same second, on a real store and with a dispatcher that does nothing.
private struct Burst {
    let runs: Int

    func cost() async throws -> Double {
        let folder = try TemporaryFolder()
        let (clock, zones) = (ManualClock(now: Timestamp(seconds: 1_767_225_600)), ZoneDatabase())
        let store = try SQLiteStore(path: folder.path + "/carillon.db")
        let now = clock.now
        let due = Timestamp(seconds: now.seconds + 3)
        try await fill(store, now, due, zones)
        let dispatcher = Idle(clock)
        var settings = EngineSettings()
        settings.metrics = MetricsRegistry()
        let service = try await EngineService(
            store: store, dispatchers: [dispatcher], feeds: [], clock: clock, zones: zones, instance: .sample("cost"),
            bootID: "cost", settings: settings, logger: .silent)
        let group = ServiceGroup(configuration: .init(services: [service], logger: .silent))
        let cost = try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            await clock.untilSleeping()
            let before = EngineCostTests.cpu
            clock.advance(by: due.microseconds - now.microseconds)
            try await eventually(within: 60, "every run is recorded") {
                clock.advance(by: 10_000)
                return dispatcher.acknowledged == runs
            }
            let cost = EngineCostTests.cpu - before
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return cost
        }
        try await store.close()
        return cost
    }

    private func fill(_ store: SQLiteStore, _ now: Timestamp, _ due: Timestamp, _ zones: ZoneDatabase) async throws {
        let changes = try (0..<runs).map { number in
            // No two definitions are the same, or decoding them would look cheap.
            let job = Job(
                name: "job-\(number)", schedule: ScheduleText(.once(due.rfc3339)),
                target: try Target(SampleTarget("target-\(number)")), policies: Policies(overlap: .allow),
                origin: Origin(feed: "cost"))
            return JobChange.add(job, cursor: now, nextDue: due, skips: [])
        }
        _ = try await store.apply(changes, now: now)
        try await store.setNote("zones", zones.version)
    }
}

/// Takes every run, and says at once that it is done.
private final class Idle: Dispatcher {
    let isBound = true
    let capacity: Int? = nil
    let events: AsyncStream<[DispatchEvent]>
    private let tell: AsyncStream<[DispatchEvent]>.Continuation
    private let clock: ManualClock
    private let known = Mutex(0)

    init(_ clock: ManualClock) {
        self.clock = clock
        (events, tell) = AsyncStream.makeStream()
    }

    /// How many outcomes the ledger has.
    var acknowledged: Int { known.withLock { $0 } }

    func adopt(_ outstanding: [Run]) async -> [AttemptID] {
        outstanding.map { AttemptID(run: $0.id, attempt: $0.attempt) }
    }

    func dispatch(_ batch: [Dispatch<SampleTarget>]) async -> [DispatchResult] {
        let now = clock.now
        tell.yield(batch.map { DispatchEvent(attempt: $0.attempt, at: now, what: .succeeded(Outcome(exitCode: 0))) })
        return batch.map { _ in .accepted }
    }

    func acknowledge(_ attempts: [AttemptID]) async { known.withLock { $0 += attempts.count } }
    func cancel(_ attempt: AttemptID, grace: Int64) async {}
    func forget(_ runs: [GoneRun]) async {}
    func shutdown() async { tell.finish() }
    func health() async -> DispatcherHealth { DispatcherHealth() }
}
