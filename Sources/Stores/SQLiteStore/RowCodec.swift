import CarillonCore
import Foundation
import GRDB
import Timetable

/// Rows to values and back. What many jobs share is decoded once.
final class RowCodec: Sendable {
    private let schedules = Memo<ScheduleText>()
    private let policies = Memo<Policies>()
    private let tags = Memo<[String]>()

    static func encode(_ value: some Encodable) throws -> String {
        String(decoding: try CanonicalJSON.encode(value, escapingSlashes: false), as: UTF8.self)
    }

    static func decode<T: Decodable>(_ type: T.Type, _ text: String) throws -> T {
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw StoreError(.corrupt, "the store holds a \(type) that cannot be read: \(text.prefix(200))")
        }
    }

    /// Reads what orders laid on a job. One that this build cannot read is off until somebody has looked: it must not
    /// run because a later release had another reason why it should not.
    static func standing(_ text: String?) -> Standing? {
        guard let text else { return nil }
        return (try? decode(Standing.self, text))
            ?? Standing(off: .halted("what an order laid on it cannot be read by this build"))
    }

    /// Of `jobs`, joined with `cursors`.
    static let jobColumns =
        """
        id, name, feed, source, schedule, kind, summary, target, policies, tags, enabled, revision, cursor, next_due, \
        opened, standing, removed, streak
        """
    static let jobTables = "jobs JOIN cursors ON cursors.job_id = jobs.id"

    /// Reads a job, and never throws: what of a row cannot be read is the fault of this job alone.
    func job(_ row: Row) -> StoredJob {
        var faults: [String] = []
        func read<T>(_ column: String, or other: T, _ body: () throws -> T) -> T {
            do {
                return try body()
            } catch {
                faults.append("its \(column) cannot be read by this build")
                return other
            }
        }
        let tags: String = row[9]
        let schedule = read("schedule", or: ScheduleText(.manual)) { try schedules.decode(row[4]) }
        let policies = read("policies", or: Policies(overlap: .allow)) { try self.policies.decode(row[8]) }
        let words = read("tags", or: []) { tags == "[]" ? [] : try self.tags.decode(tags) }
        if faults.isEmpty, let fault = policies.fault { faults.append(fault) }
        let kind = Target.Kind(rawValue: row[5])
        // What an older release had was no target.
        if kind.rawValue.isEmpty { faults.append("its target cannot be read by this build") }
        var job = Job(
            name: row[1], schedule: schedule,
            target: Target(kind: kind, summary: row[6], body: row[7]), policies: policies, enabled: row[10],
            tags: words, origin: Origin(feed: row[2], source: row[3]))
        job.standing = Self.standing(row[15])
        return StoredJob(
            id: JobID(row[0]), job: job, revision: row[11], cursor: Timestamp(microseconds: row[12]),
            nextDue: (row[13] as Int64?).map(Timestamp.init(microseconds:)), opened: row[14],
            streak: row[17], isRemoved: row[16], fault: faults.isEmpty ? nil : faults.joined(separator: "; "))
    }

    /// Of `runs`, joined with `jobs`; a file that is only read may be an older release's, which has fewer.
    static func runColumns(_ db: Database) throws -> String {
        let there = Set(try db.columns(in: "runs").map(\.name))
        return runColumns + ["cause", "arguments"].map { there.contains($0) ? ", runs.\($0)" : ", NULL" }.joined()
    }

    private static let runColumns = """
        runs.id, runs.job_id, jobs.name, runs.revision, runs.trigger, runs.scheduled_at, runs.not_before, runs.state, \
        runs.attempt, runs.created_at, runs.dispatched_at, runs.started_at, runs.ended_at, runs.heartbeat_at, \
        runs.instance, runs.process, runs.exit_code, runs.signal, runs.error, runs.output_tail, runs.reason, runs.earlier, \
        runs.held_since, runs.held_until, runs.held_why, runs.manual
        """

    /// Reads a run; what a later release wrote reads as what comes nearest. Throws `corrupt` for an id that is none.
    func run(_ row: Row) throws -> Run {
        guard let id = RunID(data: row[0]) else {
            throw StoreError(.corrupt, "the ledger holds a run whose id is none: \(row)")
        }
        let isManual = (row[25] as Int64) != 0
        let trigger = Trigger(rawValue: row[4]) ?? (isManual ? .manual : .schedule)
        // A state of a later release; all from 3 on are final.
        let state = RunState(number: row[7]) ?? .failed
        func time(_ index: Int) -> Timestamp? { (row[index] as Int64?).map(Timestamp.init(microseconds:)) }
        var run = Run(
            id: id, jobID: JobID(row[1]), job: row[2], revision: row[3], trigger: trigger,
            scheduledAt: Timestamp(microseconds: row[5]), notBefore: time(6),
            createdAt: Timestamp(microseconds: row[9]),
            instance: row[14], reason: row[20], cause: (row[26] as String?).flatMap(Cause.init(text:)),
            arguments: try (row[27] as String?).map { try Self.decode([String: String].self, $0) })
        run.state = state
        run.attempt = row[8]
        run.dispatchedAt = time(10)
        run.startedAt = time(11)
        run.endedAt = time(12)
        run.heartbeatAt = time(13)
        run.process = (row[15] as String?).flatMap(ProcessIdentity.init(text:))
        run.outcome = Outcome(exitCode: row[16], signal: row[17], error: row[18], outputTail: row[19])
        if let since = time(22) { run.held = Hold(since: since, until: time(23), why: row[24] ?? "") }
        if RunState(number: row[7]) == nil {
            run.reason = "a later release recorded a state that this one does not know"
        }
        if let earlier = row[21] as String? { run.earlier = (try? Self.decode([EndedAttempt].self, earlier)) ?? [] }
        return run
    }

    static func skip(_ row: Row) -> Skip {
        let word: String = row["reason"]
        let reason = SkipReason(rawValue: word) ?? .unknown
        return Skip(
            jobID: JobID(row["job_id"]), job: row["name"], revision: row["revision"],
            after: Timestamp(microseconds: row["after"]), through: Timestamp(microseconds: row["through"]),
            reason: reason, detail: reason == .unknown ? word : row["detail"] as String?,
            recordedAt: Timestamp(microseconds: row["recorded_at"]))
    }
}

extension RunID {
    /// Reads an id from its twelve bytes; nil for another number of them.
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

extension Cause {
    /// `missed REASON DETAIL` or `repeats ID`.
    var text: String {
        switch self {
        case .missed(let reason, let detail): "missed \(reason.rawValue)" + (detail.map { " \($0)" } ?? "")
        case .repeats(let run): "repeats \(run)"
        }
    }

    /// Nil for what a later release wrote.
    init?(text: String) {
        let words = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        switch words.first {
        case "missed" where words.count > 1:
            self = .missed(
                SkipReason(rawValue: String(words[1])) ?? .unknown, detail: words.count > 2 ? String(words[2]) : nil)
        case "repeats" where words.count == 2:
            guard let run = RunID(words[1]) else { return nil }
            self = .repeats(run)
        default: return nil
        }
    }
}
