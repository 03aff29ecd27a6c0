import DequeModule

/// A bus inside this process, for an embedded daemon whose workers are parts of the same program, and for tests.
///
/// It keeps what it has for as long as it lives, over any number of lines, as a broker does.
public actor InProcessBus: MessageBus {
    public nonisolated let address = "the bus of this process"

    private struct Message {
        var tag: UInt64
        var delivery: BusDelivery
    }

    private var lastTag: UInt64 = 0
    private var actions: [JobPlace: Deque<BusAction>] = [:]
    private var workers: [JobPlace: [Int: AsyncStream<BusAction>.Continuation]] = [:]
    private var lastWorker = 0
    /// What workers tell, in its order, until somebody listens.
    private var words: [String: Deque<BusDelivery>] = [:]
    /// What was delivered and is not settled.
    private var unsettled: [UInt64: BusDelivery] = [:]
    private var faults: [String: String] = [:]
    /// A daemon has left its mark.
    public private(set) var isMarked = false
    private var outage: String?
    /// The present line.
    private var line: (id: Int, heard: Set<String>, give: AsyncStream<[BusDelivery]>.Continuation)?
    private var lastLine = 0

    public init() {}

    public func connect() async throws(BusError) -> any BusLine {
        if let outage { throw BusError(outage, isLost: true) }
        line?.give.finish()
        lastLine += 1
        let (deliveries, give) = AsyncStream.makeStream(of: [BusDelivery].self)
        line = (lastLine, [], give)
        // What the last line had comes again, before all else.
        for var delivery in unsettled.values.sorted(by: { $0.tag > $1.tag }) {
            delivery.isRepeated = true
            words[delivery.job, default: []].prepend(delivery)
        }
        unsettled = [:]
        return InProcessLine(bus: self, id: lastLine, deliveries: deliveries)
    }

    public var isConnected: Bool { line != nil }
    /// Jobs whose workers somebody listens to.
    public var heard: Set<String> { line?.heard ?? [] }

    // MARK: Workers

    /// Works for a job: answers its actions, from now on with `exchanges`, or those that wait, too, with `queues`, where each
    /// goes to one worker only.
    public func work(for place: JobPlace) -> AsyncStream<BusAction> {
        let (stream, new) = AsyncStream.makeStream(of: BusAction.self)
        lastWorker += 1
        workers[place, default: [:]][lastWorker] = new
        let waiting = actions.removeValue(forKey: place) ?? []
        for action in waiting { new.yield(action) }
        return stream
    }

    /// Tells something as a worker does: a status, or with `isHeartbeat` a sign of life.
    public func tell(_ body: [UInt8], of job: String, isHeartbeat: Bool = false) {
        lastTag += 1
        words[job, default: []].append(
            BusDelivery(job: job, kind: isHeartbeat ? .heartbeat : .status, tag: lastTag, body: body))
        deliver(job)
    }

    // MARK: Troubles

    /// Ends the line, and lets no other come about while there is a reason.
    public func cut(_ why: String?) {
        outage = why
        line?.give.finish()
        line = nil
    }

    /// Does not like a job, for a reason, or likes it again without one.
    public func refuse(_ job: String, _ why: String?) { faults[job] = why }

    /// How much waits to be taken in or settled.
    public var unread: Int { words.values.reduce(unsettled.count) { $0 + $1.count } }

    /// Forgets what waits for a job's workers, as a broker does whose disk was lost, or from which somebody deleted a queue; with
    /// `isRemade` a worker was there first, and nothing looks new.
    public func lose(_ place: JobPlace, isRemade: Bool = false) {
        actions[place] = isRemade ? [] : nil
        if isRemade { isMarked = false }
    }

    /// Lets nobody listen to a job's workers any more, as a broker does whose queues somebody deletes.
    public func silence(_ job: String) {
        guard line?.heard.remove(job) != nil else { return }
        line?.give.yield([BusDelivery(job: job, kind: .unheard, tag: 0, body: [])])
    }

    // MARK: The line's side

    fileprivate func declare(_ place: JobPlace, on asking: Int) throws(BusError) -> Bool {
        try check(asking)
        if let fault = faults[place.job] { throw BusError(fault, isLost: false) }
        let isNew = place.topology == .queues && actions[place] == nil && (workers[place] ?? [:]).isEmpty
        if isNew { actions[place] = [] }
        line?.heard.insert(place.job)
        deliver(place.job)
        return isNew
    }

    private func check(_ asking: Int) throws(BusError) {
        guard line?.id == asking else { throw BusError("the line is closed", isLost: true) }
    }

    fileprivate func isMarked(on asking: Int) throws(BusError) -> Bool {
        try check(asking)
        return isMarked
    }

    fileprivate func mark(on asking: Int) throws(BusError) {
        try check(asking)
        isMarked = true
    }

    fileprivate func publish(_ batch: [BusAction], on asking: Int) -> [BusAnswer] {
        guard line?.id == asking else { return batch.map { _ in .lost("the line is closed") } }
        return batch.map { action in
            let takers = workers[action.place] ?? [:]
            switch action.place.topology {
            case .exchanges:
                if takers.isEmpty { return .refused("no worker listens to \(action.place)") }
                for taker in takers.values { taker.yield(action) }
            case .queues:
                if let taker = takers.min(by: { $0.key < $1.key })?.value {
                    taker.yield(action)
                } else {
                    actions[action.place, default: []].append(action)
                }
            }
            return .confirmed
        }
    }

    private func deliver(_ job: String) {
        guard let line, line.heard.contains(job), let found = words.removeValue(forKey: job) else { return }
        for delivery in found { unsettled[delivery.tag] = delivery }
        line.give.yield(Array(found))
    }

    fileprivate func settle(_ settled: [(tag: UInt64, verdict: BusVerdict)], on asking: Int) throws(BusError) {
        try check(asking)
        for (tag, verdict) in settled {
            guard var delivery = unsettled.removeValue(forKey: tag), verdict == .giveBack else { continue }
            delivery.isRepeated = true
            words[delivery.job, default: []].prepend(delivery)
            deliver(delivery.job)
        }
    }

    fileprivate func close(_ asking: Int) {
        guard line?.id == asking else { return }
        line?.give.finish()
        line = nil
    }

    fileprivate func depth(of place: JobPlace) -> BusDepth {
        BusDepth(waiting: actions[place]?.count ?? 0, workers: workers[place]?.count ?? 0)
    }
}

private struct InProcessLine: BusLine {
    let bus: InProcessBus
    let id: Int
    let deliveries: AsyncStream<[BusDelivery]>

    var blockage: String? { nil }

    func declare(_ place: JobPlace, isSuspect: Bool) async throws(BusError) -> Bool {
        try await bus.declare(place, on: id)
    }

    func isMarked() async throws(BusError) -> Bool { try await bus.isMarked(on: id) }

    func mark() async throws(BusError) { try await bus.mark(on: id) }

    func publish(_ actions: [BusAction]) async -> [BusAnswer] { await bus.publish(actions, on: id) }

    func listen(_ take: @escaping @Sendable ([BusDelivery]) async -> Void) async throws(BusError) {
        for await batch in deliveries { await take(batch) }
        throw BusError("the line is closed", isLost: true)
    }

    func settle(_ settled: [(tag: UInt64, verdict: BusVerdict)]) async throws(BusError) {
        try await bus.settle(settled, on: id)
    }

    func depth(of place: JobPlace) async throws(BusError) -> BusDepth? { await bus.depth(of: place) }

    func close() async { await bus.close(id) }
}
