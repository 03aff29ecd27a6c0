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

    /// What must hold for a time to become a run that completes, in this order.
    public enum Check: String, Sendable, Codable, CaseIterable {
        case scheduled, on, readable, planned, dispatching, reachable, room, inTime, opened, started, completed
    }

    /// One of these things, of the time that is asked about.
    public struct Step: Sendable, Codable {
        public var check: Check
        /// Nil where nobody knows yet.
        public var holds: Bool?
        public var words: String
        public var evidence: Evidence
    }

    /// What the ledger has of it.
    public struct Evidence: Sendable, Codable {
        /// The ids of runs: the one that is told of, or those that stood in the way.
        public var runs: [String]
        /// Of the definition that it was planned by.
        public var revision: Int64?
        /// The stretch in which no time ran.
        public var after: Timestamp?
        public var through: Timestamp?
        public var instance: String?
        public var term: Int64?
    }

    public var job: String
    public var timeZone: String
    public var verdict: Verdict
    /// The ids of the runs that are told of.
    public var runs: [String]
    public var next: Timestamp?
    /// What held and what did not, of the first of the times that are told of; it ends with the first that does not hold.
    public var steps: [Step]
    /// The whole of it, in words.
    public var lines: [String]
}
