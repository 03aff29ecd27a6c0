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

    /// Times that are looked at one by one, a job with very many being one; of more there is what their schedules say.
    private var mostLines: Int { 2_000 }
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
        let (lines, isCut) =
            isYear ? ([], false) : try await agenda(AgendaQuery(tags: tags, from: start, until: end, limit: mostLines))
        // Jobs with a tag are looked at one by one.
        let isReckoned = isCut && tags.isEmpty
        let all = try await fleet(ForecastQuery(from: start, until: end, parts: isReckoned ? Horizon.bars : 0))
        let later = max(end, start.adding(microseconds: 30 * 86_400_000_000))
        let changes =
            later == end
            ? all.changes : try await fleet(ForecastQuery(from: start, until: later, parts: 0)).changes
        let horizon =
            isReckoned
            ? Horizon(all.counts, from: start, until: end, zone: zone)
            : Horizon(lines, from: start, until: end, zone: zone)
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
                "total": number(horizon.total), "isRough": isReckoned ? all.isRough : lines.contains { $0.count > 1 },
                "peak": horizon.peak.map { Fields(["count": number($0.count), "at": zone.format($0.at)]) },
                "isCut": isCut && !isReckoned, "isFirst": isReckoned,
                "jobs": number(isReckoned ? all.jobs : byJob.count),
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
                "changes": changes.map { fields(of: $0) },
            ]))
    }

    private func fleet(_ query: ForecastQuery) async throws -> ForecastView {
        guard case .forecast(let view) = try await ask(.forecast(query)) else { throw Unexpected() }
        return view
    }

    private func fields(of change: ClockChangeView) -> Fields {
        Fields([
            "zone": change.timeZone, "time": moments.time(change.at, change.timeZone), "before": change.before,
            "after": change.after, "isForward": change.shiftSeconds > 0,
            "amount": TimeFormatter.rough(Int64(abs(change.shiftSeconds))),
            "go": change.jobs == 1 ? "1 job goes by it" : "\(number(change.jobs)) jobs go by it",
            "path": "/jobs?q=" + Form.encoded("zone:\(change.timeZone)"),
            "touched": change.touched == 0
                ? nil
                : Fields([
                    "words": change.touched == 1 ? "1 has a time then" : "\(number(change.touched)) have a time then",
                    "names": change.names.map { Fields(["name": $0, "path": path("jobs", $0)]) },
                    "more": change.touched > change.names.count && !change.names.isEmpty,
                ]),
        ])
    }
}
