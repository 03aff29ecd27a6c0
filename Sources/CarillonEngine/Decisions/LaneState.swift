import CarillonCore
import DequeModule
import Timetable

/// One dispatcher, as the decisions see it: what waits for it and what it has.
public struct LaneState: Sendable {
    /// How many attempts may be out at once; nil means unbounded.
    public var capacity: Int?
    /// Its runs live on this machine, and a stop of the daemon may end them.
    public var isBound: Bool
    /// How long the machine of a run may be away, in microseconds.
    public var lostAfter: Int64
    /// It hands over for certain, and wants to know of starts that the ledger has.
    public var isConfirming: Bool
    /// Runs that may go out, in the order they are to.
    var queue = Deque<RunID>()
    /// Attempts handed over and not ended.
    var out = 0
    /// Batches that went to it, and that came back.
    var sent = 0
    var answered = 0
    /// Batches on their way.
    var dispatching: Int { sent - answered }
    var outage: Outage?

    public init(
        capacity: Int? = nil, isBound: Bool = false, lostAfter: Int64 = 120_000_000, isConfirming: Bool = false
    ) {
        self.capacity = capacity
        self.isBound = isBound
        self.lostAfter = lostAfter
        self.isConfirming = isConfirming
    }

    /// Says how many more may go out in one batch.
    func room(_ limits: EngineState.Limits) -> Int {
        // One run asks whether the dispatcher is back, so that the others need not go to and fro.
        let most = outage == nil ? limits.mostDispatched : 1
        return min(most, (capacity ?? .max) - out)
    }

    /// Whether another batch may go: a dispatcher has one; in a burst a second waits at its door.
    func mayDispatch(_ limits: EngineState.Limits) -> Bool {
        switch dispatching {
        case 0: true
        case 1: outage == nil && queue.count >= limits.fullBatch
        default: false
        }
    }
}
