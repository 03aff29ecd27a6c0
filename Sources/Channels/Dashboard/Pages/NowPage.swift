import CarillonCore
import CarillonEngine
import ControlAPI
import Timetable

/// The first page: is Carillon well, what needs a person, what runs, what is next.
extension Dashboard {
    var nowPage: [Endpoint] {
        [page("/", .jobsRead, "What needs somebody, what runs, and what is next.") { try await $0.now() }]
    }
}

extension Visit {
    /// Jobs that need somebody, of each kind; who has more looks at the list.
    private var mostNeedy: Int { 8 }
    /// Lines of the coming day.
    private var mostDrawn: Int { 2_000 }

    func now() async throws -> Answer {
        let status = try await status()
        let zone = moments.yours?.name ?? "UTC"
        let needs = try await needs(status)
        let active = try await runs(RunQuery(states: [.pending, .running, .cancelling], limit: 10))
        let (next, _) = try await agenda(AgendaQuery(until: DayChart.end(of: now), limit: 10))
        // Of all jobs, which takes a while: it is the same for everybody, and no other within half a minute.
        let (lines, isCut) = try await dashboard.glances.value("the coming day", fresh: 30_000_000) {
            try await agenda(AgendaQuery(until: DayChart.end(of: now), limit: mostDrawn))
        }
        guard case .hours(let hours) = try await ask(.hours(from: DayChart.start(of: now), until: now)) else {
            throw Unexpected()
        }
        // More than can be looked at one by one: what their schedules say.
        let counted = isCut ? try await coming() : nil
        let chart = DayChart(hours, coming: lines, counted: counted, now: now, zone: moments.zone(zone))
        let fields = Fields([
            "isWell": status.troubles.isEmpty, "troubles": status.troubles, "needs": needs,
            "needsNobody": needs.isEmpty,
            "active": active.map { row($0) }, "activeCount": status.active.running + status.active.cancelling,
            "waitingCount": status.active.pending, "completed": number(status.lastDay.completed),
            "failed": number(status.lastDay.failed), "hasFailed": status.lastDay.failed > 0,
            "jobs": number(status.jobs), "off": number(status.jobs - status.enabled),
            "lateness": status.latenessP99Seconds.map { TimeFormatter.length($0) }, "chart": chart.svg,
            "peak": chart.peak.map { Fields(["count": number($0.count), "at": moments.short($0.at, zone)]) },
            "next": next.map { coming($0) },
            "paused": status.paused, "mayResume": may(.systemWrite),
        ])
        return page("now", title: "Now", at: "/", isLive: true, fields)
    }

    /// How much comes in each hour of the day to come.
    private func coming() async throws -> [Int] {
        try await dashboard.glances.value("the coming hours", fresh: 30_000_000) {
            let query = ForecastQuery(until: DayChart.end(of: now), parts: DayChart.hours)
            guard case .forecast(let view) = try await ask(.forecast(query)) else { throw Unexpected() }
            return view.counts
        }
    }

    /// A coming time, for a list.
    private func coming(_ line: AgendaView) -> Fields {
        Fields([
            "time": moments.time(line.at, line.timeZone), "job": line.job, "path": path("jobs", line.job),
            "many": line.count > 1 ? "\(number(line.count)) times" : nil, "paused": line.paused,
            "english": line.english,
        ])
    }

    /// What somebody should look at, the worst first.
    private func needs(_ status: StatusView) async throws -> [Fields] {
        var needs: [Fields] = []
        // Whoever is halted has failed.
        guard case .jobs(let failing, let more) = try await ask(.jobs(JobQuery(states: [.failed], limit: mostNeedy)))
        else {
            throw Unexpected()
        }
        let order = { (job: JobView) in (job.state == .halted ? 0 : 1, -job.failuresInRow) }
        for job in failing.sorted(by: { order($0) < order($1) }) {
            let run = try await runs(RunQuery(job: job.name, states: [.failed], limit: 1)).first
            let times = job.failuresInRow == 1 ? "its last run failed" : "\(number(job.failuresInRow)) in a row failed"
            needs.append(
                Fields([
                    "kind": job.state == .halted ? "halted" : "failing", "shape": job.state == .halted ? "▲" : "✕",
                    "name": job.name, "path": path("jobs", job.name), "words": times,
                    "why": run.flatMap { $0.error ?? $0.reason },
                    "time": run.map { moments.time($0.endedAt ?? $0.scheduledAt, $0.timeZone) },
                    "run": run.map { path("runs", $0.id) }, "mayRun": may(.runsWrite),
                    "mayResolve": job.state == .halted && may(.jobsWrite),
                ]))
        }
        if let more, more > failing.count {
            needs.append(
                Fields([
                    "kind": "more", "shape": "+", "name": "\(number(more - failing.count)) more fail",
                    "path": "/jobs?state=failed", "words": "",
                ]))
        }
        for feed in status.feeds where feed.error != nil || !feed.problems.isEmpty {
            let words = feed.error ?? "\(feed.problems.count) definitions cannot be read: \(feed.problems[0])"
            needs.append(
                Fields(["kind": "feed", "shape": "▲", "name": feed.name, "path": "/system#feeds", "words": words]))
        }
        return needs
    }

    /// A number as people read it: `12,482`.
    func number(_ value: Int) -> String {
        var digits = Array(String(abs(value)))
        var place = digits.count - 3
        while place > 0 {
            digits.insert(",", at: place)
            place -= 3
        }
        return (value < 0 ? "-" : "") + String(digits)
    }

    /// A run, or times that were skipped, for a list.
    func row(_ run: RunView) -> Fields {
        let last = run.state == .skipped && (run.count ?? 1) > 1 ? run.through : nil
        return Fields([
            "mark": run.state.mark, "id": run.shortID, "path": path("runs", run.id), "job": run.job,
            "jobPath": path("jobs", run.job), "time": moments.time(run.scheduledAt, run.timeZone),
            "through": last.map { moments.time($0, run.timeZone) },
            "count": last == nil ? nil : number(run.count ?? 1),
            "duration": run.durationSeconds.map { TimeFormatter.length($0) },
            "since": run.state.isFinal ? nil : run.startedAt.map { moments.relative($0) },
            "tries": run.attempt > 1 ? "\(run.attempt) tries" : nil,
            "trigger": run.trigger.flatMap { $0 == .schedule ? nil : $0.words },
            "words": run.state == .skipped ? run.reason : run.error ?? run.heldBecause ?? run.reason,
            "isSkipped": run.state == .skipped, "canEnd": !run.state.isFinal && may(.runsWrite),
        ])
    }
}

extension Trigger {
    /// What a person reads.
    var words: String {
        switch self {
        case .schedule: "by its schedule"
        case .catchUp: "caught up"
        case .manual: "by hand"
        case .boot: "at boot"
        case .backfill: "backfill"
        }
    }
}
