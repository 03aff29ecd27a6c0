import CarillonCore

/// What goes to one dispatcher, in order: a cancel never overtakes the dispatch it cancels.
struct Outbox: Sendable {
    enum Item: Sendable {
        case dispatch([Dispatch])
        case cancel(AttemptID)
        case acknowledge([AttemptID])
    }

    let dispatcher: any Dispatcher
    let items: AsyncStream<Item>
    let put: AsyncStream<Item>.Continuation

    init(_ dispatcher: any Dispatcher) {
        self.dispatcher = dispatcher
        (items, put) = AsyncStream.makeStream()
    }
}
