import CarillonCore
import Timetable

/// A run that is not final, or whose end the ledger does not have yet.
struct TrackedRun: Sendable {
    var run: Run
    var definition: CompiledJob
    /// Grows with every change of the run.
    var version: UInt32 = 0
    /// The version the ledger has.
    var saved: UInt32 = 0
    /// The attempt the ledger has for certain.
    var savedAttempt: Int
    /// The attempt that went to a dispatcher which confirms, and has no answer yet.
    var unanswered: Int?
    /// The attempt that is handed over as soon as the ledger has that it is.
    var awaitsMark: Int?
    /// The attempt whose start the ledger has, as far as its dispatcher was told.
    var notedStart = 0
    /// It stands in the queue of its dispatcher.
    var queued = false
    /// It has its turn among the runs of its job that are caught up at a rate.
    var isPaced = false
    /// How often its dispatcher could not take it, and took others.
    var rebuffs = 0
    /// The last sign of life. It moves along when the wall clock jumps, as timers do; what the ledger says does not.
    var sign: Timestamp?
    /// When the start time-out of its present dispatch rings, which moves with the wall clock too; one that rings before is of an
    /// earlier one.
    var startBy: Timestamp?
    /// Before this a time-out waits: nobody could hear of the run until just now.
    var countsFrom: Timestamp?

    /// Microseconds in which what was told meanwhile comes in.
    private static let hearing: Int64 = 10_000_000

    init(run: Run, definition: CompiledJob) {
        self.run = run
        self.definition = definition
        savedAttempt = run.attempt
    }

    /// Lets its silence count from now on only.
    mutating func listen(anew now: Timestamp) {
        sign = now
        countsFrom = now.adding(microseconds: Self.hearing)
    }

    var isSaved: Bool { version == saved }

    /// As the ledger is to have it: what has no answer yet is out for nobody.
    var forLedger: Run {
        guard unanswered == run.attempt, run.state == .pending else { return run }
        var run = run
        run.dispatchedAt = nil
        return run
    }

    /// This attempt is in the ledger, so it may go out.
    var isInLedger: Bool { savedAttempt == run.attempt }

    var attempt: AttemptID { AttemptID(run: run.id, attempt: run.attempt) }

    /// Handed to its dispatcher, and not ended.
    var isOut: Bool { run.dispatchedAt != nil && !run.state.isFinal }

    var lane: Int { definition.lane }

    /// Whether nothing stands against the dispatch of this run, which is new to the engine.
    func isReady(_ now: Timestamp) -> Bool {
        run.state == .pending && run.dispatchedAt == nil && run.notBefore <= now && !takesTurns
    }

    /// Of a time long past, and nobody has it yet: what the schedule brings meanwhile goes first, as if it were not there.
    var givesPrecedence: Bool { run.trigger == .backfill && run.dispatchedAt == nil && !queued }

    /// Runs of such a job go one at a time, in their order.
    var takesTurns: Bool { definition.job.policies.overlap != .allow }

    /// What there is to say of its start.
    var start: EngineEffect {
        let started = run.startedAt ?? run.createdAt
        let isFirst = run.attempt == 1 && run.trigger == .schedule
        return .started(
            lane: lane, late: isFirst ? started.microseconds &- run.notBefore.microseconds : nil,
            handover: started.microseconds &- (run.dispatchedAt ?? started).microseconds)
    }
}
