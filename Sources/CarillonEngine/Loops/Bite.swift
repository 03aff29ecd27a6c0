/// How much of a long work is done at once, so that it takes about as long as it may.
struct Bite {
    private(set) var size = 100
    private static let sizes = 50...5_000

    /// Learns from a bite that took so many microseconds, and was to take `goal`.
    mutating func adapt(to took: Int64, of count: Int, goal: Int64) {
        guard count > 0 else { return }
        let fitting = Int(Int64(count) * goal / max(took, 1))
        // At most twice as much at once: the next one may be less lucky.
        size = min(max(fitting, Self.sizes.lowerBound), 2 * size, Self.sizes.upperBound)
    }
}
