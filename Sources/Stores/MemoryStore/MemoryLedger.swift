public import CarillonCore
public import Timetable

/// A store's contents as a value: what every store must do, in its plainest form.
///
/// Simulations drive it without any waiting, and copy it to see what a crash would have left.
public struct MemoryLedger: Sendable {
    public struct JobRow: Sendable {
        public var stored: StoredJob
        /// What its cursor follows while it is changing, at whatever cursor that was.
        public internal(set) var former: StoredJob?
        var changedAt = Timestamp.distantPast
        public var removed: Bool { stored.isRemoved }
    }

    package struct Occurrence: Hashable {
        var job: JobID
        var at: Timestamp

        package init(job: JobID, at: Timestamp) {
            self.job = job
            self.at = at
        }
    }

    public let storeID: UInt64
    public package(set) var jobs: [JobID: JobRow] = [:]
    var names: [String: JobID] = [:]
    /// Schedules that were in force up to a revision, by job.
    var schedules: [JobID: [(revision: Int64, schedule: ScheduleText)]] = [:]
    public package(set) var runs: [RunID: Run] = [:]
    var active: Set<RunID> = []
    package var occurrences: [Occurrence: RunID] = [:]
    public package(set) var skips: [JobID: [Skip]] = [:]
    package var notes: [String: String] = [:]
    /// What ended, in no order.
    public private(set) var hours: [HourCount] = []
    public var tables = InstanceTables()

    public init(storeID: UInt64) { self.storeID = storeID }

    func check(_ term: Term) throws { try tables.check(term) }

    // MARK: Jobs

    public mutating func apply(_ changes: [JobChange], by term: Term? = nil, now: Timestamp) -> [JobAnswer] {
        let answers = carryOut(changes, now)
        tell(Mail.changed(answers.compactMap(\.stored)), but: term)
        return answers
    }

    private mutating func carryOut(_ changes: [JobChange], _ now: Timestamp) -> [JobAnswer] {
        changes.map { change in
            switch change {
            case .add(let job, let cursor, let nextDue, let skips):
                guard let id = names[job.name], let row = jobs[id] else {
                    return .stored(add(job, cursor, nextDue, skips))
                }
                let before = row.stored
                if before.isRemoved {
                    return .stored(
                        replace(before, by: job.returned(before.job.origin.feed, under: before.job.standing), now))
                }
                return before.job.origin.feed == job.origin.feed ? .stale(before) : .foreign
            case .change(let id, let job, let revision):
                guard let before = jobs[id]?.stored, before.revision == revision, !before.isRemoved else {
                    return .stale(jobs[id]?.stored)
                }
                return before.job.origin.feed == job.origin.feed ? .stored(replace(before, by: job, now)) : .foreign
            case .remove(let id, let revision):
                guard let before = jobs[id]?.stored, before.revision == revision, !before.isRemoved else {
                    return .stale(jobs[id]?.stored)
                }
                return .stored(replace(before, by: before.job, now, isRemoved: true))
            }
        }
    }

    private mutating func add(
        _ job: Job, _ cursor: Timestamp, _ nextDue: Timestamp?, _ added: [Skip]
    ) -> StoredJob {
        let id = JobID(Int32(jobs.count + 1))
        var stored = StoredJob(id: id, job: job, revision: 1, cursor: cursor, nextDue: nextDue)
        stored.pinned = shard(of: Place(of: job.policies))
        jobs[id] = JobRow(stored: stored)
        names[job.name] = id
        for var skip in added {
            (skip.jobID, skip.revision) = (id, 1)
            add(skip)
        }
        return stored
    }

    private mutating func replace(
        _ before: StoredJob, by job: Job, _ now: Timestamp, isRemoved: Bool = false
    ) -> StoredJob {
        var stored = before
        stored.job = job
        stored.revision += 1
        stored.isRemoved = isRemoved
        stored.isChanging = true
        stored.fault = nil
        if before.job.schedule != job.schedule {
            schedules[before.id, default: []].append((before.revision, before.job.schedule))
        }
        let since = before.isChanging ? jobs[before.id]?.changedAt : nil
        jobs[before.id] = JobRow(
            stored: stored, former: jobs[before.id]?.former ?? before, changedAt: since ?? now)
        let place = isRemoved ? Place.share : Place(of: job.policies)
        if let pinned = before.pinned, isRemoved || before.isChanging || before.job.policies.host != job.policies.host,
            !tables.isHeld(pinned)
        {
            free(before.id, to: place)
        }
        return stored
    }

    /// The shard of a label; nil for a job that stands in the share of its number.
    private mutating func shard(of place: Place) -> Shard? { place.label.map { tables.shard(labelled: $0) } }

