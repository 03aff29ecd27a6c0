package import CarillonCore
package import Logging
import Synchronization

/// Writes each run's line once, and says at once that it is done.
package final class EchoDispatcher: Dispatcher {
    package var capacity: Int? { nil }
    package let events: AsyncStream<[DispatchEvent]>
    private let tell: AsyncStream<[DispatchEvent]>.Continuation
    private let settings: EchoSettings
    private let clock: any EngineClock
    private let logger: Logger
    /// Attempts whose end the ledger does not have yet, as far as this process knows.
    private let written = Mutex<Set<AttemptID>>([])

    package init(_ settings: EchoSettings, clock: any EngineClock, logger: Logger) {
        self.settings = settings
        self.clock = clock
        self.logger = logger
        (events, tell) = AsyncStream.makeStream()
    }

    package func dispatch(_ batch: [Dispatch<EchoTarget>]) async -> [DispatchResult] {
        batch.map { dispatch in
            guard written.withLock({ $0.insert(dispatch.attempt).inserted }) else { return .known }
            logger.notice("\(settings.before)\(dispatch.target.line)", metadata: ["job": "\(dispatch.job)"])
            tell.yield([DispatchEvent(attempt: dispatch.attempt, at: clock.now, what: .succeeded(Outcome()))])
            return .accepted
        }
    }

    /// Whether the last process wrote a line nobody can tell, so one that may be out is lost.
    package func adopt(_ outstanding: [Run]) async -> [AttemptID] {
        let lost = outstanding.map { AttemptID(run: $0.id, attempt: $0.attempt) }
        if !lost.isEmpty {
            tell.yield(
                lost.map {
                    DispatchEvent(attempt: $0, at: clock.now, what: .lost("the daemon ended before it was told"))
                })
        }
        return []
    }

    /// A line that is written stays written.
    package func cancel(_ attempt: AttemptID, grace: Int64) async {}

    package func acknowledge(_ attempts: [AttemptID]) async { written.withLock { $0.subtract(attempts) } }

    package func forget(_ runs: [GoneRun]) async {}

    package func shutdown() async { tell.finish() }

    package func health() async -> DispatcherHealth { DispatcherHealth() }
}
