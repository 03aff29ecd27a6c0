public import Timetable

/// What stands in the planner's heap for a job.
public struct JobCursor: Hashable, Sendable {
    public var id: JobID
    /// Nil takes the job out of the heap.
    public var nextDue: Timestamp?
    /// As `StoredJob` has it.
    public var pinned: Shard?

    public init(id: JobID, nextDue: Timestamp?, pinned: Shard? = nil) {
        self.id = id
        self.nextDue = nextDue
        self.pinned = pinned
    }
}

/// One job's part of a batch: what its schedule brought, and how far that accounts for it.
public struct JobAdvance: Hashable, Sendable {
    public var id: JobID
    /// The store refuses the whole part when the job is at another revision or cursor by now.
    public var revision: Int64
    public var from: Timestamp
    public var to: Timestamp
    public var nextDue: Timestamp?
    public var runs: [Run]
    public var skips: [Skip]
    /// The cursor follows the job's present definition from here on, and no longer the one before a change.
    public var takesUp: Bool
    /// That definition has other times, whose runs are counted from none.
    public var countsAnew: Bool
    /// Where the job stands from here on, if elsewhere than before; only once all of its earlier runs have ended.
    public var moves: Place?

    public init(
        id: JobID, revision: Int64, from: Timestamp, to: Timestamp, nextDue: Timestamp?, runs: [Run] = [],
        skips: [Skip] = [], takesUp: Bool = false, countsAnew: Bool = false, moves: Place? = nil
    ) {
        self.id = id
        self.revision = revision
        self.from = from
        self.to = to
        self.nextDue = nextDue
        self.runs = runs
        self.skips = skips
        self.takesUp = takesUp
        self.countsAnew = countsAnew
        self.moves = moves
    }
}

/// What `openRuns` wrote.
public struct Opened: Hashable, Sendable {
    /// Runs that are in the ledger now and were not before, with the ids they got.
    public var new: [Run]
    /// Jobs whose part was refused: changed meanwhile, to be planned anew from a fresh read.
    public var refused: Set<JobID>

    public init(new: [Run] = [], refused: Set<JobID> = []) {
        self.new = new
        self.refused = refused
    }
}

/// A change of definitions; a batch of them is one transaction.
///
/// Anybody may make one: it moves no cursor of a job that is there. Whoever plans the job brings it up to its own now by the
/// definition that its cursor follows, and takes up the present one in the same step (`JobAdvance.takesUp`).
public enum JobChange: Hashable, Sendable {
    /// Adds a job whose schedule counts from the cursor on. A name that was removed returns under its old number, and is
    /// taken up like a change.
    case add(Job, cursor: Timestamp, nextDue: Timestamp?, skips: [Skip])
    /// Replaces the definition that has this revision.
    case change(JobID, Job, revision: Int64)
    /// The job whose definition has this revision is gone; its runs stay.
    case remove(JobID, revision: Int64)
}

/// What became of a change.
public enum JobAnswer: Hashable, Sendable {
    /// The job as the store has it from now on.
    case stored(StoredJob)
    /// Nothing was changed: the name belongs to another feed.
    case foreign
    /// Nothing was changed: somebody else was faster, and this is what they left; nil when there is no such job.
    case stale(StoredJob?)

    public var stored: StoredJob? { if case .stored(let job) = self { job } else { nil } }
}

/// A job whose present definition is still to be taken up, with the one that its cursor follows.
public struct ChangingJob: Hashable, Sendable {
    public var job: StoredJob
    /// As it was, at the cursor that the job has.
    public var former: StoredJob
    /// When it was first changed since its cursor follows that.
    public var changedAt: Timestamp

    public init(job: StoredJob, former: StoredJob, changedAt: Timestamp) {
        self.job = job
        self.former = former
        self.changedAt = changedAt
    }
}

/// Which runs a person wants to see, newest scheduled first.
public struct RunQuery: Hashable, Sendable, Codable {
    public var job: String?
    public var states: Set<RunState>
    /// Scheduled at or after.
    public var since: Timestamp?
    /// Scheduled at or before.
    public var until: Timestamp?
    /// Why they were opened, any of these; empty for all.
    public var triggers: Set<Trigger>
    /// Only what comes after this one, the last of an earlier page.
    public var after: RunPlace?
    public var limit: Int

    public init(
        job: String? = nil, states: Set<RunState> = [], since: Timestamp? = nil, until: Timestamp? = nil,
        triggers: Set<Trigger> = [], after: RunPlace? = nil, limit: Int = 50
    ) {
        self.job = job
        self.states = states
        self.since = since
        self.until = until
        self.triggers = triggers
        self.after = after
        self.limit = limit
    }
}

