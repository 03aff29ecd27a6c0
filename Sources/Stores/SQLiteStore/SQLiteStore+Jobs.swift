public import CarillonCore
import Foundation
import GRDB
import StoreCodec
public import Timetable

extension SQLiteStore {
    public func apply(_ changes: [JobChange], by term: Term?, now: Timestamp) async throws -> [JobAnswer] {
        let codec = codec
        return try await write { db in
            var texts = JobTexts()
            var addition = try JobAddition.prepare(db)
            var answers: [JobAnswer] = []
            answers.reserveCapacity(changes.count)
            for change in changes {
                if case .add(let job, let cursor, let nextDue, let skips) = change, try !addition.knows(job.name) {
                    let stored = try Self.add(job, cursor, nextDue, skips, &texts, &addition, db)
                    answers.append(.stored(stored))
                } else {
                    answers.append(try Self.change(change, now, &texts, codec, db))
                }
            }
            if let first = addition.first { try JobSearch.takeUp(from: Int64(first.number), db) }
            return answers
        }
    }

    /// Carries out a change of a job that is there, or was.
    private static func change(
        _ change: JobChange, _ now: Timestamp, _ texts: inout JobTexts, _ codec: RowCodec, _ db: Database
    ) throws -> JobAnswer {
        switch change {
        case .add(let job, _, _, _):
            guard let before = try Self.job("name", job.name, codec, db) else {
                throw StoreError(.corrupt, "job '\(job.name)' has no cursor")
            }
            guard before.isRemoved else {
                return before.job.origin.feed == job.origin.feed ? .stale(before) : .foreign
            }
            let back = job.returned(before.job.origin.feed, under: before.job.standing)
            return .stored(try replace(before, by: back, now, &texts, db))
        case .change(let id, let job, let revision):
            let before = try Self.job("id", id.number, codec, db)
            guard let before, before.revision == revision, !before.isRemoved else { return .stale(before) }
            guard before.job.origin.feed == job.origin.feed else { return .foreign }
            return .stored(try replace(before, by: job, now, &texts, db))
        case .remove(let id, let revision):
            let before = try Self.job("id", id.number, codec, db)
            guard let before, before.revision == revision, !before.isRemoved else { return .stale(before) }
            return .stored(try remove(before, now, db))
        }
    }

