import CarillonCore
public import Timetable

/// How much is to come, of all jobs together.
public struct ForecastQuery: Hashable, Sendable, Codable {
    /// Nil for now.
    public var from: Timestamp?
    public var until: Timestamp
    /// In how many parts of equal length, 0 to 1,000; with none only the clocks are looked at.
    public var parts: Int

    public init(from: Timestamp? = nil, until: Timestamp, parts: Int = 96) {
        self.from = from
        self.until = until
        self.parts = parts
    }

    static let mostParts = 1_000
    /// Microseconds.
    static let longest: Int64 = 400 * 86_400_000_000
}

/// How many times all jobs together have in each part of a stretch, and which changes of clocks lie in it; `--json` prints it as it
/// stands here.
public struct ForecastView: Hashable, Sendable, Codable {
    public var from: Timestamp
    public var until: Timestamp
    /// One after the other.
    public var counts: [Int]
    /// Jobs with a time in it.
    public var jobs: Int
    /// Whether some of it is reckoned: of jobs that are spread by their names, and of very many times.
    public var isRough: Bool
    public var changes: [ClockChangeView]

    /// How long a part is, in microseconds.
    public var part: Int64 { max(1, (until.microseconds - from.microseconds) / Int64(max(1, counts.count))) }
    public var total: Int { counts.reduce(0, +) }

    /// The busiest part: how many, and when it begins.
    public var peak: (count: Int, at: Timestamp)? {
        guard let most = counts.max(), most > 0, let place = counts.firstIndex(of: most) else { return nil }
        return (most, from.adding(microseconds: Int64(place) * part))
    }
}

/// A change of a zone's clocks, and which jobs it is about.
public struct ClockChangeView: Hashable, Sendable, Codable {
    public var at: Timestamp
    public var timeZone: String
    /// By how much they go forward; back when it is less than 0.
    public var shiftSeconds: Int
    /// What a clock shows right before, and from then on: `02:00 EST`.
    public var before: String
    public var after: String
    /// Jobs that go by this clock.
    public var jobs: Int
    /// Of these the ones with a time that does not exist then, or comes twice: their `dst_gap` and `dst_overlap` say what becomes of it.
    public var touched: Int
    /// Some of those.
    public var names: [String]

    /// Tells of a change as the clock does, and of no jobs.
    public init(_ at: Timestamp, _ zone: Zone) {
        let old = zone.offset(at: at.adding(microseconds: -1))
        let new = zone.offset(at: at)
        self.at = at
        timeZone = zone.name
        shiftSeconds = new.seconds - old.seconds
        before = Self.clock(at, old.seconds) + " " + old.abbreviation
        after = Self.clock(at, new.seconds) + " " + new.abbreviation
        (jobs, touched, names) = (0, 0, [])
    }

    private static func clock(_ time: Timestamp, _ offset: Int) -> String {
        let minutes = ((Int(time.seconds) + offset) % 86_400 + 86_400) % 86_400 / 60
        let (hour, minute) = (minutes / 60, minutes % 60)
        return "\(hour < 10 ? "0" : "")\(hour):\(minute < 10 ? "0" : "")\(minute)"
    }

    /// `the clocks go forward by 1 h`.
    public var words: String {
        "the clocks go \(shiftSeconds > 0 ? "forward" : "back") by \(TimeFormatter.rough(Int64(abs(shiftSeconds))))"
    }
}

extension QueryService {
    /// Schedules that are told apart.
    private static let mostSchedules = 10_000
    /// Jobs of one zone that are looked at for those that a change touches, and how many of them are named.
    private static let mostLooked = 500
    private static let mostNamed = 20
    /// Changes for which somebody is named.
    private static let mostChanges = 10

    func forecast(_ query: ForecastQuery, now: Timestamp) async throws -> ForecastView {
        let from = max(now, query.from ?? now)
        guard from < query.until else { throw OrderError(.bad, "the end is not after the beginning") }
        guard query.until.microseconds - now.microseconds <= ForecastQuery.longest else {
            throw OrderError(.bad, "until: nobody looks further than 400 days ahead")
        }
        let schedules = try await counted.schedules(of: store, limit: Self.mostSchedules, now: now)
        let forecast = Forecast(schedules, zones: zones, from: from, until: query.until, parts: query.parts)
        return ForecastView(
            from: from, until: query.until, counts: forecast.counts, jobs: forecast.jobs, isRough: forecast.isRough,
            changes: try await changes(schedules, from, query.until))
    }

    private func changes(
        _ schedules: ScheduleCounts, _ from: Timestamp, _ until: Timestamp
    ) async throws -> [ClockChangeView] {
        var views: [ClockChangeView] = []
        for name in Set(schedules.entries.lazy.map(\.schedule.zone)) {
            guard let zone = try? zones.zone(name) else { continue }
            for at in zone.changes(after: from, through: until) {
                var view = ClockChangeView(at, zone)
                // As the jobs have it: a link of the database has another name.
                view.timeZone = name
                (view.jobs, view.touched) = Forecast.touched(by: at, name, schedules, zones: zones)
                views.append(view)
            }
        }
        views.sort { ($0.at, $0.timeZone) < ($1.at, $1.timeZone) }
        var jobs: [String: [StoredJob]] = [:]
        for place in views.indices.prefix(Self.mostChanges) where views[place].touched > 0 {
            let zone = views[place].timeZone
            if jobs[zone] == nil {
                jobs[zone] = try await store.jobs(
                    JobQuery(states: [.enabled], zone: zone, after: "", limit: Self.mostLooked))
            }
            views[place].names = Array(
                (jobs[zone] ?? []).lazy.filter { stored in
                    CompiledJob(stored, zones: zones).schedule?.isTouched(byChangeAt: views[place].at) ?? false
                }.map(\.job.name).prefix(Self.mostNamed))
        }
        return views
    }
}
