import CarillonCore
import CarillonEngine
import ControlAPI
import Timetable

/// Times of a job that are past, and that somebody wants to run after all: what is shown is what runs, and nothing else.
extension Dashboard {
    var backfillPages: [Endpoint] {
        [
            page(
                "/jobs/{name}/backfill", .runsRead, "Past times of a job that can be run.",
                query: [
                    .init("from", "From a time on, in the job's zone."), .init("until", "Up to a time."),
                    .init("what", "missing, failed or all."),
                ]
            ) { try await $0.backfill() },
            button("/jobs/{name}/backfill", .runsWrite, "Runs past times of a job.") { visit, form in
                try await visit.fill(form)
            },
        ]
    }
}

extension Visit {
    /// Times that one form runs.
    private var mostAtOnce: Int { 500 }

    func backfill() async throws -> Answer {
        let job = try await job(call["name"])
        let zone = moments.zone(job.timeZone)
        let (from, until) = (call.query["from"] ?? "", call.query["until"] ?? "")
        let word = call.query["what"] ?? BackfillQuery.What.missing.rawValue
        guard let what = BackfillQuery.What(rawValue: word) else {
            throw APIError.bad("what: expected missing, failed or all, found '\(word)'", "what")
        }
        var fields = Fields([
            "name": job.name, "path": path("jobs", job.name), "zone": job.timeZone,
            "from": from.isEmpty ? zone.day(of: now.adding(microseconds: -86_400_000_000)) + " 00:00" : from,
            "until": until.isEmpty ? String(zone.format(now).prefix(16)) : until,
            "whats": BackfillQuery.What.allCases.map { Fields(["name": $0.rawValue, "isChosen": $0 == what]) },
            "isAsked": !from.isEmpty && !until.isEmpty, "mayRun": may(.runsWrite),
        ])
        if !from.isEmpty, !until.isEmpty {
            do {
                try await look(from, until, what, job, zone, &fields)
            } catch let error as APIError where error.status == 400 {
                fields["fault"] = error.message
            }
        }
        return page("backfill", title: "Run past times of \(job.name)", at: "/jobs", fields)
    }

    /// Says which times would run.
    private func look(
        _ from: String, _ until: String, _ what: BackfillQuery.What, _ job: JobView, _ zone: Zone,
        _ fields: inout Fields
    ) async throws {
        let query = BackfillQuery(
            job: job.name, from: try moment(from, zone, "from"), until: try moment(until, zone, "until"), what: what
        )
        guard case .missed(let views) = try await ask(.missed(query)) else { throw Unexpected() }
        let shown = views.prefix(mostAtOnce)
        fields["count"] = number(shown.count)
        fields["hasTimes"] = !shown.isEmpty
        fields["isCut"] = views.count > shown.count ? number(views.count - shown.count) : nil
        fields["times"] = shown.map { view in
            Fields([
                "time": moments.time(view.scheduledAt, job.timeZone),
                "value": view.scheduledAt.rfc3339Microseconds + (view.repeats.map { "~\($0)" } ?? ""),
                "repeats": view.repeats.map { String($0.prefix(10)) },
            ])
        }
        fields["value"] = shown.map { $0.scheduledAt.rfc3339Microseconds + ($0.repeats.map { "~\($0)" } ?? "") }
            .joined(separator: " ")
    }

    /// Reads a time by a clock of the job's zone, or in RFC 3339.
    private func moment(_ text: String, _ zone: Zone, _ field: String) throws -> Timestamp {
        // A time of day is today's.
        let isOfDay = (4...8).contains(text.utf8.count) && text.contains(":") && !text.contains("-")
        let words =
            isOfDay
            ? zone.day(of: now) + (text.firstIndex(of: ":") == text.index(after: text.startIndex) ? " 0" : " ") + text
            : text
        do {
            if case .once(let time) = try Schedule.Rule.once(parsing: words, zone: zone) { return time }
        } catch {
            throw APIError.bad("\(field): \(error.message)", field)
        }
        throw APIError.bad("\(field): '\(text)' is no time", field)
    }

    func fill(_ form: Form) async throws -> (said: String, next: String) {
        let times = try (form["times"] ?? "").split(separator: " ").map { word in
            let parts = word.split(separator: "~", maxSplits: 1)
            guard let first = parts.first, let time = Timestamp(rfc3339: first) else {
                throw APIError.bad("times: '\(word)' is none", "times")
            }
            return BackfillTime(at: time, repeats: parts.count > 1 ? String(parts[1]) : nil)
        }
        let rate = form["rate"].flatMap { Double($0) }
        guard case .backfilled(let runs, let note) = try await ask(.backfill(job: call["name"], times, rate: rate))
        else {
            throw Unexpected()
        }
        let words = runs.count == 1 ? "1 run was opened" : "\(number(runs.count)) runs were opened"
        return (words + (note.map { ": \($0)" } ?? ""), path("jobs", call["name"]))
    }
}

extension Zone {
    /// `2026-11-28`, by a clock there.
    fileprivate func day(of time: Timestamp) -> String { String(format(time).prefix(10)) }
}
