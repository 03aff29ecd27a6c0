import Testing
import Timetable

let database = ZoneDatabase()

/// Repeatable random numbers (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

func instant(_ text: String) throws -> Timestamp {
    try #require(Timestamp(rfc3339: text), "\(text) is not RFC 3339")
}

/// What `body` throws, or nil.
func failure(_ body: () throws(ScheduleError) -> Void) -> ScheduleError? {
    do {
        try body()
        return nil
    } catch {
        return error
    }
}

/// Up to `count` occurrences after an instant.
func occurrences(_ schedule: Schedule, after: Timestamp, count: Int) -> [String] {
    var found: [String] = []
    var last = after
    while found.count < count, let next = schedule.next(after: last) {
        found.append(next.rfc3339)
        last = next
    }
    return found
}

func cron(
    _ text: String, _ zone: String = "UTC", dialect: Dialect = .unix, dst: DSTPolicy = .init()
) throws -> Schedule {
    Schedule(rule: .cron(try CronExpression(text, dialect: dialect)), zone: try database.zone(zone), dst: dst)
}
