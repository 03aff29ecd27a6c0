import CarillonCore
import CarillonEngine
import CarillonTestSupport
import Dashboard
import Foundation
import Testing
import Timetable

/// What is drawn, against the timetable itself.
@Suite(.timeLimit(.minutes(5))) struct ChartTests {
    private static let zones = ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe"]

    /// Times of a schedule, one by one, as `carillon next` has them.
    private func times(_ schedule: Schedule, after start: Timestamp, until end: Timestamp) -> [Timestamp] {
        var times: [Timestamp] = []
        var last = start
        while let time = schedule.next(after: last), time <= end {
            times.append(time)
            last = time
        }
        return times
    }

    private func day(_ time: Timestamp, _ zone: Zone) -> Int {
        let local = zone.local(time)
        return Civil.days(year: local.year, month: local.month, day: local.day)
    }

    /// A hundred schedules in each zone, in the weeks of both of its changes of 2026: each day has as many times as the timetable.
    @Test(arguments: zones) func whatIsToComeIsWhatTheTimetableHas(_ name: String) throws {
        let zone = try ZoneDatabase().zone(name)
        let year = try #require(zone.instant(of: CivilTime(year: 2026, month: 1, day: 1)))
        let changes = Horizon.changes(in: zone, from: year, until: year.adding(microseconds: 366 * 86_400_000_000))
        #expect(changes.count == 2, "\(changes)")
        var random = SplitMix64(seed: name.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
        for change in changes {
            for _ in 0..<100 {
                let hour = Bool.random(using: &random) ? "\(Int.random(in: 0...4, using: &random))" : "*"
                let minutes = ["0", "15", "30", "45", "*/10", "59"]
                let cron = "\(minutes.randomElement(using: &random) ?? "0") \(hour) * * *"
                let text = ScheduleText(.cron(cron, .unix, anchor: year), zone: name)
                let schedule = try #require(try text.compile(job: "one", zones: ZoneDatabase()))
                // The Monday of that week, or an hour before the change.
                let now = change.at.adding(microseconds: -Int64.random(in: 1...86_400_000_000, using: &random))
                let map = HeatMap([], coming: schedule, now: now, zone: zone)
                let end = now.adding(microseconds: 8 * 86_400_000_000)
                let byDay = Dictionary(grouping: times(schedule, after: now, until: end)) { day($0, zone) }
                #expect(!map.cells.isEmpty || byDay[day(now, zone)] == nil, "\(cron) from \(now)")
                for (day, cell) in map.cells {
                    #expect(cell.coming == byDay[day]?.count ?? 0, "\(cron) on day \(day) from \(now)")
                }
                // And a day of it, bar by bar.
                let until = now.adding(microseconds: 86_400_000_000)
                let all = times(schedule, after: now, until: until)
                let lines = try all.map { try AgendaView(at: $0, zone: name) }
                let horizon = Horizon(lines, from: now, until: until, zone: zone)
                var bars = [Int](repeating: 0, count: Horizon.bars)
                for time in all {
                    let place = Int((time.microseconds - now.microseconds) / horizon.bucket)
                    if bars.indices.contains(place) { bars[place] += 1 }
                }
                #expect(horizon.counts == bars, "\(cron) from \(now)")
            }
        }
    }

    /// A clock that goes forward leaves an hour out, and one that goes back has it twice; Lord Howe's by half an hour.
    @Test(arguments: [
        ("America/New_York", [3_600, -3_600], "02:00 EST", "03:00 EDT"),
        ("Europe/Berlin", [3_600, -3_600], "02:00 CET", "03:00 CEST"),
        ("Australia/Lord_Howe", [-1_800, 1_800], "02:00 +11", "01:30 +1030"),
    ]) func aChangeIsToldByWhatTheClockShows(_ name: String, _ seconds: [Int], _ before: String, _ after: String) throws
    {
        let zone = try ZoneDatabase().zone(name)
        let start = Timestamp(seconds: 1_767_225_600)
        let changes = Horizon.changes(in: zone, from: start, until: start.adding(microseconds: 365 * 86_400_000_000))
        #expect(changes.map(\.shiftSeconds) == seconds)
        #expect(changes.first?.before == before && changes.first?.after == after, "\(changes)")
    }

    /// A day on which the clocks go forward is drawn an hour shorter: its marks lie where the time lies.
    @Test func theChangeStandsInTheDrawing() throws {
        let zone = try ZoneDatabase().zone("Europe/Berlin")
        let start = try #require(zone.instant(of: CivilTime(year: 2026, month: 3, day: 29)))
        let end = start.adding(microseconds: 23 * 3_600_000_000)
        #expect(zone.format(end) == "2026-03-30 00:00:00 CEST")
        let svg = Horizon([AgendaView](), from: start, until: end, zone: zone).density
        #expect(svg.contains("02:00 CET → 03:00 CEST"))
        #expect(svg.contains(#"class="change" x1="83""#), "\(svg)")
        #expect(!svg.contains("style"))
    }

    @Test func whatAJobDidStandsInItsDays() throws {
        let zone = try ZoneDatabase().zone("America/New_York")
        let now = try #require(zone.instant(of: CivilTime(year: 2026, month: 11, day: 18, hour: 12)))
        var runs: [RunView] = []
        for (back, state) in [(0, RunState.running), (1, .failed), (1, .completed), (2, .skipped)] {
            runs.append(try RunView(state, at: now.adding(microseconds: -Int64(back) * 86_400_000_000)))
        }
        let map = HeatMap(runs, coming: nil, now: now, zone: zone)
        let today = day(now, zone)
        #expect(map.cells.keys.sorted() == [today - 2, today - 1, today])
        #expect(map.cells[today]?.active == 1 && map.cells[today - 1]?.bad == 1 && map.cells[today - 1]?.good == 1)
        #expect(map.cells[today - 2]?.skipped == 1)
        // What was forgotten is not said to be nothing.
        #expect(map.since == nil)
        #expect(HeatMap(runs, isCut: true, coming: nil, now: now, zone: zone).since == today - 2)
        // Of the eleven times that are to come today the next is to be skipped.
        let text = ScheduleText(.every("1h", anchor: Timestamp(seconds: 0)), zone: zone.name)
        let schedule = try #require(try text.compile(job: "one", zones: ZoneDatabase()))
        let next = try #require(schedule.next(after: now))
        let hourly = HeatMap([], coming: schedule, skipping: [next], now: now, zone: zone)
        #expect(hourly.cells[today]?.coming == 10 && hourly.cells[today]?.skipped == 1)
    }

    /// Each hour a run: every fourth fails at once, and the last three take longer than there is time for.
    @Test func howLongRunsTakeIsComparedWithTheTimeBetweenThem() throws {
        let text = ScheduleText(.every("1h", anchor: Timestamp(seconds: 0)), zone: "UTC")
        let schedule = try text.compile(job: "one", zones: ZoneDatabase())
        let start = Timestamp(seconds: 1_767_225_600)
        var runs = try (0..<40).map { number in
            var run = try RunView(number % 4 == 3 ? .failed : .completed, at: start.plus(Int64(number) * 3_600))
            run.trigger = .schedule
            let seconds: Int64 = number % 4 == 3 ? 0 : number > 36 ? 3_601 : Int64(number) + 1
            run.endedAt = run.scheduledAt.plus(seconds)
            run.durationSeconds = Double(seconds)
            return run
        }
        runs.append(try RunView(.running, at: start.plus(40 * 3_600)))
        let durations = try #require(Durations(runs.reversed(), of: schedule))
        #expect(durations.count == 30)
        #expect(durations.percentile(50) == 19 && durations.percentile(100) == 3_601)
        // The 40th failed, so two are left of the three.
        #expect(durations.outlasted == (2, 20))
        #expect(Durations([try RunView(.skipped, at: start)], of: schedule) == nil)
        for place in runs.indices { runs[place].trigger = .manual }
        #expect(Durations(runs.reversed(), of: schedule)?.outlasted.of == 0)
        #expect(Durations(runs.reversed(), of: nil)?.outlasted.runs == 0)
    }
}

extension AgendaView {
    fileprivate init(at time: Timestamp, zone: String) throws {
        let text =
            #"{"at":"\#(time.rfc3339)","job":"one","timeZone":"\#(zone)","english":"","tags":[],"count":1}"#
        self = try JSONDecoder().decode(AgendaView.self, from: Data(text.utf8))
    }
}

extension RunView {
    fileprivate init(_ state: RunState, at time: Timestamp) throws {
        let text = """
            {"id":"0123456789abcdef01234567","shortID":"0123456789","job":"one","timeZone":"UTC","scheduledAt":"\(time.rfc3339)",
            "state":"\(state.rawValue)","attempt":1,"createdAt":"\(time.rfc3339)","earlier":[]}
            """
        self = try JSONDecoder().decode(RunView.self, from: Data(text.utf8))
    }
}
