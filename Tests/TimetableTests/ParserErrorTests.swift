import Testing
import Timetable

@Suite struct ParserErrorTests {
    struct Refusal: Sendable {
        var text: String
        var message: String
        var field: String?
        var column: Int?
        var dialect = Dialect.unix

        init(_ text: String, _ message: String, _ field: String?, _ column: Int?, _ dialect: Dialect = .unix) {
            (self.text, self.message, self.field, self.column, self.dialect) = (text, message, field, column, dialect)
        }
    }

    static let refusals: [Refusal] = [
        Refusal("60 * * * *", "minute: 60 is out of range; minutes are 0-59", "minute", 0),
        Refusal("0 25 * * *", "hour: 25 is out of range; hours are 0-23", "hour", 2),
        Refusal("0 0-24 * * *", "hour: 24 is out of range; hours are 0-23", "hour", 4),
        Refusal("0 0 32 * *", "day: 32 is out of range; days are 1-31", "day", 4),
        Refusal("0 0 1,0 * *", "day: 0 is out of range; days are 1-31", "day", 6),
        Refusal("0 0 * 13 *", "month: 13 is out of range; months are 1-12 or JAN-DEC", "month", 6),
        Refusal("0 0 * janu *", "month: 'janu' is not understood; months are 1-12 or JAN-DEC", "month", 6),
        Refusal("0 0 * * 8", "weekday: 8 is out of range; weekdays are 0-7 or SUN-SAT", "weekday", 8),
        Refusal(
            "0 0 * * 0", "found 5 fields; expected 6 (second minute hour day month weekday) or 7 with the year last",
            nil, 0, .quartz),
        Refusal("0 0 0 * * 0", "weekday: 0 is out of range; weekdays are 1-7 or SUN-SAT", "weekday", 10, .quartz),
        Refusal("99 0 0 * * *", "second: 99 is out of range; seconds are 0-59", "second", 0),
        Refusal("0 0 9 * * 1 1969", "year: 1969 is out of range; years are 1970-2199", "year", 12),
        Refusal("0 9 * * 1 2200", "year: 2200 is out of range; years are 1970-2199", "year", 10, .btu),
        Refusal(
            "0 0 1 1 * 2030",
            "weekday: '2030' is out of range; six fields are seconds first in dialect \"unix\": "
                + "for five fields and a year set dialect = \"btu\"", "weekday", 10),
        Refusal("1234567890 * * * *", "minute: '1234567890' is out of range; minutes are 0-59", "minute", 0),
        Refusal("0 22-2 * * *", "hour: '22-2' is a range that ends before it begins", "hour", 2),
        Refusal("0 0 * * FRI-MON", "weekday: 'FRI-MON' is a range that ends before it begins", "weekday", 8),
        Refusal("*/0 * * * *", "minute: '*/0' has no valid step; a step is a number from 1", "minute", 0),
        Refusal("0 */x * * *", "hour: '*/x' has no valid step; a step is a number from 1", "hour", 2),
        Refusal("/5 * * * *", "minute: '/5' has nothing before the step; write */s, a/s or a-b/s", "minute", 0),
        Refusal("1,,2 * * * *", "minute: there is an empty item in the list", "minute", 2),
        Refusal("0 0 * * +", "weekday: there is an empty item in the list", "weekday", 9),
        Refusal("0 ? * * *", "hour: '?' is not allowed; ? is for day and weekday only", "hour", 2),
        Refusal("0 0 ?/2 * *", "day: '?/2' is not allowed; ? stands alone", "day", 4),
        Refusal("0 0 LW/2 * *", "day: 'LW/2' cannot have a step", "day", 4),
        Refusal("0 0 L-31 * *", "day: 'L-31' counts back too far; L-n takes 0-30", "day", 4),
        Refusal("0 0 Lx * *", "day: 'Lx' is not understood; write L, L-n, LW or L-nW", "day", 4),
        Refusal("0 0 1-15W * *", "day: '1-15W' is not understood; W follows one day, like 15W", "day", 4),
        Refusal("0 0 40W * *", "day: 40 is out of range; days are 1-31", "day", 4),
        Refusal(
            "0 0 * * 1#6",
            "weekday: '1#6' is not understood; the nth weekday is D#1 to D#5, the last one D#L or DL, like FRI#2 or FRIL",
            "weekday", 8),
        Refusal("H * * * *", "minute: H needs the name of a job to choose a value by", "minute", 0),
        Refusal("0 0 0 1 1 * H", "year: H is not for years", "year", 12),
        Refusal("0 H(1 * * *", "hour: 'H(1' is not understood; write H, H(a-b) or H/s", "hour", 2),
        Refusal("0 H(9-1) * * *", "hour: 'H(9-1)' is a range that ends before it begins", "hour", 2),
        Refusal(
            "* * *",
            "found 3 fields; expected 5 (minute hour day month weekday), 6 with seconds first, "
                + "or 7 with seconds first and the year last", nil, 0),
        Refusal("  ", "the expression is empty; write five fields: minute hour day month weekday", nil, 0),
        Refusal("0 0 * *\n*", "there is a newline inside the expression; it must be one line", nil, 7),
        Refusal("0 0 é * *", "there is a character that is not printable ASCII in the expression", nil, 4),
        Refusal(
            "@every 1ms",
            "@every: '1ms' is not a length of time; write whole numbers with the units d, h, m, s, largest first, like 1h30m",
            nil, 7),
        Refusal("@every 367d", "@every: an interval of 367d is out of range; intervals are 1s to 366d", nil, 7),
        Refusal("@every", "@every takes one length of time without blanks, like @every 1h30m", nil, 0),
    ]

