import CarillonCore
import GRDB
import StoreCodec
import Timetable

/// One pass of retention through the ledger: what is too old, then what is past the number that each job keeps.
struct PruningPass: Sendable {
    struct Victim: Sendable {
        var row: Int64
        var id: RunID
        var job: Int32
    }

    /// Of a job with more runs than it keeps: the last scheduled time that goes, and how many there are up to it.
    private struct Crowd: Sendable {
        var job: Int32
        var last: Int64
        var count: Int
    }

    private enum Stage: Sendable {
        /// Ids begin with the scheduled second; this one was the last that was looked at.
        case old(after: RunID?)
        /// Scheduled before 1970 or after 2106, where ids say nothing.
        case outside
        case count
        /// Most of the ledger goes: row by row, as they were opened.
        case scan(after: Int64)
        /// Little of it goes: job by job.
        case jobs(at: Int)
        case done
    }

    let retention: Retention
    /// Runs that ended before this are too old.
    let oldest: Timestamp
    /// Runs that are to go and have not gone yet.
    var found: [Victim] = []
    /// Names of the jobs they belong to.
    private(set) var names: [Int32: String] = [:]
    private var stage = Stage.old(after: nil)
    private var crowds: [Crowd] = []
    private var lasts: [Int32: Int64] = [:]

    /// Rows of one look.
    private static let most = 5_000
    private static let mostScanned = 4_000
    /// Jobs whose runs go together.
    private static let neighbours: Int32 = 25

    init(_ retention: Retention, now: Timestamp) {
        self.retention = retention
        oldest = now.adding(microseconds: -retention.age)
    }

    var isDone: Bool {
        if case .done = stage { return found.isEmpty }
        return false
    }

    /// Looks for more; goes on to the next stage when this one has no more.
    mutating func look(_ db: Database) throws {
        switch stage {
        case .old(let last): try lookForOld(after: last, db)
        case .outside: try lookOutside(db)
        case .count: try count(db)
        case .scan(let row): try scan(after: row, db)
        case .jobs(let place): try lookAt(place, db)
        case .done: break
        }
        for victim in found where names[victim.job] == nil {
            names[victim.job] =
                try String.fetchOne(db, sql: "SELECT name FROM jobs WHERE id = ?", arguments: [victim.job]) ?? ""
        }
    }

    // MARK: Too old

    private mutating func lookForOld(after last: RunID?, _ db: Database) throws {
        // Nothing that an id can say is older than 1970, and everything is older than 2106.
        guard oldest.seconds >= 0 else {
            stage = .outside
            return
        }
        let end = RunID(second: UInt32(clamping: oldest.seconds), hash: oldest.seconds > UInt32.max ? .max : 0)
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT row, id, job_id, state >= 3 AND coalesce(ended_at, scheduled_at) < ?1 AND scheduled_at < ?1
                FROM runs WHERE id > ?2 AND id < ?3 ORDER BY id LIMIT ?4
                """,
            arguments: [
                oldest.microseconds, (last ?? RunID(second: 0, hash: 0)).data, end.data, Self.most,
            ])
        found = rows.compactMap { row in (row[3] as Bool? ?? false) ? Self.victim(row) : nil }
        stage = rows.last.flatMap { RunID(data: $0[1]) }.map { .old(after: $0) } ?? .outside
    }

    private mutating func lookOutside(_ db: Database) throws {
        found = try Row.fetchAll(
            db,
            sql: """
                SELECT row, id, job_id FROM runs INDEXED BY runs_outside WHERE \(RowCodec.outside) AND state >= 3
                AND coalesce(ended_at, scheduled_at) < ?1 AND scheduled_at < ?1
                """, arguments: [oldest.microseconds]
        ).compactMap(Self.victim)
        stage = .count
    }

    // MARK: Too many

    private mutating func count(_ db: Database) throws {
        stage = .done
        let rows = try Row.fetchAll(
            db, sql: "SELECT job_id, count(*) FROM runs GROUP BY job_id HAVING count(*) > ?",
            arguments: [retention.perJob])
        if rows.isEmpty { return }
        var active: [Int32: [Int64]] = [:]
        let running = try Row.fetchCursor(
            db,
            sql: "SELECT job_id, scheduled_at FROM runs INDEXED BY runs_active WHERE state < 3 ORDER BY runs.row")
        while let row = try running.next() { active[row[0], default: []].append(row[1]) }
        for row in rows {
            if let crowd = try crowd(row[0], of: row[1], active: active[row[0]] ?? [], db) { crowds.append(crowd) }
        }
        let going = crowds.reduce(0) { $0 + $1.count }
        if going == 0 { return }
        // A row that is only looked at costs about a twentieth of one that is looked for.
        if going >= (try Int.fetchOne(db, sql: "SELECT max(row) - min(row) FROM runs") ?? 0) / 20 {
            lasts = Dictionary(crowds.map { ($0.job, $0.last) }) { first, _ in first }
            stage = .scan(after: 0)
        } else {
            stage = .jobs(at: 0)
        }
    }

    /// Finds what goes beyond the ended runs a job keeps; what is active counts for nothing, whatever runs among them.
    private func crowd(_ job: Int32, of count: Int, active: [Int64], _ db: Database) throws -> Crowd? {
        var kept = retention.perJob
        while true {
            let last = try Int64.fetchOne(
                try db.cachedStatement(
                    sql: "SELECT scheduled_at FROM runs WHERE job_id = ? ORDER BY scheduled_at DESC LIMIT 1 OFFSET ?"),
                arguments: [job, kept])
            guard let last else { return nil }
            let among = retention.perJob + active.count { $0 > last }
            if among == kept { return Crowd(job: job, last: last, count: count - kept) }
            kept = among
        }
    }

    private mutating func scan(after row: Int64, _ db: Database) throws {
        var last = row
        var seen = 0
        let rows = try Row.fetchCursor(
            db, sql: "SELECT row, id, job_id, scheduled_at, state FROM runs WHERE row > ? ORDER BY row LIMIT ?",
            arguments: [row, Self.mostScanned])
        while let row = try rows.next() {
            seen += 1
            last = row[0]
            guard (row[4] as Int) >= 3, let end = lasts[row[2]], (row[3] as Int64) <= end,
                let victim = Self.victim(row)
            else { continue }
            found.append(victim)
        }
        // In blocks of some jobs and some seconds: of each index a bite touches few pages, of which all are written.
        found.sort { ($0.job / Self.neighbours, $0.row) < ($1.job / Self.neighbours, $1.row) }
        stage = seen == Self.mostScanned ? .scan(after: last) : .done
    }

    private mutating func lookAt(_ place: Int, _ db: Database) throws {
        guard place < crowds.count else {
            stage = .done
            return
        }
        let crowd = crowds[place]
        found = try Row.fetchAll(
            db,
            sql: """
                SELECT row, id, job_id FROM runs WHERE job_id = ? AND scheduled_at <= ? AND state >= 3
                ORDER BY scheduled_at
                """, arguments: [crowd.job, crowd.last]
        ).compactMap(Self.victim)
        stage = .jobs(at: place + 1)
    }

    private static func victim(_ row: Row) -> Victim? {
        RunID(data: row[1]).map { Victim(row: row[0], id: $0, job: row[2]) }
    }
}
