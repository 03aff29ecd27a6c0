import CarillonCore
import CarillonEngine
import CarillonTestSupport
import Testing
import Timetable

/// What is to come of all jobs, by their schedules alone, against each time of each job.
@Suite struct ForecastTests {
    private let zones = ZoneDatabase()

    private static func text(_ random: inout SplitMix64) -> ScheduleText {
        let zone =
            ["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"].randomElement(using: &random) ?? ""
        let rules: [ScheduleText.Rule] = [
            .cron(
                "\(Int.random(in: 0...59, using: &random)) \(Int.random(in: 0...23, using: &random)) * * *", .unix,
                anchor: Samples.noon),
            .cron("*/\(Int.random(in: 1...30, using: &random)) * * * *", .unix, anchor: Samples.noon),
            .cron("\(Int.random(in: 0...59, using: &random)) * * * 1-5", .unix, anchor: Samples.noon),
            .every("\(Int.random(in: 7...900, using: &random))s", anchor: Samples.noon), .manual,
        ]
        return ScheduleText(rules.randomElement(using: &random) ?? .manual, zone: zone)
    }

    @Test func itIsTheSumOfAllTimes() throws {
        var random = SplitMix64.announced()
        for _ in 0..<30 {
            let from = Samples.noon.adding(microseconds: Int64.random(in: 0...31_536_000_000_000, using: &random))
            let until = from.adding(microseconds: Int64.random(in: 3_600_000_000...172_800_000_000, using: &random))
            let parts = Int.random(in: 1...100, using: &random)
            let entries = (0..<20).map { _ in
                ScheduleCounts.Entry(Self.text(&random), jobs: Int.random(in: 1...1_000, using: &random))
            }
            let total = entries.reduce(0) { $0 + $1.jobs }
            let forecast = Forecast(
                ScheduleCounts(entries: entries, jobs: total), zones: zones, from: from, until: until, parts: parts)
            let width = max(1, (until.microseconds - from.microseconds) / Int64(parts))
            var expected = [Int](repeating: 0, count: parts)
            var jobs = 0
            for entry in entries {
                guard let schedule = try entry.schedule.compile(job: "any", zones: zones) else { continue }
                var last = from.adding(microseconds: -1)
                while let time = schedule.next(after: last), time <= until {
                    expected[min(parts - 1, Int((time.microseconds - from.microseconds) / width))] += entry.jobs
                    last = time
                }
                if last >= from { jobs += entry.jobs }
            }
            #expect(forecast.counts == expected && forecast.jobs == jobs && !forecast.isRough, "\(entries)")
        }
    }

    /// Jobs that are spread by their names come evenly, and what is not told apart goes like the rest.
    @Test func whatIsReckonedIsSaidToBe() throws {
        let from = Samples.noon
        let until = from.adding(microseconds: 86_400_000_000)
        let spread = ScheduleText(.cron("H H * * *", .unix, anchor: from))
        let forecast = Forecast(
            ScheduleCounts(entries: [.init(spread, jobs: 16_000)], jobs: 32_000), zones: zones, from: from,
            until: until, parts: 24)
        #expect(forecast.isRough && forecast.jobs == 32_000 && forecast.counts.reduce(0, +) == 32_000)
        #expect((forecast.counts.max() ?? 0) <= 12_000, "\(forecast.counts)")
        // A year of seconds is no year of work.
        let seconds = ScheduleText(.cron("* * * * * *", .unix, anchor: from))
        let year = from.adding(microseconds: 365 * 86_400_000_000)
        let much = Forecast(
            ScheduleCounts(entries: [.init(seconds, jobs: 1)], jobs: 1), zones: zones, from: from, until: year,
            parts: 365)
        #expect(much.isRough)
        let reckoned = much.counts.reduce(0, +)
        #expect(abs(reckoned - 365 * 86_400) < 365 * 864, "\(reckoned)")
    }

    @Test(arguments: [
        // The clocks of New York go forward at two on 8 March 2026, and back at two on 1 November.
        ("30 2 * * *", 1, 0), ("30 1 * * *", 0, 1), ("0 2 * * *", 1, 0), ("0 3 * * *", 0, 0), ("0 1 * * *", 0, 1),
        ("*/10 * * * *", 0, 0), ("30 2 8 3 *", 1, 0), ("30 2 9 3 *", 0, 0),
    ])
    func aChangeTouchesWhatHasATimeThen(_ cron: String, _ forward: Int, _ back: Int) throws {
        let zone = try zones.zone("America/New_York")
        let start = try #require(zone.instant(of: CivilTime(year: 2026, month: 1, day: 1)))
        let changes = zone.changes(after: start, through: start.adding(microseconds: 365 * 86_400_000_000))
        #expect(changes.map(\.rfc3339) == ["2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z"])
        let text = ScheduleText(.cron(cron, .unix, anchor: start), zone: "America/New_York")
        let counts = ScheduleCounts(entries: [.init(text, jobs: 7)], jobs: 7)
        let touched = changes.map { Forecast.touched(by: $0, "America/New_York", counts, zones: zones) }
        #expect(touched.map(\.touched) == [7 * forward, 7 * back] && touched.allSatisfy { $0.jobs == 7 })
    }
}
