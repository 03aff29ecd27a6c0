import CarillonConfiguration
import CarillonCore
import CarillonEngine
import ControlAPI
import Timetable

/// The list of jobs, and a job by itself.
extension Dashboard {
    var jobsPages: [Endpoint] {
        [
            page(
                "/jobs", .jobsRead, "Jobs, by name.",
                query: [
                    .init("q", "A part of a name, or a pattern; tag:, zone:, target: and feed: with a word for those."),
                    .init("state", "In this state."),
                    .init("after", "After the job of this name."), .init("sort", "By name, or by the next time."),
                    .init("count", "With how many there are, and what may be done with all."),
                ]
            ) { try await $0.jobs() },
            page("/jobs/{name}", .jobsRead, "A job.") { try await $0.oneJob() },
            button("/jobs/{name}/run", .runsWrite, "Opens a run.") { visit, _ in
                let name = visit.call["name"]
                guard case .started(let run, let note) = try await visit.ask(.start(name)) else { throw Unexpected() }
                let words = "run \(run.shortID) of \(name) was opened" + (note.map { ": \($0)" } ?? "")
                return (words, path("runs", run.id))
            },
            change("enable") { .enable($0, true) }, change("disable") { .enable($0, false) },
            change("resolve") { .resolve($0) }, change("stop", .runsWrite) { .stop($0) }, skipping("skip", true),
            skipping("unskip", false),
        ]
    }

    /// A button that has a job skip a time that is to come, or takes that back.
    private func skipping(_ word: String, _ isOn: Bool) -> Endpoint {
        button("/jobs/{name}/\(word)", .jobsWrite, "Does this with a time to come: \(word).") { visit, form in
            let name = visit.call["name"]
            return (try await visit.said(.skip(name, at: form["at"], isOn)), path("jobs", name))
        }
    }

    /// A button that does something to a job, and leads back to it.
    private func change(
        _ word: String, _ scope: Scope = .jobsWrite, _ order: @escaping @Sendable (String) -> Order
    ) -> Endpoint {
        button("/jobs/{name}/\(word)", scope, "Does this to a job: \(word).") { visit, _ in
            (try await visit.said(order(visit.call["name"])), path("jobs", visit.call["name"]))
        }
    }
}

extension Visit {
    private var pageLength: Int { 50 }

    func jobs() async throws -> Answer {
        let text = call.query["q"] ?? ""
        var query = try Self.query(text, state: call.query["state"])
        query.limit = pageLength + 1
        let isCounted = call.query["count"] == "1"
        // After no name is from the first on: whoever gives none has all of them counted, which takes its time.
        query.after = call.query["after"] ?? (isCounted ? nil : "")
        if call.query["sort"] == "next" { query.order = .next }
        guard case .jobs(let found, let total) = try await ask(.jobs(query)) else { throw Unexpected() }
        let shown = found.prefix(pageLength)
        let times = may(.runsRead) ? try await recent(shown.map(\.name)) : [:]
        let more = found.count > pageLength && query.order == .name ? shown.last?.name : nil
        let isFirst = query.after ?? "" == ""
        let isWhole = isFirst && found.count <= pageLength
        let known = total ?? (isWhole ? found.count : nil)
        return page(
            "jobs", title: "Jobs", at: "/jobs", isLive: true,
            Fields([
                "q": text, "jobs": shown.map { job in line(job, times[job.name]) }, "isEmpty": shown.isEmpty,
                "count": known.map { number($0) }, "bulk": try await bulk(query, text, known),
                "counting": known == nil && isFirst && query.order == .name
                    ? "/jobs?" + (question(text, after: nil) + "&count=1").trimming { $0 == "&" } : nil,
                "more": more.map { "/jobs?" + question(text, after: $0) },
                "states": JobQuery.State.allCases.map { state in
                    Fields([
                        "name": state.rawValue, "word": state.words, "isChosen": query.states.contains(state),
                    ])
                },
                "mayAdd": may(.jobsWrite), "byNext": query.order == .next, "isLater": !isFirst,
                "first": "/jobs?" + question(text, after: nil),
                "isCut": found.count > pageLength && query.order == .next,
            ]))
    }

    /// Reads what somebody looks for: a part of a name, or a pattern, and words such as `tag:NAME`.
    static func query(_ text: String, state word: String?) throws -> JobQuery {
        var query = JobQuery()
        for part in text.split(separator: " ") {
            let words = part.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let value = words.count == 2 ? String(words[1]) : ""
            switch (words[0], value.isEmpty) {
            case ("tag", false): query.tags.append(value)
            case ("zone", false): query.zone = value
            case ("target", false): query.target = Target.Kind(rawValue: value)
            case ("feed", false): query.feed = value
            // Whoever types a part of a name means all that contain it.
            default: query.names = [Glob.isPattern(String(part)) ? String(part) : "*\(part)*"]
            }
        }
        if let word, !word.isEmpty {
            guard let state = JobQuery.State(rawValue: word) else {
                throw APIError.bad("state: there is no state '\(word)'", "state")
            }
            query.states = [state]
        }
        return query
    }

