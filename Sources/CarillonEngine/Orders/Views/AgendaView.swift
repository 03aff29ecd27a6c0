import CarillonCore
public import Timetable

/// Which coming times a person wants to see.
public struct AgendaQuery: Hashable, Sendable, Codable {
    /// Names or patterns; empty for all.
    public var names: [String]
    public var tags: [String]
    /// Nil for now.
    public var from: Timestamp?
    public var until: Timestamp
    /// Lines, the first ones.
    public var limit: Int

    public init(
        names: [String] = [], tags: [String] = [], from: Timestamp? = nil, until: Timestamp, limit: Int = 50
    ) {
        self.names = names
        self.tags = tags
        self.from = from
        self.until = until
        self.limit = limit
    }
}

/// A time to come, or all times to come of a job that has many; `--json` prints it as it stands here.
public struct AgendaView: Hashable, Sendable, Codable {
    /// More times of one job than this are one line.
    static let mostApart = 12
    /// What is counted of a job's times; then it is "at least".
    static let mostCounted = 1_000_000

    public var at: Timestamp
    public var job: String
    public var timeZone: String
    /// The schedule in words.
    public var english: String
    public var tags: [String]
    /// Why it will not run at that time as things are: it is held back until later.
    public var paused: String?
    public var count: Int
    /// The last of several.
    public var last: Timestamp?
}

extension QueryService {
    /// Finds the first coming times of all jobs, and whether there are more.
    func agenda(_ query: AgendaQuery, now: Timestamp) async throws -> (lines: [AgendaView], isCut: Bool) {
        let start = max(now, query.from ?? now)
        let pauses = try await pauses()
        // Mostly few jobs have their next time so soon; each is read and compiled.
        var most = min(query.limit + 1, Self.fewScanned)
        while true {
            let (jobs, isWhole) = try await coming(query, most)
            var lines: [AgendaView] = []
            for stored in jobs {
                guard stored.job.isOn, let due = stored.nextDue, due <= query.until else { continue }
                let compiled = CompiledJob(stored, zones: zones)
                guard let schedule = compiled.schedule else { continue }
                let pause = pauses.pause(of: stored.job)
                let first = max(due, start)
                // Where a pause ends, other lines begin.
                let goesOn = pause.map { $0.until ?? .distantFuture } ?? first
                if let pause, goesOn > first {
                    let end = min(query.until, goesOn.adding(microseconds: -1))
                    lines += Self.lines(of: compiled, schedule, from: first, until: end).map { line in
                        var line = line
                        line.paused = pause.reason
                        return line
                    }
                }
                if goesOn <= query.until {
                    lines += Self.lines(of: compiled, schedule, from: max(first, goesOn), until: query.until)
                }
            }
            lines.sort { ($0.at, $0.job) < ($1.at, $1.job) }
            // A job that comes later in the store's order has no time before its next one, so these lines are the first
            // ones once that lies behind them; jobs that are overdue have theirs anywhere.
            let reached = jobs.last?.nextDue ?? .distantFuture
            let isKnown = lines.count >= query.limit && reached >= start && lines[query.limit - 1].at <= reached
            if isWhole || isKnown || reached > query.until || most >= Self.mostScanned {
                return (
                    Array(lines.prefix(query.limit)), lines.count > query.limit || !isWhole && reached <= query.until
                )
            }
            most = min(most * 2, Self.mostScanned)
        }
    }

    /// Jobs that are looked at for the first lines.
    private static let mostScanned = 200_000
    private static let fewScanned = 512

    private static func lines(
        of compiled: CompiledJob, _ schedule: Schedule, from start: Timestamp, until: Timestamp
    ) -> [AgendaView] {
        let job = compiled.job
        func line(_ time: Timestamp) -> AgendaView {
            AgendaView(
                at: time, job: job.name, timeZone: job.schedule.zone, english: compiled.words, tags: job.tags, count: 1)
        }
        let before = start.adding(microseconds: -1)
        var times: [Timestamp] = []
        var last = before
        while times.count <= AgendaView.mostApart, let time = schedule.next(after: last), time <= until {
            times.append(time)
            last = time
        }
        let skipping = job.standing?.skipping ?? []
        guard times.count > AgendaView.mostApart else { return times.filter { !skipping.contains($0) }.map(line) }
        var whole = line(times[0])
        whole.count =
            schedule.count(after: before, through: until, limit: AgendaView.mostCounted)
            - skipping.count { start <= $0 && $0 <= until }
        whole.last = schedule.previous(before: until.adding(microseconds: 1))
        return [whole]
    }
}
