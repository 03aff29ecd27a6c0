import CoreMetrics
import Synchronization

/// A count that grows: one atomic addition a sample.
final class CounterCell: CounterHandler, Sendable {
    private let count = Atomic<Int64>(0)

    func increment(by amount: Int64) { count.wrappingAdd(amount, ordering: .relaxed) }

    func reset() { count.store(0, ordering: .relaxed) }

    var value: Int64 { count.load(ordering: .relaxed) }
}

/// A value that is set; not a number until it is.
final class GaugeCell: MeterHandler, Sendable {
    /// As the bits of a `Double`.
    private let bits = Atomic<UInt64>(Double.nan.bitPattern)

    func set(_ value: Int64) { set(Double(value)) }

    func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

    func increment(by amount: Double) {
        var known = bits.load(ordering: .relaxed)
        while true {
            let before = Double(bitPattern: known)
            let after = (before.isNaN ? 0 : before) + amount
            let (done, found) = bits.weakCompareExchange(
                expected: known, desired: after.bitPattern, ordering: .relaxed)
            if done { return }
            known = found
        }
    }

    func decrement(by amount: Double) { increment(by: -amount) }

    /// Nil while it has none.
    var value: Double? {
        let value = Double(bitPattern: bits.load(ordering: .relaxed))
        return value.isNaN ? nil : value
    }
}

/// How long things took: a sample is an addition to its bucket and one to the sum.
final class HistogramCell: TimerHandler, Sendable {
    /// In microseconds, ascending.
    private let bounds: [Int64]
    /// One for each bound, and one for what is above.
    private let buckets: [CounterCell]
    /// In microseconds: nanoseconds of many long runs would outgrow it within months.
    private let sum = CounterCell()

    init(bounds: [Double]) {
        self.bounds = bounds.map { Int64(($0 * 1_000_000).rounded()) }
        buckets = (0...bounds.count).map { _ in CounterCell() }
    }

    func recordNanoseconds(_ duration: Int64) {
        let length = max(0, duration / 1_000)
        var place = 0
        while place < bounds.count, bounds[place] < length { place += 1 }
        buckets[place].increment(by: 1)
        sum.increment(by: length)
    }

    /// Counts up to each bound and of all, and the sum in seconds.
    var value: (counts: [Int64], sum: Double) {
        var counts: [Int64] = []
        var count: Int64 = 0
        for bucket in buckets {
            count += bucket.value
            counts.append(count)
        }
        return (counts, Double(sum.value) / 1_000_000)
    }
}
