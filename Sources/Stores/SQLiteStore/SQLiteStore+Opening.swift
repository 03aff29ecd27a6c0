import CarillonCore
import GRDB
import StoreCodec
import Timetable

/// New rows of the ledger.
extension SQLiteStore {
    /// Rows of one statement; most of its cost is its own.
    private static let inStatement = 20

    /// Writes new runs. Answers those that were not there, with the ids they got, in the order they came in.
    static func insert(_ runs: [Run], store: UInt64, term: Term, _ db: Database) throws -> [Run] {
        var written = runs
        var old: [Int] = []
        var single = try BulkStatement(db, insertion(rows: 1))
        var several = try BulkStatement(db, insertion(rows: inStatement))
        for start in stride(from: 0, to: runs.count, by: inStatement) {
            let group = runs[start..<min(start + inStatement, runs.count)]
            if group.count == inStatement, try insert(group, term, &several, db) { continue }
            for index in group.indices where try !insert(runs[index], term, &single) {
                if let other = try insertUnderAnotherID(runs[index], store: store, term, &single, db) {
                    written[index] = other
                } else {
                    old.append(index)
                }
            }
        }
        if old.isEmpty { return written }
        for index in old {
            try db.cachedStatement(sql: "UPDATE cursors SET opened = opened - 1 WHERE job_id = ?")
                .execute(arguments: [runs[index].jobID.number])
        }
        let isNew = Set(runs.indices).subtracting(old)
        return written.indices.filter(isNew.contains).map { written[$0] }
    }

    /// Writes all of these, or none when one of them cannot be written.
    private static func insert(
        _ runs: ArraySlice<Run>, _ term: Term, _ several: inout BulkStatement, _ db: Database
    ) throws -> Bool {
        for run in runs { bind(run, term, &several) }
        let count = try several.run()
        if count == runs.count { return true }
        // A new row has the highest number.
        if count > 0 {
            try db.cachedStatement(sql: "DELETE FROM runs WHERE row > ?")
                .execute(arguments: [db.lastInsertedRowID - Int64(count)])
        }
        return false
    }

    /// Writes a run; false when the id or the occurrence is there already.
    static func insert(_ run: Run, _ term: Term, _ single: inout BulkStatement) throws -> Bool {
        bind(run, term, &single)
        return try single.run() == 1
    }

    /// Answers nil when the occurrence is in the ledger already; a clash of ids draws another.
    static func insertUnderAnotherID(
        _ run: Run, store: UInt64, _ term: Term, _ single: inout BulkStatement, _ db: Database
    ) throws -> Run? {
        let there = try Row.fetchOne(
            try db.cachedStatement(sql: "SELECT 1 FROM runs WHERE job_id = ? AND scheduled_at = ? AND manual = 0"),
            arguments: [run.jobID.number, run.scheduledAt.microseconds])
        if there != nil { return nil }
        var run = run
        var salt: UInt64 = 1
        repeat {
            run.id = RunID(store: store, job: run.job, scheduledAt: run.scheduledAt, salt: salt)
            salt += 1
        } while try !insert(run, term, &single)
        return run
    }

    /// Makes the statement for so many rows; one that cannot be written is left out.
    static func insertion(rows: Int) -> String {
        let row = "(?, ?, ?, ?, ?, ?, ?, 0, 1, ?, ?, ?, ?, ?, ?)"
        return """
            INSERT OR IGNORE INTO runs (id, job_id, revision, trigger, scheduled_at, manual, not_before, state, attempt,
            created_at, instance, reason, cause, arguments, term) VALUES \(Array(repeating: row, count: rows).joined(separator: ", "))
            """
    }

    private static func bind(_ run: Run, _ term: Term, _ insert: inout BulkStatement) {
        insert.bind(run.id)
        insert.bind(Int64(run.jobID.number))
        insert.bind(run.revision)
        insert.bind(run.trigger.rawValue)
        insert.bind(run.scheduledAt)
        insert.bind(run.keyPart)
        insert.bind(run.notBefore)
        insert.bind(run.createdAt)
        insert.bind(run.instance)
        insert.bind(run.reason)
        insert.bind(run.cause?.text)
        insert.bind(run.arguments.flatMap { try? RowCodec.encode($0) })
        insert.bind(term.count)
    }
}
