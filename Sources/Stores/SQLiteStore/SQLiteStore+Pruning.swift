public import CarillonCore
import GRDB
import Synchronization
public import Timetable

/// Retention: what is to go is looked for beside those who write, and removed in bites.
extension SQLiteStore {
    public func prune(
        _ retention: Retention, under term: Term, now: Timestamp, limit: Int
    ) async throws -> [GoneRun] {
        guard limit > 0 else { return [] }
        var pass: PruningPass
        if let known = pruning.withLock({ $0 }), known.retention == retention {
            pass = known
        } else {
            pass = PruningPass(retention, now: now)
        }
        do {
            while !pass.isDone {
                if pass.found.isEmpty {
                    let before = pass
                    pass = try await read { db in
                        var pass = before
                        try pass.look(db)
                        return pass
                    }
                    continue
                }
                let victims = Array(pass.found.prefix(limit))
                pass.found.removeFirst(victims.count)
                let gone = try await write(under: term, synchronous: false) { db in try Self.remove(victims, db) }
                if !gone.isEmpty {
                    await copyLog()
                    let names = pass.names
                    pruning.withLock { [pass] in $0 = pass }
                    return gone.map { GoneRun(id: $0.id, job: names[$0.job] ?? "") }
                }
            }
        } catch {
            pruning.withLock { $0 = nil }
            throw error
        }
        pruning.withLock { $0 = nil }
        try await pruneSkips(retention, oldest: pass.oldest, term, limit: limit)
        try await forgetJobs(oldest: pass.oldest, term, limit: limit)
        return []
    }

    /// Copies the log into the file on a connection of its own, after each bite: a disk that is given thousands of scattered
    /// pages at once lets everybody's next write wait until it has them.
    private func copyLog() async {
        // Somebody else who copies just now does as well.
        _ = try? await copier?.writeWithoutTransaction { try $0.checkpoint(.passive) }
    }

    /// Removes what was found, and answers it; a run may have changed since then, and only one that has ended goes.
    private static func remove(_ victims: [PruningPass.Victim], _ db: Database) throws -> [PruningPass.Victim] {
        var delete = try BulkStatement(db, "DELETE FROM runs WHERE row = ? AND state >= 3")
        var gone: [PruningPass.Victim] = []
        gone.reserveCapacity(victims.count)
        for victim in victims {
            delete.bind(victim.row)
            if try delete.run() == 1 { gone.append(victim) }
        }
        return gone
    }

    /// Skips that are too old, and of each job those past the number that is kept.
    private func pruneSkips(_ retention: Retention, oldest: Timestamp, _ term: Term, limit: Int) async throws {
        let victims = try await read { db in
            let old = try Int64.fetchAll(
                db, sql: "SELECT id FROM skips WHERE through < ?", arguments: [oldest.microseconds])
            let crowd = try Int64.fetchAll(
                db,
                sql: """
                    SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY job_id ORDER BY through DESC) AS place
                    FROM skips WHERE job_id IN (SELECT job_id FROM skips GROUP BY job_id HAVING count(*) > ?))
                    WHERE place > ?
                    """, arguments: [retention.perJob, retention.perJob])
            return old + crowd
        }
        try await delete(victims, "DELETE FROM skips WHERE id = ?", term, limit: limit)
    }

    /// Forgets a job that is gone with the last of its history; its number is never drawn again. What an order laid on
    /// it is remembered as long as history is: a file that returns finds its job off. So are schedules forgotten that
    /// no skip is counted with any more.
    private func forgetJobs(oldest: Timestamp, _ term: Term, limit: Int) async throws {
        let gone = try await read { db in
            try Int64.fetchAll(
                db,
                sql: """
                    SELECT id FROM jobs JOIN cursors ON cursors.job_id = jobs.id WHERE removed = 1 AND is_changing = 0
                    AND (standing IS NULL OR standing NOT LIKE '%"off"%' OR cursor < ?)
                    AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.job_id = jobs.id)
                    AND NOT EXISTS (SELECT 1 FROM skips WHERE skips.job_id = jobs.id)
                    """, arguments: [oldest.microseconds])
        }
        let forget = """
            DELETE FROM jobs WHERE id = ?1 AND removed = 1 AND NOT EXISTS (SELECT 1 FROM runs WHERE job_id = ?1)
            AND NOT EXISTS (SELECT 1 FROM skips WHERE job_id = ?1)
            AND NOT EXISTS (SELECT 1 FROM changing WHERE job_id = ?1)
            """
        try await delete(gone, forget, term, limit: limit)
        let unused = """
            FROM revisions WHERE NOT EXISTS (SELECT 1 FROM skips
            WHERE skips.job_id = revisions.job_id AND skips.revision <= revisions.revision)
            AND NOT EXISTS (SELECT 1 FROM changing WHERE changing.job_id = revisions.job_id)
            """
        guard try await read({ try Int.fetchOne($0, sql: "SELECT 1 \(unused) LIMIT 1") }) != nil else { return }
        try await write(under: term) { db in try db.execute(sql: "DELETE \(unused)") }
    }

    private func delete(_ ids: [Int64], _ sql: String, _ term: Term, limit: Int) async throws {
        for start in stride(from: 0, to: ids.count, by: limit) {
            let part = ids[start..<min(start + limit, ids.count)]
            try await write(under: term) { db in
                let statement = try db.cachedStatement(sql: sql)
                for id in part { try statement.execute(arguments: [id]) }
            }
        }
    }

    // MARK: Disk

    /// Free pages that are kept for what comes: 16 MiB of 4 KiB.
    private static let spare = 4_096

    public func shrink(under term: Term, limit: Int) async throws -> Bool {
        let (free, all, isIncremental) = try await read { db in
            (
                try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0,
                try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0,
                try Int.fetchOne(db, sql: "PRAGMA auto_vacuum") == 2
            )
        }
        // Room for as much again as is in use by half, so that a ledger that breathes does not move its pages for ever.
        guard isIncremental, free > max(Self.spare, (all - free) / 2) else { return false }
        try await write(under: term, synchronous: false) { db in
            // Each row that is asked for gives one page back.
            _ = try Row.fetchAll(db, sql: "PRAGMA incremental_vacuum(\(limit))")
        }
        await copyLog()
        return true
    }
}
