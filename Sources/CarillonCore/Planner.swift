import Timetable

/// Decides which occurrences of a job become runs, and which are skipped and why. Pure: no clock, no store.
public struct Planner: Sendable {
    /// An occurrence later than this, in microseconds, counts as missed even if the engine was up: it was stalled.
    public static let tardy: Int64 = 60_000_000
    /// Runs opened for one job in one plan; the rest follows in the next one.
    public static let mostRuns = 1000

    public var storeID: UInt64
    public var instance: String
    public var now: Timestamp
    /// Occurrences before this passed while nobody was scheduling.
    public var live: Timestamp
    /// Why nobody was.
    public var missed: SkipReason
    /// When this boot of the machine was first seen; what `@reboot` runs at.
    public var bootedAt: Timestamp?

    public init(
        storeID: UInt64, instance: String, now: Timestamp, live: Timestamp, missed: SkipReason,
        bootedAt: Timestamp? = nil
    ) {
        self.storeID = storeID
        self.instance = instance
        self.now = now
        self.live = live
        self.missed = missed
        self.bootedAt = bootedAt
    }

    /// When the heap must bring a job up next. A job for each boot waits at the end of time, where a boot finds it.
    public static func nextDue(of schedule: Schedule?, after cursor: Timestamp) -> Timestamp? {
        guard let schedule else { return nil }
        return schedule.rule == .reboot ? .distantFuture : schedule.next(after: cursor)
    }

    /// What a job's plan needs to know of its runs that are not final.
    public struct Activity: Hashable, Sendable {
        /// Pending, running and cancelling runs.
        public var active: Int
        /// Of these the ones not dispatched yet.
        public var waiting: Int

        public static let none = Activity(active: 0, waiting: 0)

        public init(active: Int, waiting: Int) {
            self.active = active
            self.waiting = waiting
        }
    }

    /// Accounts for every occurrence in `(job.cursor, now]`; nil when there is none.
    public func plan(_ stored: StoredJob, schedule: Schedule, activity: Activity) -> JobAdvance? {
        var plan = Drafting(planner: self, stored: stored, schedule: schedule, activity: activity)
        if schedule.rule == .reboot {
            plan.boot()
        } else {
            plan.missedTimes()
            plan.liveTimes()
        }
        return plan.finish()
    }

    /// Accounts for the occurrences in `(job.cursor, now]` as one skip with this reason; nil when there is none.
    public func skipAll(_ stored: StoredJob, schedule: Schedule, reason: SkipReason) -> Skip? {
        if let most = stored.job.policies.maxRuns, stored.opened >= most { return nil }
        guard let last = schedule.previous(before: now.adding(microseconds: 1)), last > stored.cursor else {
            return nil
        }
        return Skip(
            jobID: stored.id, job: stored.job.name, revision: stored.revision, after: stored.cursor, through: last,
            reason: reason, recordedAt: now)
    }
}

/// One plan in the making: the cursor walks forward, runs and skips fall out behind it.
private struct Drafting {
    let planner: Planner
    let stored: StoredJob
    let schedule: Schedule
    let policies: Policies
    var activity: Planner.Activity
    var cursor: Timestamp
    var runs: [Run] = []
    var skips: [Skip] = []

    init(planner: Planner, stored: StoredJob, schedule: Schedule, activity: Planner.Activity) {
        self.planner = planner
        self.stored = stored
        self.schedule = schedule
        self.policies = stored.job.policies
        self.activity = activity
        self.cursor = stored.cursor
    }

    private var exhausted: Bool {
        policies.maxRuns.map { stored.opened + Int64(runs.count) >= $0 } ?? false
    }

    private var full: Bool { runs.count >= Planner.mostRuns }

    /// One run for each boot of the machine.
    mutating func boot() {
        guard let time = planner.bootedAt, time > cursor, time <= planner.now, !exhausted else { return }
        occur(at: time, trigger: .boot, notBefore: time)
    }

