package import CarillonCore
package import Timetable

/// How many times all jobs together have in equal parts of a stretch of coming time, by their schedules alone.
package struct Forecast: Sendable {
    package let from: Timestamp
    package let until: Timestamp
    /// Of each part.
    package private(set) var counts: [Int]
    /// Whether some of it is reckoned: of jobs that are spread, and of very many times.
    package private(set) var isRough = false
    /// Jobs with a time in the stretch.
    package private(set) var jobs = 0

    private let width: Int64
    /// Times that may still be looked at one by one.
    private var patience = 1_000_000

    /// Of jobs that are spread by their names, so many stand for all with the same schedule.
    private static let samples = 16
    /// Times of one schedule that are looked at one by one, before whole parts of the stretch are.
    private static let apart = 200

    /// Reckons for the stretch `[from, until]`, in so many parts.
    package init(_ schedules: ScheduleCounts, zones: ZoneDatabase, from: Timestamp, until: Timestamp, parts: Int) {
        self.from = from
        self.until = until
        counts = [Int](repeating: 0, count: parts)
        width = max(1, (until.microseconds - from.microseconds) / Int64(max(1, parts)))
        if parts == 0 { return }
        var told = 0
        for entry in schedules.entries {
            told += entry.jobs
            let (kinds, goesByName) = Self.kinds(of: entry, zones)
            if goesByName { isRough = true }
            for (schedule, jobs) in kinds { add(schedule, jobs) }
        }
        // Those whose schedules are too many to be told go like the others.
        guard told > 0, schedules.jobs > told else { return }
        isRough = true
        let factor = Double(schedules.jobs) / Double(told)
        counts = counts.map { Int((Double($0) * factor).rounded()) }
        jobs = Int((Double(jobs) * factor).rounded())
    }

    /// Compiles a schedule for its jobs: once, or for some names where it goes by these.
    private static func kinds(
        of entry: ScheduleCounts.Entry, _ zones: ZoneDatabase
    ) -> (kinds: [(Schedule, jobs: Int)], goesByName: Bool) {
        func compiled(_ key: String) -> Schedule? { (try? entry.schedule.compile(job: key, zones: zones)) ?? nil }
        guard let first = compiled("0"), let second = compiled("1") else { return ([], false) }
        if first.rule == second.rule { return ([(first, entry.jobs)], false) }
        let names = min(samples, entry.jobs)
        let kinds = (0..<names).compactMap { number in
            compiled("\(number)").map { ($0, jobs: entry.jobs / names + (number < entry.jobs % names ? 1 : 0)) }
        }
        return (kinds, true)
    }

    private func start(of part: Int) -> Timestamp { from.adding(microseconds: Int64(part) * width) }

    private func part(of time: Timestamp) -> Int {
        min(counts.count - 1, Int((time.microseconds - from.microseconds) / width))
    }

    private mutating func add(_ schedule: Schedule, _ weight: Int) {
        if weight == 0 { return }
        var last = from.adding(microseconds: -1)
        for _ in 0..<Self.apart {
            guard let time = schedule.next(after: last), time <= until else {
                if last >= from { jobs += weight }
                return
            }
            if schedule.exclusion(of: time) == nil { counts[part(of: time)] += weight }
            last = time
        }
        jobs += weight
        addWhole(schedule, weight, after: last)
    }

    /// Adds the times after this one, part by part.
    private mutating func addWhole(_ schedule: Schedule, _ weight: Int, after time: Timestamp) {
        var after = time
        for place in part(of: time)..<counts.count {
            let end = place == counts.count - 1 ? until : start(of: place + 1).adding(microseconds: -1)
            defer { after = end }
            guard schedule.exclusion(of: end) == nil else { continue }
            if patience > 0 {
                let count = schedule.count(after: after, through: end, limit: patience)
                counts[place] += count * weight
                if case .every = schedule.rule { continue }
                patience -= count
            } else {
                // As often as a moment ago.
                isRough = true
                let span: Int64 = 3_600_000_000
                let count = schedule.count(
                    after: end.adding(microseconds: -min(span, width)), through: end, limit: 4_000)
                let share = Double(end.microseconds - after.microseconds) / Double(min(span, width))
                counts[place] += Int(Double(count * weight) * share)
            }
        }
    }
}

extension Forecast {
    /// Counts the jobs that go by the clock of a zone, and those that a change of it touches.
    package static func touched(
        by change: Timestamp, _ zone: String, _ schedules: ScheduleCounts, zones: ZoneDatabase
    ) -> (jobs: Int, touched: Int) {
        var (jobs, touched) = (0, 0)
        for entry in schedules.entries where entry.schedule.zone == zone {
            jobs += entry.jobs
            for (schedule, share) in kinds(of: entry, zones).kinds where schedule.isTouched(byChangeAt: change) {
                touched += share
            }
        }
        return (jobs, touched)
    }
}
