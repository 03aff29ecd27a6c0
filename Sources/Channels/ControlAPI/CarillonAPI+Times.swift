import CarillonConfiguration
import CarillonCore
import CarillonEngine
import Timetable

/// The times of a schedule, before there is a job of it.
struct PreviewView: Codable {
    var english: String
    var timeZone: String
    /// The next ones; fewer than were asked for when there are no more.
    var times: [Timestamp]
}

/// Runs that a backfill opened, or the times that it would run.
struct BackfilledView: Codable {
    var runs: [RunView]
    var note: String?
}

extension CarillonAPI {
    private static let schedule = Schema.object(
        nil,
        [
            .init("cron", .text(), isRequired: false), .init("every", .text(), isRequired: false),
            .init("at", .text(), isRequired: false), .init("day_time", .text(), isRequired: false),
            .init("time_zone", .text(), isRequired: false),
            .init("dialect", .words(Dialect.allCases.map(\.rawValue)), isRequired: false),
            .init("anchor", .text(), isRequired: false), .init("dst", .map(.text()), isRequired: false),
            .init("jitter", .text(), isRequired: false), .init("spread", .truth, isRequired: false),
            .init("starts_at", .text(), isRequired: false), .init("ends_at", .text(), isRequired: false),
            .init("exclude", .anything, isRequired: false), .init("name", .text(), isRequired: false),
            .init("after", .time, isRequired: false),
            .init("count", .whole(from: 1, through: 1_000), isRequired: false),
        ])

    private static let backfill = Schema.object(
        nil,
        [
            .init("from", .time, isRequired: false), .init("until", .time, isRequired: false),
            .init(
                "times",
                .list(
                    .object(nil, [.init("at", .time), .init("repeats", .orNull(.text()), isRequired: false)])),
                isRequired: false),
            .init("what", .words(BackfillQuery.What.allCases.map(\.rawValue)), isRequired: false),
            .init("per_second", .number, isRequired: false),
        ])

