import Testing
import Timetable

@Suite struct DialectTests {
    @Test func quartzCountsWeekdaysFromSunday() throws {
        let after = try instant("2025-01-01T00:00:00Z")
        #expect(
            occurrences(try cron("0 0 0 ? * 1", dialect: .quartz), after: after, count: 1) == ["2025-01-05T00:00:00Z"])
        #expect(
            occurrences(try cron("0 0 0 ? * 7#1", dialect: .quartz), after: after, count: 1) == ["2025-01-04T00:00:00Z"]
        )
        #expect(
            occurrences(try cron("0 0 0 ? * 6L", dialect: .quartz), after: after, count: 1) == ["2025-01-31T00:00:00Z"])
    }

    /// `?` alone is `*`, also behind the plus that joins day and weekday.
    @Test func aPlusMayStandBeforeAQuestionMark() throws {
        let after = try instant("2025-01-01T13:00:00Z")
        #expect(
            occurrences(try cron("0 12 1 * +?"), after: after, count: 2) == [
                "2025-02-01T12:00:00Z", "2025-03-01T12:00:00Z",
            ])
        #expect(throws: ScheduleError.self) { try cron("0 12 ?+ * *") }
        #expect(throws: ScheduleError.self) { try cron("0 12 1 * +?,1") }
    }

    @Test func quartzRangesWrap() throws {
        let after = try instant("2025-01-01T00:00:00Z")
        let hours = try cron("0 0 22-2/2 * * ?", dialect: .quartz)
        #expect(
            occurrences(hours, after: after, count: 3) == [
                "2025-01-01T02:00:00Z", "2025-01-01T22:00:00Z", "2025-01-02T00:00:00Z",
            ])
        let days = try cron("0 0 0 ? * FRI-MON", dialect: .quartz)
        #expect(days.english() == "at 00:00, Monday and Friday to Sunday (UTC)")
        #expect(
            occurrences(days, after: after, count: 5).map { $0.prefix(10) } == [
                "2025-01-03", "2025-01-04", "2025-01-05", "2025-01-06", "2025-01-10",
            ])
        let months = try cron("0 0 0 1 NOV-FEB ?", dialect: .quartz)
        #expect(occurrences(months, after: after, count: 3).map { $0.prefix(7) } == ["2025-02", "2025-11", "2025-12"])
        let dates = try cron("0 0 0 30-2 * ?", dialect: .quartz)
        #expect(
            occurrences(dates, after: after, count: 4).map { $0.prefix(10) } == [
                "2025-01-02", "2025-01-30", "2025-01-31", "2025-02-01",
            ])
        #expect(
            failure { () throws(ScheduleError) in
                _ = try CronExpression("0 0 0 1 1 ? 2030-2020", dialect: .quartz)
            }?.field == "year")
    }

    @Test func impossibleDatesParse() throws {
        for text in ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 0 29 2 * 2025", "0 0 31W 2 *"] {
            #expect(try CronExpression(text).isImpossible, "\(text)")
        }
        #expect(!(try CronExpression("0 0 29 2 *")).isImpossible)
        #expect(!(try CronExpression("0 0 0 31 12 * 2199")).isImpossible)
    }

    @Test func theCalendarEndsWith2199() throws {
        let last = try cron("59 59 23 31 12 *")
        let end = try instant("2199-12-31T23:59:59Z")
        #expect(last.next(after: end.adding(microseconds: -1)) == end)
        #expect(last.next(after: end) == nil)
        #expect(last.previous(before: .distantFuture) == end)
        #expect(last.previous(before: Timestamp(microseconds: .max)) == end)
        #expect(last.next(after: Timestamp(microseconds: .min)) == (try instant("1970-12-31T23:59:59Z")))
        #expect(last.previous(before: Timestamp(microseconds: .min)) == nil)
        #expect(last.next(after: Timestamp(microseconds: .max)) == nil)
    }

    @Test func fractionsOfASecondCount() throws {
        let every = try cron("* * * * * *")
        let half = Timestamp(microseconds: 1_500_000)
        #expect(every.next(after: half) == Timestamp(seconds: 2))
        #expect(every.previous(before: half) == Timestamp(seconds: 1))
        #expect(every.previous(before: Timestamp(seconds: 1)) == Timestamp(seconds: 0))
        #expect(every.next(after: Timestamp(microseconds: -500_000)) == Timestamp(seconds: 0))
    }
}
