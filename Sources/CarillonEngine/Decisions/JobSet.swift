import CarillonCore

/// Some of the jobs, a bit for each number up to the largest.
struct JobSet: Sendable {
    private var words: ContiguousArray<UInt64> = []
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// In the order of their numbers.
    var all: [JobID] {
        words.indices.flatMap { word in
            (0..<64).filter { words[word] >> $0 & 1 == 1 }.map { JobID(Int32(word * 64 + $0)) }
        }
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
