import CarillonCore
import Timetable

/// Definitions are read shortly before they are due, so that a burst finds them at hand, and let go afterwards.
extension EngineState {
    mutating func lookAhead(_ now: Timestamp, _ effects: inout [EngineEffect]) {
        if now >= nextLook, toReadAhead.isEmpty {
            nextLook = now.adding(microseconds: limits.lookAhead / 2)
            let room = limits.mostCached - cache.count - readingAhead.count
            toReadAhead = heap.jobs(dueBy: now.adding(microseconds: limits.lookAhead), limit: room) {
                cache[$0] == nil && !readingAhead.contains($0)
            }
        }
        readMoreAhead(&effects)
    }

    /// Reads more ahead, one read at a time: the store has better things to do.
    private mutating func readMoreAhead(_ effects: inout [EngineEffect]) {
        guard readingAhead.isEmpty, !toReadAhead.isEmpty else { return }
        let ids = Array(toReadAhead.suffix(limits.mostReadAhead).reversed())
        toReadAhead.removeLast(ids.count)
        if toReadAhead.isEmpty { toReadAhead = [] }
        readingAhead.formUnion(ids)
        effects.append(.readAhead(ids))
    }

    mutating func readAhead(
        _ asked: [JobID], _ jobs: [PlannableJob], _ now: Timestamp, _ effects: inout [EngineEffect]
    ) {
        for job in jobs where readingAhead.contains(job.definition.id) { cache[job.definition.id] = job }
        readingAhead.subtract(asked)
        readMoreAhead(&effects)
    }

    /// Whether a definition stays at hand for the next time.
    func isKept(until nextDue: Timestamp?, _ now: Timestamp) -> Bool {
        guard let nextDue else { return false }
        return nextDue <= now.adding(microseconds: limits.keep) && cache.count <= limits.mostCached
    }
}
