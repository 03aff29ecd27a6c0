package import CarillonCore
package import MemoryStore
package import Timetable

/// Changes as a daemon makes them: applied, and taken up at once.
extension JobStore {
    /// Adds a job, or replaces the one of its name; its times count from the cursor on. Throws for a name of another feed.
    @discardableResult
    package func put(
        _ job: Job, cursor: Timestamp = Samples.noon, nextDue: Timestamp? = Samples.noon.plus(60), under term: Term
    ) async throws -> StoredJob {
        var answer = try await apply([.add(job, cursor: cursor, nextDue: nextDue, skips: [])], now: cursor)[0]
        if case .stale(let known?) = answer {
            answer = try await apply([.change(known.id, job, revision: known.revision)], now: cursor)[0]
        }
        guard let stored = answer.stored else { throw ConformanceFailure(description: "\(job.name): \(answer)") }
        return try await takeUp(stored, cursor: cursor, nextDue: nextDue, under: term)
    }

    /// Removes a job as it is now.
    package func remove(_ id: JobID, cursor: Timestamp = Samples.noon, under term: Term) async throws {
        guard let known = try await jobs(ids: [id]).first,
            let stored = try await apply([.remove(id, revision: known.revision)], now: cursor)[0].stored
        else { throw ConformanceFailure(description: "job \(id.number) was not removed") }
        try await takeUp(stored, cursor: cursor, nextDue: nil, under: term)
    }

    /// Has a job's cursor follow its present definition, from this moment on.
    @discardableResult
    package func takeUp(
        _ job: StoredJob, cursor: Timestamp, nextDue: Timestamp?, under term: Term
    ) async throws -> StoredJob {
        guard let former = try await changing([job.id]).first?.former else { return job }
        let advance = JobAdvance(
            id: job.id, revision: job.revision, from: job.cursor, to: cursor, nextDue: nextDue, takesUp: true,
            countsAnew: former.job.schedule != job.job.schedule)
        let opened = try await openRuns([advance], under: term, now: cursor)
        guard opened.refused.isEmpty, let taken = try await jobs(ids: [job.id]).first else {
            throw ConformanceFailure(description: "\(job.job.name) was not taken up")
        }
        return taken
    }
}

extension InstanceFacts {
    /// An instance of which nothing but its name matters.
    package static func sample(_ name: String) -> InstanceFacts {
        InstanceFacts(id: name, name: name, host: "h", lease: 30_000_000)
    }
}

extension InstanceStore {
    /// Begins a life, without any shard.
    @discardableResult
    package func join(_ name: String, nonce: UInt64 = 1) async throws -> Term {
        try await join(.sample(name), nonce: nonce)
    }
}

extension MemoryLedger {
    /// Begins a life, without any shard.
    @discardableResult
    package mutating func join(_ name: String) -> Term { tables.join(.sample(name), nonce: 1) }
}

extension JobStore {
    /// Applies changes for somebody who holds nothing.
    package func apply(_ changes: [JobChange], now: Timestamp) async throws -> [JobAnswer] {
        try await apply(changes, by: nil, now: now)
    }
}
