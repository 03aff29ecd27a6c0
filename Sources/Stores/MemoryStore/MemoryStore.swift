public import CarillonCore
public import Timetable

/// A store that forgets everything when its process ends; for tests.
public actor MemoryStore: JobStore {
    public var ledger: MemoryLedger
    private var audits: [AuditEntry] = []
    var changesOfNotes: Int64 = 0

    public init(storeID: UInt64 = 1) { ledger = MemoryLedger(storeID: storeID) }

    public func storeID() async throws -> UInt64 { ledger.storeID }

    /// What a beat throws meanwhile: a store that cannot be reached.
    var trouble: StoreError?

    public func refuseBeats(_ error: StoreError?) { trouble = error }

    /// What a record waits for: a store that is slow.
    private var delay: (@Sendable () async -> Void)?

    public func delayRecords(_ delay: (@Sendable () async -> Void)?) { self.delay = delay }

    public func apply(_ changes: [JobChange], by term: Term?, now: Timestamp) async throws -> [JobAnswer] {
        ledger.apply(changes, by: term, now: now)
    }

    public func cursors() async throws -> [JobCursor] { ledger.cursors() }

    public func jobs(ids: [JobID]) async throws -> [StoredJob] { ids.compactMap { ledger.jobs[$0]?.stored } }

    public func changing(_ ids: [JobID]) async throws -> [ChangingJob] { ledger.changing(ids) }

    public func job(named name: String) async throws -> StoredJob? {
        ledger.names[name].flatMap { ledger.jobs[$0] }.flatMap { $0.removed ? nil : $0.stored }
    }

    public func jobs(after name: String?, limit: Int) async throws -> [StoredJob] {
        let rest = ledger.jobs.values.filter { row in
            !row.removed
                && (name.map {
                    row.stored.job.name.utf8.lexicographicallyPrecedes($0.utf8) == false
                        && row.stored.job.name != $0
                } ?? true)
        }
        return rest.map(\.stored).sorted { $0.job.name.utf8.lexicographicallyPrecedes($1.job.name.utf8) }
            .prefix(limit).map { $0 }
    }

    public func jobs(_ query: JobQuery) async throws -> [StoredJob] {
        let found = matching(query).filter { stored in
            query.after.map {
                stored.job.name.utf8.lexicographicallyPrecedes($0.utf8) == false && stored.job.name != $0
            }
                ?? true
        }
        func time(_ stored: StoredJob) -> Timestamp {
            stored.job.isOn ? stored.nextDue ?? .distantFuture : .distantFuture
        }
        return found.sorted { a, b in
            if query.order == .next, time(a) != time(b) { return time(a) < time(b) }
            return a.job.name.utf8.lexicographicallyPrecedes(b.job.name.utf8)
        }.prefix(query.limit).map { $0 }
    }

    public func count(_ query: JobQuery) async throws -> Int { matching(query).count }

    private func matching(_ query: JobQuery) -> [StoredJob] {
        let active = Set(ledger.active.compactMap { ledger.runs[$0]?.jobID })
        return ledger.jobs.values.filter { row in
            !row.removed
                && query.matches(
                    row.stored.job, isFailing: row.stored.streak > 0,
                    isActive: active.contains(row.stored.id))
        }.map(\.stored)
    }

    private func lastRuns() -> [JobID: Run] {
        var last: [JobID: Run] = [:]
        for run in ledger.runs.values {
            if let known = last[run.jobID], (known.scheduledAt, known.createdAt) > (run.scheduledAt, run.createdAt) {
                continue
            }
            last[run.jobID] = run
        }
        return last
    }

    public func lastRuns(of jobs: [JobID]) async throws -> [JobID: Run] {
        let wanted = Set(jobs)
        return lastRuns().filter { wanted.contains($0.key) }
    }

    public func jobs(ofFeed feed: String) async throws -> [StoredJobDigest] {
        ledger.jobs.values.filter { !$0.removed && $0.stored.job.origin.feed == feed }.map { row in
            let job = row.stored.job
            return StoredJobDigest(
                id: row.stored.id, name: job.name, source: job.origin.source, revision: row.stored.revision,
                digest: job.digest(),
                nextDue: job.isOn ? row.stored.nextDue : nil, standing: job.standing)
        }
    }

    public func jobs(cursorAfter time: Timestamp, in shards: Set<Shard>, limit: Int) async throws -> [StoredJob] {
        ledger.jobs.values.filter {
            !$0.removed && $0.stored.cursor > time && shards.contains($0.stored.shard)
        }.prefix(limit).map(\.stored)
    }

    public func definition(of job: JobID, revision: Int64) async throws -> Job? {
        ledger.definition(of: job, revision: revision)
    }

    public func openRuns(_ batch: [JobAdvance], under term: Term, now: Timestamp) async throws -> Opened {
        try ledger.openRuns(batch, under: term)
    }

    @discardableResult
    public func record(_ runs: [Run], under term: Term, now: Timestamp) async throws -> Set<RunID> {
        await delay?()
        return try ledger.record(runs, under: term)
    }

    public func openOrdered(_ runs: [Run], under term: Term, now: Timestamp) async throws -> [Run?] {
        try ledger.check(term)
        let opened = runs.map { ledger.isLast($0) ? ledger.insert($0, under: term) : nil }
        ledger.tell(Mail.opened(opened.compactMap { $0 }), but: term)
        return opened
    }

    public func rewind(_ cursors: [JobCursor], under term: Term, now: Timestamp) async throws {
        try ledger.rewind(cursors, under: term, now: now)
    }

    public func activeRuns(after id: RunID?, limit: Int) async throws -> [Run] {
        ledger.activeRuns(after: id, limit: limit)
    }

    public func activeRuns(on machine: String) async throws -> [Run] { ledger.activeRuns(on: machine) }

    public func run(_ id: RunID) async throws -> Run? { ledger.runs[id] }

    public func run(of job: JobID, cause: Cause) async throws -> Run? { ledger.run(of: job, cause: cause) }

    public func runs(idPrefix: String, limit: Int) async throws -> [Run] {
        ledger.runs.values.filter { $0.id.description.hasPrefix(idPrefix) }.sorted { $0.id < $1.id }
            .prefix(limit).map { $0 }
    }

    public func neighbours(of ids: [RunID]) async throws -> [RunNeighbours] {
        ids.map { id in
            RunNeighbours(
                before: ledger.runs.keys.filter { $0 < id }.max(), after: ledger.runs.keys.filter { $0 > id }.min())
        }
    }

    public func runs(_ query: RunQuery) async throws -> [Run] {
        ledger.runs.values.filter { run in
            (query.job.map { run.job == $0 } ?? true) && (query.states.isEmpty || query.states.contains(run.state))
                && (query.since.map { run.scheduledAt >= $0 } ?? true)
                && (query.until.map { run.scheduledAt <= $0 } ?? true)
                && (query.triggers.isEmpty || query.triggers.contains(run.trigger))
                && (query.after.map { (run.scheduledAt, run.id) < ($0.scheduledAt, $0.id) } ?? true)
        }.sorted { ($0.scheduledAt, $0.id) > ($1.scheduledAt, $1.id) }.prefix(query.limit).map { $0 }
    }

    public func skips(_ query: RunQuery) async throws -> [Skip] {
        ledger.skips.values.flatMap { $0 }.filter { skip in
            (query.job.map { skip.job == $0 } ?? true) && (query.since.map { skip.through >= $0 } ?? true)
                && (query.until.map { skip.after < $0 } ?? true)
        }.sorted { $0.through > $1.through }.prefix(query.limit).map { $0 }
    }

    public func prune(
        _ retention: Retention, under term: Term, now: Timestamp, limit: Int
    ) async throws -> [GoneRun] {
        try ledger.prune(retention, under: term, now: now, limit: limit).map {
            GoneRun(id: $0.id, job: $0.job, machine: $0.machine)
        }
    }

    public func shrink(under term: Term, limit: Int) async throws -> Bool { false }

    public func note(_ key: String) async throws -> String? { ledger.notes[key] }

    public func notes(withPrefix prefix: String) async throws -> [String: String] {
        ledger.notes.filter { $0.key.hasPrefix(prefix) }
    }

    public func setNote(_ key: String, _ value: String?) async throws {
        ledger.notes[key] = value
        changesOfNotes += 1
    }

    public func notesRevision() async throws -> Int64 { changesOfNotes }

    public func audit(_ entry: AuditEntry, keep: Int64) async throws {
        audits.append(entry)
        audits.removeAll { $0.at < entry.at.adding(microseconds: -keep) }
    }

    public func audits(_ query: AuditQuery) async throws -> [AuditEntry] {
        audits.filter { entry in
            (query.subject.map { entry.subject == $0 } ?? true) && (query.user.map { entry.user == $0 } ?? true)
                && (query.action.map { entry.action == $0 } ?? true) && (query.since.map { entry.at >= $0 } ?? true)
                && (query.until.map { entry.at <= $0 } ?? true)
        }.reversed().prefix(query.limit).map { $0 }
    }

    public func counts() async throws -> StoreCounts {
        let present = ledger.jobs.values.filter { !$0.removed }
        let active = Dictionary(grouping: ledger.active.compactMap { ledger.runs[$0] }, by: \.state.rawValue)
        return StoreCounts(
            jobs: present.count, enabled: present.count { $0.stored.job.isOn }, active: active.mapValues(\.count))
    }

    public func hours(from start: Timestamp, to end: Timestamp) async throws -> [HourCount] {
        ledger.hours.filter { HourCount.hour(of: start) <= $0.hour && $0.hour <= end }
    }

    public func close() async throws {}
}
