package import CarillonCore
import Foundation
import Timetable

/// Rows to values and back, for all stores that keep tables. What many jobs share is decoded once.
package final class RowCodec: Sendable {
    private let schedules = Memo<ScheduleText>()
    private let policies = Memo<Policies>()
    private let tags = Memo<[String]>()

    package init() {}

    package static func encode(_ value: some Encodable) throws -> String {
        String(decoding: try CanonicalJSON.encode(value, escapingSlashes: false), as: UTF8.self)
    }

    package static func decode<T: Decodable>(_ type: T.Type, _ text: String) throws -> T {
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw StoreError(.corrupt, "the store holds a \(type) that cannot be read: \(text.prefix(200))")
        }
    }

    /// Reads what orders laid on a job. One that this build cannot read is off until somebody has looked: it must not
    /// run because a later release had another reason why it should not.
    package static func standing(_ text: String?) -> Standing? {
        guard let text else { return nil }
        return (try? decode(Standing.self, text))
            ?? Standing(off: .halted("what an order laid on it cannot be read by this build"))
    }

    /// A scheduled time that the four bytes of seconds in a run's id cannot say, as a condition.
    package static let outside = "scheduled_at NOT BETWEEN 0 AND 4294967295999999"

    /// A run that was asked for under a key, as a condition.
    package static let askedFor = "substr(cause, 1, 6) = 'asked '"

    // MARK: Jobs

    /// Of `jobs`, joined with `cursors`.
    package static let jobColumns = jobColumns(of: "jobs", revision: "cursors.revision")
    package static let jobTables = "jobs JOIN cursors ON cursors.job_id = jobs.id"

    /// Of a job and the definition that its cursor follows, which stands in `changing`.
    package static let changingColumns =
        "\(jobColumns), \(jobColumns(of: "changing", revision: "changing.revision")), changing.changed_at"
    package static let changingTables = "\(jobTables) JOIN changing ON changing.job_id = jobs.id"

    private static func jobColumns(of table: String, revision: String) -> String {
        """
        jobs.id, jobs.name, jobs.feed, jobs.source, \(table).schedule, \(table).kind, \(table).summary, \
        \(table).target, \(table).policies, \(table).tags, \(table).enabled, \(revision), cursors.cursor, \
        cursors.next_due, cursors.opened, \(table).standing, \(table).removed, cursors.streak, cursors.is_changing
        """
    }

    /// How many columns these are.
    package static let jobWidth = 19
    package static let changingWidth = 2 * jobWidth + 1

    /// What `changing` has of a definition, beside the job's number, its revision and the time of the change; of `jobs` under the same names.
    package static let definitionColumns = "schedule, kind, summary, target, policies, tags, enabled, standing, removed"

    /// Reads a job of `changingColumns`.
    package func changing<Row: StoredRow & ~Copyable>(_ row: borrowing Row) throws -> ChangingJob {
        ChangingJob(
            job: try job(row), former: try job(row, from: Self.jobWidth), changedAt: try row.time(2 * Self.jobWidth))
    }

    /// Reads a job of `jobColumns`, the first of which stands here: what of it cannot be read is the fault of this job alone.
    package func job<Row: StoredRow & ~Copyable>(_ row: borrowing Row, from first: Int = 0) throws -> StoredJob {
        var faults: [String] = []
        func read<T>(_ column: String, or other: T, _ body: () throws -> T) -> T {
            do {
                return try body()
            } catch {
                faults.append("its \(column) cannot be read by this build")
                return other
            }
        }
        let (scheduleText, policyText, tagText) = (
            try row.words(first + 4), try row.words(first + 8), try row.words(first + 9)
        )
        let schedule = read("schedule", or: ScheduleText(.manual)) { try schedules.decode(scheduleText) }
        let policies = read("policies", or: Policies(overlap: .allow)) { try self.policies.decode(policyText) }
        let words = read("tags", or: []) { tagText == "[]" ? [] : try self.tags.decode(tagText) }
        if faults.isEmpty, let fault = policies.fault { faults.append(fault) }
        let kind = Target.Kind(rawValue: try row.words(first + 5))
        // What an older release had was no target.
        if kind.rawValue.isEmpty { faults.append("its target cannot be read by this build") }
        var job = Job(
            name: try row.words(first + 1), schedule: schedule,
            target: Target(kind: kind, summary: try row.words(first + 6), body: try row.words(first + 7)),
            policies: policies,
            enabled: try row.bool(first + 10) ?? false, tags: words,
            origin: Origin(feed: try row.words(first + 2), source: try row.words(first + 3)))
        job.standing = Self.standing(try row.text(first + 15))
        return StoredJob(
            id: JobID(Int32(truncatingIfNeeded: try row.number(first))), job: job, revision: try row.number(first + 11),
            cursor: try row.time(first + 12), nextDue: try row.someTime(first + 13), opened: try row.number(first + 14),
            streak: Int(try row.number(first + 17)), isRemoved: try row.bool(first + 16) ?? false,
            isChanging: try row.bool(first + 18) ?? false,
            fault: faults.isEmpty ? nil : faults.joined(separator: "; "))
    }

    // MARK: Runs

    /// Of `runs`, joined with `jobs`.
    package static let runColumns = earlyRunColumns + ", runs.cause, runs.arguments, runs.term, runs.machine"

    /// Those that the first release had.
    package static let earlyRunColumns = """
        runs.id, runs.job_id, jobs.name, runs.revision, runs.trigger, runs.scheduled_at, runs.not_before, runs.state, \
        runs.attempt, runs.created_at, runs.dispatched_at, runs.started_at, runs.ended_at, runs.heartbeat_at, \
        runs.instance, runs.process, runs.exit_code, runs.signal, runs.error, runs.output_tail, runs.reason, runs.earlier, \
        runs.held_since, runs.held_until, runs.held_why, runs.manual
        """

    /// Reads a run of `runColumns`; what a later release wrote reads as what comes nearest. Throws `corrupt` for an id that
    /// is none.
    package func run<Row: StoredRow & ~Copyable>(_ row: borrowing Row) throws -> Run {
        guard let id = try row.runID(0) else {
            throw StoreError(.corrupt, "the ledger holds a run of \(try row.words(2)) whose id is none")
        }
        let isManual = try row.number(25) != 0
        let trigger = Trigger(rawValue: try row.words(4)) ?? (isManual ? .manual : .schedule)
        // A state of a later release; all from 3 on are final.
        let state = RunState(number: Int(try row.number(7)))
        var run = Run(
            id: id, jobID: JobID(Int32(truncatingIfNeeded: try row.number(1))), job: try row.words(2),
            revision: try row.number(3), trigger: trigger, scheduledAt: try row.time(5), notBefore: try row.time(6),
            createdAt: try row.time(9), instance: try row.text(14), reason: try row.text(20),
            cause: try row.text(26).flatMap(Cause.init(text:)),
            arguments: try row.text(27).map { try Self.decode([String: String].self, $0) })
        run.term = try row.integer(28)
        run.machine = try row.text(29)
        run.state = state ?? .failed
        run.attempt = Int(try row.number(8))
        run.dispatchedAt = try row.someTime(10)
        run.startedAt = try row.someTime(11)
        run.endedAt = try row.someTime(12)
        run.heartbeatAt = try row.someTime(13)
        run.process = try row.text(15).flatMap(ProcessIdentity.init(text:))
        run.outcome = Outcome(
            exitCode: try row.integer(16).map(Int32.init(truncatingIfNeeded:)),
            signal: try row.integer(17).map(Int32.init(truncatingIfNeeded:)), error: try row.text(18),
            outputTail: try row.text(19))
        if let since = try row.someTime(22) {
            run.held = Hold(since: since, until: try row.someTime(23), why: try row.words(24))
        }
        if state == nil { run.reason = "a later release recorded a state that this one does not know" }
        if let earlier = try row.text(21) { run.earlier = (try? Self.decode([EndedAttempt].self, earlier)) ?? [] }
        return run
    }

    /// Reads a run's id, scheduled time, state, start and end, in this order. Throws `corrupt` for an id that is none.
    package static func line<Row: StoredRow & ~Copyable>(_ row: borrowing Row) throws -> RecentTimes.Line {
        guard let id = try row.runID(0) else { throw StoreError(.corrupt, "the ledger holds a run whose id is none") }
        return RecentTimes.Line(
            id: id, scheduledAt: try row.time(1), state: RunState(number: Int(try row.number(2))) ?? .failed,
            startedAt: try row.someTime(3), endedAt: try row.someTime(4))
    }

    // MARK: Skips

    /// Of `skips`, joined with `jobs`.
    package static let skipColumns = """
        skips.job_id, jobs.name, skips.revision, skips.after, skips.through, skips.reason, skips.detail, \
        skips.recorded_at
        """

    package static func skip<Row: StoredRow & ~Copyable>(_ row: borrowing Row) throws -> Skip {
        let word = try row.words(5)
        let reason = SkipReason(rawValue: word) ?? .unknown
        return Skip(
            jobID: JobID(Int32(truncatingIfNeeded: try row.number(0))), job: try row.words(1),
            revision: try row.number(2), after: try row.time(3), through: try row.time(4), reason: reason,
            detail: reason == .unknown ? word : try row.text(6), recordedAt: try row.time(7))
    }

    // MARK: Digests and the trail

    /// Of `jobs`, joined with `cursors`.
    package static let digestColumns =
        "id, name, source, digest, CASE WHEN is_on THEN next_due END, standing, cursors.revision"

    package static func digest<Row: StoredRow & ~Copyable>(_ row: borrowing Row) throws -> StoredJobDigest {
        StoredJobDigest(
            id: JobID(Int32(truncatingIfNeeded: try row.number(0))), name: try row.words(1), source: try row.words(2),
            revision: try row.number(6), digest: UInt64(bitPattern: try row.number(3)), nextDue: try row.someTime(4),
            standing: standing(try row.text(5)))
    }

    /// Of `audit`; the one that is a word of SQL is quoted.
    package static let auditColumns = "at, \"user\", channel, action, subject, before, after, error, origin"

    package static func audit<Row: StoredRow & ~Copyable>(_ row: borrowing Row) throws -> AuditEntry {
        AuditEntry(
            at: try row.time(0), user: try row.text(1), channel: try row.words(2), from: try row.text(8),
            action: try row.words(3),
            subject: try row.text(4), before: try row.text(5), after: try row.text(6), error: try row.text(7))
    }
}
