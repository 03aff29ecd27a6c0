import Timetable

/// How late the last runs went out, from nominal time plus jitter to their dispatch.
public struct Lateness: Sendable {
    private static let most = 4096
    private var ring: [Int64] = []
    private var next = 0
    public private(set) var dispatched = 0

    mutating func note(_ microseconds: Int64) {
        dispatched += 1
        let late = max(0, microseconds)
        if ring.count < Self.most {
            ring.append(late)
        } else {
            ring[next] = late
            next = (next + 1) % Self.most
        }
    }

    /// Answers the microseconds at this quantile (0 to 1) of the last 4,096 dispatches; nil before the first.
    public func quantile(_ q: Double) -> Int64? {
        guard !ring.isEmpty else { return nil }
        let sorted = ring.sorted()
        return sorted[min(sorted.count - 1, Int(q * Double(sorted.count)))]
    }
}
