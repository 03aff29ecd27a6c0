import CarillonCore
import CarillonEngine
import ExecDispatcher
import Foundation
import Logging
import PostgresStore
import SQLiteStore
import ServiceLifecycle
import Timetable

/// A whole engine on a real store in a scratch folder, with a dispatcher of the benchmark's choice.
struct Rig {
    let folder: String
    /// A database of PostgreSQL for the store; nil for a file in the folder.
    let postgres: String?
    let clock = SystemClock()
    let zones = ZoneDatabase()

    init(folder: String? = nil, postgres: String? = nil) throws {
        self.postgres = postgres
        self.folder = folder ?? FileManager.default.temporaryDirectory.path + "/carillon-bench-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    var storePath: String { folder + "/carillon.db" }

    /// What stands before the names of figures.
    var prefix: String { postgres == nil ? "" : "PostgreSQL: " }

    func open() async throws -> any JobStore {
        guard let postgres else { return try SQLiteStore(path: storePath) }
        return try await PostgresDriver.open(StoreAddress(url: postgres), state: folder)
    }

    private static let instance = InstanceFacts(id: "bench", name: "bench", host: "bench", lease: 30_000_000)

    /// Puts jobs into the store as a feed would have.
    func fill(_ jobs: some Sequence<Job>, cursor: Timestamp? = nil) async throws {
        let store = try await open()
        // Drawn by whoever is the first to ask.
        _ = try await store.storeID()
        // A feed's daemon has every share of the jobs, so there is nobody to be told.
        let term = try await store.join(Self.instance, nonce: 1)
        try await store.deal(try await store.shards(counting: false).map { ShardMove($0, to: term.instance) })
        let now = cursor ?? clock.now
        var batch: [JobChange] = []
        func flush() async throws {
            _ = try await store.apply(batch, by: term, now: now)
            batch = []
        }
        for job in jobs {
            let schedule = try job.schedule.compile(job: job.name, zones: zones)
            batch.append(.add(job, cursor: now, nextDue: Planner.nextDue(of: schedule, after: now), skips: []))
            if batch.count == 5_000 { try await flush() }
        }
        try await flush()
        try await store.setNote("zones", zones.version)
        try await store.leave(term)
        try await store.close()
    }

    /// Runs an engine while `body` runs.
    func run<T: Sendable>(
        _ dispatcher: some Dispatcher, body: @escaping @Sendable () async throws -> T
    ) async throws -> T {
        let store = try await open()
        var logger = Logger(label: "bench")
        logger.logLevel = .error
        let service = try await EngineService(
            store: store, dispatchers: [dispatcher], feeds: [], clock: clock, zones: zones, instance: Self.instance,
            bootID: "bench", logger: logger)
        let group = ServiceGroup(configuration: .init(services: [service], logger: logger))
        let result = try await withThrowingTaskGroup(of: T?.self) { tasks in
            tasks.addTask {
                try await group.run()
                return nil
            }
            tasks.addTask { try await body() }
            var result: T?
            while let next = try await tasks.next() {
                if let next {
                    result = next
                    await group.triggerGracefulShutdown()
                }
            }
            return result
        }
        try await store.close()
        guard let result else { throw ExitFailure(description: "the engine ended before the benchmark") }
        return result
    }
}

struct ExitFailure: Error, CustomStringConvertible {
    var description: String
}

/// Jobs of a benchmark.
enum Jobs {
    /// Nine in ten daily or weekly, one in ten hourly; none due in the next ten minutes, so that a daemon is idle.
    static func mixed(_ count: Int, now: Timestamp) -> some Sequence<Job> {
        let minute = Int(now.seconds / 60 % 60)
        let hour = Int(now.seconds / 3600 % 24)
        return (0..<count).lazy.map { number in
            let at = (minute + 12 + number % 45) % 60
            let later = (hour + 2 + number / 60 % 20) % 24
            let text =
                switch number % 10 {
                case 0: "\(at) * * * *"
                case 1...6: "\(at) \(later) * * *"
                default: "\(at) \(later) * * \(number % 7)"
                }
            return job("job-\(number)", .cron(text, .unix, anchor: Timestamp(seconds: 0)))
        }
    }

    private static func target(_ argv: [String]) -> Target {
        do {
            return try Target(ExecTarget(.argv(argv)))
        } catch {
            preconditionFailure("\(error)")
        }
    }

    static func job(_ name: String, _ rule: ScheduleText.Rule, argv: [String] = ["/bin/true"], spread: Bool = false)
        -> Job
    {
        Job(
            name: name, schedule: ScheduleText(rule, spread: spread), target: target(argv),
            policies: Policies(overlap: .allow), origin: Origin(feed: "bench"))
    }
}
