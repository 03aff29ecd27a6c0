public import Timetable

/// What may be worth telling a person who is not looking.
public enum Notice: Hashable, Sendable, Codable {
    /// A run failed, and will not be tried again.
    case failed(Run)
    /// Scheduled times did not run though they should have.
    case missed(Skip)
    /// A run that waited was passed over.
    case passedOver(Run)
    /// A run was handed to its executor.
    case queued(AttemptID, job: String, at: Timestamp)
}

extension SkipReason {
    /// Nobody wanted it: neither the schedule nor a policy of the job nor an order says so.
    public var isMissed: Bool {
        switch self {
        case .downtime, .stall, .unreachable, .clock, .faulty, .window, .unknown: true
        case .paused, .overlap, .disabled, .halted, .ordered, .gap, .calendar, .past, .full: false
        }
    }
}
