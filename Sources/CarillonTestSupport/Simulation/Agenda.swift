import HeapModule

/// What happens when, in elapsed time; equal times in the order they were entered.
struct Agenda {
    private struct Entry: Comparable {
        let at: Int64
        let number: Int
        let action: () -> Void

        static func == (a: Entry, b: Entry) -> Bool { a.number == b.number }
        static func < (a: Entry, b: Entry) -> Bool { (a.at, a.number) < (b.at, b.number) }
    }

    private var heap = Heap<Entry>()
    private var count = 0

    var next: Int64? { heap.min?.at }

    mutating func add(at time: Int64, _ action: @escaping () -> Void) {
        count += 1
        heap.insert(Entry(at: time, number: count, action: action))
    }

    mutating func take() -> (() -> Void)? { heap.popMin()?.action }
}
