import CarillonCore
import CarillonEngine
import ControlAPI
import Timetable

/// What is to come, of all jobs together.
extension Dashboard {
    var forecastPages: [Endpoint] {
        [
            page(
                "/forecast", .jobsRead, "Times to come.",
                query: [
                    .init("window", "How far: 1h, 24h, 7d or year."), .init("zone", "By the clock of this zone."),
                    .init("tag", "Of jobs with this tag."),
                    .init("from", "From a time on, RFC 3339; from now on without."),
                ]
            ) { try await $0.forecast() }
        ]
    }
}

extension Visit {
    private var windows: [(name: String, words: String, hours: Int64)] {
        [
            ("1h", "an hour", 1), ("24h", "24 hours", 24), ("7d", "7 days", 168),
            ("year", "a year of clock changes", 8_784),
        ]
    }

    /// Lines of a forecast; a job with very many times is one.
    private var mostLines: Int { 20_000 }
    private var mostLanes: Int { 40 }

    func forecast() async throws -> Answer {
        let word = call.query["window"] ?? "24h"
        guard let window = windows.first(where: { $0.name == word }) else {
            throw APIError.bad("window: expected 1h, 24h, 7d or year, found '\(word)'", "window")
        }
        let zone: Zone
        if let name = call.query["zone"], !name.isEmpty {
            do {
                zone = try dashboard.zones.zone(name)
            } catch {
                throw APIError.bad("zone: \(error.message)", "zone")
            }
        } else {
            zone = moments.yours ?? .utc
        }
        var start = now
        if let text = call.query["from"], !text.isEmpty {
            guard let time = Timestamp(rfc3339: text) else {
                throw APIError.bad("from: expected a time such as 2026-11-22T19:00:00Z, found '\(text)'", "from")
            }
            start = max(now, time)
        }
        let end = start.adding(microseconds: window.hours * 3_600_000_000)
        let tags = call.query["tag"].flatMap { $0.isEmpty ? nil : [$0] } ?? []
        // Of a year only the clocks are told.
        let isYear = window.name == "year"
        let query = AgendaQuery(
            tags: tags, from: start, until: isYear ? start.adding(microseconds: 7 * 86_400_000_000) : end,
            limit: mostLines)
        let (lines, isCut) = try await agenda(query)
        let horizon = Horizon(isYear ? [] : lines, from: start, until: end, zone: zone)
        let byJob = Dictionary(grouping: lines, by: \.job)
        // What comes all the time buries nobody: it stands at the end.
        let lanes = byJob.sorted { one, other in
            let (isMany, areMany) = (one.value[0].count > 1, other.value[0].count > 1)
            return isMany == areMany ? (one.value[0].at, one.key) < (other.value[0].at, other.key) : areMany
        }
        return page(
            "forecast", title: "Forecast", at: "/forecast",
            Fields([
                "windows": windows.map { one in
                    Fields(["name": one.name, "words": one.words, "isChosen": one.name == window.name])
                },
                "zone": zone.name, "tag": tags.first, "isYear": isYear, "start": zone.format(start),
                "end": zone.format(end), "density": isYear ? nil : horizon.density,
                "total": number(horizon.total), "isRough": lines.contains { $0.count > 1 },
                "peak": horizon.peak.map { Fields(["count": number($0.count), "at": zone.format($0.at)]) },
                "isCut": isCut, "jobs": number(byJob.count),
                "lanes": isYear
                    ? [Fields]()
                    : lanes.prefix(mostLanes).map { job, lines in
                        Fields([
                            "name": job, "path": path("jobs", job), "svg": horizon.lane(lines, job),
                            "count": number(lines.reduce(0) { $0 + $1.count }), "english": lines[0].english,
                            "zone": lines[0].timeZone,
                        ])
                    },
                "moreLanes": !isYear && lanes.count > mostLanes ? number(lanes.count - mostLanes) : nil,
                "changes": changes(
                    lines, from: start, until: isYear ? end : max(end, start.adding(microseconds: 30 * 86_400_000_000))),
            ]))
    }

    /// When clocks are changed in the zones of jobs that have times in the window.
    private func changes(_ lines: [AgendaView], from start: Timestamp, until end: Timestamp) -> [Fields] {
        let jobs = Dictionary(grouping: lines, by: \.timeZone).mapValues { Set($0.map(\.job)) }
        var changes: [(change: Horizon.Change, jobs: Int)] = []
        for (name, jobs) in jobs {
            for change in Horizon.changes(in: moments.zone(name), from: start, until: end) {
                changes.append((change, jobs.count))
            }
        }
        return changes.sorted { ($0.change.at, $0.change.zone) < ($1.change.at, $1.change.zone) }.map { change, jobs in
            Fields([
                "zone": change.zone, "time": moments.time(change.at, change.zone), "before": change.before,
                "after": change.after, "jobs": number(jobs), "isForward": change.seconds > 0,
                "amount": TimeFormatter.rough(Int64(abs(change.seconds))),
            ])
        }
    }
}
