public import Logging

/// Asks every 10 ms whether something has come about in another process or thread; throws `ConformanceFailure`, which says
/// what never did, after so many seconds.
public func eventually(
    within seconds: Double = 20, _ what: String, _ condition: () async throws -> Bool
) async throws {
    var left = Int(seconds / 0.01)
    while try await !condition() {
        guard left > 0 else { throw ConformanceFailure(description: "never: \(what)") }
        left -= 1
        try await Task.sleep(for: .milliseconds(10))
    }
}

extension Logger {
    /// Says nothing.
    public static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}
