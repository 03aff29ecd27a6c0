import BusDispatcher
import CarillonConfiguration
import CarillonCore
import ControlAPI
import Timetable

/// A job as Simple Scheduler's API has it. Lengths of time are milliseconds; 0 is none, and of the interval a job that runs once.
struct SeedJob: Encodable {
    var name: String
    var enabled: Bool
    /// Its next time; of a job that has none any more it is not written.
    var nextRunAt: WireTime?
    var interval: Int64
    var runExecutionTimeout: Int64
    var runStartTimeout: Int64
    var maxQueueCount: Int64
    var allowConcurrentRuns: Bool
    var heartbeatTimeout: Int64

    /// Nil for a job that this API cannot show: one for no bus, or with another schedule than an interval or a time.
    init?(_ stored: StoredJob) {
        let job = stored.job
        guard job.target.kind == BusTarget.kind, stored.fault == nil else { return nil }
        switch job.schedule.rule {
        case .every(let text, _):
            guard let span = try? Span.parse(text) else { return nil }
            interval = span / 1_000
        case .once: interval = 0
        default: return nil
        }
        name = job.name
        enabled = job.isOn
        nextRunAt = stored.nextDue.map { WireTime($0) }
        let milliseconds = { (microseconds: Int64?) in (microseconds ?? 0) / 1_000 }
        runExecutionTimeout = milliseconds(job.policies.timeout)
        runStartTimeout = milliseconds(job.policies.startTimeout)
        heartbeatTimeout = milliseconds(job.policies.heartbeatTimeout)
        maxQueueCount = Int64(job.policies.maxQueue ?? 0)
        allowConcurrentRuns = job.policies.overlap == .allow
    }

    /// Reads a body onto a job: of one that is there, what is not given stays. Throws `APIError` with every field that is wrong.
    static func job(_ call: Call, onto known: StoredJob?, now: Timestamp) throws -> Job {
        var table = try call.table()
        // What its own programs send along, and what only they need.
        for key in ["heartbeat", "managerId"] { _ = table.value(key) }
        let given = table.string("name")
        if known == nil, given == nil { table.complain("name", "is missing") }
        if let given, let known, Job.canonical(given) != known.job.name {
            table.complain("name", "is '\(known.job.name)' and cannot be changed")
        }
        if let given, let fault = Job.fault(inName: given) { table.complain("name", fault) }
        var job = known?.job ?? SeedValues.job(named: given ?? "")
        job.standing = nil
        readSchedule(&table, known, &job, now: now)
        SeedValues(&table).put(on: &job)
        table.finish()
        guard table.problems.isEmpty else { throw APIError(table.problems) }
        return job
    }

    /// Reads when it runs: at nextRunAt + k × interval, the first time from now on.
    private static func readSchedule(
        _ table: inout ConfigTable, _ known: StoredJob?, _ job: inout Job, now: Timestamp
    ) {
        let interval = table.integer("interval", in: 0...SeedValues.longest)
        let isTimed = table.has("nextRunAt")
        // What Go writes for no time.
        let text = table.string("nextRunAt").flatMap { $0.hasPrefix("0001-01-01T00:00:00") ? nil : $0 }
        let time = text.flatMap { Timestamp(rfc3339: $0) }
        if isTimed, time == nil, text != nil {
            table.complain("nextRunAt", "expected a time such as 2026-11-22T19:00:00Z")
        }
        guard known == nil || interval != nil || isTimed else { return }
        let before = known.flatMap { SeedJob($0) }
        let span = interval ?? before?.interval ?? 0
        guard span > 0 else {
            guard let start = time ?? known?.nextDue else {
                table.complain("nextRunAt", "is missing: a job without an interval runs once, at that time")
                return
            }
            // One that is due at once is not over by the time it is added.
            return SeedValues.schedule(&job, from: max(start, now.adding(microseconds: 1_000_000)), every: 0)
        }
        if time == nil, case .every(_, let former)? = known?.job.schedule.rule {
            job.schedule.rule = .every(Span.format(span * 1_000), anchor: former)
            return
        }
        let start = time ?? known?.nextDue ?? now
        if start > now { return SeedValues.schedule(&job, from: start, every: span) }
        job.schedule.startsAt = nil
        job.schedule.rule = .every(Span.format(span * 1_000), anchor: start)
    }
}

extension SeedValues {
    /// Reads what a body says of a job beside its name and its times.
    fileprivate init(_ table: inout ConfigTable) {
        self.init()
        enabled = table.bool("enabled")
        runExecutionTimeout = table.integer("runExecutionTimeout", in: 0...Self.longest)
        runStartTimeout = table.integer("runStartTimeout", in: 0...Self.longest)
        heartbeatTimeout = table.integer("heartbeatTimeout", in: 0...Self.longest)
        maxQueueCount = table.integer("maxQueueCount", in: 0...Self.mostPending)
        allowConcurrentRuns = table.bool("allowConcurrentRuns")
    }
}

extension SeedJob {
    private static let milliseconds = Schema.whole(from: 0, through: SeedValues.longest)
    private static let lengths = [
        "interval", "runExecutionTimeout", "runStartTimeout", "maxQueueCount", "heartbeatTimeout",
    ]

    static let schema = Schema.object(
        "SeedJob",
        [
            .init("name", .text()), .init("enabled", .truth), .init("nextRunAt", .time, isRequired: false),
            .init("allowConcurrentRuns", .truth),
        ] + lengths.map { .init($0, milliseconds) })

    /// What may be given; of these `name` is needed for a new one.
    private static func given(needsName: Bool) -> Schema {
        .object(
            nil,
            [
                .init("name", .text(), isRequired: needsName), .init("enabled", .truth, isRequired: false),
                .init("nextRunAt", .text(), isRequired: false), .init("allowConcurrentRuns", .truth, isRequired: false),
                .init("heartbeat", .anything, isRequired: false), .init("managerId", .anything, isRequired: false),
            ]
                + lengths.map {
                    .init(
                        $0, $0 == "maxQueueCount" ? .whole(from: 0, through: SeedValues.mostPending) : milliseconds,
                        isRequired: false)
                })
    }

    static let body = Endpoint.Body(
        given(needsName: true), example: #"{"name":"report","nextRunAt":"2026-11-27T09:00:00Z","interval":86400000}"#)
    static let change = Endpoint.Body(given(needsName: false), example: #"{"enabled":false}"#)
}

/// A time as RFC 3339 writes it.
struct WireTime: Encodable {
    let time: Timestamp

    init(_ time: Timestamp) { self.time = time }

    func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        try value.encode(time.rfc3339)
    }
}
