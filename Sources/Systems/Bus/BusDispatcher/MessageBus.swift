/// A bus that carries messages to workers and back: RabbitMQ, or one inside this process. Another is a folder with these two
/// protocols; run `DispatcherConformance` over a `BusDispatcher` on it.
public protocol MessageBus: Sendable {
    /// Where it is, for people, without a password.
    var address: String { get }

    /// Connects once. Throws when the bus is out of reach, or does not want us.
    func connect() async throws(BusError) -> any BusLine
}

/// One connection to a bus. Once a call of it has thrown an error that `isLost`, it is good for nothing any more.
public protocol BusLine: Sendable {
    /// Makes what a job needs on the bus, unless it is there, and listens to its workers from now on. Answers whether what its
    /// actions wait in is new, so that what was in it before is gone.
    ///
    /// Throws an error that is not `isLost` when the bus does not like this place; all others go on. A place with which the last
    /// line was lost `isSuspect`: it is tried in a way that costs no other place anything.
    func declare(_ place: JobPlace, isSuspect: Bool) async throws(BusError) -> Bool

    /// Whether the bus has our mark, and so all that it had when it was left: a bus whose disk was lost has not, however much
    /// workers have declared on it anew.
    func isMarked() async throws(BusError) -> Bool

    /// Leaves the mark, which lasts as long as what the bus keeps on its disk.
    func mark() async throws(BusError)

    /// Hands actions over, and answers for each whether the bus has it for certain. An order of messages of one job is kept.
    func publish(_ actions: [BusAction]) async -> [BusAnswer]

    /// Gives `take` what workers tell, batch by batch, until the line is lost, which it throws, or its task is cancelled. Of
    /// what was given and not settled, the bus has a bounded number on its way.
    func listen(_ take: @escaping @Sendable ([BusDelivery]) async -> Void) async throws(BusError)

    /// Settles deliveries; one that is not comes again on the next line.
    func settle(_ settled: [(tag: UInt64, verdict: BusVerdict)]) async throws(BusError)

    /// Counts what waits for a job's workers, and those who listen; nil where the bus cannot say.
    func depth(of place: JobPlace) async throws(BusError) -> BusDepth?

    /// Why the bus takes nothing at the moment, although it is there; nil when it does.
    var blockage: String? { get async }

    func close() async
}

/// Whether a daemon has ever left its mark on a bus, kept where the daemon has its state.
public struct BusMarks: Sendable {
    public var wasLeft: @Sendable () -> Bool
    public var note: @Sendable () -> Void

    public init(wasLeft: @escaping @Sendable () -> Bool, note: @escaping @Sendable () -> Void) {
        self.wasLeft = wasLeft
        self.note = note
    }

    /// Of a daemon that has its store alone: whatever is out went out from it.
    public static let always = BusMarks(wasLeft: { true }, note: {})
}

/// What a job uses of a bus.
public struct JobPlace: Hashable, Sendable, CustomStringConvertible {
    public var job: String
    public var topology: BusTarget.Topology

    public init(job: String, topology: BusTarget.Topology) {
        self.job = job
        self.topology = topology
    }

    /// `scheduler.job.N`, as Simple Scheduler names it; what belongs to it has a suffix.
    public var name: String { "scheduler.job.\(job)" }

    public var description: String { name }
}

/// What a bus did not do.
public struct BusError: Error, Hashable, Sendable, CustomStringConvertible {
    public var message: String
    /// The connection is over.
    public var isLost: Bool

    public init(_ message: String, isLost: Bool) {
        self.message = message
        self.isLost = isLost
    }

    public var description: String { message }
}

/// A message to a job's workers.
public struct BusAction: Hashable, Sendable {
    public var place: JobPlace
    /// Workers that drop what they have seen before tell messages apart by it.
    public var id: String
    /// Beside it: the trace that it belongs to.
    public var traceparent: String
    /// JSON.
    public var body: [UInt8]

    public init(place: JobPlace, id: String, traceparent: String, body: [UInt8]) {
        self.place = place
        self.id = id
        self.traceparent = traceparent
        self.body = body
    }
}

/// What became of an action.
public enum BusAnswer: Hashable, Sendable {
    /// The bus has it for certain.
    case confirmed
    /// Nobody has it, for this reason; others may go.
    case refused(String)
    /// What the job needs on the bus is not there: it is to be declared anew.
    case missing(String)
    /// The line is lost; it may be there or not.
    case lost(String)
}

/// Something that a worker tells, or that the bus tells of a job's workers.
public struct BusDelivery: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case status, heartbeat
        /// Nobody listens to the job's workers any more: what it needs is to be declared anew. Nothing to settle.
        case unheard
    }

    /// Of this job.
    public var job: String
    public var kind: Kind
    /// Names it on its line.
    public var tag: UInt64
    public var body: [UInt8]
    /// It came before, and was not settled.
    public var isRepeated: Bool

    public init(job: String, kind: Kind, tag: UInt64, body: [UInt8], isRepeated: Bool = false) {
        self.job = job
        self.kind = kind
        self.tag = tag
        self.body = body
        self.isRepeated = isRepeated
    }
}

/// What is to become of a delivery.
public enum BusVerdict: Hashable, Sendable {
    case accept
    /// Nobody can do anything with it.
    case discard
    /// It comes again, to whoever listens.
    case giveBack
}

public struct BusDepth: Hashable, Sendable, Encodable {
    /// Actions that no worker has.
    public var waiting: Int
    public var workers: Int

    public init(waiting: Int, workers: Int) {
        self.waiting = waiting
        self.workers = workers
    }
}
