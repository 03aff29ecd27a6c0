import CarillonCore
import Timetable

/// A moment at which a run needs attention; void when the run has moved on by then.
struct RunTimer: Comparable, Sendable {
    enum What: Hashable, Sendable {
        /// Its `notBefore` has come.
        case ready
        case timeOut(TimeOut)
    }

    var at: Timestamp
    var attempt: AttemptID
    var what: What

    static func < (a: RunTimer, b: RunTimer) -> Bool {
        (a.at, a.attempt.run, a.attempt.attempt) < (b.at, b.attempt.run, b.attempt.attempt)
    }
}
