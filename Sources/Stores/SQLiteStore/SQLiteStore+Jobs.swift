public import CarillonCore
import Foundation
import GRDB
import StoreCodec
public import Timetable

extension SQLiteStore {
    public func apply(_ changes: [JobChange], lease: Lease, now: Timestamp) async throws -> [StoredJob?] {
        try await write(under: lease) { db in
            var answers: [StoredJob?] = []
            answers.reserveCapacity(changes.count)
            var texts = JobTexts()
            var addition = try JobAddition.prepare(db)
            for change in changes {
                switch change {
                case .put(let job, let cursor, let nextDue, let skips):
                    answers.append(
                        try addition.knows(job.name)
                            ? Self.change(job, cursor, nextDue, skips, &texts, db)
                            : Self.add(job, cursor, nextDue, skips, &texts, &addition, db))
                case .remove(let id):
                    try db.cachedStatement(sql: "UPDATE jobs SET removed = 1 WHERE id = ?")
                        .execute(arguments: [id.number])
                    try db.cachedStatement(sql: "UPDATE cursors SET is_on = 0, next_due = NULL WHERE job_id = ?")
                        .execute(arguments: [id.number])
                    answers.append(nil)
                }
            }
            return answers
        }
    }

    private static func add(
        _ job: Job, _ cursor: Timestamp, _ nextDue: Timestamp?, _ skips: [Skip], _ texts: inout JobTexts,
        _ addition: inout JobAddition, _ db: Database
    ) throws -> StoredJob {
        let id = try addition.add(job, try texts.parts(of: job), cursor: cursor, nextDue: nextDue)
        if !job.tags.isEmpty { try tag(id.number, job.tags, db) }
        for var skip in skips {
            skip.jobID = id
            skip.revision = 1
            try insert(skip, db)
        }
        return StoredJob(id: id, job: job, revision: 1, cursor: cursor, nextDue: nextDue)
    }

