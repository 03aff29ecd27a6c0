/// How much of a long work is done at once, so that it takes about as long as it may.
struct Bite {
    /// Microseconds.
    let goal: Int64
    private(set) var size = 100
    private static let sizes = 50...5_000

    init(goal: Int64) { self.goal = goal }

    /// Learns from a bite that took so many microseconds.
    mutating func adapt(to took: Int64, of count: Int) {
        guard count > 0 else { return }
        let fitting = Int(Int64(count) * goal / max(took, 1))
        // At most twice as much at once: the next one may be less lucky.
        size = min(max(fitting, Self.sizes.lowerBound), 2 * size, Self.sizes.upperBound)
    }
}
