import Timetable

/// One revision of a job, ready to plan and to dispatch; shared by all its runs.
public final class Definition: Sendable {
    public let id: JobID
    public let revision: Int64
    public let job: Job
    /// Nil for a job that runs only when asked, and for one whose schedule does not compile here.
    public let schedule: Schedule?
    /// Why the schedule does not compile: a zone that an upgrade of the database removed, for one.
    public let fault: String?

    public init(_ stored: StoredJob, zones: ZoneDatabase) {
        id = stored.id
        revision = stored.revision
        job = stored.job
        do {
            schedule = try stored.job.schedule.compile(job: stored.job.name, zones: zones)
            fault = nil
        } catch {
            schedule = nil
            fault = error.message
        }
    }
}