    /// Puts a job whose name is there: the next revision of the same one, of one that was gone, or nothing where it belongs to
    /// another feed.
    private static func change(
        _ asked: Job, _ cursor: Timestamp, _ nextDue: Timestamp?, _ skips: [Skip], _ texts: inout JobTexts,
        _ db: Database
    ) throws -> StoredJob? {
        guard
            let known = try Row.fetchOne(
                try db.cachedStatement(
                    sql: """
                        SELECT id, feed, removed, revision, opened, schedule, standing, streak, tags
                        FROM \(RowCodec.jobTables) WHERE name = ?
                        """),
                arguments: [asked.name])
        else {
            throw StoreError(.corrupt, "job '\(asked.name)' has no cursor")
        }
        var job = asked
        let removed: Bool = known["removed"]
        if removed, let standing = RowCodec.standing(known["standing"]) {
            job = asked.returned(known["feed"], under: standing)
        }
        guard removed || known["feed"] == job.origin.feed else { return nil }
        let parts = try texts.parts(of: job)
        let text = { (bytes: [UInt8]) in String(decoding: bytes, as: UTF8.self) }
        let schedule = text(parts.schedule)
        let target = job.target
        let policies = text(parts.policies)
        let tags = text(parts.tags)
        let standing = parts.standing.map(text)
        let digest = Int64(bitPattern: parts.digest)
        let id: Int32 = known["id"]
        let revision = known["revision"] + 1 as Int64
        let streak: Int = known["streak"]
        var opened: Int64 = known["opened"]
        if known["schedule"] != schedule {
            // What its skips cover is counted with the schedule they were made by.
            try archive(known, db)
            opened = 0
        }
        try db.cachedStatement(
            sql: """
                UPDATE jobs SET feed = ?, source = ?, schedule = ?, kind = ?, summary = ?, target = ?, policies = ?,
                tags = ?, enabled = ?, standing = ?, removed = 0, digest = ? WHERE id = ?
                """
        ).execute(arguments: [
            job.origin.feed, job.origin.source, schedule, target.kind.rawValue, target.summary, target.body,
            policies, tags, job.enabled, standing, digest, id,
        ])
        try db.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO cursors (job_id, is_on, revision, cursor, next_due, opened, streak)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [id, job.isOn, revision, cursor.microseconds, nextDue?.microseconds, opened, streak])
        if known["tags"] as String != tags { try tag(id, job.tags, db) }
        for var skip in skips {
            skip.jobID = JobID(id)
            try insert(skip, db)
        }
        return StoredJob(
            id: JobID(id), job: job, revision: revision, cursor: cursor, nextDue: nextDue, opened: opened,
            streak: streak)
    }

    private static func tag(_ id: Int32, _ tags: [String], _ db: Database) throws {
        try db.cachedStatement(sql: "DELETE FROM job_tags WHERE job_id = ?").execute(arguments: [id])
        for tag in tags {
            try db.cachedStatement(sql: "INSERT OR IGNORE INTO job_tags (tag, job_id) VALUES (?, ?)")
                .execute(arguments: [tag, id])
        }
    }

    private static func archive(_ row: Row, _ db: Database) throws {
        try db.cachedStatement(
            sql: "INSERT OR REPLACE INTO revisions (job_id, revision, definition) VALUES (?, ?, ?)"
        ).execute(arguments: [row["id"], row["revision"], row["schedule"]])
    }

    public func cursors() async throws -> [JobCursor] {
        try await read { db in
            var cursors: [JobCursor] = []
            let rows = try Row.fetchCursor(
                db, sql: "SELECT job_id, next_due FROM cursors WHERE is_on = 1 AND next_due IS NOT NULL")
            while let row = try rows.next() {
                cursors.append(JobCursor(id: JobID(row[0]), nextDue: Timestamp(microseconds: row[1])))
            }
            return cursors
        }
    }

    public func jobs(ids: [JobID]) async throws -> [StoredJob] {
        let codec = codec
        return try await read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT \(RowCodec.jobColumns) FROM \(RowCodec.jobTables) WHERE id = ?")
            return try ids.compactMap { id in
                try Row.fetchOne(statement, arguments: [id.number]).map(codec.job)
            }
        }
    }

    public func job(named name: String) async throws -> StoredJob? {
        let codec = codec
        return try await read { db in
            try Row.fetchOne(
                db, sql: "SELECT \(RowCodec.jobColumns) FROM \(RowCodec.jobTables) WHERE name = ? AND removed = 0",
                arguments: [name]
            ).map(codec.job)
        }
    }

    public func jobs(after name: String?, limit: Int) async throws -> [StoredJob] {
        let codec = codec
        return try await read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT \(RowCodec.jobColumns) FROM \(RowCodec.jobTables)
                    WHERE name > ? AND removed = 0 ORDER BY name LIMIT ?
                    """, arguments: [name ?? "", limit]
            ).map(codec.job)
        }
    }

    public func jobs(_ query: JobQuery) async throws -> [StoredJob] {
        let codec = codec
        var (filter, arguments) = Self.filter(query)
        if let after = query.after {
            filter += " AND name > ?"
            arguments.append(after)
        }
        arguments.append(query.limit)
        let order =
            switch query.order {
            case .name: "name"
            case .next: "CASE WHEN is_on THEN next_due END NULLS LAST, name"
            }
        let sql = "SELECT \(RowCodec.jobColumns) FROM \(RowCodec.jobTables) WHERE \(filter) ORDER BY \(order) LIMIT ?"
        return try await read { [arguments] db in
            try Row.fetchAll(db, sql: sql, arguments: StatementArguments(arguments)).map(codec.job)
        }
    }

    public func count(_ query: JobQuery) async throws -> Int {
        let (filter, arguments) = Self.filter(query)
        return try await read { db in
            try Int.fetchOne(
                db, sql: "SELECT count(*) FROM \(RowCodec.jobTables) WHERE \(filter)",
                arguments: StatementArguments(arguments)) ?? 0
        }
    }

    /// What a query asks of a job, as a condition; what another release wrote, or nobody can read, is no error.
    private static func filter(_ query: JobQuery) -> (sql: String, arguments: [any DatabaseValueConvertible & Sendable])
    {
        var conditions = ["removed = 0"]
        var arguments: [any DatabaseValueConvertible & Sendable] = []
        if !query.names.isEmpty {
            let each = query.names.map { Glob.isPattern($0) ? "name GLOB ?" : "name = ?" }
            conditions.append("(" + each.joined(separator: " OR ") + ")")
            arguments += query.names
        }
        for tag in query.tags {
            conditions.append("jobs.id IN (SELECT job_id FROM job_tags WHERE tag = ?)")
            arguments.append(tag)
        }
        let halted = "CASE WHEN json_valid(standing) THEN json_type(standing, '$.off.halted') END"
        let states = query.states.sorted { $0.rawValue < $1.rawValue }.map { state in
            switch state {
            case .enabled: "is_on = 1"
            case .disabled: "(is_on = 0 AND \(halted) IS NULL)"
            case .halted: "\(halted) IS NOT NULL"
            case .failed: "jobs.id IN (SELECT job_id FROM cursors WHERE streak > 0)"
            case .active: "jobs.id IN (SELECT job_id FROM runs INDEXED BY runs_active WHERE state < 3)"
            }
        }
        if !states.isEmpty { conditions.append("(" + states.joined(separator: " OR ") + ")") }
        return (conditions.joined(separator: " AND "), arguments)
    }

    public func jobs(ofFeed feed: String) async throws -> [StoredJobDigest] {
        try await read { db in
            var digests: [StoredJobDigest] = []
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT \(RowCodec.digestColumns) FROM \(RowCodec.jobTables) WHERE feed = ? AND removed = 0
                    """, arguments: [feed])
            // Neighbours are of one source mostly, and share its text.
            var source = ""
            while let row = try rows.next() {
                var digest = try RowCodec.digest(row)
                if digest.source != source { source = digest.source }
                digest.source = source
                digests.append(digest)
            }
            return digests
        }
    }

    public func jobs(cursorAfter time: Timestamp, limit: Int) async throws -> [StoredJob] {
        let codec = codec
        return try await read { db in
            try Row.fetchAll(
                db,
                sql:
                    "SELECT \(RowCodec.jobColumns) FROM \(RowCodec.jobTables) WHERE cursor > ? AND removed = 0 LIMIT ?",
                arguments: [time.microseconds, limit]
            ).map(codec.job)
        }
    }

    public func definition(of job: JobID, revision: Int64) async throws -> Job? {
        let codec = codec
        return try await read { db in
            guard
                let row = try Row.fetchOne(
                    db, sql: "SELECT \(RowCodec.jobColumns) FROM \(RowCodec.jobTables) WHERE id = ?",
                    arguments: [job.number])
            else { return nil }
            var definition = try codec.job(row).job
            // The oldest schedule kept since then is the one that was in force.
            let old = try String.fetchOne(
                db,
                sql: "SELECT definition FROM revisions WHERE job_id = ? AND revision >= ? ORDER BY revision LIMIT 1",
                arguments: [job.number, revision])
            // One that cannot be read counts nothing.
            if let old {
                guard let schedule = try? RowCodec.decode(ScheduleText.self, old) else { return nil }
                definition.schedule = schedule
            }
            return definition
        }
    }

    public func rewind(_ cursors: [JobCursor], lease: Lease, now: Timestamp) async throws {
        try await write(under: lease) { db in
            for cursor in cursors {
                try db.cachedStatement(
                    sql: "UPDATE cursors SET cursor = ?, next_due = ? WHERE job_id = ? AND cursor > ?"
                ).execute(arguments: [
                    now.microseconds, cursor.nextDue?.microseconds, cursor.id.number, now.microseconds,
                ])
                try db.cachedStatement(sql: "DELETE FROM skips WHERE job_id = ? AND after >= ?")
                    .execute(arguments: [cursor.id.number, now.microseconds])
                try db.cachedStatement(sql: "UPDATE skips SET through = ? WHERE job_id = ? AND through > ?")
                    .execute(arguments: [now.microseconds, cursor.id.number, now.microseconds])
            }
        }
    }
}
