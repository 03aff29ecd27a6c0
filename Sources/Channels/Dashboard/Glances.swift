import CarillonCore
import Timetable

/// What many pages show and what takes long to find out: found out once for all who ask meanwhile, and anew in the background while what
/// was known is shown.
actor Glances<Clock: EngineClock> {
    private let clock: Clock
    private var known: [String: (value: any Sendable, at: Int64)] = [:]
    private var asking: [String: Task<any Sendable, any Error>] = [:]
    /// How often everything was forgotten.
    private var rounds = 0

    init(_ clock: Clock) { self.clock = clock }

    /// Answers what `find` found within `fresh` microseconds; what it found up to ten times as long ago, too, and then looks anew.
    func value<Value: Sendable>(
        _ name: String, fresh: Int64, _ find: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        if let (value, at) = known[name], let value = value as? Value {
            let age = clock.uptime - at
            if age < fresh { return value }
            if age < 10 * fresh {
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
            defer { if begun == rounds { asking[name] = nil } }
            let value = try await find()
            // What was asked before somebody changed something is not what is.
            if begun == rounds { known[name] = (value, clock.uptime) }
            return value
        }
        asking[name] = task
        return task
    }
}
