import CarillonCore
import CarillonTestSupport
import Testing
import Timetable

@Suite struct CursorHeapTests {
    /// The first ones, however many are asked for, in the order in which they would be taken out.
    @Test func theFirstAreThoseThatAreTakenOutFirst() {
        var random = SplitMix64(seed: 5)
        for count in [0, 1, 2, 3, 10, 1_000] {
            var heap = CursorHeap()
            for number in 1...max(1, count) where count > 0 {
                let due = Timestamp(microseconds: Int64.random(in: 0...50, using: &random))
                heap.set(JobCursor(id: JobID(Int32(number)), nextDue: due))
            }
            var rest = heap
            let all = rest.popDue(at: .distantFuture, limit: .max)
            for limit in [0, 1, 2, 7, 999, 5_000] {
                #expect(heap.first(limit) == Array(all.prefix(limit)), "\(count), \(limit)")
            }
        }
    }

    @Test func agreesWithASortedModel() {
        var random = SystemFreeGenerator(seed: 7)
        var heap = CursorHeap()
        var model: [Int32: Int64] = [:]
        for _ in 0..<20_000 {
            let id = Int32(random.below(200))
            switch random.below(10) {
            case 0..<5:
                let due = Int64(random.below(1_000))
                heap.set(JobCursor(id: JobID(id), nextDue: Timestamp(microseconds: due)))
                model[id] = due
            case 5..<7:
                heap.set(JobCursor(id: JobID(id), nextDue: nil))
                model[id] = nil
            case 7:
                heap.remove(JobID(id))
                model[id] = nil
            default:
                let now = Int64(random.below(1_000))
                let limit = random.below(6)
                let popped = heap.popDue(at: Timestamp(microseconds: now), limit: limit)
                let dues = popped.compactMap { model[$0.number] }
                #expect(dues == Array(model.values.filter { $0 <= now }.sorted().prefix(limit)))
                let order = popped.map { (model[$0.number] ?? 0, $0.number) }
                #expect(zip(order, order.dropFirst()).allSatisfy { $0 < $1 })
                for id in popped { model[id.number] = nil }
            }
            #expect(heap.count == model.count)
            #expect(heap.earliest?.microseconds == model.values.min())
            #expect(heap.nextDue(of: JobID(id))?.microseconds == model[id])
        }
        let half = Timestamp(microseconds: 500)
        #expect(heap.count(dueBy: half) == model.values.count { $0 <= 500 })
        let wanted = heap.jobs(dueBy: half, limit: .max) { $0.number % 2 == 0 }
        let expected = model.filter { $0.value <= 500 && $0.key % 2 == 0 }
        #expect(wanted.map(\.number) == expected.keys.sorted { (expected[$0]!, $0) > (expected[$1]!, $1) })
        for due in Set(model.values) {
            let expected = model.filter { $0.value == due }.keys.sorted()
            #expect(heap.jobs(dueAt: Timestamp(microseconds: due)).map(\.number).sorted() == expected)
        }
    }

    @Test func takesCursorsInAnyOrder() {
        var heap = CursorHeap(
            [3, 1, 2].map { JobCursor(id: JobID($0), nextDue: Timestamp(seconds: Int64($0))) }
                + [JobCursor(id: JobID(4), nextDue: nil)])
        #expect(heap.count == 3)
        #expect(heap.popDue(at: Timestamp(seconds: 2), limit: 9) == [JobID(1), JobID(2)])
        #expect(heap.earliest == Timestamp(seconds: 3))
        heap.remove(JobID(-1))
        heap.set(JobCursor(id: JobID(-1), nextDue: Timestamp(seconds: 1)))
        #expect(heap.count == 1)
    }
}

/// Repeatable random numbers.
struct SystemFreeGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func below(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(bound))
    }
}
