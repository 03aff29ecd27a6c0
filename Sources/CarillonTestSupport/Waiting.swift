import CarillonEngine
public import Logging

/// Asks every 10 ms whether something has come about in another process or thread; throws `ConformanceFailure`, which says
/// what never did, after so many seconds, or up to four times as many where each question takes long.
public func eventually(
    within seconds: Double = 20, _ what: String, _ condition: () async throws -> Bool
) async throws {
    var left = Int(seconds / 0.01)
    let end = SystemClock().uptime + Int64(seconds * 4_000_000)
    while try await !condition() {
        guard left > 0, SystemClock().uptime < end else { throw ConformanceFailure(description: "never: \(what)") }
        left -= 1
        try await Task.sleep(for: .milliseconds(10))
    }
}

extension Logger {
    /// Says nothing.
    public static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}
