import CarillonCore
import Timetable

/// Draws jobs: every kind of schedule and policy, in zones with every kind of daylight saving.
struct JobMaker {
    static let hour: Int64 = 3_600_000_000
    static let day: Int64 = 24 * hour
    private static let zones = [
        "UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo",
        "Pacific/Auckland",
    ]

    /// Makes a new job; whether its runs may overlap stays as it is for the life of a name.
    static func job(named name: String, mayOverlap: Bool, now: Timestamp, _ random: inout SplitMix64) -> Job {
        Job(
            name: name, schedule: schedule(now, &random), target: Samples.target,
            policies: policies(mayOverlap: mayOverlap, &random),
            tags: (name.utf8.last ?? 0) % 4 == 0 ? [pausedTag] : [])
    }

    /// Some jobs have it, and sometimes they are held back.
    static let pausedTag = "sometimes held back"

    static func schedule(_ now: Timestamp, _ random: inout SplitMix64) -> ScheduleText {
        let minute = random.number(0...59)
        let hour = random.number(0...23)
        var limit: Int64?
        let rule: ScheduleText.Rule
        switch random.number(0...99) {
        case 0..<10: rule = cron("\(minute) \(hour) * * *")
        case 10..<24: rule = cron("\(minute) \(hour) */4 * *")
        case 24..<34: rule = cron("30 2 * * *")
        case 34..<40: rule = cron("\(minute) \(hour) * * MON-FRI")
        case 40..<52: rule = cron("\(minute) 1,2,3 * * \(random.number(0...6))")
        case 52..<58: rule = cron("\(minute) \(hour) L * *")
        case 58..<66: rule = cron("\(minute) */12 * * *")
        case 66..<72:
            rule = cron("\(minute) * * * *")
            limit = 10 * day
        case 72..<80:
            rule = .every(random.pick(["90m", "7h", "15m", "1d", "36h"]), anchor: now)
            limit = 5 * day
        case 80..<84:
            rule = .every(random.pick(["5s", "1s"]), anchor: now)
            limit = self.hour / 12
        case 84..<92: rule = .once(now.adding(microseconds: random.span(1_000_000...200 * day)).rfc3339)
        default: rule = .dayAndTime("Friday 10:00PM")
        }
        var text = ScheduleText(rule, zone: random.pick(zones))
        if random.chance(0.3) {
            text.dst = DSTPolicy(gap: random.pick([.run, .skip, nil]), overlap: random.pick([.first, .second, .both]))
        }
        if random.chance(0.2) { text.jitter = random.number(1...600_000_000) }
        if random.chance(0.1) { text.spread = true }
        if random.chance(0.1) { text.startsAt = now.adding(microseconds: random.span(1...30 * day)) }
        if let limit {
            text.endsAt = now.adding(microseconds: limit)
        } else if random.chance(0.1) {
            text.endsAt = now.adding(microseconds: random.number(0...900 * day))
        }
        if random.chance(0.15) {
            let dates = (0..<20).map { _ in
                String(now.adding(microseconds: random.number(0...700 * day)).rfc3339.prefix(10))
            }
            text.exclusions = [ScheduleText.Calendar(name: "holidays", dates: dates)]
        }
        return text
    }

    static func policies(mayOverlap: Bool, _ random: inout SplitMix64) -> Policies {
        var policies = Policies(overlap: .allow)
        if !mayOverlap { policies.overlap = random.pick([.skip, .skip, .queue(max: 0), .queue(max: 3), .replace]) }
        policies.catchUp = random.pick([.skip, .latest, .latest, .all(limit: 5, rate: 0.1), .all(limit: 40, rate: 10)])
        if random.chance(0.2) { policies.window = random.span(1_000_000...6 * hour) }
        if random.chance(0.4) {
            policies.retry = Retry(
                attempts: Int(random.number(2...4)), backoff: random.span(1_000_000...hour),
                on: random.pick([[.failure], [.timeout], [.failure, .timeout]]))
        }
        if random.chance(0.3) { policies.startTimeout = random.span(1_000_000...hour) }
        if random.chance(0.5) { policies.timeout = random.span(60_000_000...4 * hour) }
        if random.chance(0.15) { policies.heartbeatTimeout = random.number(60_000_000...hour) }
        if random.chance(0.3) { policies.onLost = .retry }
        if random.chance(0.15) { policies.onFailure = .halt }
        if random.chance(0.1) { policies.maxRuns = random.number(1...60) }
        return policies
    }

    private static func cron(_ text: String) -> ScheduleText.Rule { .cron(text, .unix, anchor: Timestamp(seconds: 0)) }
}
