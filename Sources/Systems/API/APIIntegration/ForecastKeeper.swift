import CarillonCore
import CarillonDaemon
import CarillonEngine
import ServiceLifecycle
import Timetable

/// Has the schedules of all jobs counted before somebody asks for a forecast: of a million jobs that takes a second.
struct ForecastKeeper<Clock: EngineClock>: Service {
    /// Microseconds between two counts, at the least; at most a hundredth of the time is spent on them.
    private static var pause: Int64 { 60_000_000 }

    private let desk: OrderHandler
    private let clock: Clock

    init(_ desk: @escaping OrderHandler, _ clock: Clock) {
        self.desk = desk
        self.clock = clock
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let begun = clock.uptime
                let query = ForecastQuery(until: clock.now.adding(microseconds: 1_000_000), parts: 0)
                _ = await desk(.forecast(query), Caller(channel: "page"))
                do { try await clock.sleep(for: max(Self.pause, 99 * (clock.uptime - begun))) } catch { return }
            }
        }
    }
}