    private func question(_ text: String, after: String?) -> String {
        var parts: [String] = []
        if !text.isEmpty { parts.append("q=" + Form.encoded(text)) }
        if let state = call.query["state"], !state.isEmpty { parts.append("state=" + Form.encoded(state)) }
        if let after { parts.append("after=" + Form.encoded(after)) }
        return parts.joined(separator: "&")
    }

    /// What may be done with all that were found, where it is known how many those are.
    private func bulk(_ query: JobQuery, _ text: String, _ count: Int?) async throws -> Fields? {
        guard let count, count > 0, may(.runsWrite) else { return nil }
        return Fields([
            "count": count, "words": number(count), "q": text, "state": query.states.first?.rawValue,
            "isTyped": count > Self.mostUntyped,
            "actions": Self.bulkActions.filter {
                !OperationRequest($0.action, .jobs(query)).changesJobs || may(.jobsWrite)
            }
            .map { Fields(["name": $0.action.rawValue, "words": $0.words]) },
        ])
    }

    private func recent(_ names: [String]) async throws -> [String: RecentView] {
        if names.isEmpty { return [:] }
        guard case .recent(let views) = try await ask(.recent(names, limit: 10)) else { throw Unexpected() }
        return Dictionary(views.map { ($0.job, $0) }) { first, _ in first }
    }

    private func line(_ job: JobView, _ times: RecentView?) -> Fields {
        Fields([
            "mark": job.mark, "name": job.name, "path": path("jobs", job.name), "english": job.english,
            "zone": zoneBeside(job).map { Fields(["name": $0, "path": search("zone", $0)]) },
            "next": job.next.map { moments.time($0, job.timeZone) }, "cells": times?.cells,
            "last": job.lastRun.map { run in
                Fields([
                    "mark": run.state.mark, "path": path("runs", run.id),
                    "time": moments.time(run.endedAt ?? run.startedAt ?? run.scheduledAt, job.timeZone),
                ])
            },
            "running": job.running > 0 ? number(job.running) : nil,
            "waiting": job.pending > 0 ? number(job.pending) : nil, "off": job.off, "paused": job.paused,
            "tags": job.tags.map { Fields(["name": $0, "path": search("tag", $0)]) },
        ])
    }

    /// The list of all jobs of which this holds.
    func search(_ word: String, _ value: String) -> String { "/jobs?q=" + Form.encoded("\(word):\(value)") }

    /// The zone of a job whose words do not name it.
    private func zoneBeside(_ job: JobView) -> String? {
        job.schedule == nil || job.english.contains("(\(job.timeZone))") ? nil : job.timeZone
    }

    // MARK: One

    /// Runs of a job that its page takes in.
    private var mostRuns: Int { 1_000 }

    func oneJob() async throws -> Answer {
        let name = call["name"]
        let job: JobView
        do {
            job = try await self.job(name)
        } catch let error as APIError where error.status == 404 && may(.runsRead) {
            // Its history is still there.
            let runs = try await runs(RunQuery(job: name, limit: 50))
            return page(
                "gone", title: name, at: "/jobs",
                Fields(["name": name, "message": error.message, "runs": runs.map { row($0) }, "hasRuns": !runs.isEmpty])
            )
        }
        let zone = moments.zone(job.timeZone)
        let runs =
            may(.runsRead)
            ? try await self.runs(
                RunQuery(job: name, since: HeatMap.start(of: now, zone), limit: mostRuns)) : []
        // Those of a job that runs often are more than its page takes in, or than the ledger keeps.
        let isCut =
            runs.count == mostRuns || runs.count { $0.trigger.map { !$0.isOrdered } ?? false } < job.opened
        let stored = try await stored(name)
        let times = next(of: stored, most: 10)
        let coming = job.next == nil ? nil : try? stored.schedule.compile(job: name, zones: dashboard.zones)
        var fields = Fields([
            "name": job.name, "path": path("jobs", job.name), "mark": job.mark, "english": job.english,
            "schedule": job.schedule, "ownZone": zoneBeside(job), "off": job.off, "paused": job.paused,
            "target": job.target.summary, "kind": job.target.kind, "origin": job.origin.description,
            "isOurs": job.origin.feed == Origin.orders.feed,
            "problems": job.problems.map(\.description), "warnings": job.warnings,
            "tags": job.tags.map { Fields(["name": $0, "path": search("tag", $0)]) },
            "kindPath": search("target", job.target.kind), "feedPath": search("feed", job.origin.feed),
            "next": job.next.map { moments.time($0, job.timeZone) },
            "times": times.map { moments.time($0, job.timeZone) }, "hasTimes": !times.isEmpty,
            "most": number(mostRuns),
            "heatmap": HeatMap(
                runs, isCut: isCut, coming: coming, skipping: job.skipping, now: now, zone: zone
            ).fields(job: job.name),
            "runs": runs.prefix(50).map { row($0) }, "hasRuns": !runs.isEmpty,
            "allRuns": "/runs?job=" + Form.encoded(job.name), "mayRead": may(.runsRead),
            "running": job.running > 0 ? number(job.running) : nil,
            "waiting": job.pending > 0 ? number(job.pending) : nil, "isActive": job.running + job.pending > 0,
            "failures": job.failuresInRow > 1 ? number(job.failuresInRow) : nil, "policies": policies(job.policies),
            "definition": definition(of: stored), "mayRun": may(.runsWrite),
            "mayEnable": may(.jobsWrite) && [.disabled, .deleted].contains(job.state),
            "mayDisable": may(.jobsWrite) && job.state == .enabled,
            "mayResolve": may(.jobsWrite) && job.state == .halted, "revision": job.revision,
            "skipping": job.skipping.map { time in
                Fields([
                    "time": moments.time(time, job.timeZone),
                    "at": may(.jobsWrite)
                        ? Fields(["at": time.rfc3339Microseconds, "path": path("jobs", job.name)]) : nil,
                ])
            },
            "edit": may(.jobsWrite) ? "/editor?job=" + Form.encoded(job.name) : nil,
            "copy": may(.jobsWrite) ? "/editor?like=" + Form.encoded(job.name) : nil,
        ])
        if may(.jobsWrite), let next = job.next, next > now {
            fields["maySkip"] = Fields([
                "at": next.rfc3339Microseconds, "words": moments.full(next, job.timeZone),
                "path": path("jobs", job.name),
            ])
        }
        if let durations = Durations(runs, of: coming) { fields["durations"] = self.durations(durations, job.timeZone) }
        return page("job", title: job.name, at: "/jobs", isLive: true, fields)
    }