    /// Says to which shard mail goes that is for whoever has a job.
    private func addressed(_ mail: [Mail]) -> [Mail] {
        mail.map { word in
            guard case .job(let id) = word.to else { return word }
            var word = word
            word.to = .shard(jobs[id]?.stored.shard ?? Shard(of: id))
            return word
        }
    }

    public mutating func tell(_ mail: [Mail], but term: Term?) { tables.tell(addressed(mail), but: term) }

    public mutating func post(_ mail: [Mail]) { tables.post(addressed(mail)) }

    /// Answers those that are changing, each with the definition that its cursor follows.
    public func changing(_ ids: [JobID]) -> [ChangingJob] {
        ids.compactMap { id in
            guard let row = jobs[id], var former = row.former else { return nil }
            let now = row.stored
            (former.cursor, former.nextDue, former.opened) = (now.cursor, now.nextDue, now.opened)
            return ChangingJob(job: now, former: former, changedAt: row.changedAt)
        }
    }

    public func definition(of id: JobID, revision: Int64) -> Job? {
        guard var job = jobs[id]?.stored.job else { return nil }
        if let old = schedules[id]?.first(where: { $0.revision >= revision }) { job.schedule = old.schedule }
        return job
    }

    public func cursors() -> [JobCursor] {
        jobs.values.map(\.stored).compactMap { job in
            if job.isChanging { return JobCursor(id: job.id, nextDue: .distantPast, pinned: job.pinned) }
            guard job.job.isOn, !job.isRemoved, let nextDue = job.nextDue else { return nil }
            return JobCursor(id: job.id, nextDue: nextDue, pinned: job.pinned)
        }.sorted { $0.id < $1.id }
    }

    /// Reads what stands in shards of a term that is in force.
    public func take(_ shards: Set<Shard>, under term: Term) throws -> Taken {
        try tables.check(term, holds: shards)
        return Taken(
            cursors: cursors().filter { shards.contains($0.pinned ?? Shard(of: $0.id)) },
            runs: activeRuns(after: nil, limit: .max).filter {
                shards.contains(jobs[$0.jobID]?.stored.shard ?? Shard(of: $0.jobID))
            })
    }

    public mutating func rewind(_ cursors: [JobCursor], under term: Term, now: Timestamp) throws {
        try check(term)
        for cursor in cursors {
            guard let row = jobs[cursor.id], row.stored.cursor > now else { continue }
            jobs[cursor.id]?.stored.cursor = now
            jobs[cursor.id]?.stored.nextDue = cursor.nextDue
            skips[cursor.id]?.removeAll { $0.after >= now }
            for index in skips[cursor.id]?.indices ?? 0..<0 {
                let through = skips[cursor.id]?[index].through ?? now
                skips[cursor.id]?[index].through = min(through, now)
            }
        }
    }

    // MARK: The ledger

    public mutating func openRuns(_ batch: [JobAdvance], under term: Term) throws -> Opened {
        try check(term)
        var opened = Opened()
        for part in batch {
            guard let row = jobs[part.id], row.stored.revision == part.revision, row.stored.cursor == part.from,
                row.stored.isChanging == part.takesUp, part.moves == nil || !isActive(part.id)
            else {
                opened.refused.insert(part.id)
                continue
            }
            jobs[part.id]?.stored.cursor = part.to
            jobs[part.id]?.stored.nextDue = part.nextDue
            for run in part.runs {
                guard let written = insert(run, under: term) else { continue }
                opened.new.append(written)
                jobs[part.id]?.stored.opened += 1
            }
            for skip in part.skips { add(skip) }
            if part.takesUp {
                jobs[part.id]?.former = nil
                jobs[part.id]?.stored.isChanging = false
                if part.countsAnew { jobs[part.id]?.stored.opened = 0 }
            }
            if let place = part.moves { move(part.id, to: place, with: opened.new.filter { $0.jobID == part.id }) }
        }
        return opened
    }

    private func isActive(_ job: JobID) -> Bool { active.contains { runs[$0]?.jobID == job } }

    /// Brings a job to where it stands by its definition, when nobody in force has where it stood.
    private mutating func free(_ id: JobID, to place: Place) {
        let shard = shard(of: place)
        jobs[id]?.stored.pinned = shard
        guard let stored = jobs[id]?.stored else { return }
        post(Mail.opened(activeRuns(after: nil, limit: .max).filter { $0.jobID == id }) + Mail.changed([stored]))
    }

    private mutating func move(_ id: JobID, to place: Place, with opened: [Run]) {
        let shard = shard(of: place)
        jobs[id]?.stored.pinned = shard
        jobs[id]?.stored.revision += 1
        guard let stored = jobs[id]?.stored else { return }
        post(Mail.opened(opened) + Mail.changed([stored]))
    }

