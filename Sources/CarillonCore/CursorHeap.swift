public import Timetable

/// Which job is due next: an indexed binary heap, 20 bytes a job, changed in place by number.
///
/// Jobs due at the same time come in the order of their numbers, which is the order a store has them in.
public struct CursorHeap: Sendable {
    fileprivate var due: ContiguousArray<Int64> = []
    fileprivate var job: ContiguousArray<Int32> = []
    /// Where a job stands in the heap; -1 when it does not.
    fileprivate var place: ContiguousArray<Int32> = []

    public init() {}

    public init(_ cursors: [JobCursor]) {
        due.reserveCapacity(cursors.count)
        job.reserveCapacity(cursors.count)
        for cursor in cursors { set(cursor) }
    }

    public var count: Int { due.count }

    /// When the earliest job is due.
    public var earliest: Timestamp? { due.first.map { Timestamp(microseconds: $0) } }

    public func nextDue(of id: JobID) -> Timestamp? {
        let index = Int(id.number)
        guard index >= 0, index < place.count, place[index] >= 0 else { return nil }
        return Timestamp(microseconds: due[Int(place[index])])
    }

    /// Puts a job in its place, or takes it out when it has no next time.
    public mutating func set(_ cursor: JobCursor) {
        let index = Int(cursor.id.number)
        guard index >= 0 else { return }
        guard let time = cursor.nextDue?.microseconds else { return remove(cursor.id) }
        if index >= place.count {
            place.append(contentsOf: repeatElement(-1, count: max(index + 1 - place.count, place.count)))
        }
        let at = Int(place[index])
        if at >= 0 {
            let before = due[at]
            due[at] = time
            if time < before { rise(at) } else { sink(at) }
        } else {
            due.append(time)
            job.append(cursor.id.number)
            place[index] = Int32(due.count - 1)
            rise(due.count - 1)
        }
    }

    public mutating func remove(_ id: JobID) {
        let index = Int(id.number)
        guard index >= 0, index < place.count, place[index] >= 0 else { return }
        let at = Int(place[index])
        place[index] = -1
        let last = due.count - 1
        if at != last {
            due[at] = due[last]
            job[at] = job[last]
            place[Int(job[at])] = Int32(at)
        }
        due.removeLast()
        job.removeLast()
        if at != last {
            rise(at)
            sink(at)
        }
    }

    /// Takes out at most `limit` jobs that are due, earliest first.
    public mutating func popDue(at now: Timestamp, limit: Int) -> [JobID] {
        var ids: [JobID] = []
        while ids.count < limit, let first = due.first, first <= now.microseconds {
            let id = JobID(job[0])
            ids.append(id)
            remove(id)
        }
        return ids
    }

    private mutating func rise(_ start: Int) {
        var at = start
        while at > 0 {
            let parent = (at - 1) / 2
            if !isBefore(at, parent) { break }
            exchange(at, parent)
            at = parent
        }
    }

    private mutating func sink(_ start: Int) {
        var at = start
        while true {
            var least = 2 * at + 1
            if least >= due.count { break }
            if least + 1 < due.count, isBefore(least + 1, least) { least += 1 }
            if !isBefore(least, at) { break }
            exchange(at, least)
            at = least
        }
    }

    private func isBefore(_ a: Int, _ b: Int) -> Bool {
        due[a] < due[b] || (due[a] == due[b] && job[a] < job[b])
    }

    private mutating func exchange(_ a: Int, _ b: Int) {
        due.swapAt(a, b)
        job.swapAt(a, b)
        place[Int(job[a])] = Int32(a)
        place[Int(job[b])] = Int32(b)
    }
}

extension CursorHeap {
    /// Counts the jobs that are due; looks at those alone.
    public func count(dueBy time: Timestamp) -> Int {
        var count = 0
        var open = [0]
        while let at = open.popLast() {
            guard at < due.count, due[at] <= time.microseconds else { continue }
            count += 1
            open.append(2 * at + 1)
            open.append(2 * at + 2)
        }
        return count
    }

    /// Answers at most `limit` jobs that are due by then and wanted, the earliest last; looks at the due ones alone.
    public func jobs(dueBy time: Timestamp, limit: Int, where isWanted: (JobID) -> Bool) -> [JobID] {
        var found: [Int] = []
        var open = [0]
        while let at = open.popLast(), found.count < limit {
            guard at < due.count, due[at] <= time.microseconds else { continue }
            if isWanted(JobID(job[at])) { found.append(at) }
            open.append(2 * at + 1)
            open.append(2 * at + 2)
        }
        return found.sorted { isBefore($1, $0) }.map { JobID(job[$0]) }
    }

    /// Answers the jobs that are due first, the earliest first; looks at no more than twice as many.
    public func first(_ limit: Int) -> [JobID] {
        var found: [JobID] = []
        // A heap of places of this one: what may be next.
        var open: ContiguousArray<Int> = due.isEmpty ? [] : [0]
        func add(_ place: Int) {
            guard place < due.count else { return }
            open.append(place)
            var at = open.count - 1
            while at > 0, isBefore(open[at], open[(at - 1) / 2]) {
                open.swapAt(at, (at - 1) / 2)
                at = (at - 1) / 2
            }
        }
        while found.count < limit, let next = open.first {
            found.append(JobID(job[next]))
            let last = open.removeLast()
            if !open.isEmpty {
                open[0] = last
                var at = 0
                while true {
                    var least = 2 * at + 1
                    if least >= open.count { break }
                    if least + 1 < open.count, isBefore(open[least + 1], open[least]) { least += 1 }
                    if !isBefore(open[least], open[at]) { break }
                    open.swapAt(at, least)
                    at = least
                }
            }
            add(2 * next + 1)
            add(2 * next + 2)
        }
        return found
    }

    /// Finds the jobs of a share that stand in the heap; looks at those numbers alone.
    public func jobs(in shard: Shard) -> [JobID] {
        guard shard.number < Shard.shares else { return [] }
        return stride(from: Int(shard.number), to: place.count, by: Shard.shares).compactMap {
            place[$0] >= 0 ? JobID(Int32($0)) : nil
        }
    }

    /// Finds every job that waits for exactly this time, in no order; looks at all of them.
    public func jobs(dueAt time: Timestamp) -> [JobID] {
        due.indices.compactMap { due[$0] == time.microseconds ? JobID(job[$0]) : nil }
    }
}
