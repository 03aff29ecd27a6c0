import Timetable

/// What is out on one queue, and how far its registries have been read.
struct RegistryCursor: Sendable {
    /// How many attempts keep their results for so many seconds.
    private var resultTTLs: [Int64: Int] = [:]
    /// The latest end seen in each registry, in seconds of the workers' clocks.
    private var seen: [Registry: Int64] = [:]

    /// In seconds; nothing on the books ended earlier.
    private let openedAt: Int64

    /// Opens a cursor for this entry.
    init(_ entry: RQEntry, now: Timestamp) {
        openedAt = now.seconds
        add(entry)
    }

    /// A registry whose scores are the end plus this many seconds.
    enum Registry: Hashable, Sendable {
        case finished(Int64)
        case failed

        var ttl: Int64 {
            switch self {
            case .finished(let ttl): ttl
            case .failed: RQScripts.failureTTL
            }
        }
    }

    /// Seconds that workers' clocks may differ; what differs more is found one by one.
    private static let slack: Int64 = 2

    var isEmpty: Bool { resultTTLs.isEmpty }

    mutating func add(_ entry: RQEntry) { resultTTLs[entry.resultTTL, default: 0] += 1 }

    mutating func remove(_ entry: RQEntry) {
        let left = (resultTTLs[entry.resultTTL] ?? 0) - 1
        resultTTLs[entry.resultTTL] = left > 0 ? left : nil
    }

    /// Answers the registries to read, and which scores. Results kept for ever or not at all have no such score.
    func ranges(now: Timestamp) -> [(registry: Registry, from: Int64, to: Int64)] {
        let registries = [.failed] + resultTTLs.keys.filter { $0 > 0 }.sorted().map { Registry.finished($0) }
        return registries.map { registry in
            let from = (seen[registry] ?? openedAt) - Self.slack
            return (registry, from + registry.ttl, now.seconds + registry.ttl + 60)
        }
    }

    /// Notes how far a registry was read; a score in the future is another ttl's, or of a clock that runs ahead.
    mutating func read(_ registry: Registry, through score: Int64, now: Timestamp) {
        seen[registry] = max(seen[registry] ?? .min, min(score - registry.ttl, now.seconds))
    }
}