/// Where a run stands in the order of lists.
public struct RunPlace: Hashable, Sendable, Codable {
    public var scheduledAt: Timestamp
    public var id: RunID

    public init(scheduledAt: Timestamp, id: RunID) {
        self.scheduledAt = scheduledAt
        self.id = id
    }

    public init(_ run: Run) { self.init(scheduledAt: run.scheduledAt, id: run.id) }
}

/// The ids in the ledger right before and after another one; nil at either end.
public struct RunNeighbours: Hashable, Sendable {
    public var before: RunID?
    public var after: RunID?

    public init(before: RunID? = nil, after: RunID? = nil) {
        self.before = before
        self.after = after
    }
}

/// How long the ledger remembers.
public struct Retention: Hashable, Sendable {
    /// Microseconds; runs that ended earlier go, and skips that reach no further.
    public var age: Int64
    /// Ended runs kept per job.
    public var perJob: Int

    public static let standard = Retention(age: 90 * 86_400 * 1_000_000, perJob: 1000)

    public init(age: Int64, perJob: Int) {
        self.age = age
        self.perJob = perJob
    }
}

/// A run that retention has removed.
public struct GoneRun: Hashable, Sendable, Codable {
    public var id: RunID
    public var job: String
    /// Where its last attempt was handed over (`Run.machine`).
    public var machine: String?

    public init(id: RunID, job: String, machine: String? = nil) {
        self.id = id
        self.job = job
        self.machine = machine
    }
}

/// Numbers of a store for `status`.
public struct StoreCounts: Hashable, Sendable, Codable {
    public var jobs: Int
    public var enabled: Int
    public var active: [String: Int]

    public init(jobs: Int, enabled: Int, active: [String: Int]) {
        self.jobs = jobs
        self.enabled = enabled
        self.active = active
    }
}

/// How much room a store takes and has, in bytes.
public struct StoreSpace: Hashable, Sendable {
    public var taken: Int64
    /// Nil where the disk is another machine's.
    public var free: Int64?

    public init(taken: Int64, free: Int64?) {
        self.taken = taken
        self.free = free
    }
}

/// How many runs ended in an hour in one state.
public struct HourCount: Hashable, Sendable, Codable {
    /// Its first moment.
    public var hour: Timestamp
    public var state: RunState
    public var runs: Int
    /// Microseconds from start to end, of all of them together.
    public var took: Int64

    public init(hour: Timestamp, state: RunState, runs: Int, took: Int64) {
        self.hour = hour
        self.state = state
        self.runs = runs
        self.took = took
    }

    /// Microseconds.
    private static let length: Int64 = 3_600_000_000

    /// The first moment of a moment's hour.
    public static func hour(of time: Timestamp) -> Timestamp {
        let since = time.microseconds % length
        return Timestamp(microseconds: time.microseconds - (since < 0 ? since + length : since))
    }
}

/// Runs that end in one batch, as a store counts them.
public struct EndedCounts: Sendable {
    public struct Key: Hashable, Sendable {
        public var hour: Timestamp
        public var state: RunState
    }

    public struct Count: Hashable, Sendable {
        public var runs = 0
        /// Microseconds, of all of them.
        public var took: Int64 = 0
    }

    public private(set) var hours: [Key: Count] = [:]
    /// Whose streaks end: a job for each of its runs that completed.
    public private(set) var completed: [JobID] = []
    /// How many runs of a job failed since one completed, or on top of its streak.
    public private(set) var failures: [JobID: Int] = [:]

    /// Microseconds.
    private static let longest: Int64 = 31_536_000_000_000

    public init() {}

    /// How many microseconds a run took from its start to its end; a clock that jumped makes none longer than a year.
    public static func took(_ run: Run) -> Int64 {
        let end = run.endedAt ?? run.scheduledAt
        return run.startedAt.map { min(max(0, end.microseconds - $0.microseconds), longest) } ?? 0
    }

    /// Counts a run that the ledger has as ended from now on.
    public mutating func count(_ run: Run) {
        let key = Key(hour: HourCount.hour(of: run.endedAt ?? run.scheduledAt), state: run.state)
        let took = Self.took(run)
        hours[key, default: Count()].runs += 1
        if took > 0 { hours[key]?.took += took }
        if run.hasFailed {
            failures[run.jobID, default: 0] += 1
        } else if run.state == .completed {
            completed.append(run.jobID)
            if !failures.isEmpty { failures[run.jobID] = nil }
        }
    }
}

