import Foundation

/// Random numbers from a seed alone (Steele, Lea, Flood: SplitMix64).
public struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    package mutating func number(_ range: ClosedRange<Int64>) -> Int64 {
        let span = UInt64(range.upperBound - range.lowerBound) + 1
        return range.lowerBound + Int64(next().multipliedFullWidth(by: span).high)
    }

    package mutating func chance(_ probability: Double) -> Bool {
        Double(next() >> 11) < probability * 0x1p53
    }

    package mutating func pick<Element>(_ choices: [Element]) -> Element {
        choices[Int(number(0...Int64(choices.count - 1)))]
    }

    /// Draws short ones as likely as long ones: a second to an hour is as far as an hour to a hundred days.
    package mutating func span(_ range: ClosedRange<Int64>) -> Int64 {
        var high = range.upperBound
        while high / 4 > range.lowerBound, chance(0.6) { high /= 4 }
        return number(range.lowerBound...high)
    }
}

extension SplitMix64 {
    /// Makes a generator for a test of real processes. It prints its seed, and takes the one that the variable SEED
    /// names, so that a failure can be had again as far as the machine plays along.
    public static func announced(_ test: String = #function) -> SplitMix64 {
        let seed = ProcessInfo.processInfo.environment["SEED"].flatMap { UInt64($0) } ?? .random(in: 0...UInt64.max)
        print("\(test): SEED=\(seed)")
        return SplitMix64(seed: seed)
    }
}
