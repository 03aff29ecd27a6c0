import CarillonCore
public import Timetable

/// Why a job did or did not run; `--json` prints it as it stands here.
public struct WhyView: Sendable, Codable {
    public enum Verdict: String, Sendable, Codable, CaseIterable {
        /// There is a run, whatever became of it.
        case ran
        case skipped
        case toCome
        /// Nothing is scheduled at that time, or nothing ever was.
        case notScheduled
        /// It has passed, and no daemon has decided about it yet.
        case notPlanned
        /// It has passed, and is decided about once dispatching goes on.
        case paused
        /// The ledger has nothing of it.
        case unknown
    }

    public var job: String
    public var timeZone: String
    public var verdict: Verdict
    /// The ids of the runs that are told of.
    public var runs: [String]
    public var next: Timestamp?
    /// The whole of it, in words.
    public var lines: [String]
}