    /// The catch-up policy, for times that passed before anybody looked.
    mutating func missedTimes() {
        let tardy = planner.now.adding(microseconds: -Planner.tardy)
        let end = min(max(planner.live, tardy), planner.now.adding(microseconds: 1))
        guard let first = schedule.next(after: cursor), first < end else { return }
        // Which of the missed times run: the newest `wanted`, oldest first.
        let wanted: Int
        let rate: Double
        switch policies.catchUp {
        case .skip: (wanted, rate) = (0, 0)
        case .latest: (wanted, rate) = (1, 0)
        case .all(let limit, let perSecond): (wanted, rate) = (min(limit, Planner.mostRuns), perSecond)
        }
        var chosen: [Timestamp] = []
        var probe = end
        while chosen.count < wanted, let time = schedule.previous(before: probe), time > cursor {
            probe = time
            if schedule.exclusion(of: time) == nil { chosen.append(time) }
            if let window = policies.window, time.adding(microseconds: window) < planner.now { break }
        }
        for time in chosen.reversed() where !exhausted {
            skipMissed(before: time)
            let wait = rate > 0 ? Int64(Double(runs.count) / rate * 1_000_000) : 0
            occur(at: time, trigger: .catchUp, notBefore: planner.now.adding(microseconds: wait))
        }
        skipMissed(before: end)
    }

    /// Records what lies between the cursor and a time that runs (or the end of the missed stretch).
    private mutating func skipMissed(before end: Timestamp) {
        guard !exhausted, let last = schedule.previous(before: end), last > cursor else { return }
        if let name = schedule.exclusion(of: last), schedule.previous(before: last).map({ $0 <= cursor }) ?? true {
            skip(through: last, .calendar, detail: name)
        } else {
            skip(through: last, planner.missed)
        }
    }

    /// Times that are due just now.
    mutating func liveTimes() {
        while !exhausted, !full, let time = schedule.next(after: cursor), time <= planner.now {
            occur(at: time, trigger: .schedule, notBefore: time)
        }
    }

    /// One scheduled time: a run, or a skip that says why not.
    private mutating func occur(at time: Timestamp, trigger: Trigger, notBefore: Timestamp) {
        if let name = schedule.exclusion(of: time) { return skip(through: time, .calendar, detail: name) }
        if let window = policies.window, time.adding(microseconds: window) < planner.now {
            return skip(through: time, .window)
        }
        switch policies.overlap {
        case .allow, .replace: break
        case .skip:
            // Missed times that were asked for wait for each other; they are no overlap.
            let queued = trigger == .catchUp && !runs.isEmpty
            if activity.active > 0, !queued { return skip(through: time, .overlap) }
        case .queue(let max):
            if activity.active > 0, activity.waiting >= max { return skip(through: time, .overlap) }
        }
        let delay = schedule.jitter > 0 ? schedule.delay(of: time, key: stored.job.name) : 0
        runs.append(
            Run(
                id: RunID(store: planner.storeID, job: stored.job.name, scheduledAt: time), jobID: stored.id,
                job: stored.job.name, revision: stored.revision, trigger: trigger, scheduledAt: time,
                notBefore: max(notBefore, time.adding(microseconds: delay)), createdAt: planner.now,
                instance: planner.instance))
        activity.active += 1
        activity.waiting += 1
        advance(to: time)
    }

    /// Neighbouring skips for one reason are one record.
    private mutating func skip(through time: Timestamp, _ reason: SkipReason, detail: String? = nil) {
        if let last = skips.last, last.through == cursor, last.reason == reason, last.detail == detail {
            skips[skips.count - 1].through = time
        } else {
            skips.append(
                Skip(
                    jobID: stored.id, job: stored.job.name, revision: stored.revision, after: cursor, through: time,
                    reason: reason, detail: detail, recordedAt: planner.now))
        }
        advance(to: time)
    }

    private mutating func advance(to time: Timestamp) {
        if schedule.droppedLocalTimes(after: cursor, through: time) { noteGap(through: time) }
        cursor = time
    }

    private mutating func noteGap(through time: Timestamp) {
        skips.append(
            Skip(
                jobID: stored.id, job: stored.job.name, revision: stored.revision, after: cursor, through: time,
                reason: .gap, recordedAt: planner.now))
    }

    mutating func finish() -> JobAdvance? {
        // Only what the store counted ends a job: a run planned here may be there already, and then opens nothing.
        let ended = policies.maxRuns.map { stored.opened >= $0 } ?? false
        let more = ended ? nil : Planner.nextDue(of: schedule, after: cursor)
        guard cursor > stored.cursor || more != stored.nextDue else { return nil }
        return JobAdvance(
            id: stored.id, revision: stored.revision, from: stored.cursor, to: cursor, nextDue: more, runs: runs,
            skips: skips)
    }
}