/// An error of a store, with an open set of codes.
public struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
    public struct Code: Hashable, Sendable {
        public var name: String
        /// The term is not in force: somebody has ended the instance, or it has another one.
        public static let leaseLost = Code(name: "lease lost")
        /// Somebody else holds what is wanted; it may be tried again.
        public static let busy = Code(name: "busy")
        /// No room on the disk; nothing was written.
        public static let full = Code(name: "disk full")
        /// The file is not, or no longer, what the store wrote.
        public static let corrupt = Code(name: "corrupt")
        public static let unreachable = Code(name: "unreachable")
        public static let refused = Code(name: "refused")
    }

    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}

/// The one source of truth: job definitions, cursors and the ledger. Implementations pass `StoreConformance`.
///
/// Every call that writes takes `now`; a store decides nothing by a clock of its own. Every call may throw `StoreError`; a call
/// that throws may have been carried out all the same, so all of them may be repeated.
public protocol JobStore: InstanceStore {
    /// Answers the store's id, drawn once when the store was made; part of every run id.
    func storeID() async throws -> UInt64

    // MARK: Jobs

    /// Applies changes and answers each, in order. Each is of the revision that it names, or nothing, so anybody may make one:
    /// whoever holds a job's shard has mail of it in the same step, but for the instance of this term.
    func apply(_ changes: [JobChange], by term: Term?, now: Timestamp) async throws -> [JobAnswer]
    /// Reads the cursors of all enabled jobs, for the planner's heap; those that are to be taken up are due at once.
    func cursors() async throws -> [JobCursor]
    func jobs(ids: [JobID]) async throws -> [StoredJob]
    /// Reads those of these jobs that are to be taken up.
    func changing(_ ids: [JobID]) async throws -> [ChangingJob]
    func job(named: String) async throws -> StoredJob?
    /// Reads jobs in the order of their names, after a name, at most `limit`.
    func jobs(after name: String?, limit: Int) async throws -> [StoredJob]
    /// Finds jobs as a person asked for them, in the order that the query names.
    func jobs(_ query: JobQuery) async throws -> [StoredJob]
    /// Counts them, whatever the query's `after` and `limit`.
    func count(_ query: JobQuery) async throws -> Int
    /// Counts the jobs that are on by their schedules; answers at most so many of these.
    func schedules(limit: Int) async throws -> ScheduleCounts
    /// Finds the last scheduled run of each of these jobs that has one.
    func lastRuns(of jobs: [JobID]) async throws -> [JobID: Run]
    /// Reads names, numbers and sources of one feed's jobs, with a digest of each definition.
    func jobs(ofFeed feed: String) async throws -> [StoredJobDigest]
    /// Finds jobs in these shards whose cursor lies after this moment: a clock that ran ahead left them so.
    func jobs(cursorAfter: Timestamp, in shards: Set<Shard>, limit: Int) async throws -> [StoredJob]
    /// Reads the definition that had this revision, for counting what its skips cover.
    func definition(of job: JobID, revision: Int64) async throws -> Job?

    // MARK: The ledger

    /// Writes new runs and skips and advances the cursors, in one transaction, and takes up what changed of the jobs of which
    /// that is said. A run whose occurrence is there already is left as it is; a run id that another occurrence has is drawn
    /// again. A job that moves begins another revision, and whoever holds where it stands then has mail of it and of these runs;
    /// its part is refused while any other run of it is active.
    func openRuns(_ batch: [JobAdvance], under term: Term, now: Timestamp) async throws -> Opened
    /// Writes runs as they stand, by id, and counts those that end. A run that is final in the ledger stays as it is; answers
    /// which ones were not written, because they are, or because the ledger does not have them.
    @discardableResult
    func record(_ runs: [Run], under term: Term, now: Timestamp) async throws -> Set<RunID>
    /// Opens runs that somebody asks for, in one transaction. Answers each as it was written, with the id it got; nil for
    /// one whose occurrence has a run already, for one that was asked for under the same key before, and for one of a backfill
    /// that repeats another when that is not the last of its time, or any of them goes on. Whoever else holds a job's shard has
    /// mail of it, as of a change.
    func openOrdered(_ runs: [Run], under term: Term, now: Timestamp) async throws -> [Run?]
    /// Sets cursors back, and cuts skips short that reach past `now`; the runs stay.
    func rewind(_ cursors: [JobCursor], under term: Term, now: Timestamp) async throws
    /// Reads runs that are not final, the oldest first, after one of an earlier page, at most `limit`.
    ///
    /// Some may come twice when that one has left the ledger since.
    func activeRuns(after: RunID?, limit: Int) async throws -> [Run]
    /// Reads the runs that are not final and were handed over on a machine.
    func activeRuns(on machine: String) async throws -> [Run]
    func run(_ id: RunID) async throws -> Run?
    /// Finds the run of a job that was asked for under a key, by the cause it has since.
    func run(of job: JobID, cause: Cause) async throws -> Run?
    /// Finds runs whose id begins with these hexadecimal digits, at most `limit`.
    func runs(idPrefix: String, limit: Int) async throws -> [Run]
    /// Finds which ids stand in the ledger beside each of these, which need not be there.
    func neighbours(of ids: [RunID]) async throws -> [RunNeighbours]
    func runs(_ query: RunQuery) async throws -> [Run]
    func skips(_ query: RunQuery) async throws -> [Skip]
    /// Reads the newest runs and skips of each of these jobs, at most so many of both, in the order of the names: what `runs` and
    /// `skips` answer for each of them, at once.
    func recent(of jobs: [String], limit: Int) async throws -> [RecentTimes]
    /// Removes what retention no longer keeps, at most `limit` runs; answers what went, and nothing once nothing is left.
    ///
    /// A store may remember between two calls where it was, so one at a time prunes.
    func prune(
        _ retention: Retention, under term: Term, now: Timestamp, limit: Int
    ) async throws -> [GoneRun]
    /// Gives room that was freed back to the disk, at most so many pages; answers whether there is more.
    func shrink(under term: Term, limit: Int) async throws -> Bool

