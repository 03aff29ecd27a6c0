import Testing
import Timetable

/// Values that must never change between versions: they are in people's timetables.
@Suite struct HashedValueTests {
    @Test func theHashIsFixed() {
        #expect(StableHash.hash([]) == 0xefd0_1f60_ba99_2926)
        #expect(StableHash.hash("carillon".utf8) == 0x29af_daf0_a8c9_3dec)
        #expect(StableHash.hash("carillon".utf8, seed: 1) == 0x2437_937b_f107_cbcd)
    }

    @Test func hTakesItsValueFromTheName() throws {
        let after = try instant("2025-01-01T00:00:00Z")
        func next(_ text: String, _ key: String) throws -> [String] {
            let expression = try CronExpression(text, hashKey: key)
            return occurrences(Schedule(rule: .cron(expression), zone: .utc), after: after, count: 3)
        }
        #expect(
            try next("H H * * *", "backup") == ["2025-01-01T03:30:00Z", "2025-01-02T03:30:00Z", "2025-01-03T03:30:00Z"])
        #expect(
            try next("H H H * *", "report") == ["2025-01-25T13:40:00Z", "2025-02-25T13:40:00Z", "2025-03-25T13:40:00Z"])
        #expect(
            try next("H/15 * * * *", "backup") == [
                "2025-01-01T00:07:00Z", "2025-01-01T00:22:00Z", "2025-01-01T00:37:00Z",
            ])
        #expect(
            try next("H(0-29)/10 3 * * *", "backup") == [
                "2025-01-01T03:05:00Z", "2025-01-01T03:15:00Z", "2025-01-01T03:25:00Z",
            ])
    }

    @Test func hStaysInItsRange() throws {
        var seen: Set<String> = []
        for number in 0..<500 {
            let expression = try CronExpression("H(10-19) H(8-9) H * *", hashKey: "job \(number)")
            let next = try #require(expression.next(after: Timestamp(seconds: 0), in: .utc))
            let civil = Zone.utc.local(next)
            #expect((10...19).contains(civil.minute) && (8...9).contains(civil.hour) && (1...28).contains(civil.day))
            seen.insert("\(civil.minute) \(civil.hour)")
        }
        #expect(seen.count == 20)
    }

    @Test func hIsFixed() throws {
        let expression = try CronExpression("H 3 * * *", hashKey: "job")
        #expect(!expression.isInterval)
        #expect(expression == (try CronExpression("H 3 * * *", hashKey: "job")))
        #expect(expression != (try CronExpression("H 3 * * *", hashKey: "backup")))
    }

    @Test func jitterStaysBelowItsBound() throws {
        var schedule = try cron("* * * * *")
        let noon = try instant("2025-01-01T12:00:00Z")
        #expect(schedule.delay(of: noon, key: "job") == 0)
        schedule.jitter = 30_000_000
        #expect(schedule.delay(of: noon, key: "job") == 6_792_375)
        var delays: Set<Int64> = []
        for minute in 0..<1000 {
            let delay = schedule.delay(of: noon.adding(microseconds: Int64(minute) * 60_000_000), key: "job")
            #expect((0..<30_000_000).contains(delay))
            delays.insert(delay / 3_000_000)
        }
        #expect(delays.count == 10)
    }

    @Test func spreadShiftsIntervalsOnly() throws {
        let rule = try Schedule.Rule.every(parsing: "15m", anchor: Timestamp(seconds: 0))
        #expect(rule.spread(key: "job") == .every(interval: 900_000_000, anchor: Timestamp(seconds: 837)))
        #expect(rule.spread(key: "job") == rule.spread(key: "job"))
        #expect(rule.spread(key: "job") != rule.spread(key: "another"))
        var phases: Set<Int64> = []
        for number in 0..<300 {
            guard case .every(let interval, let anchor) = rule.spread(key: "job \(number)") else { continue }
            #expect(
                interval == 900_000_000 && (0..<900).contains(anchor.seconds) && anchor.microseconds % 1_000_000 == 0)
            phases.insert(anchor.seconds / 90)
        }
        #expect(phases.count == 10)
        #expect(Schedule.Rule.reboot.spread(key: "job") == .reboot)
    }
}
