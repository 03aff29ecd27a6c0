package import CarillonCore
package import Timetable

/// What Simple Scheduler says of a job: lengths of time in milliseconds, 0 for none; nil for what it does not say.
package struct SeedValues: Hashable, Sendable {
    /// More milliseconds are no length of time here.
    package static let longest = Int64.max / 1_000_000
    /// The highest `maxQueueCount`.
    package static let mostPending: Int64 = 1_000_000

    package var enabled: Bool?
    package var runExecutionTimeout: Int64?
    package var runStartTimeout: Int64?
    package var heartbeatTimeout: Int64?
    package var maxQueueCount: Int64?
    package var allowConcurrentRuns: Bool?

    /// Runs of a job that wait for an earlier one, where no more than one may run.
    private static let mostWaiting = 100

    package init() {}

    /// Makes a job of which nothing but its name has been said.
    package static func job(named name: String) -> Job {
        // Its one key has a value.
        guard let target = try? Target(BusTarget(topology: .queues)) else {
            preconditionFailure("a bus target is JSON")
        }
        return Job(
            name: name, schedule: ScheduleText(.manual), target: target,
            policies: Policies(overlap: .queue(max: mostWaiting), signs: Signs()))
    }

    /// Puts what is said onto a job; what is not said stays.
    package func put(on job: inout Job) {
        func put(_ milliseconds: Int64?, _ place: WritableKeyPath<Policies, Int64?>) {
            if let milliseconds { job.policies[keyPath: place] = milliseconds == 0 ? nil : milliseconds * 1_000 }
        }
        if let enabled { job.enabled = enabled }
        put(runExecutionTimeout, \.timeout)
        put(runStartTimeout, \.startTimeout)
        put(heartbeatTimeout, \.heartbeatTimeout)
        if let maxQueueCount { job.policies.maxQueue = maxQueueCount == 0 ? nil : Int(maxQueueCount) }
        if let allowConcurrentRuns {
            job.policies.overlap = allowConcurrentRuns ? .allow : .queue(max: Self.mostWaiting)
        }
    }

    /// Has a job run at a time and after each interval from then on, never before; without an interval once.
    package static func schedule(_ job: inout Job, from first: Timestamp, every interval: Int64) {
        guard interval > 0 else {
            job.schedule.startsAt = nil
            job.schedule.rule = .once(first.rfc3339)
            return
        }
        // None comes before the first, and an anchor is no time itself.
        job.schedule.startsAt = first
        job.schedule.rule = .every(
            Span.format(interval * 1_000), anchor: first.adding(microseconds: -interval * 1_000))
    }
}
