public import Timetable

/// Time as the engine needs it: the wall, which may jump, and a monotonic count, which may not.
///
/// The only source of time; everything else is given `now`.
public protocol EngineClock: Sendable {
    /// The wall clock.
    var now: Timestamp { get }
    /// Microseconds that passed since some fixed moment, without the time the machine was suspended.
    var uptime: Int64 { get }
    /// The same with that time; where nobody can tell it, without.
    var sinceBoot: Int64 { get }
    /// Returns after `microseconds`; throws `CancellationError` when the task is cancelled first.
    func sleep(for microseconds: Int64) async throws
}

extension EngineClock {
    public var sinceBoot: Int64 { uptime }
}