    /// Reads a job by its name or number, also one that is gone.
    private static func job(
        _ column: String, _ value: any DatabaseValueConvertible, _ codec: RowCodec, _ db: Database
    ) throws -> StoredJob? {
        try Row.first(
            try db.cachedStatement(
                sql: "SELECT \(RowCodec.jobColumns) FROM \(RowCodec.jobTables) WHERE jobs.\(column) = ?"), [value]
        ) { try codec.job($0) }
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

    /// Writes the next revision of a job; its cursor goes on following the one that it follows.
    private static func replace(
        _ before: StoredJob, by job: Job, _ now: Timestamp, _ texts: inout JobTexts, _ db: Database
    ) throws -> StoredJob {
        let after = try revise(before, isOn: job.isOn, now, db) {
            $0.job = job
            $0.isRemoved = false
        }
        let parts = try texts.parts(of: job)
        let text = { (bytes: [UInt8]) in String(decoding: bytes, as: UTF8.self) }
        let schedule = text(parts.schedule)
        // What its skips cover is counted with the schedule they were made by.
        try db.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO revisions (job_id, revision, definition)
                SELECT id, ?, schedule FROM jobs WHERE id = ? AND schedule <> ?
                """
        ).execute(arguments: [before.revision, before.id.number, schedule])
        let target = job.target
        try db.cachedStatement(
            sql: """
                UPDATE jobs SET feed = ?, source = ?, schedule = ?, kind = ?, summary = ?, target = ?, policies = ?,
                tags = ?, enabled = ?, standing = ?, removed = 0, digest = ? WHERE id = ?
                """
        ).execute(arguments: [
            job.origin.feed, job.origin.source, schedule, target.kind.rawValue, target.summary, target.body,
            text(parts.policies), text(parts.tags), job.enabled, parts.standing.map(text),
            Int64(bitPattern: parts.digest), before.id.number,
        ])
        if before.job.tags != job.tags || before.fault != nil { try tag(before.id.number, job.tags, db) }
        return after
    }

    private static func remove(_ before: StoredJob, _ now: Timestamp, _ db: Database) throws -> StoredJob {
        let after = try revise(before, isOn: false, now, db) { $0.isRemoved = true }
        try db.cachedStatement(sql: "UPDATE jobs SET removed = 1 WHERE id = ?")
            .execute(arguments: [before.id.number])
        return after
    }

    /// Keeps the definition that the cursor follows, unless it follows an earlier one still, and begins the next revision.
    private static func revise(
        _ before: StoredJob, isOn: Bool, _ now: Timestamp, _ db: Database, _ change: (inout StoredJob) -> Void
    ) throws -> StoredJob {
        if !before.isChanging {
            try db.cachedStatement(
                sql: """
                    INSERT OR REPLACE INTO changing (job_id, revision, changed_at, \(RowCodec.definitionColumns))
                    SELECT id, ?, ?, \(RowCodec.definitionColumns) FROM jobs WHERE id = ?
                    """
            ).execute(arguments: [before.revision, now.microseconds, before.id.number])
        }
        var after = before
        after.revision += 1
        after.isChanging = true
        after.fault = nil
        change(&after)
        try db.cachedStatement(sql: "UPDATE cursors SET is_on = ?, revision = ?, is_changing = 1 WHERE job_id = ?")
            .execute(arguments: [isOn, after.revision, before.id.number])
        return after
    }

    private static func tag(_ id: Int32, _ tags: [String], _ db: Database) throws {
        try db.cachedStatement(sql: "DELETE FROM job_tags WHERE job_id = ?").execute(arguments: [id])
        for tag in tags {
            try db.cachedStatement(sql: "INSERT OR IGNORE INTO job_tags (tag, job_id) VALUES (?, ?)")
                .execute(arguments: [tag, id])
        }
    }

    public func cursors() async throws -> [JobCursor] {
        try await read { db in
            var cursors: [JobCursor] = []
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT job_id, CASE WHEN is_changing THEN NULL ELSE next_due END FROM cursors
                    WHERE is_on = 1 AND next_due IS NOT NULL OR is_changing
                    """)
            while let row = try rows.next() {
                let nextDue = (row[1] as Int64?).map { Timestamp(microseconds: $0) }
                cursors.append(JobCursor(id: JobID(row[0]), nextDue: nextDue ?? .distantPast))
            }
            return cursors
        }
    }

    public func jobs(ids: [JobID]) async throws -> [StoredJob] {
        let codec = codec
        return try await read { db in
            // One question for all: what a row is read with is made once for each.
            let rows = try Row.fetchCursor(
                try db.cachedStatement(
                    sql: """
                        SELECT \(RowCodec.jobColumns)
                        FROM json_each(?) AS asked CROSS JOIN \(RowCodec.jobTables) WHERE jobs.id = asked.value
                        """), arguments: [ids.list])
            var jobs: [StoredJob] = []
            jobs.reserveCapacity(ids.count)
            while let row = try rows.next() { jobs.append(try codec.job(row)) }
            return jobs
        }
    }

    public func changing(_ ids: [JobID]) async throws -> [ChangingJob] {
        let codec = codec
        return try await read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT \(RowCodec.changingColumns) FROM \(RowCodec.changingTables) WHERE jobs.id = ?")
            return try ids.compactMap { id in
                try Row.first(statement, [id.number]) { try codec.changing($0) }
            }
        }
    }

    public func job(named name: String) async throws -> StoredJob? {
        let codec = codec
        return try await read(.once) { db in
            try Row.first(
                try db.cachedStatement(
                    sql: "SELECT \(RowCodec.jobColumns) FROM \(RowCodec.jobTables) WHERE name = ? AND removed = 0"),
                [name]
            ) { try codec.job($0) }
        }
    }

    public func jobs(after name: String?, limit: Int) async throws -> [StoredJob] {
        let codec = codec
        return try await read(.long) { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT \(RowCodec.jobColumns) FROM \(RowCodec.jobTables)
                    WHERE name > ? AND removed = 0 ORDER BY name LIMIT ?
                    """, arguments: [name ?? "", limit]
            ).map { try codec.job($0) }
        }
    }

    public func jobs(_ query: JobQuery) async throws -> [StoredJob] {
        let codec = codec
        return try await read(.long) { db in
            var search = try JobSearch(query, db)
            if let after = query.after { search.require("name > ?", after) }
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT \(RowCodec.jobColumns) FROM \(RowCodec.jobTables) WHERE \(search.filter)
                    ORDER BY \(search.order) LIMIT \(query.limit)
                    """, arguments: search.arguments)
            var jobs: [StoredJob] = []
            while let row = try rows.next() { jobs.append(try codec.job(row)) }
            return jobs
        }
    }

    public func count(_ query: JobQuery) async throws -> Int {
        try await read(.long) { db in
            let search = try JobSearch(query, db)
            return try Int.fetchOne(
                db, sql: "SELECT count(*) FROM \(RowCodec.jobTables) WHERE \(search.filter)",
                arguments: search.arguments) ?? 0
        }
    }

    public func schedules(limit: Int) async throws -> ScheduleCounts {
        try await read(.long) { db in
            var counted: [String: Int] = [:]
            let rows = try Row.fetchCursor(
                db, sql: "SELECT schedule FROM \(RowCodec.jobTables) WHERE is_on = 1 AND removed = 0")
            // Neighbours have the same one often.
            var (last, times) = ("", 0)
            while let row = try rows.next() {
                let text: String = row[0]
                if text == last {
                    times += 1
                } else {
                    if times > 0 { counted[last, default: 0] += times }
                    (last, times) = (text, 1)
                }
            }
            if times > 0 { counted[last, default: 0] += times }
            return ScheduleCounts(counted, limit: limit)
        }
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

    public func jobs(cursorAfter time: Timestamp, in shards: Set<Shard>, limit: Int) async throws -> [StoredJob] {
        let codec = codec
        var condition = "cursor > ? AND removed = 0"
        if shards.count < Shard.shares {
            let numbers = shards.map { "\($0.number)" }.joined(separator: ", ")
            condition += " AND jobs.id % \(Shard.shares) IN (\(numbers))"
        }
        return try await read { [condition] db in
            try Row.fetchAll(
                db,
                sql: "SELECT \(RowCodec.jobColumns) FROM \(RowCodec.jobTables) WHERE \(condition) LIMIT ?",
                arguments: [time.microseconds, limit]
            ).map { try codec.job($0) }
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

    public func rewind(_ cursors: [JobCursor], under term: Term, now: Timestamp) async throws {
        try await write(under: term) { db in
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
