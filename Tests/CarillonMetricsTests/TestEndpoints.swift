import CarillonConfiguration
import CarillonCore
import CarillonEngine
import CarillonMetrics
import CarillonTestSupport
import ControlAPI
import MemoryStore
import SimpleSchedulerAPI
import Timetable

/// All that a daemon serves.
enum TestEndpoints {
    private struct NoFormat: Error {}

    static func all(_ rig: Rig) -> [Endpoint] {
        let desk = OrderService(rig.service, version: "1")
        let handle: @Sendable (Order, Caller) async -> Reply = { await desk.handle($0, from: $1) }
        let format = JobFormat(
            read: { _ in throw NoFormat() }, write: { _ in throw NoFormat() }, readSchedule: { _ in throw NoFormat() },
            zones: ZoneDatabase(), isProgram: { _ in false }, takesPrograms: false)
        return APIDescription.adding(
            to: Endpoint.ofDaemon(handle) + CarillonAPI(format, handle).endpoints
                + LiveAPI(EventLog(life: 1), rig.clock, handle).endpoints
                + SimpleSchedulerAPI(rig.store, rig.clock, handle).endpoints + [.metrics(rig.registry, isOpen: true)])
    }
}
