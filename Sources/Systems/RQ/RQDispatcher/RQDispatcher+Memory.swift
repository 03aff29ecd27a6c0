public import CarillonCore
import Logging
import RedisClient
import Timetable

/// Whether Redis still has what it was given.
struct Memory: Sendable {
    /// There was something to do with Redis at all.
    var isUsed = false
    /// This process has left its mark there.
    var isMarked = false
    /// While everything that is out is compared with a memory that is not the old one.
    var isLost = false
}

/// What is out is compared with what Redis has: at the start, and whenever the server is another or forgot our mark.
extension RQDispatcher {
    private var mark: String { "carillon:memory:\(configuration.identity)" }

    /// Looks for the mark, a key that no policy for volatile keys evicts and that says which life of the server wrote it.
    ///
    /// When it is gone, or from an earlier life, everything that is out is looked for.
    func checkMemory() async throws(RedisError) {
        memory.isUsed = true
        let found = try await ask([RedisCommand("GET", mark)])[0].text
        // A server that hides its INFO has no name; then only the mark's absence tells.
        if found == facts.now.runID { return try await settleAdopted() }
        try await readFacts()
        let facts = facts.now
        let evictsAnything = facts.evictingPolicy?.hasPrefix("allkeys") ?? false
        let mayBeEvicted = found == nil && evictsAnything && facts.evicted > 0
        memory.isLost = !mayBeEvicted
        defer { memory.isLost = false }
        if found != nil || memory.isMarked {
            logger.notice(
                "Redis was started anew or flushed; runs that are out are looked for",
                metadata: ["runs": "\(entries.count)"])
        }
        try await settleAdopted()
        try await settle(Array(entries.allKeys))
        // A server that takes no write now still tells of outcomes; the mark is set when it does.
        if (try? await ask([RedisCommand("SET", mark, facts.runID)])) != nil { memory.isMarked = true }
    }

    public func adopt(_ outstanding: [Run]) async -> [AttemptID] {
        guard !outstanding.isEmpty else { return [] }
        for run in outstanding { adopted[AttemptID(run: run.id, attempt: run.attempt)] = run }
        do {
            try await checkMemory()
            defer { unreceived = [] }
            return unreceived
        } catch {
            // What the ledger has not marked as sent may be sent without asking: the guard keeps it single.
            let unsent = outstanding.filter { $0.dispatchedAt == nil && $0.startedAt == nil }
                .map { AttemptID(run: $0.id, attempt: $0.attempt) }
            for attempt in unsent { adopted[attempt] = nil }
            defer { unreceived = [] }
            return Array(Set(unsent + unreceived))
        }
    }

    /// Reads what the server says of itself now; evictions may have begun since the connection was made.
    private func readFacts() async throws(RedisError) {
        guard let text = try? await ask([RedisCommand("INFO")])[0].text else { return }
        let lines = text.split(whereSeparator: \.isNewline).map {
            $0.split(separator: ":", maxSplits: 1).map(String.init)
        }
        try facts.greet(Dictionary(lines.filter { $0.count == 2 }.map { ($0[0], $0[1]) }) { $1 })
    }

    /// Looks for what the ledger says is out. Tells of the ones that ended, and notes those Redis never had.
    func settleAdopted() async throws(RedisError) {
        for (attempt, sight) in try await look(at: Array(adopted.keys)) {
            guard let run = adopted.removeValue(forKey: attempt) else { continue }
            if var entry = RQEntry(attempt, sight) {
                entry.startTold = run.startedAt != nil
                add(entry)
                judge(entry, sight)
                continue
            }
            cancelling[attempt] = nil
            if let why = reasonToDoubt(run) {
                tell([DispatchEvent(attempt: attempt, at: clock.now, what: .lost(why))])
            } else {
                unreceived.append(attempt)
            }
        }
    }

    /// Says why an attempt without any trace may have run all the same; nil when it cannot.
    private func reasonToDoubt(_ run: Run) -> String? {
        if run.startedAt != nil { return "it had been started, and Redis has no trace of it" }
        let limit = clock.now.adding(microseconds: -Int64(RQScripts.guardLife) * 1_000_000)
        if let sent = run.dispatchedAt, sent < limit { return "it was sent more than seven days ago" }
        let facts = facts.now
        if let policy = facts.evictingPolicy, facts.evicted > 0, run.dispatchedAt != nil, !memory.isLost {
            return "Redis has no trace of it, and evicts keys (\(policy))"
        }
        return nil
    }
}
