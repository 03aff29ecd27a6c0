import Timetable

/// A cron schedule worked out the slow way: every minute of a window is looked at, straight from the rules R6 to R9.
struct MinuteScan {
    var minutes: Set<Int>
    var hours: Set<Int>
    var days: Set<Int>
    var months: Set<Int>
    var weekdays: Set<Int>
    var needsBoth: Bool
    var isInterval: Bool
    var text: String

    /// A random expression that is likely to fire near the given local hour.
    init(using random: inout SeededGenerator) {
        func pick(_ range: ClosedRange<Int>, _ stars: [String]) -> (Set<Int>, String) {
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                return (Set(range), stars[0])
            case 1:
                let step = Int.random(in: 2...7, using: &random)
                return (Set(stride(from: range.lowerBound, through: range.upperBound, by: step)), "*/\(step)")
            case 2:
                let first = Int.random(in: range, using: &random)
                let last = Int.random(in: first...range.upperBound, using: &random)
                return (Set(first...last), "\(first)-\(last)")
            default:
                let values = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                    Int.random(in: range, using: &random)
                }
                return (Set(values), values.map(String.init).joined(separator: ","))
            }
        }
        let minute = pick(0...59, ["*"])
        let hour = Bool.random(using: &random) ? pick(0...23, ["*"]) : pick(0...4, ["0-4"])
        let star = hour.1.hasPrefix("*/") && hour.0.max() ?? 0 <= 4
        let day = Bool.random(using: &random) ? (Set(1...31), "*") : pick(1...31, ["*"])
        let weekday = Bool.random(using: &random) ? (Set(0...6), "*") : pick(0...6, ["*"])
        minutes = minute.0
        // A step over 0-4 alone is not written with a star.
        hours = star ? Set(0...4) : hour.0
        let hourText = star ? "0-4" : hour.1
        days = day.0
        months = Set(1...12)
        weekdays = weekday.0
        needsBoth = day.1.hasPrefix("*") || weekday.1.hasPrefix("*")
        isInterval = minute.1.hasPrefix("*") || hourText.hasPrefix("*")
        text = "\(minute.1) \(hourText) \(day.1) * \(weekday.1)"
    }

    func matches(_ wall: CivilTime) -> Bool {
        let day = days.contains(wall.day)
        let weekday = weekdays.contains(wall.weekday)
        return minutes.contains(wall.minute) && hours.contains(wall.hour)
            && (needsBoth ? day && weekday : day || weekday)
    }

    /// Every occurrence from `start`, in minutes since 1970, for `length` minutes.
    func occurrences(from start: Int, length: Int, in zone: Zone, dst: DSTPolicy) -> [Timestamp] {
        let margin = 2 * 24 * 60
        var shownAt: [Int: [Int]] = [:]
        var walls: [Int] = []
        for minute in (start - margin)..<(start + length + margin) {
            let wall = minute + zone.local(Timestamp(seconds: Int64(minute * 60))).offsetSeconds / 60
            shownAt[wall, default: []].append(minute)
            walls.append(wall)
        }
        let runsInGap = (dst.gap ?? (isInterval ? .skip : .run)) == .run
        var found: Set<Int> = []
        for (wall, minutes) in shownAt where matches(Self.civil(wall)) {
            switch dst.overlap ?? (isInterval ? .both : .first) {
            case .first: found.insert(minutes[0])
            case .second: found.insert(minutes[minutes.count - 1])
            case .both: found.formUnion(minutes)
            }
        }
        for (index, wall) in walls.enumerated().dropFirst() {
            let before = walls[index - 1]
            guard runsInGap, wall > before + 1, wall - before - 1 < 180 else { continue }
            let missing = (before + 1)..<wall
            if missing.contains(where: { shownAt[$0] == nil && matches(Self.civil($0)) }) {
                found.insert(start - margin + index)
            }
        }
        return found.filter { $0 >= start && $0 < start + length }.sorted().map { Timestamp(seconds: Int64($0 * 60)) }
    }

    /// The wall clock of a minute, as if it were UTC.
    private static func civil(_ wall: Int) -> CivilTime {
        Zone.utc.local(Timestamp(seconds: Int64(wall * 60)))
    }
}