    /// Answers nil when the occurrence is there already; a clash of ids draws another.
    package mutating func insert(_ run: Run, under term: Term? = nil) -> Run? {
        var run = run
        if let time = run.occurrence {
            let key = Occurrence(job: run.jobID, at: time)
            if occurrences[key] != nil { return nil }
            var salt: UInt64 = 0
            while runs[run.id] != nil {
                salt += 1
                run.id = RunID(store: storeID, job: run.job, scheduledAt: time, salt: salt)
            }
            occurrences[key] = run.id
        } else {
            if let cause = run.cause, case .asked = cause, self.run(of: run.jobID, cause: cause) != nil { return nil }
            while runs[run.id] != nil { run.id.hash &+= 1 }
        }
        runs[run.id] = run
        runs[run.id]?.term = term?.count
        active.insert(run.id)
        return run
    }

    func run(of job: JobID, cause: Cause) -> Run? { runs.values.first { $0.jobID == job && $0.cause == cause } }

    /// Whether what a run of a backfill repeats is the last of its time, and nothing of that time goes on.
    func isLast(_ run: Run) -> Bool {
        guard run.trigger == .backfill, case .repeats(let old) = run.cause else { return true }
        let same = runs.values.filter { $0.jobID == run.jobID && $0.scheduledAt == run.scheduledAt }
        let last = same.max { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
        return last?.id == old && same.allSatisfy(\.state.isFinal)
    }

    private mutating func add(_ skip: Skip) {
        let same = skips[skip.jobID]?.lastIndex {
            $0.through == skip.after && $0.reason == skip.reason && $0.revision == skip.revision
                && $0.detail == skip.detail
        }
        if let same {
            skips[skip.jobID]?[same].through = skip.through
        } else {
            skips[skip.jobID, default: []].append(skip)
        }
    }

    @discardableResult
    public mutating func record(_ changed: [Run], under term: Term) throws -> Set<RunID> {
        try check(term)
        var unwritten: Set<RunID> = []
        var ended = EndedCounts()
        for run in changed {
            guard let known = runs[run.id], !known.state.isFinal else {
                unwritten.insert(run.id)
                continue
            }
            runs[run.id] = run
            runs[run.id]?.term = known.term
            guard run.state.isFinal else { continue }
            active.remove(run.id)
            ended.count(run)
        }
        for (key, count) in ended.hours {
            let place =
                hours.firstIndex { $0.hour == key.hour && $0.state == key.state } ?? hours.endIndex
            if place == hours.endIndex { hours.append(HourCount(hour: key.hour, state: key.state, runs: 0, took: 0)) }
            hours[place].runs += count.runs
            hours[place].took += count.took
        }
        for job in ended.completed { jobs[job]?.stored.streak = 0 }
        for (job, failures) in ended.failures { jobs[job]?.stored.streak += failures }
        return unwritten
    }

    /// Rewrites a run whatever its state, which no store does: for tests of the checks.
    package mutating func overwrite(_ id: RunID, _ change: (inout Run) -> Void) {
        if var run = runs[id] {
            change(&run)
            runs[id] = run
        }
    }

    public func activeRuns(after id: RunID?, limit: Int) -> [Run] {
        let later = active.filter { run in id.map { run > $0 } ?? true }.sorted().prefix(limit)
        return later.compactMap { runs[$0] }
    }

    public func activeRuns(on machine: String) -> [Run] {
        active.sorted().compactMap { runs[$0] }.filter { $0.machine == machine }
    }

    public mutating func prune(_ retention: Retention, under term: Term, now: Timestamp, limit: Int) throws -> [Run] {
        try check(term)
        let oldest = now.adding(microseconds: -retention.age)
        let ended = runs.values.filter(\.state.isFinal)
        let old = ended.filter { max($0.endedAt ?? $0.scheduledAt, $0.scheduledAt) < oldest }
        var victims = Dictionary(old.map { ($0.id, $0) }) { first, _ in first }
        for (_, ofJob) in Dictionary(grouping: ended, by: \.jobID) where ofJob.count > retention.perJob {
            for run in ofJob.sorted(by: { $0.scheduledAt > $1.scheduledAt }).dropFirst(retention.perJob) {
                victims[run.id] = run
            }
        }
        let gone = Array(victims.values.sorted { $0.id < $1.id }.prefix(limit))
        for run in gone {
            runs[run.id] = nil
            if let time = run.occurrence { occurrences[Occurrence(job: run.jobID, at: time)] = nil }
        }
        for id in skips.keys { skips[id]?.removeAll { $0.through < oldest } }
        return gone
    }
}
