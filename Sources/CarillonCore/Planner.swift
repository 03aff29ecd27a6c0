public import Timetable

/// Decides which occurrences of a job become runs, and which are skipped and why. Pure: no clock, no store.
public struct Planner: Sendable {
    /// The newest occurrence that is due is simply late when it is less late than this, in microseconds; else it is missed.
    public static let tardy: Int64 = 60_000_000
    /// Missed times of one job that run at most, by one plan.
    public static let mostRuns = 1000

    public var storeID: UInt64
    public var instance: String
    public var now: Timestamp
    /// Occurrences before this passed while nobody was scheduling.
    public var live: Timestamp
    /// Stretches in which nothing was scheduled, and why; of two that hold a time the first tells.
    public var gaps: [Gap]
    /// When this boot of the machine was first seen; what `@reboot` runs at.
    public var bootedAt: Timestamp?

    public init(
        storeID: UInt64, instance: String, now: Timestamp, live: Timestamp, gaps: [Gap] = [],
        bootedAt: Timestamp? = nil
    ) {
        self.storeID = storeID
        self.instance = instance
        self.now = now
        self.live = live
        self.gaps = gaps
        self.bootedAt = bootedAt
    }

    /// Says when the heap must bring a job up. A job for each boot waits at the end of time, where a boot finds it.
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
        /// Those that have not started.
        public var pending: Int

        public static let none = Activity(active: 0, waiting: 0)

