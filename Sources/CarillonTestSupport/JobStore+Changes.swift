package import CarillonCore
package import Timetable

/// Changes as a daemon makes them: applied, and taken up at once.
extension JobStore {
    /// Adds a job, or replaces the one of its name; its times count from the cursor on. Throws for a name of another feed.
    @discardableResult
    package func put(
        _ job: Job, cursor: Timestamp = Samples.noon, nextDue: Timestamp? = Samples.noon.plus(60), under lease: Lease
    ) async throws -> StoredJob {
        var answer = try await apply([.add(job, cursor: cursor, nextDue: nextDue, skips: [])], now: cursor)[0]
        if case .stale(let known?) = answer {
            answer = try await apply([.change(known.id, job, revision: known.revision)], now: cursor)[0]
        }
        guard let stored = answer.stored else { throw ConformanceFailure(description: "\(job.name): \(answer)") }
        return try await takeUp(stored, cursor: cursor, nextDue: nextDue, under: lease)
    }

    /// Removes a job as it is now.
    package func remove(_ id: JobID, cursor: Timestamp = Samples.noon, under lease: Lease) async throws {
        guard let known = try await jobs(ids: [id]).first,
            let stored = try await apply([.remove(id, revision: known.revision)], now: cursor)[0].stored
        else { throw ConformanceFailure(description: "job \(id.number) was not removed") }
        try await takeUp(stored, cursor: cursor, nextDue: nil, under: lease)
    }

    /// Has a job's cursor follow its present definition, from this moment on.
    @discardableResult
    package func takeUp(
        _ job: StoredJob, cursor: Timestamp, nextDue: Timestamp?, under lease: Lease
    ) async throws -> StoredJob {
        guard let former = try await changing([job.id]).first?.former else { return job }
        let advance = JobAdvance(
            id: job.id, revision: job.revision, from: job.cursor, to: cursor, nextDue: nextDue, takesUp: true,
            countsAnew: former.job.schedule != job.job.schedule)
        let opened = try await openRuns([advance], lease: lease, now: cursor)
        guard opened.refused.isEmpty, let taken = try await jobs(ids: [job.id]).first else {
            throw ConformanceFailure(description: "\(job.job.name) was not taken up")
        }
        return taken
    }
}
