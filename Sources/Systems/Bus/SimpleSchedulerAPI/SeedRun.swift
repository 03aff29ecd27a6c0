import CarillonCore
import ControlAPI
import Timetable

/// A run as Simple Scheduler's API has it; a time that is not set yet is not written.
struct SeedRun: Encodable {
    var id: String
    var jobName: String
    /// `pending`, `running`, `cancelling`, `cancelled`, `completed` or `failed`.
    var status: String
    var createdTime: WireTime
    var startTime: WireTime?
    var endTime: WireTime?
    var heartbeat: WireTime?

    init(_ run: Run) {
        id = run.id.description
        jobName = run.job
        status = run.state.rawValue
        createdTime = WireTime(run.createdAt)
        startTime = run.startedAt.map { WireTime($0) }
        endTime = run.endedAt.map { WireTime($0) }
        heartbeat = run.heartbeatAt.map { WireTime($0) }
    }
}

extension SeedRun {
    static let schema = Schema.object(
        "SeedRun",
        [
            .init("id", .text()), .init("jobName", .text()),
            .init("status", .words(RunState.allCases.filter { $0 != .skipped }.map(\.rawValue))),
            .init("createdTime", .time), .init("startTime", .time, isRequired: false),
            .init("endTime", .time, isRequired: false), .init("heartbeat", .time, isRequired: false),
        ])
}
