public import CarillonCore

/// What a worker is to call, as it is written for it, and where.
public struct RQCall: Sendable {
    public var attempt: AttemptID
    /// Without the prefix that a whole site's queues may have.
    public var queue: String
    /// The call in its serializer's form, as RQ keeps it in a job's `data`.
    public var data: [UInt8]
    /// What its worker reads that with.
    public var serializer: RQTarget.Serializer
    /// What the worker logs.
    public var description: String
    /// Seconds; -1 means never.
    public var timeout: Int64
    /// Seconds that Redis keeps a result; 0 keeps none, -1 for ever.
    public var resultTTL: Int64

    public init(
        attempt: AttemptID, queue: String, data: [UInt8], serializer: RQTarget.Serializer = .pickle,
        description: String, timeout: Int64, resultTTL: Int64 = RQTarget.defaultResultTTL
    ) {
        self.attempt = attempt
        self.queue = queue
        self.data = data
        self.serializer = serializer
        self.description = description
        self.timeout = timeout
        self.resultTTL = resultTTL
    }

    init(_ dispatch: Dispatch<RQTarget>) {
        let target = dispatch.target
        self.init(
            attempt: dispatch.attempt, queue: target.queue,
            data: target.serializer == .pickle ? PickleWriter.call(target) : JSONCall.call(target),
            serializer: target.serializer,
            description: CallText.describe(target), timeout: target.timeout, resultTTL: target.resultTTL)
    }
}