    private func durations(_ durations: Durations, _ zone: String) -> Fields {
        var fields = Fields(["svg": durations.svg { moments.full($0, zone) }])
        if let half = durations.percentile(50), let most = durations.percentile(95),
            let longest = durations.percentile(100)
        {
            fields["completed"] = Fields([
                "count": number(durations.count), "p50": TimeFormatter.length(half), "p95": TimeFormatter.length(most),
                "longest": TimeFormatter.length(longest),
            ])
        }
        let (late, all) = durations.outlasted
        if late > 0 { fields["outlasted"] = Fields(["runs": number(late), "of": number(all), "isOne": late == 1]) }
        return fields
    }

    private func stored(_ name: String) async throws -> Job {
        guard case .definition(let job, _) = try await ask(.definition(name)) else { throw Unexpected() }
        return job
    }

    /// The next times of a job, whatever holds it back.
    private func next(of job: Job, most: Int) -> [Timestamp] {
        guard let schedule = try? job.schedule.compile(job: job.name, zones: dashboard.zones) else { return [] }
        var times: [Timestamp] = []
        var last = now
        // Days that are left out may follow one another for long.
        for _ in 0..<2_000 where times.count < most {
            guard let time = schedule.next(after: last) else { break }
            if schedule.exclusion(of: time) == nil, !(job.standing?.skipping.contains(time) ?? false) {
                times.append(time)
            }
            last = time
        }
        return times
    }

    private func policies(_ view: PolicyView) -> [Fields] {
        var list: [Fields] = []
        func add(_ name: String, _ words: String) { list.append(Fields(["name": name, "words": words])) }
        let span = { (seconds: Double) in Span.format(Int64(seconds * 1_000_000)) }
        add("missed times", view.catchUp == "all" ? "all run, up to \(view.catchUpLimit ?? 0)" : view.catchUp)
        add("overlap", view.overlap + (view.overlapQueue.map { " (\($0) may wait)" } ?? ""))
        if let window = view.windowSeconds { add("window", span(window)) }
        if let timeout = view.timeoutSeconds { add("time-out", span(timeout)) }
        if view.retry.attempts > 1 {
            add("tries", "\(view.retry.attempts), \(span(view.retry.backoffSeconds)) before the second")
        }
        if view.onFailure == .halt { add("on failure", "halt") }
        if let most = view.maxRuns { add("at most", "\(most) runs") }
        if let host = view.host { add("host", host) }
        return list
    }

    /// The keys of its definition, a line each; without what may be a secret.
    private func definition(of job: Job) -> [String] {
        guard let node = try? dashboard.format.write(job), case .table(let entries) = node.masked.value else {
            return []
        }
        return entries.compactMap { key, value in
            let isGiven = ["env", "args", "kwargs", "input", "arguments"].contains(key)
            if isGiven, !may(.jobsWrite) { return "\(key) = \"…\"" }
            return TOMLText.value(value).map { "\(TOMLText.key(key)) = \($0)" }
        }
    }
}

extension JobQuery.State {
    /// What a person reads.
    var words: String {
        switch self {
        case .enabled: "on"
        case .disabled: "off"
        case .halted: "halted"
        case .failed: "failing"
        case .active: "running or waiting"
        }
    }
}
