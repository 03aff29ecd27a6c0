public import Timetable

/// One revision of a job, ready to plan and to dispatch; shared by all its runs.
public final class Definition: Sendable {
    public let id: JobID
    public let revision: Int64
    public let job: Job
    /// Nil for a job that runs only when asked, and for one with a fault.
    public let schedule: Schedule?
    /// Why it cannot be used here: its zone was removed by an upgrade of the database, for one, or it cannot be read.
    public let fault: String?

    public init(_ stored: StoredJob, zones: ZoneDatabase) {
        id = stored.id
        revision = stored.revision
        job = stored.job
        guard stored.fault == nil else {
            schedule = nil
            fault = stored.fault
            return
        }
        do {
            schedule = try stored.job.schedule.compile(job: stored.job.name, zones: zones)
            fault = nil
        } catch {
            schedule = nil
            fault = error.message
        }
    }

    /// When it runs, for people: as it stands in the store when it cannot be used.
    public var words: String {
        schedule?.english() ?? (fault == nil ? "only when asked" : job.schedule.summary)
    }

    /// The longest a run may have to wait from now on, in microseconds; a later `notBefore` comes from a wrong clock.
    public func longestWait(of run: Run) -> Int64 {
        let retry = run.attempt > 1 ? job.policies.retry.delay(afterAttempt: run.attempt - 1) : 0
        var wait = max(schedule?.jitter ?? 0, retry, 60_000_000)
        if case .all(let limit, let rate) = job.policies.catchUp, rate > 0 {
            wait = max(wait, Int64(saturating: min(Double(limit) / rate, 86_400 * 366) * 1_000_000))
        }
        return wait
    }
}
