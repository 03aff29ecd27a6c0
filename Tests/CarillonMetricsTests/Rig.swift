import CarillonCore
import CarillonEngine
import CarillonMetrics
import CarillonTestSupport
import CoreMetrics
import Logging
import MemoryStore
import ServiceLifecycle
import Testing
import Timetable

/// Takes every run, says that it began, and ends it at once: as a failure where its job's target is called so.
final class Ender: Dispatcher {
    let isBound = true
    let capacity: Int? = nil
    let events: AsyncStream<[DispatchEvent]>
    private let tell: AsyncStream<[DispatchEvent]>.Continuation
    private let clock: ManualClock

    init(_ clock: ManualClock) {
        self.clock = clock
        (events, tell) = AsyncStream.makeStream()
    }

    func adopt(_ outstanding: [Run]) async -> [AttemptID] {
        outstanding.map { AttemptID(run: $0.id, attempt: $0.attempt) }
    }

    func dispatch(_ batch: [Dispatch<SampleTarget>]) async -> [DispatchResult] {
        let now = clock.now
        tell.yield(batch.map { DispatchEvent(attempt: $0.attempt, at: now, what: .started(nil)) })
        tell.yield(
            batch.map {
                let what: DispatchEvent.What =
                    $0.target.name == "bad" ? .failed(Outcome(exitCode: 1)) : .succeeded(Outcome(exitCode: 0))
                return DispatchEvent(attempt: $0.attempt, at: now, what: what)
            })
        return batch.map { _ in .accepted }
    }

    func cancel(_ attempt: AttemptID, grace: Int64) async {}
    func acknowledge(_ attempts: [AttemptID]) async {}
    func forget(_ runs: [GoneRun]) async {}
    func shutdown() async { tell.finish() }
    func health() async -> DispatcherHealth { DispatcherHealth() }
}

/// An engine that is measured, and its clock.
struct Rig {
    let clock = ManualClock(now: Samples.noon)
    let registry = MetricsRegistry()
    let store = MemoryStore()
    let service: EngineService<ManualClock>
    private let group: ServiceGroup
    private let serving: Task<Void, any Error>

    /// Fills the store first.
    init(watching tags: Set<String> = [], jobs: [Job] = [], due: Timestamp? = nil) async throws {
        let now = clock.now
        _ = try await store.apply(
            jobs.map { .add($0, cursor: now, nextDue: $0.isOn ? due : nil, skips: []) }, now: now)
        var settings = EngineSettings()
        settings.metrics = registry
        settings.watchedTags = tags
        let service = try await EngineService(
            store: store, dispatchers: [Ender(clock)], feeds: [], clock: clock, zones: ZoneDatabase(),
            instance: .sample("a"), bootID: "b", settings: settings, logger: .silent)
        self.service = service
        let group = ServiceGroup(configuration: .init(services: [service], logger: .silent))
        self.group = group
        serving = Task { try await group.run() }
    }

    func stop() async throws {
        serving.cancel()
        do { try await serving.value } catch is CancellationError {}
    }

    var lines: [String] { registry.text(.text).split(separator: "\n").map(String.init) }
    /// Without what describes them.
    var samples: [String] { lines.filter { !$0.hasPrefix("#") } }

    func value(_ series: String) -> Double? {
        samples.first { $0.hasPrefix(series + " ") }.flatMap { Double($0.dropFirst(series.count + 1)) }
    }

    /// Lets time pass until a series has a value.
    func until(_ series: String, is expected: Double, within seconds: Double = 60) async throws {
        do {
            try await eventually(within: seconds, "\(series) is \(expected)") {
                clock.advance(by: 1_000_000)
                return value(series) == expected
            }
        } catch {
            Issue.record("\(samples.joined(separator: "\n").prefix(20_000))")
            throw error
        }
    }
}