    // MARK: Notes

    /// Reads one of the small named facts that survive a restart: the pause, the last boot, what feeds said.
    func note(_ key: String) async throws -> String?
    /// Reads all whose keys begin so.
    func notes(withPrefix prefix: String) async throws -> [String: String]
    func setNote(_ key: String, _ value: String?) async throws
    /// Reads a number that grows with each change of any note.
    func notesRevision() async throws -> Int64

    // MARK: The trail of orders

    /// Notes what an order did, and forgets what is older than `keep` microseconds by then.
    func audit(_ entry: AuditEntry, keep: Int64) async throws
    func audits(_ query: AuditQuery) async throws -> [AuditEntry]

    func counts() async throws -> StoreCounts
    /// Counts the runs that ended in the hours from one moment's to another's, whatever retention has removed since.
    func hours(from: Timestamp, to: Timestamp) async throws -> [HourCount]
    /// Says how large it is, and how much room its disk has, where that is on this machine; nil where nobody knows.
    func space() async throws -> StoreSpace?
    func close() async throws
}

/// The newest of what came of a job's times.
public struct RecentTimes: Hashable, Sendable {
    /// What a list shows of a run.
    public struct Line: Hashable, Sendable {
        public var id: RunID
        public var scheduledAt: Timestamp
        public var state: RunState
        public var startedAt: Timestamp?
        public var endedAt: Timestamp?

        public init(
            id: RunID, scheduledAt: Timestamp, state: RunState, startedAt: Timestamp? = nil, endedAt: Timestamp? = nil
        ) {
            self.id = id
            self.scheduledAt = scheduledAt
            self.state = state
            self.startedAt = startedAt
            self.endedAt = endedAt
        }

        public init(_ run: Run) {
            self.init(
                id: run.id, scheduledAt: run.scheduledAt, state: run.state, startedAt: run.startedAt,
                endedAt: run.endedAt)
        }
    }

    public var runs: [Line]
    public var skips: [Skip]

    public init(runs: [Line] = [], skips: [Skip] = []) {
        self.runs = runs
        self.skips = skips
    }
}

extension JobStore {
    public func recent(of jobs: [String], limit: Int) async throws -> [RecentTimes] {
        var all: [RecentTimes] = []
        for job in jobs {
            let query = RunQuery(job: job, limit: limit)
            all.append(RecentTimes(runs: try await runs(query).map { .init($0) }, skips: try await skips(query)))
        }
        return all
    }

    public func space() async throws -> StoreSpace? { nil }
}

/// What reconciliation must know of a job without reading its definition.
public struct StoredJobDigest: Hashable, Sendable {
    public var id: JobID
    public var name: String
    public var source: String
    /// Grows with each change.
    public var revision: Int64
    /// Equal for equal definitions.
    public var digest: UInt64
    /// Its next time, as the store has it; nil when there is none, or the job is off.
    public var nextDue: Timestamp?
    public var standing: Standing?

    public init(
        id: JobID, name: String, source: String, revision: Int64, digest: UInt64, nextDue: Timestamp?,
        standing: Standing? = nil
    ) {
        self.id = id
        self.name = name
        self.source = source
        self.revision = revision
        self.digest = digest
        self.nextDue = nextDue
        self.standing = standing
    }
}
