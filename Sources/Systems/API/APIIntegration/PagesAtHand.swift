import CarillonCore
import Dashboard
import ServiceLifecycle

/// Lets the pages find out what takes long before somebody comes to see it.
struct PagesAtHand<Clock: EngineClock>: Service {
    let dashboard: Dashboard<Clock>

    func run() async throws { await cancelWhenGracefulShutdown { await dashboard.keepAtHand() } }
}
