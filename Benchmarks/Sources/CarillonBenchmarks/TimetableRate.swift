import ArgumentParser
import CarillonEngine
import Timetable

/// `next` calls a second, over the same expressions as the peer.
struct TimetableRate: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Rate of the timetable.")

    static let expressions = [
        ("30 2 * * *", "America/New_York"), ("*/5 9-17 * * 1-5", "Europe/Berlin"), ("0 0 1 * *", "UTC"),
        ("15,45 8 * 3-10 MON", "Asia/Kolkata"), ("0 9 L * *", "Australia/Sydney"),
    ]

    @Option var calls = 2_000_000

    func run() throws {
        let zones = ZoneDatabase()
        let clock = SystemClock()
        let begin = clock.uptime
        var total = 0
        for (text, zone) in Self.expressions {
            let schedule = Schedule(
                rule: try .cron(parsing: text, dialect: .unix, hashKey: nil), zone: try zones.zone(zone))
            var at = Timestamp(seconds: 1_767_225_600)
            for _ in 0..<calls {
                // Starts anew every 1,000 calls, as the peer does, so that both walk the same years.
                at = total % 1_000 == 0 ? Timestamp(seconds: 1_767_225_600) : schedule.next(after: at) ?? at
                total += 1
            }
        }
        Figure("timetable", Double(total) / (Double(clock.uptime - begin) / 1_000_000), "next/s").print()
    }
}
