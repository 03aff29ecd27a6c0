import CarillonCore
import Timetable

/// What many pages show and what takes long to find out: found out once for all who ask meanwhile, and anew in the background
/// while what was known is shown.
actor Glances<Clock: EngineClock> {
    private let clock: Clock
    private var known: [String: (value: any Sendable, at: Int64, took: Int64)] = [:]
    /// Microseconds within which nobody minds to wait.
    private static var quick: Int64 { 10_000 }
    /// What takes longer may be so old while it is looked up anew.
    private static var usable: Int64 { 200_000_000 }
    /// What is counted is not counted again before so many times as long have passed, whoever asks: else many visitors would
    /// have the daemon count all the time.
    private static var share: Int64 { 100 }
    private var asking: [String: Task<any Sendable, any Error>] = [:]
    /// How often everything was forgotten.
    private var rounds = 0

    init(_ clock: Clock) { self.clock = clock }

    /// Answers what `find` found within `fresh` microseconds; where that takes long, what it found some minutes ago, too, and
    /// then looks anew. What `isCounted` takes as long as there are jobs; the other questions wait for somebody elsewhere.
    func value<Value: Sendable>(
        _ name: String, fresh: Int64, isCounted: Bool = true, _ find: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        if let (value, at, took) = known[name], let value = value as? Value {
            let age = clock.uptime - at
            if age < max(fresh, isCounted ? min(took * Self.share, Self.usable) : 0) { return value }
            if took > Self.quick, age < Self.usable {
                _ = look(name, find)
                return value
            }
        }
        guard let value = try await look(name, find).value as? Value else { throw Unexpected() }
        return value
    }

    /// Has everything looked up anew: somebody has changed something, and is to see it.
    func forget() {
        rounds += 1
        known = [:]
        asking = [:]
    }

    private func look<Value: Sendable>(
        _ name: String, _ find: @escaping @Sendable () async throws -> Value
    ) -> Task<any Sendable, any Error> {
        if let task = asking[name] { return task }
        let task = Task { () async throws -> any Sendable in
            let begun = rounds
            let start = clock.uptime
            defer { if begun == rounds { asking[name] = nil } }
            let value = try await find()
            // What was asked before somebody changed something is not what is.
            if begun == rounds { known[name] = (value, clock.uptime, clock.uptime - start) }
            return value
        }
        asking[name] = task
        return task
    }
}
