import Testing
import Timetable

@Suite struct EnglishTests {
    @Test(arguments: [
        ("* * * * *", "every minute"),
        ("*/15 * * * *", "every 15 minutes"),
        ("*/7 * * * *", "at every 7th minute from 0 to 56 of every hour"),
        ("5-59/15 * * * *", "at minutes 5, 20, 35 and 50 of every hour"),
        ("0 * * * *", "every hour"),
        ("30 * * * *", "every hour at 30 minutes past"),
        ("1 * * * *", "every hour at 1 minute past"),
        ("0 19 * * 1-5", "at 19:00, Monday to Friday"),
        ("30 2 * * *", "at 02:30 every day"),
        ("0 9,17 * * *", "at 09:00 and 17:00 every day"),
        ("*/5 9-17 * * 1-5", "every 5 minutes from 09:00 to 17:55, Monday to Friday"),
        ("* 9 * * *", "every minute from 09:00 to 09:59"),
        ("0 */2 * * *", "every 2 hours"),
        ("15 1-23/2 * * *", "every 2 hours from 01:15"),
        ("0 9-17 * * MON-FRI", "every hour from 09:00 to 17:00, Monday to Friday"),
        ("*/10 0,12 * * *", "every 10 minutes of hours 0 and 12"),
        ("10,20 1-4 * * *", "at minutes 10 and 20 of hours 1 to 4"),
        ("0 0,1,2,3,4,5,7,9 1 * *", "at minute 0 of hours 0 to 5, 7 and 9, on day 1 of the month"),
        ("0 0 1,15 * *", "at 00:00, on days 1 and 15 of the month"),
        ("0 0 1 1 *", "at 00:00, on day 1 of January"),
        ("0 0 */2 * *", "at 00:00, on every 2nd day from 1 to 31 of the month"),
        ("0 0 L * *", "at 00:00, on the last day of the month"),
        (
            "0 0 L-1,L-3 * *",
            "at 00:00, on the day before the last day and the day 3 days before the last day of the month"
        ),
        ("0 0 LW * *", "at 00:00, on the last weekday of the month"),
        ("0 0 L-2W * *", "at 00:00, on the weekday nearest the day 2 days before the last day of the month"),
        ("0 12 15W * *", "at 12:00, on the weekday nearest day 15 of the month"),
        ("0 0 1,LW 2 *", "at 00:00, on day 1 and the last weekday of February"),
        ("0 0 * * FRI#2", "at 00:00, on the second Friday of the month"),
        ("0 9 * 2 SUN#L", "at 09:00, on the last Sunday of February"),
        ("0 0 * * 0,6", "at 00:00, every Saturday and Sunday"),
        ("0 0 * * 1-3,6", "at 00:00, Monday to Wednesday and Saturday"),
        ("0 0 13 * 5", "at 00:00, on day 13 of the month and on every Friday"),
        ("0 0 13 * +FRI", "at 00:00, on day 13 of the month, if it is a Friday"),
        ("0 0 1-7 * +MON,TUE#2", "at 00:00, on days 1 to 7 of the month, if it is a Monday or the second Tuesday"),
        ("0 0 * 6-8 *", "at 00:00 every day in June to August"),
        ("0 0 * 1,7 1-5", "at 00:00, Monday to Friday in January and July"),
        ("0 0 1 */3 *", "at 00:00, on day 1 of January, April, July and October"),
        ("*/10 * * * * *", "every 10 seconds"),
        ("30 * * * * *", "at second 30 of every minute"),
        ("5 */5 * * * *", "at second 5, every 5 minutes"),
        ("*/10 0 9-17 * * *", "every 10 seconds of minute 0 of hours 9 to 17"),
        ("15 30 9 * * *", "at 09:30:15 every day"),
        ("0 0 9 * * 1 2026-2028", "at 09:00, every Monday, in 2026 to 2028"),
        ("0 0 0 1 1 * */2", "at 00:00, on day 1 of January, every 2 years from 1970 to 2198"),
        ("@weekly", "at 00:00, every Sunday"),
        ("0-59 0-23 1-31 1-12 0-6", "every minute"),
    ])
    func expressions(text: String, english: String) throws {
        #expect(try CronExpression(text).english() == english)
    }

    @Test func otherDialectsSpeakTheSameLanguage() throws {
        #expect(try CronExpression("0 0 9 ? * 2-6", dialect: .quartz).english() == "at 09:00, Monday to Friday")
        #expect(try CronExpression("0 9 * * 1 2030", dialect: .btu).english() == "at 09:00, every Monday, in 2030")
        #expect(try CronExpression("0 H(3-3) * * *", hashKey: "job").english() == "at 03:00 every day")
    }

    @Test func schedules() throws {
        let berlin = try database.zone("Europe/Berlin")
        func english(_ rule: Schedule.Rule) -> String { Schedule(rule: rule, zone: berlin).english() }
        let zero = Timestamp(seconds: 0)
        #expect(english(.cron(try CronExpression("0 19 * * 1-5"))) == "at 19:00, Monday to Friday (Europe/Berlin)")
        #expect(english(try .every(parsing: "15m", anchor: zero)) == "every 15 minutes")
        #expect(english(try .every(parsing: "1h30m", anchor: zero)) == "every 1 hour 30 minutes")
        #expect(english(try .every(parsing: "1h", anchor: zero)) == "every hour")
        #expect(english(try .every(parsing: "250", anchor: zero)) == "every 250 milliseconds")
        #expect(english(.reboot) == "at each boot of the machine")
        #expect(
            english(try .once(parsing: "2026-12-24 18:00", zone: berlin)) == "once at 2026-12-24 18:00:00 CET")
        let narrowed = Schedule(
            rule: try .every(parsing: "1d", anchor: zero), zone: berlin, jitter: 30_000_000,
            startsAt: try instant("2026-01-01T00:00:00Z"), endsAt: try instant("2026-07-01T00:00:00Z"),
            exclusions: [try Exclusion(name: "holidays", dates: [])])
        #expect(
            narrowed.english() == "every day, up to 30 seconds later, not before 2026-01-01 01:00:00 CET, "
                + "not after 2026-07-01 02:00:00 CEST, except on the dates of holidays")
    }
}
