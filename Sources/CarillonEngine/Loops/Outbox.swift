import CarillonCore

/// What goes to one dispatcher, in order: a cancel never overtakes the dispatch it cancels.
struct Outbox: Sendable {
    enum Item: Sendable {
        /// Decided in this life of the instance; one that is over hands nothing over.
        case dispatch([Outgoing], life: Int)
        case cancel(AttemptID)
        case acknowledge([AttemptID])
        case noted([AttemptID])
    }

    let lane: Lane
    let items: AsyncStream<Item>
    let put: AsyncStream<Item>.Continuation

    init(_ lane: Lane) {
        self.lane = lane
        (items, put) = AsyncStream.makeStream()
    }
}
