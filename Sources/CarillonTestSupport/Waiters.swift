/// Whoever waits for a state to be reached. A task that is cancelled waits no longer, which is how a time limit ends a test.
public struct Waiters<State>: Sendable {
    private var waiting: [(isMet: @Sendable (State) -> Bool, end: AsyncStream<Never>.Continuation)] = []

    public init() {}

    /// Answers a stream that ends once `wake` is called with such a state.
    public mutating func add(_ isMet: @escaping @Sendable (State) -> Bool) -> AsyncStream<Never> {
        let (silence, end) = AsyncStream.makeStream(of: Never.self)
        waiting.append((isMet, end))
        return silence
    }

    /// Wakes everybody who waits for this state.
    public mutating func wake(_ state: State) {
        for waiter in waiting where waiter.isMet(state) { waiter.end.finish() }
        waiting.removeAll { $0.isMet(state) }
    }
}

extension AsyncStream<Never> {
    /// Waits until it ends or the task is cancelled.
    public func ended() async { for await _ in self {} }
}
