public import CarillonCore
public import Timetable

/// Values that tests share.
public enum Samples {
    /// 2026-11-21T12:00:00Z.
    public static let noon = Timestamp(seconds: 1_795_262_400)

    public static func job(
        _ name: String, every: String = "60s", policies: Policies = Policies(), enabled: Bool = true,
        feed: String = "files", source: String = "jobs.d/a.toml", host: String? = nil
    ) -> Job {
        var policies = policies
        policies.host = host ?? policies.host
        return Job(
            name: name, schedule: ScheduleText(.every(every, anchor: Timestamp(seconds: 0))),
            target: Samples.target, policies: policies, enabled: enabled,
            origin: Origin(feed: feed, source: source))
    }

    public static func run(
        _ job: StoredJob, at time: Timestamp, store: UInt64, trigger: Trigger = .schedule, under term: Term? = nil
    ) -> Run {
        var run = Run(
            id: RunID(store: store, job: job.job.name, scheduledAt: time), jobID: job.id, job: job.job.name,
            revision: job.revision, trigger: trigger, scheduledAt: time, createdAt: time, instance: "a")
        // As a store has it that opened it under this term.
        run.term = term?.count
        return run
    }

    public static func skip(
        _ job: StoredJob, after: Timestamp, through: Timestamp, _ reason: SkipReason = .downtime
    ) -> Skip {
        Skip(
            jobID: job.id, job: job.job.name, revision: job.revision, after: after, through: through, reason: reason,
            recordedAt: through)
    }
}

extension Timestamp {
    /// Adds so many seconds to this time.
    public func plus(_ seconds: Int64) -> Timestamp { adding(microseconds: seconds * 1_000_000) }
}
