import Testing
import Timetable

@Suite struct ScheduleTests {
    @Test func boundsAreInclusive() throws {
        var daily = try cron("0 12 * * *")
        daily.startsAt = try instant("2025-01-02T12:00:00Z")
        daily.endsAt = try instant("2025-01-04T12:00:00Z")
        #expect(
            occurrences(daily, after: .distantPast, count: 9) == [
                "2025-01-02T12:00:00Z", "2025-01-03T12:00:00Z", "2025-01-04T12:00:00Z",
            ])
        #expect(daily.previous(before: .distantFuture) == daily.endsAt)
        #expect(daily.previous(before: try instant("2025-01-02T12:00:00Z")) == nil)
        #expect(daily.count(after: .distantPast, through: .distantFuture, limit: 10) == 3)
        #expect(daily.count(after: .distantPast, through: .distantFuture, limit: 2) == 2)
        #expect(daily.count(after: .distantPast, through: try instant("2025-01-03T12:00:00Z"), limit: 10) == 2)
        #expect(daily.count(after: .distantPast, through: .distantFuture, limit: 0) == 0)
    }

    @Test func everyCountsFromItsAnchor() throws {
        let anchor = try instant("2025-06-01T12:00:00Z")
        let rule = try Schedule.Rule.every(parsing: "90s", anchor: anchor)
        let schedule = Schedule(rule: rule, zone: .utc)
        #expect(
            occurrences(schedule, after: .distantPast, count: 2) == ["2025-06-01T12:01:30Z", "2025-06-01T12:03:00Z"])
        #expect(schedule.previous(before: try instant("2025-06-01T12:03:00Z")) == (try instant("2025-06-01T12:01:30Z")))
        #expect(schedule.previous(before: try instant("2025-06-01T12:01:30Z")) == nil)
        #expect(schedule.count(after: anchor, through: try instant("2025-06-01T13:00:00Z"), limit: 1000) == 40)
        #expect(schedule.count(after: anchor, through: Timestamp(microseconds: .max), limit: 1000) == 1000)
        #expect(schedule.next(after: Timestamp(microseconds: .max)) == nil)
        let extreme = Schedule(rule: .every(interval: .max, anchor: Timestamp(microseconds: .min)), zone: .utc)
        #expect(extreme.next(after: Timestamp(microseconds: .min)) == Timestamp(microseconds: -1))
        #expect(extreme.next(after: Timestamp(microseconds: -1)) == Timestamp(microseconds: .max - 1))
        #expect(extreme.previous(before: Timestamp(microseconds: .max)) == Timestamp(microseconds: .max - 1))
        #expect(extreme.next(after: Timestamp(microseconds: .max - 1)) == nil)
        #expect(Schedule(rule: .every(interval: 0, anchor: anchor), zone: .utc).next(after: anchor) == nil)
    }

    @Test func intervalsHaveARange() throws {
        let zero = Timestamp(seconds: 0)
        #expect(try Schedule.Rule.every(parsing: "1500", anchor: zero) == .every(interval: 1_500_000, anchor: zero))
        #expect(try Schedule.Rule.every(parsing: "1ms", anchor: zero) == .every(interval: 1000, anchor: zero))
        #expect(
            try Schedule.Rule.every(parsing: "366d", anchor: zero) == .every(interval: 31_622_400_000_000, anchor: zero)
        )
        for text in ["0", "999us", "367d", "99999999999999999999", "9999999999999999", "", "x"] {
            #expect(
                failure { () throws(ScheduleError) in _ = try Schedule.Rule.every(parsing: text, anchor: zero) } != nil)
        }
    }

    @Test func onceTakesAnInstantOrALocalTime() throws {
        let berlin = try database.zone("Europe/Berlin")
        for (text, expected) in [
            ("2026-12-24T18:00:00+02:00", "2026-12-24T16:00:00Z"), ("2026-12-24T18:00", "2026-12-24T17:00:00Z"),
            ("2026-12-24 18:00:30", "2026-12-24T17:00:30Z"), ("2026-12-24T18:00:00.25", "2026-12-24T17:00:00.250000Z"),
            ("2026-03-29T02:30", "2026-03-29T01:00:00Z"), ("2026-10-25 02:30", "2026-10-25T00:30:00Z"),
        ] {
            #expect(try Schedule.Rule.once(parsing: text, zone: berlin) == .once(try instant(expected)), "\(text)")
        }
        for text in ["", "2026-12-24", "tomorrow", "2026-12-24T25:00", "2026-02-30 10:00", "2026-12-24T18:00 "] {
            #expect(
                failure { () throws(ScheduleError) in _ = try Schedule.Rule.once(parsing: text, zone: berlin) } != nil)
        }
        let once = Schedule(rule: .once(Timestamp(seconds: 5)), zone: berlin)
        #expect(once.next(after: Timestamp(seconds: 4)) == Timestamp(seconds: 5))
        #expect(once.next(after: Timestamp(seconds: 5)) == nil)
        #expect(once.previous(before: Timestamp(seconds: 6)) == Timestamp(seconds: 5))
        #expect(once.previous(before: Timestamp(seconds: 5)) == nil)
    }

    @Test func rebootHasNoTime() throws {
        let reboot = Schedule(rule: try .cron(parsing: "@reboot", dialect: .unix, hashKey: nil), zone: .utc)
        #expect(reboot.rule == .reboot)
        #expect(reboot.next(after: .distantPast) == nil && reboot.previous(before: .distantFuture) == nil)
    }

    @Test(arguments: [
        ("Friday 10:00PM", "0 22 * * 5"), ("Friday 22:00", "0 22 * * 5"), ("sun 12:30 am", "30 0 * * 0"),
        ("MONDAY 12:05PM", "5 12 * * 1"), ("Tue 9am", "0 9 * * 2"), ("Saturday 23:59:30", "30 59 23 * * 6"),
        ("daily 7:15", "15 7 * * *"),
    ])
    func dayAndTime(text: String, cron: String) throws {
        #expect(try Schedule.Rule.dayAndTime(parsing: text) == .cron(try CronExpression(cron)))
    }

    @Test(arguments: [
        "", "Friday", "10:00PM", "Friday 24:00", "Friday 13:00PM", "Friday 0:00AM", "Friday 22", "Friday 22:5",
        "Someday 10:00", "Friday 10:00 PM now", "Friday 10:60", "Friday -1:00", "Frid 10:00",
    ])
    func dayAndTimeRefuses(text: String) {
        #expect(failure { () throws(ScheduleError) in _ = try Schedule.Rule.dayAndTime(parsing: text) } != nil)
    }

    @Test func exclusionsGoByTheDayInTheZone() throws {
        let tokyo = try database.zone("Asia/Tokyo")
        let holidays = try Exclusion(
            name: "holidays", parsing: "# 2025\r\n2025-01-01 # New Year\r\n\r\n 2025-12-31\n2025-01-01")
        let extra = try Exclusion(name: "extra", dates: ["2025-06-01"])
        #expect(holidays.dates.count == 2)
        let schedule = Schedule(
            rule: .cron(try CronExpression("0 * * * *")), zone: tokyo, exclusions: [holidays, extra])
        #expect(schedule.exclusion(of: try instant("2024-12-31T14:59:59Z")) == nil)
        #expect(schedule.exclusion(of: try instant("2024-12-31T15:00:00Z")) == "holidays")
        #expect(schedule.exclusion(of: try instant("2025-01-01T15:00:00Z")) == nil)
        #expect(schedule.exclusion(of: try instant("2025-06-01T00:00:00Z")) == "extra")
        let error = failure { () throws(ScheduleError) in
            _ = try Exclusion(name: "bank", parsing: "2025-01-01\n2025-02-30\n")
        }
        #expect(error?.message == "line 2 of calendar 'bank' is not a date like 2026-12-25")
        #expect(failure { () throws(ScheduleError) in _ = try Exclusion(name: "bank", dates: ["1 May"]) } != nil)
    }
}
