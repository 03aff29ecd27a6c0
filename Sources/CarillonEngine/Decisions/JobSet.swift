import CarillonCore

/// Some of the jobs, a bit for each number up to the largest.
struct JobSet: Sendable {
    private var words: ContiguousArray<UInt64> = []
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// In the order of their numbers.
    var all: [JobID] {
        var all: [JobID] = []
        all.reserveCapacity(count)
        _ = contains { job in
            all.append(job)
            return false
        }
        return all
    }

    /// Whether one of them is as asked.
    func contains(where isWanted: (JobID) -> Bool) -> Bool {
        for (place, word) in words.enumerated() where word != 0 {
            var left = word
            while left != 0 {
                if isWanted(JobID(Int32(place * 64 + left.trailingZeroBitCount))) { return true }
                left &= left - 1
            }
        }
        return false
    }

    func contains(_ id: JobID) -> Bool {
        let word = Int(id.number) >> 6
        return words.indices.contains(word) && words[word] & Self.bit(id) != 0
    }

    /// Puts a job in; false when it was in it already, and for a number that no job has.
    mutating func insert(_ id: JobID) -> Bool {
        if contains(id) || id.number < 0 { return false }
        let word = Int(id.number) >> 6
        if word >= words.count { words.append(contentsOf: repeatElement(0, count: word + 1 - words.count)) }
        words[word] |= Self.bit(id)
        count += 1
        return true
    }

    mutating func remove(_ id: JobID) {
        guard contains(id) else { return }
        words[Int(id.number) >> 6] &= ~Self.bit(id)
        count -= 1
    }

    private static func bit(_ id: JobID) -> UInt64 { 1 << UInt64(id.number & 63) }
}
