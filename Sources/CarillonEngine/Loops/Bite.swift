/// How much of a long work is done at once, so that it takes about as long as it may.
struct Bite {
    private(set) var size: Int
    private let least: Int
    private static let most = 5_000

    init(size: Int = 100, least: Int = 50) {
        self.size = size
        self.least = least
    }

    /// Learns from a bite that took so many microseconds, and was to take `goal`.
    mutating func adapt(to took: Int64, of count: Int, goal: Int64) {
        guard count > 0 else { return }
        let fitting = Int(Int64(count) * goal / max(took, 1))
        // At most twice as much at once: the next one may be less lucky.
        size = min(max(fitting, least), 2 * size, Self.most)
    }
}
