public import CarillonCore

/// Collects what a dispatcher tells, so that a test can wait for it.
public actor DispatcherProbe<Probed: Dispatcher> {
    public nonisolated let dispatcher: Probed
    public private(set) var seen: [DispatchEvent] = []
    public private(set) var hasEnded = false
    private var waiters = Waiters<(seen: [DispatchEvent], hasEnded: Bool)>()

    public init(_ dispatcher: Probed) {
        self.dispatcher = dispatcher
        Task { [self] in
            let work = Task { await dispatcher.run() }
            for await batch in dispatcher.events { await take(batch) }
            work.cancel()
            await end()
        }
    }

    /// Answers the events of one attempt, in the order they were told.
    public func events(of attempt: AttemptID) -> [DispatchEvent] { seen.filter { $0.attempt == attempt } }

    /// Waits for an attempt's start.
    public func start(of attempt: AttemptID) async -> DispatchEvent? {
        await first { $0.attempt == attempt && !$0.what.isEnd }
    }

    /// Waits for the first that is told of an attempt.
    public func event(of attempt: AttemptID) async -> DispatchEvent? { await first { $0.attempt == attempt } }

    /// Waits for an attempt's end; with `times`, until it was told so often.
    @discardableResult
    public func end(of attempt: AttemptID, times: Int = 1) async -> DispatchEvent.What? {
        let isEnd: @Sendable (DispatchEvent) -> Bool = { $0.attempt == attempt && $0.what.isEnd }
        await wait { $0.count(where: isEnd) >= times }
        return seen.last(where: isEnd)?.what
    }

    /// Waits for the next that closes an attempt: its end, or that nothing was started; `after` so many of them.
    public func final(of attempt: AttemptID, after count: Int) async -> DispatchEvent.What? {
        let isFinal: @Sendable (DispatchEvent) -> Bool = { $0.attempt == attempt && $0.what.isFinal }
        await wait { $0.count(where: isFinal) > count }
        return seen.filter(isFinal).dropFirst(count).first?.what
    }

    /// Waits for an attempt's end and forgets its events, for tests of many thousands.
    public func forget(_ attempt: AttemptID) async -> DispatchEvent.What? {
        defer { seen.removeAll { $0.attempt == attempt } }
        return await end(of: attempt)
    }

    /// Waits until the dispatcher's events end.
    public func ended() async { await wait { _ in false } }

    private func first(where matches: @escaping @Sendable (DispatchEvent) -> Bool) async -> DispatchEvent? {
        await wait { $0.contains(where: matches) }
        return seen.first(where: matches)
    }

    /// Waits until its events are such, or end.
    private func wait(until isMet: @escaping @Sendable ([DispatchEvent]) -> Bool) async {
        if isMet(seen) || hasEnded { return }
        await waiters.add { $0.hasEnded || isMet($0.seen) }.ended()
    }

    private func take(_ batch: [DispatchEvent]) {
        // A word about the way, not about the attempt.
        seen += batch.filter { $0.what != .unheard }
        waiters.wake((seen, hasEnded))
    }

    private func end() {
        hasEnded = true
        waiters.wake((seen, hasEnded))
    }
}

extension DispatchEvent.What {
    /// Nothing more comes of what was sent.
    public var isFinal: Bool { if case .unsent = self { true } else { isEnd } }

    /// No other end can follow.
    public var isEnd: Bool {
        switch self {
        case .started, .heartbeat, .forgotten, .unsent, .unstarted, .unheard: false
        case .succeeded, .failed, .cancelled, .lost: true
        }
    }
}