    @Test(arguments: refusals)
    func message(refusal: Refusal) {
        let error = failure { () throws(ScheduleError) in
            _ = try Schedule.Rule.cron(parsing: refusal.text, dialect: refusal.dialect, hashKey: nil)
        }
        #expect(error?.message == refusal.message)
        #expect(error?.field == refusal.field)
        #expect(error?.column == refusal.column)
    }

    @Test func theCaretStandsUnderTheItem() {
        let text = "0 0\t* * MON,FUN"
        let error = failure { () throws(ScheduleError) in _ = try CronExpression(text) }
        #expect(
            error?.pointing(at: text) == """
                0 0 * * MON,FUN
                            ^
                weekday: 'FUN' is not understood; weekdays are 0-7 or SUN-SAT
                """)
        #expect(ScheduleError("no").pointing(at: "a\u{1B}b") == "a?b\nno")
        #expect(ScheduleError("no", column: 99).pointing(at: "ab") == "ab\n  ^\nno")
        #expect(ScheduleError("no", column: -1).pointing(at: "") == "no")
    }

    @Test func nicknamesAreListedWhenOneIsUnknown() {
        let error = failure { () throws(ScheduleError) in _ = try CronExpression(" @Daily") }
        #expect(error?.message.hasPrefix("'@Daily' is not a nickname; known are @yearly,") == true)
        #expect(error?.column == 1)
    }

    @Test(arguments: [
        ("*/60 * * * *", "minute: the step of '*/60' goes past the end, so it stands for 0 alone"),
        ("0 10-12/3 * * *", "hour: the step of '10-12/3' goes past the end, so it stands for 10 alone"),
    ])
    func stepsPastTheSpanWarn(text: String, warning: String) throws {
        #expect(try CronExpression(text).warnings == [warning])
    }

    @Test func ordinaryExpressionsDoNotWarn() throws {
        #expect(try CronExpression("*/5 9-17 1,L * MON-FRI").warnings.isEmpty)
        #expect(try CronExpression("59/1 * * * *").warnings.isEmpty)
    }

    @Test func randomTextNeverCrashes() {
        var random = SeededGenerator(seed: 7)
        let alphabet = Array("0123456789*/-,#?LWH()+@ \tMONFRIJANevery".utf8) + [0, 10, 13, 127, 195, 255]
        var accepted = 0
        for round in 0..<60_000 {
            let length = Int.random(in: 0...(round % 50 == 0 ? 1100 : 24), using: &random)
            let bytes = (0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &random)] }
            let text = String(decoding: bytes, as: UTF8.self)
            exercise(text, &accepted)
        }
        let items = [
            "*", "1", "9", "*/5", "1-9/2", "1,3", "L", "LW", "L-3W", "15W", "MON", "5#2", "FRIL", "?", "H", "H(1-3)/2",
            "+1",
            "2030", "0", "7", "30/7", "9-1", "59", "31",
        ]
        for _ in 0..<60_000 {
            // Five to seven plausible fields, some of them damaged, get much further.
            var text = (0..<Int.random(in: 5...7, using: &random)).map { _ in
                items[Int.random(in: 0..<items.count, using: &random)]
            }.joined(separator: " ")
            if Int.random(in: 0..<3, using: &random) == 0 {
                let index = text.index(text.startIndex, offsetBy: Int.random(in: 0..<text.count, using: &random))
                text.remove(at: index)
            }
            exercise(text, &accepted)
        }
        #expect(accepted > 1000)
    }

    private func exercise(_ text: String, _ accepted: inout Int) {
        for dialect in Dialect.allCases {
            do {
                let rule = try Schedule.Rule.cron(parsing: text, dialect: dialect, hashKey: "job")
                let schedule = Schedule(rule: rule, zone: .utc)
                accepted += 1
                _ = schedule.next(after: Timestamp(seconds: 1_750_000_000))
                _ = schedule.previous(before: Timestamp(seconds: 1_750_000_000))
                _ = schedule.english()
            } catch {
                _ = error.pointing(at: text)
            }
        }
    }
}
