public import CarillonCore
public import Timetable

/// What the outside tells the engine's decisions.
public enum EngineEvent: Sendable {
    /// Time has passed: look what is due.
    case tick
    /// Plan these jobs up to now, whatever the heap says: their definition has changed, or the machine booted.
    case plan([JobID])
    /// The store's answer to `EngineEffect.read`; jobs it does not know are missing.
    case definitions(asked: [JobID], [PlannableJob])
    /// The store's answer to `EngineEffect.readAhead`; without any job when it failed.
    case ahead(asked: [JobID], [PlannableJob])
    case readFailed([JobID], String)
    case opened([JobAdvance], Opened)
    case openFailed([JobAdvance], String)
    /// Runs of the ledger that are not final, with their definitions: found on start, on a sweep, or ordered by hand.
    /// `changed` are those of which the ledger does not say yet what their executor told.
    case adopted([Run], [JobID: CompiledJob], changed: Set<RunID> = [])
    /// The ledger's active runs have been compared, or could not be.
    case swept
    case sweepFailed(String)
    /// What a dispatcher said of a batch.
    case results(lane: Int, [AttemptID], [DispatchResult])
    /// What an executor tells.
    case told([DispatchEvent])
    /// The ledger has these runs as they were at these versions.
    case saved([RunID: UInt32])
    case saveFailed(String)
    /// The ledger has had these as ended for longer: somebody else wrote that.
    case overruled([Run])
    /// Definitions changed in the store.
    case changed([JobCursor])
    /// Cursors as the store has them, or had them a moment ago: set back, or read again.
    case rewound([JobCursor])
    /// These shards are this instance's, with what stands in them; their last holder was there until then.
    case took(Set<Shard>, [JobCursor], since: Timestamp)
    /// These shards are to go: `EngineState.isQuiet` says when they may.
    case leave(Set<Shard>)
    /// They are somebody else's.
    case gave(Set<Shard>)
    /// These machines have an instance in force; `at` is of the clock that runs while this one sleeps.
    case present(Set<String>, at: Int64)
    /// The store has these jobs as halted, or no longer at all.
    case halted([JobID])
    /// Runs that wait because their definition could not be read have one.
    case healed([CompiledJob])
    /// Somebody wants a run to end.
    case cancel(RunID, reason: String)
    /// The wall clock moved by this many microseconds more than time passed, perhaps because the machine slept.
    case clockStepped(by: Int64, isSuspension: Bool = false)
    /// Nobody looked since: the machine or the daemon stood still.
    case stalled(since: Timestamp)
    /// Nothing is to go out, for this reason; nil when it is again.
    case paused(String?)
    /// The same of jobs with a tag.
    case tagPaused(String, String?)
    /// Jobs have these tags from now on, with the runs that wait for them.
    case tagged([JobID: [String]])
    /// Take no more work, and end what runs when told so.
    case shutdown(endRuns: Bool)
}

/// What the engine's decisions want done; each answer comes back as an event.
public enum EngineEffect: Sendable {
    case read([JobID])
    /// These are due soon: `ahead` is the answer. Nothing waits for it.
    case readAhead([JobID])
    case open([JobAdvance])
    case dispatch(lane: Int, [Outgoing])
    case cancel(lane: Int, AttemptID)
    /// Have another machine end an attempt that is under way there.
    case end(machine: String, AttemptID)
    /// `EngineState.unsaved` holds runs the ledger should have.
    case save
    /// The ledger has the end of these attempts.
    case acknowledge(lane: Int, [AttemptID])
    /// The ledger has the start of these attempts.
    case noted(lane: Int, [AttemptID])
    /// Forget these attempts without a word: somebody else sees to them.
    case abandon(lane: Int, [AttemptID])
    /// Find out whose the runs are of which an executor tells, and pass it on.
    case ask([DispatchEvent])
    /// Set back every cursor that lies in the future.
    case rewind
    /// Compare the ledger's active runs with the engine's: an answer of the store was lost.
    case sweep
    /// `EngineState.halting` holds jobs that the store should have as halted; `halted` is the answer.
    case halt
    /// A run of a lane began, so many microseconds after it was handed over; `late` is from its time on, for the first attempt of a
    /// schedule's run: for the metrics.
    case started(lane: Int, late: Int64?, handover: Int64)
    /// A run ended, is tried again or was skipped: for the log and the metrics.
    case report(Run, lane: Int)
}

/// One attempt on its way to the dispatcher of its lane.
public struct Outgoing: Sendable {
    public var attempt: AttemptID
    public var definition: CompiledJob
    public var scheduledAt: Timestamp
    public var arguments: [String: String]?

    public init(
        attempt: AttemptID, definition: CompiledJob, scheduledAt: Timestamp, arguments: [String: String]? = nil
    ) {
        self.attempt = attempt
        self.definition = definition
        self.scheduledAt = scheduledAt
        self.arguments = arguments
    }
}

/// A job as read from the store, with its definition compiled.
public struct PlannableJob: Sendable {
    public var definition: CompiledJob
    /// The definition that its cursor follows, where the present one is still to be taken up.
    public var former: CompiledJob?
    /// When the present one came in its place.
    var changedAt = Timestamp.distantPast
    public var cursor: Timestamp
    public var nextDue: Timestamp?
    public var opened: Int64
    /// Where it stood when it was read.
    let pinned: Shard?

    public init(_ stored: StoredJob, zones: ZoneDatabase) {
        self.init(stored, definition: CompiledJob(stored, zones: zones))
    }

    public init(_ changing: ChangingJob, zones: ZoneDatabase) {
        self.init(
            changing, definition: CompiledJob(changing.job, zones: zones),
            former: CompiledJob(changing.former, zones: zones))
    }

    package init(_ changing: ChangingJob, definition: CompiledJob, former: CompiledJob) {
        self.init(changing.job, definition: definition)
        self.former = former
        changedAt = changing.changedAt
    }

    public init(_ stored: StoredJob, definition: CompiledJob) {
        self.definition = definition
        cursor = stored.cursor
        nextDue = stored.nextDue
        opened = stored.opened
        pinned = stored.pinned
    }

    /// Notes how far the store has it by now; answers the definition that was planned up to there.
    mutating func follow(_ advance: JobAdvance) -> CompiledJob {
        let planned = former ?? definition
        cursor = advance.to
        nextDue = advance.nextDue
        if advance.takesUp { former = nil }
        return planned
    }

    var stored: StoredJob {
        var stored = StoredJob(
            id: definition.id, job: definition.job, revision: definition.revision, cursor: cursor, nextDue: nextDue,
            opened: opened)
        stored.pinned = pinned
        return stored
    }
}