    /// Times to come, and times that are past.
    var times: [Endpoint] {
        [
            Endpoint(
                .get, "/api/v1/agenda", .jobsRead, "Times to come, of all jobs.",
                query: [
                    .init("name", "A name, or a pattern.", isList: true), .init("tag", "With this tag.", isList: true),
                    .init("from", "A time, RFC 3339; now unless it is given.", .time),
                    .init("until", "At or before a time, RFC 3339.", .time, isRequired: true), .longLimit,
                ], .json(TimesView.self)
            ) { call in
                guard let until = try call.time("until") else { throw APIError.bad("until: is missing", "until") }
                let query = AgendaQuery(
                    names: call.list("name"), tags: call.list("tag"), from: try call.time("from"), until: until,
                    limit: try call.limit(Self.usual, Self.mostAtOnce))
                guard case .agenda(let views, let isCut) = try await ask(.agenda(query), call) else {
                    throw Unexpected()
                }
                return Answer(
                    200, try Self.json(TimesView(items: views, isCut: isCut)))
            },
            Endpoint(
                .get, "/api/v1/forecast", .jobsRead,
                "How much is to come of all jobs together, and which clocks are changed.",
                query: [
                    .init("from", "A time, RFC 3339; now unless it is given.", .time),
                    .init("until", "To a time, RFC 3339, within 400 days.", .time, isRequired: true),
                    .init(
                        "parts", "In how many parts of equal length; 96 unless it is given, 0 for the clocks alone.",
                        .whole(from: 0, through: 1_000)),
                ], .json(ForecastView.self)
            ) { call in
                let query = ForecastQuery(
                    from: try call.time("from"), until: try call.needed("until"),
                    parts: Int(try call.number("parts", in: 0...1_000) ?? 96))
                guard case .forecast(let view) = try await ask(.forecast(query), call) else { throw Unexpected() }
                return Answer(200, try Self.json(view))
            },
            Endpoint(
                .get, "/api/v1/recent", .runsRead, "The newest times of some jobs, and what became of them.",
                query: [
                    .init("job", "The name of a job.", isRequired: true, isList: true),
                    .init("limit", "Times of each at most.", .whole(from: 1, through: 100)),
                ], .json(Page<RecentView>.self)
            ) { call in
                let limit = try call.number("limit", in: 1...100) ?? 10
                guard case .recent(let views) = try await ask(.recent(call.list("job"), limit: Int(limit)), call) else {
                    throw Unexpected()
                }
                return try Self.page(views, next: nil)
            },
            Endpoint(
                .get, "/api/v1/hours", .runsRead, "How many runs ended in each hour, by their state.",
                query: [
                    .init("from", "From the hour of a time on, RFC 3339.", .time, isRequired: true),
                    .init("until", "To the hour of a time, RFC 3339, a year later at most.", .time, isRequired: true),
                ], .json(Page<HourView>.self)
            ) { call in
                let order = Order.hours(from: try call.needed("from"), until: try call.needed("until"))
                guard case .hours(let views) = try await ask(order, call) else { throw Unexpected() }
                return try Self.page(views, next: nil)
            },
            Endpoint(
                .post, "/api/v1/preview", .jobsRead,
                "The next times of a schedule: the keys of a job file that say when, how many, and after when.",
                body: Endpoint.Body(
                    Self.schedule, example: #"{"cron":"0 19 * * 1-5","time_zone":"Europe/Berlin","count":3}"#),
                .json(PreviewView.self)
            ) { call in
                Answer(200, try Self.json(try await preview(call)))
            },
            Endpoint(
                .get, "/api/v1/jobs/{name}/missed", .runsRead,
                "The times of a job that a backfill would run, the oldest first.",
                query: [
                    .init("from", "At or after a time, RFC 3339.", .time, isRequired: true),
                    .init("until", "At or before a time, RFC 3339.", .time, isRequired: true),
                    .choice("what", "Without a run, whose run failed, or all.", BackfillQuery.What.self),
                ], .json(Page<BackfillView>.self)
            ) { call in
                let query = BackfillQuery(
                    job: call["name"], from: try call.needed("from"), until: try call.needed("until"),
                    what: try call.choice("what", BackfillQuery.What.self) ?? .missing)
                return try Self.page(try await missed(query, call), next: nil)
            },
            Endpoint(
                .post, "/api/v1/jobs/{name}/backfill", .runsWrite,
                "Runs times of a job that are past: those between two times, or those that were looked at before.",
                body: Endpoint.Body(
                    Self.backfill, example: #"{"from":"2026-11-01T00:00:00Z","until":"2026-11-02T00:00:00Z"}"#),
                .json(BackfilledView.self, status: 201)
            ) { call in
                var table = try call.table()
                let rate = table.number("per_second", in: 0.001...1_000_000)
                let times = try await times(&table, call)
                if times.isEmpty { return Answer(201, try Self.json(BackfilledView(runs: []))) }
                guard
                    case .backfilled(let runs, let note) = try await ask(
                        .backfill(job: call["name"], times, rate: rate), call)
                else { throw Unexpected() }
                return Answer(201, try Self.json(BackfilledView(runs: runs, note: note)))
            },
        ]
    }

    /// Reads which times are to run: each by itself, or all that are missed in a stretch.
    private func times(_ table: inout ConfigTable, _ call: Call) async throws -> [BackfillTime] {
        if table.has("times") {
            let times = table.tables("times").enumerated().compactMap { place, node -> BackfillTime? in
                var inner = table.entry(node, "times", place)
                let at = inner.required("at", inner.time("at"))
                let repeats = inner.string("repeats")
                inner.finish()
                table.take(inner.problems)
                return at.map { BackfillTime(at: $0, repeats: repeats) }
            }
            table.finish()
            guard table.problems.isEmpty else { throw APIError(table.problems) }
            return times
        }
        let from = table.required("from", table.time("from"))
        let until = table.required("until", table.time("until"))
        let what = table.choice("what", BackfillQuery.What.self) ?? .missing
        table.finish()
        guard let from, let until, table.problems.isEmpty else { throw APIError(table.problems) }
        let query = BackfillQuery(job: call["name"], from: from, until: until, what: what)
        return try await missed(query, call).map { BackfillTime(at: $0.scheduledAt, repeats: $0.repeats) }
    }

    private func missed(_ query: BackfillQuery, _ call: Call) async throws -> [BackfillView] {
        guard case .missed(let views) = try await ask(.missed(query), call) else { throw Unexpected() }
        return views
    }

    /// Times that a preview looks at, those that are left out among them.
    private static let mostLookedAt = 20_000
    /// Lists of days that are left out.
    private static let mostLists = 20

    private func preview(_ call: Call) async throws -> PreviewView {
        var table = try call.table()
        let count = table.integer("count", in: 1...1_000) ?? 10
        let after = table.time("after")
        let name = table.string("name") ?? ""
        if !table.problems.isEmpty { throw APIError(table.problems) }
        let text: ScheduleText
        do {
            text = try format.readSchedule(table)
        } catch let error as ConfigurationError {
            throw APIError(error.problems)
        }
        guard text.exclusions.count <= Self.mostLists else {
            throw APIError.bad("exclude: expected at most \(Self.mostLists) lists", "exclude")
        }
        guard let schedule = try? text.compile(job: name, zones: format.zones) else {
            throw APIError.bad("a schedule has cron, every, at or day_time")
        }
        guard case .status(let status) = try await ask(.status, call) else { throw Unexpected() }
        var times: [Timestamp] = []
        var last = after ?? status.now
        for round in 0..<Self.mostLookedAt {
            if round % 100 == 99 {
                // Whoever asks such things has others wait for it no longer than that.
                try Task.checkCancellation()
                await Task.yield()
            }
            guard times.count < count, let time = schedule.next(after: last) else { break }
            if schedule.exclusion(of: time) == nil { times.append(time) }
            last = time
        }
        return PreviewView(english: schedule.english(), timeZone: text.zone, times: times)
    }
}

extension ConfigTable {
    /// Reads a time in RFC 3339; complains of anything else.
    mutating func time(_ key: String) -> Timestamp? {
        guard let text = string(key) else { return nil }
        if let time = Timestamp(rfc3339: text) { return time }
        complain(key, "expected a time such as 2026-11-22T19:00:00Z, found '\(text)'")
        return nil
    }
}
