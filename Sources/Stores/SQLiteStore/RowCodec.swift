import CarillonCore
import Foundation
import GRDB
import Timetable

/// Rows to values and back. What many jobs share is decoded once.
final class RowCodec: Sendable {
    private let schedules = Memo<ScheduleText>()
    private let policies = Memo<Policies>()

    static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func decode<T: Decodable>(_ type: T.Type, _ text: String) throws -> T {
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw StoreError(.corrupt, "the store holds a \(type) that cannot be read: \(text.prefix(200))")
        }
    }

    /// Of `jobs`, joined with `cursors`.
    static let jobColumns =
        """
        id, name, feed, source, schedule, target, policies, tags, enabled, revision, cursor, next_due, opened, standing, \
        removed
        """
    static let jobTables = "jobs JOIN cursors ON cursors.job_id = jobs.id"

    func job(_ row: Row) throws -> StoredJob {
        let tags: String = row[7]
        var job = Job(
            name: row[1], schedule: try schedules.decode(row[4]),
            target: try Self.decode(Target.self, row[5]), policies: try policies.decode(row[6]), enabled: row[8],
            tags: tags == "[]" ? [] : try Self.decode([String].self, tags), origin: Origin(feed: row[2], source: row[3])
        )
        if let standing = row[13] as String? { job.standing = try Self.decode(Standing.self, standing) }
        return StoredJob(
            id: JobID(row[0]), job: job, revision: row[9], cursor: Timestamp(microseconds: row[10]),
            nextDue: (row[11] as Int64?).map(Timestamp.init(microseconds:)), opened: row[12],
            isRemoved: row[14])
    }

    static let runColumns = """
        runs.id, runs.job_id, jobs.name, runs.revision, runs.trigger, runs.scheduled_at, runs.not_before, runs.state, \
        runs.attempt, runs.created_at, runs.dispatched_at, runs.started_at, runs.ended_at, runs.heartbeat_at, \
        runs.instance, runs.process, runs.exit_code, runs.signal, runs.error, runs.output_tail, runs.reason, runs.earlier, \
        runs.held_since, runs.held_until, runs.held_why
        """

    func run(_ row: Row) throws -> Run {
        guard let id = RunID(data: row[0]), let trigger = Trigger(rawValue: row[4]),
            let state = RunState(number: row[7])
        else { throw StoreError(.corrupt, "the ledger holds a run that cannot be read: \(row)") }
        func time(_ index: Int) -> Timestamp? { (row[index] as Int64?).map(Timestamp.init(microseconds:)) }
        var run = Run(
            id: id, jobID: JobID(row[1]), job: row[2], revision: row[3], trigger: trigger,
            scheduledAt: Timestamp(microseconds: row[5]), notBefore: time(6),
            createdAt: Timestamp(microseconds: row[9]),
            instance: row[14], reason: row[20])
        run.state = state
        run.attempt = row[8]
        run.dispatchedAt = time(10)
        run.startedAt = time(11)
        run.endedAt = time(12)
        run.heartbeatAt = time(13)
        run.process = (row[15] as String?).flatMap(ProcessIdentity.init(text:))
        run.outcome = Outcome(exitCode: row[16], signal: row[17], error: row[18], outputTail: row[19])
        if let since = time(22) { run.held = Hold(since: since, until: time(23), why: row[24] ?? "") }
        if let earlier = row[21] as String? { run.earlier = try Self.decode([EndedAttempt].self, earlier) }
        return run
    }

    static func skip(_ row: Row) throws -> Skip {
        guard let reason = SkipReason(rawValue: row["reason"]) else {
            throw StoreError(.corrupt, "the ledger holds a skip that cannot be read: \(row)")
        }
        return Skip(
            jobID: JobID(row["job_id"]), job: row["name"], revision: row["revision"],
            after: Timestamp(microseconds: row["after"]), through: Timestamp(microseconds: row["through"]),
            reason: reason, detail: row["detail"], recordedAt: Timestamp(microseconds: row["recorded_at"]))
    }
}

extension RunID {
    /// Its twelve bytes; nil for another number of them.
    init?(data: Data) {
        guard data.count == 12 else { return nil }
        func number(_ bytes: Data) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        self.init(second: UInt32(number(data.prefix(4))), hash: number(data.suffix(8)))
    }

    var data: Data { withUnsafeBytes(of: words) { Data($0) } }
}

extension RunState {
    /// The number a state has in the table; those from 3 on are final.
    var number: Int {
        switch self {
        case .pending: 0
        case .running: 1
        case .cancelling: 2
        case .cancelled: 3
        case .failed: 4
        case .completed: 5
        case .skipped: 6
        }
    }

    init?(number: Int) {
        guard let state = RunState.allCases.first(where: { $0.number == number }) else { return nil }
        self = state
    }
}

extension ProcessIdentity {
    /// `pid:ticks:boot`.
    var text: String { "\(pid):\(startTicks):\(bootID)" }

    init?(text: String) {
        let parts = text.split(separator: ":", maxSplits: 2)
        guard parts.count == 3, let pid = Int32(parts[0]), let ticks = UInt64(parts[1]) else { return nil }
        self.init(pid: pid, startTicks: ticks, bootID: String(parts[2]))
    }
}
