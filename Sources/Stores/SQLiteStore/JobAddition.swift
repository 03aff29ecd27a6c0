import CarillonCore
import GRDB
import Timetable

/// Adds jobs that nobody has heard of: a feed's first reading brings up to a million.
struct JobAddition: ~Copyable {
    private let db: Database
    private var look: BulkStatement
    private var job: BulkStatement
    private var cursor: BulkStatement
    /// The first that was added.
    private(set) var first: JobID?

    private init(
        _ db: Database, look: consuming BulkStatement, job: consuming BulkStatement, cursor: consuming BulkStatement
    ) {
        self.db = db
        self.look = look
        self.job = job
        self.cursor = cursor
    }

    static func prepare(_ db: Database) throws -> JobAddition {
        let look = try BulkStatement(db, "SELECT 1 FROM jobs WHERE name = ?")
        let job = try BulkStatement(
            db,
            """
            INSERT INTO jobs
                (feed, source, schedule, kind, summary, target, policies, tags, enabled, standing, digest, name)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
        let cursor = try BulkStatement(
            db, "INSERT INTO cursors (job_id, is_on, revision, cursor, next_due) VALUES (?, ?, 1, ?, ?)")
        return JobAddition(db, look: look, job: job, cursor: cursor)
    }

    /// Whether a name is there, be it of a job that is gone.
    mutating func knows(_ name: String) throws -> Bool {
        look.bind(name)
        return try look.finds()
    }

    /// Writes a job whose name is not there; answers its number.
    mutating func add(
        _ asked: Job, _ parts: JobTexts.Parts, cursor since: Timestamp, nextDue: Timestamp?
    ) throws -> JobID {
        job.bind(asked.origin.feed)
        job.bind(asked.origin.source)
        job.bind(text: parts.schedule)
        job.bind(asked.target.kind.rawValue)
        job.bind(asked.target.summary)
        job.bind(asked.target.body)
        job.bind(text: parts.policies)
        job.bind(text: parts.tags)
        job.bind(asked.enabled ? 1 : 0 as Int64)
        if let standing = parts.standing { job.bind(text: standing) } else { job.bind(nil as String?) }
        job.bind(Int64(bitPattern: parts.digest))
        job.bind(asked.name)
        _ = try job.run()
        let id = JobID(Int32(truncatingIfNeeded: db.lastInsertedRowID))
        if first == nil { first = id }
        cursor.bind(Int64(id.number))
        cursor.bind(asked.isOn ? 1 : 0 as Int64)
        cursor.bind(since)
        cursor.bind(nextDue)
        _ = try cursor.run()
        return id
    }
}
