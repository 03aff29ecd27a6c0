public import CarillonCore
public import Timetable

/// One revision of a job, ready to plan and to dispatch; shared by all its runs.
public final class CompiledJob: Sendable {
    public let id: JobID
    public let revision: Int64
    public let job: Job
    /// Whoever had it has it no more.
    let isRemoved: Bool
    /// Nil for a job that runs only when asked, and for one with a fault.
    public let schedule: Schedule?
    /// Why it cannot be used here: its zone was removed by an upgrade of the database, for one, or it cannot be read.
    public let fault: String?
    /// Whether this build can read what is stored of it; one that it cannot waits for its next definition.
    public let isReadable: Bool
    /// The number of the lane that its runs take.
    let lane: Int
    /// The opened target; nil where nobody opens it, and of a job that cannot be read.
    let body: (any TargetBody)?

    /// Makes one to plan with. Its target stays sealed.
    public convenience init(_ stored: StoredJob, zones: ZoneDatabase) {
        self.init(stored, zones: zones, lane: 0, body: nil)
    }

    package init(_ stored: StoredJob, zones: ZoneDatabase, lane: Int, body: (any TargetBody)?) {
        id = stored.id
        revision = stored.revision
        job = stored.job
        isRemoved = stored.isRemoved
        self.lane = lane
        isReadable = stored.fault == nil
        guard stored.fault == nil else {
            schedule = nil
            fault = stored.fault
            self.body = nil
            return
        }
        self.body = body
        do {
            schedule = try stored.job.schedule.compile(job: stored.job.name, zones: zones)
            fault = nil
        } catch {
            schedule = nil
            fault = error.message
        }
    }

    /// Whether its schedule counts.
    var isOn: Bool { job.isOn && !isRemoved }

    /// When it runs, for people: as it stands in the store when it cannot be used.
    public var words: String {
        schedule?.english() ?? (fault == nil ? "only when asked" : job.schedule.summary)
    }

    /// Bounds how long a run may wait from now on, in microseconds; a later `notBefore` comes from a wrong clock.
    public func longestWait(of run: Run) -> Int64 {
        let retry = run.attempt > 1 ? job.policies.retry.delay(afterAttempt: run.attempt - 1) : 0
        var wait = max(schedule?.jitter ?? 0, retry, 60_000_000)
        if case .all(let limit, let rate) = job.policies.catchUp, rate > 0 {
            wait = max(wait, Int64(saturating: min(Double(limit) / rate, 86_400 * 366) * 1_000_000))
        }
        // What somebody asked for comes at the rate they asked for.
        if run.trigger == .backfill { wait = max(wait, run.notBefore.microseconds &- run.createdAt.microseconds) }
        return wait
    }
}

extension CompiledJob {
    /// The next time that runs, as things are: none of a job that is off, and none that an order says to skip. Nil, too,
    /// for a job that waits for a boot.
    func nextRun(of stored: StoredJob) -> Timestamp? {
        guard stored.job.isOn, stored.nextDue != .distantFuture else { return nil }
        var next = stored.nextDue
        if let skipping = stored.job.standing?.skipping {
            while let time = next, skipping.contains(time) { next = schedule?.next(after: time) }
        }
        return next
    }
}
