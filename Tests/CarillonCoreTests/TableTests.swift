import CarillonCore
import CarillonTestSupport
import Testing

/// A table answers as a dictionary would.
@Suite struct TableTests {
    /// Numbers in a row, in steps of a power of two, and few of many.
    @Test(arguments: [1, 1_024, 65_536, 7_919] as [Int32])
    func holdsWhatWasPutIn(step: Int32) {
        var random = SplitMix64(seed: UInt64(step))
        var table = SlotTable<JobID, Int>()
        var expected: [JobID: Int] = [:]
        for turn in 0..<20_000 {
            let id = JobID(Int32.random(in: 0..<3_000, using: &random) * step)
            // Grows at first, and empties in the end.
            let value = Int.random(in: 0..<20_000, using: &random) > turn ? turn : nil
            table[id] = value
            expected[id] = value
            #expect(table.count == expected.count)
        }
        for number in 0..<3_000 as Range<Int32> {
            #expect(table[JobID(number * step)] == expected[JobID(number * step)])
        }
        #expect(table.all.sorted() == expected.values.sorted())
        for id in expected.keys { table[id] = nil }
        #expect(table.count == 0)
    }

    @Test func tellsRunsOfOneTagApart() {
        var table = SlotTable<RunID, Int>()
        let ids = (0..<40 as Range<UInt64>).map { RunID(second: 1, hash: $0 << 32 | 5) }
        for (value, id) in ids.enumerated() { table[id] = value }
        for id in ids.prefix(20) { table[id] = nil }
        #expect(ids.map { table[$0] } == (0..<40).map { $0 < 20 ? nil : $0 })
    }
}
