import CarillonCore
import CarillonEngine
import CarillonTestSupport
import Logging
import MemoryStore
import Synchronization
import Testing
import Timetable

/// What is said of runs that were told to end and do not.
@Suite(.timeLimit(.minutes(5))) struct StoppingTests {
    private let clock = ManualClock(now: Samples.noon)
    private let store = MemoryStore()

    /// A daemon with one job, whose run has begun.
    private func running(
        _ body: (OrderService<ManualClock>, StubDispatcher) async throws -> Void
    ) async throws {
        let dispatcher = StubDispatcher()
        let service = try await EngineService(
            store: store, dispatchers: [dispatcher], feeds: [], clock: clock, zones: ZoneDatabase(),
            instance: .sample("i"),
            bootID: "b", logger: .silent)
        let desk = OrderService(service, version: "1")
        let serving = Task { try await service.run() }
        defer { serving.cancel() }
        _ = await desk.handle(.put(Samples.job("a", feed: Origin.orders.feed, source: ""), replacing: false))
        guard case .started = await desk.handle(.start("a")) else {
            Issue.record("not started")
            return
        }
        var starts = dispatcher.news.makeAsyncIterator()
        _ = await starts.next()
        try await body(desk, dispatcher)
    }

    /// What an order answers once the grace is over.
    private func answer(_ order: Order, _ desk: OrderService<ManualClock>) async throws -> Reply {
        let reply = Mutex<Reply?>(nil)
        async let asking: Void = {
            let answer = await desk.handle(order)
            reply.withLock { $0 = answer }
        }()
        while reply.withLock({ $0 == nil }) {
            try Task.checkCancellation()
            clock.advance(by: 100_000)
            await Task.yield()
        }
        await asking
        return try #require(reply.withLock { $0 })
    }

    @Test func aStopThatWasNotObeyedIsNoSuccess() async throws {
        try await running { desk, _ in
            guard case .failed(_, let why) = try await answer(.stop("a"), desk) else {
                Issue.record("it is said to be stopped")
                return
            }
            #expect(why == "a is not stopped: 1 run is still ending")
        }
    }

    @Test func aRestartDoesNotStartBesideIt() async throws {
        try await running { desk, dispatcher in
            guard case .failed(_, let why) = try await answer(.restart("a"), desk) else {
                Issue.record("it was started again")
                return
            }
            #expect(why == "a was not started again: 1 run is still ending")
            #expect(dispatcher.dispatched.withLock { $0.count } == 1)
        }
    }

    @Test func aDeleteSaysWhatGoesOn() async throws {
        try await running { desk, _ in
            guard case .done(let said) = try await answer(.delete("a"), desk) else {
                Issue.record("refused")
                return
            }
            #expect(said == "a is deleted; 1 run is going on")
        }
    }
}
