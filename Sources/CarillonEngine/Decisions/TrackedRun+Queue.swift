import CarillonCore
import Timetable

/// The way out of a dispatcher's queue.
extension TrackedRun {
    enum Leaving {
        /// It went on without a dispatch.
        case moot
        /// It moved on while it stood in the queue, and must wait once more.
        case early
        /// It is past its window.
        case late
        /// It goes out now; `late` is given for the first attempt of a schedule's run, in microseconds.
        case out(Outgoing, late: Int64?, hasTimeOut: Bool)
    }

    /// Whether its first attempt is too late to begin.
    func isPastWindow(_ now: Timestamp) -> Bool {
        guard let window = definition.job.policies.window, !run.trigger.isOrdered, run.attempt == 1 else {
            return false
        }
        return run.scheduledAt.adding(microseconds: window) < now
    }

    /// Takes the run out of the queue, and marks it as dispatched unless something came up.
    mutating func leaveQueue(at now: Timestamp, from instance: String) -> Leaving {
        queued = false
        guard run.state == .pending, run.dispatchedAt == nil else { return .moot }
        guard isInLedger, run.notBefore <= now else { return .early }
        if isPastWindow(now) { return .late }
        run.instance = instance
        _ = RunMachine.apply(.dispatched, to: &run, policies: definition.job.policies, at: now)
        version &+= 1
        let isFirst = run.attempt == 1 && run.trigger == .schedule
        return .out(
            Outgoing(attempt: attempt, definition: definition, scheduledAt: run.scheduledAt, arguments: run.arguments),
            late: isFirst ? now.microseconds - run.notBefore.microseconds : nil,
            hasTimeOut: definition.job.policies.startTimeout != nil)
    }
}
