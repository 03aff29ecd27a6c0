/// A set of small numbers, 0 to 255.
struct ValueSet: Hashable, Sendable {
    private(set) var words = SIMD4<UInt64>()

    mutating func insert(_ value: Int) {
        words[value >> 6 & 3] |= 1 << UInt64(value & 63)
    }

    func contains(_ value: Int) -> Bool {
        words[value >> 6 & 3] >> UInt64(value & 63) & 1 == 1
    }

    /// The members below 64 as bits.
    var low: UInt64 { words[0] }
}

/// The years of an expression that names some; a reference, because most expressions name none.
final class Years: Hashable, Sendable {
    static let range = 1970...2199
    /// Years counted from the first of the range.
    let set: ValueSet

    init(_ set: ValueSet) {
        self.set = set
    }

    func contains(_ year: Int) -> Bool {
        Years.range.contains(year) && set.contains(year - Years.range.lowerBound)
    }

    static func == (left: Years, right: Years) -> Bool { left.set == right.set }

    func hash(into hasher: inout Hasher) { hasher.combine(set) }
}