        public init(active: Int, waiting: Int, pending: Int? = nil) {
            self.active = active
            self.waiting = waiting
            self.pending = pending ?? waiting
        }
    }

    /// Accounts for every occurrence in `(job.cursor, now]`; nil when there is none.
    public func plan(_ stored: StoredJob, schedule: Schedule, activity: Activity) -> JobAdvance? {
        var plan = PlanBuilder(planner: self, stored: stored, schedule: schedule, activity: activity)
        if schedule.rule == .reboot {
            plan.boot()
        } else {
            plan.dueTimes()
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
private struct PlanBuilder {
    let planner: Planner
    let stored: StoredJob
    let schedule: Schedule
    let policies: Policies
    let activity: Planner.Activity
    /// Times that an order said to skip, the earliest first.
    let skipping: [Timestamp]
    var cursor: Timestamp
    /// The time after the one that is due, where that is known already.
    var following: (of: Timestamp, is: Timestamp?)?
    var runs: [Run] = []
    var skips: [Skip] = []

    init(planner: Planner, stored: StoredJob, schedule: Schedule, activity: Planner.Activity) {
        self.planner = planner
        self.stored = stored
        self.schedule = schedule
        self.policies = stored.job.policies
        self.activity = activity
        self.skipping = stored.job.standing?.skipping ?? []
        self.cursor = stored.cursor
    }

    private var exhausted: Bool {
        policies.maxRuns.map { stored.opened + Int64(runs.count) >= $0 } ?? false
    }

    /// Opens one run for each boot of the machine.
    mutating func boot() {
        guard let time = planner.bootedAt, time > cursor, time <= planner.now, !exhausted else { return }
        occur(at: time, trigger: .boot, notBefore: time)
    }

    /// Plans the times that are due: the newest is simply late, unless nobody was scheduling then or it is a minute
    /// ago; all before it are missed.
    mutating func dueTimes() {
        let end = planner.now.adding(microseconds: 1)
        guard let first = schedule.next(after: cursor), first < end else { return }
        let second = schedule.next(after: first)
        let newest = second.map { $0 < end ? schedule.previous(before: end) ?? first : first } ?? first
        let isLate = newest >= planner.live && newest > planner.now.adding(microseconds: -Planner.tardy)
        if newest == first { following = (first, second) }
        if !isLate {
            catchUp(before: end)
        } else {
            if newest > first { catchUp(before: newest) }
            if !exhausted { occur(at: newest, trigger: .schedule, notBefore: newest) }
        }
    }

    /// Applies the catch-up policy to times that passed while nothing was scheduled.
    private mutating func catchUp(before end: Timestamp) {
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
            if schedule.exclusion(of: time) == nil, !skipping.contains(time) { chosen.append(time) }
            if let window = policies.window, time.adding(microseconds: window) < planner.now { break }
        }
        for time in chosen.reversed() where !exhausted {
            skipMissed(before: time)
            let wait = rate > 0 ? Int64(saturating: Double(runs.count) / rate * 1_000_000) : 0
            let (reason, detail, _) = why(time)
            occur(
                at: time, trigger: .catchUp, notBefore: planner.now.adding(microseconds: wait),
                cause: .missed(reason, detail: detail))
        }
        skipMissed(before: end)
    }

    /// Records what lies between the cursor and a time that runs (or the end of the missed stretch), gap by gap.
    private mutating func skipMissed(before end: Timestamp) {
        while !exhausted, let first = schedule.next(after: cursor), first < end {
            if skipping.contains(first) {
                skip(through: first, .ordered)
                continue
            }
            let (reason, detail, until) = why(first)
            let stop = min(until, skipping.first { $0 > first } ?? until)
            guard let last = schedule.previous(before: min(end, stop)), last > cursor else { return }
            if let name = schedule.exclusion(of: last), last == first {
                skip(through: last, .calendar, detail: name)
            } else {
                skip(through: last, reason, detail: detail)
            }
        }
    }

    /// Says why a time was missed, and up to where (exclusively) that is the reason.
    private func why(_ time: Timestamp) -> (SkipReason, detail: String?, until: Timestamp) {
        // Where the next one begins, that one is asked.
        let next = planner.gaps.lazy.map(\.after).filter { $0 >= time }.min()?.adding(microseconds: 1)
        guard let gap = planner.gaps.first(where: { $0.after < time && time <= $0.through }) else {
            return (.stall, nil, next ?? .distantFuture)
        }
        let end = gap.through.adding(microseconds: 1)
        return (gap.reason, gap.detail, next.map { min($0, end) } ?? end)
    }

    /// Opens a run for one scheduled time, or records a skip that says why not.
    private mutating func occur(
        at time: Timestamp, trigger: Trigger, notBefore: Timestamp, cause: Cause? = nil
    ) {
        if skipping.contains(time) { return skip(through: time, .ordered) }
        if let name = schedule.exclusion(of: time) { return skip(through: time, .calendar, detail: name) }
        if let window = policies.window, time.adding(microseconds: window) < planner.now {
            return skip(through: time, .window)
        }
        if let most = policies.maxQueue, activity.pending + runs.count >= most {
            return skip(through: time, .full)
        }
        // What is opened together waits for each other; an overlap is one with what was active before.
        switch policies.overlap {
        case .allow, .replace: break
        case .skip:
            if activity.active > 0 { return skip(through: time, .overlap) }
        case .queue(let max):
            if activity.active > 0, activity.waiting + runs.count >= max { return skip(through: time, .overlap) }
        }
        let delay = schedule.jitter > 0 ? schedule.delay(of: time, key: stored.job.name) : 0
        runs.append(
            Run(
                id: RunID(store: planner.storeID, job: stored.job.name, scheduledAt: time), jobID: stored.id,
                job: stored.job.name, revision: stored.revision, trigger: trigger, scheduledAt: time,
                notBefore: max(notBefore, time.adding(microseconds: delay)), createdAt: planner.now,
                instance: planner.instance, cause: cause))
        advance(to: time)
    }

    /// Records a skip; neighbours for one reason are one record.
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
        let more =
            if ended { nil as Timestamp? } else if let following, following.of == cursor { following.is } else {
                Planner.nextDue(of: schedule, after: cursor)
            }
        guard cursor > stored.cursor || more != stored.nextDue else { return nil }
        return JobAdvance(
            id: stored.id, revision: stored.revision, from: stored.cursor, to: cursor, nextDue: more, runs: runs,
            skips: skips)
    }
}
