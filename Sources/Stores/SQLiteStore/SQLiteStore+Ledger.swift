public import CarillonCore
import Foundation
import GRDB
import StoreCodec
public import Timetable

extension SQLiteStore {
    public func openRuns(_ batch: [JobAdvance], under term: Term, now: Timestamp) async throws -> Opened {
        let store = try await storeID()
        return try await write(under: term) { db in
            var opened = Opened()
            var advance = try BulkStatement(
                db,
                """
                UPDATE cursors SET cursor = ?, next_due = ?, opened = opened + ?
                WHERE job_id = ? AND revision = ? AND cursor = ? AND is_changing = ?
                """)
            var takenUp: [JobAdvance] = []
            var planned: [Run] = []
            planned.reserveCapacity(batch.count)
            for part in batch {
                advance.bind(part.to)
                advance.bind(part.nextDue)
                advance.bind(Int64(part.runs.count))
                advance.bind(Int64(part.id.number))
                advance.bind(part.revision)
                advance.bind(part.from)
                advance.bind(part.takesUp ? 1 : 0 as Int64)
                guard try advance.run() == 1 else {
                    opened.refused.insert(part.id)
                    continue
                }
                planned += part.runs
                for skip in part.skips { try Self.insert(skip, db) }
                if part.takesUp { takenUp.append(part) }
            }
            opened.new = try Self.insert(planned, store: store, term: term, db)
            // Afterwards: what was there already has been taken off what its schedule opened.
            for part in takenUp { try Self.takeUp(part, db) }
            return opened
        }
    }

    /// Has the cursor follow the present definition.
    private static func takeUp(_ part: JobAdvance, _ db: Database) throws {
        try db.cachedStatement(
            sql: "UPDATE cursors SET is_changing = 0, opened = CASE WHEN ? THEN 0 ELSE opened END WHERE job_id = ?"
        ).execute(arguments: [part.countsAnew, part.id.number])
        try db.cachedStatement(sql: "DELETE FROM changing WHERE job_id = ?").execute(arguments: [part.id.number])
    }

    public func openOrdered(_ runs: [Run], under term: Term, now: Timestamp) async throws -> [Run?] {
        let store = try await storeID()
        return try await write(under: term) { db in
            var insert = try BulkStatement(db, Self.insertion(rows: 1))
            return try runs.map { run in
                if try !Self.isLast(run, db) { return nil }
                var run = run
                while try !Self.insert(run, term, &insert) {
                    if run.occurrence != nil {
                        return try Self.insertUnderAnotherID(run, store: store, term, &insert, db)
                    }
                    if try Self.isAskedFor(run, db) { return nil }
                    run.id.hash &+= 1
                }
                return run
            }
        }
    }

    /// Whether a run that was asked for under a key is there already.
    private static func isAskedFor(_ run: Run, _ db: Database) throws -> Bool {
        guard let cause = run.cause, case .asked = cause else { return false }
        let statement = try db.cachedStatement(
            sql: "SELECT 1 FROM runs WHERE job_id = ? AND cause = ? AND \(RowCodec.askedFor)")
        return try Row.fetchOne(statement, arguments: [run.jobID.number, cause.text]) != nil
    }

    /// Whether what a run of a backfill repeats is the last of its time, and nothing of that time goes on.
    private static func isLast(_ run: Run, _ db: Database) throws -> Bool {
        guard run.trigger == .backfill, case .repeats(let old) = run.cause else { return true }
        let rows = try Row.fetchAll(
            try db.cachedStatement(
                sql: """
                    SELECT id, state FROM runs WHERE job_id = ? AND scheduled_at = ? ORDER BY created_at DESC, id DESC
                    """),
            arguments: [run.jobID.number, run.scheduledAt.microseconds])
        return rows.first.map { $0[0] == old.data } ?? false && rows.allSatisfy { ($0[1] as Int) >= 3 }
    }

    /// Writes a skip; one that goes on where the last one of its kind ended is the same record, longer.
    static func insert(_ skip: Skip, _ db: Database) throws {
        try db.cachedStatement(
            sql: """
                UPDATE skips SET through = ? WHERE job_id = ? AND through = ? AND reason = ? AND revision = ?
                AND detail IS ?
                """
        ).execute(arguments: [
            skip.through.microseconds, skip.jobID.number, skip.after.microseconds, skip.reason.rawValue, skip.revision,
            skip.detail,
        ])
        guard db.changesCount == 0 else { return }
        try db.cachedStatement(
            sql: """
                INSERT INTO skips (job_id, revision, after, through, reason, detail, recorded_at)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            skip.jobID.number, skip.revision, skip.after.microseconds, skip.through.microseconds, skip.reason.rawValue,
            skip.detail, skip.recordedAt.microseconds,
        ])
    }

    @discardableResult
    public func record(_ runs: [Run], under term: Term, now: Timestamp) async throws -> Set<RunID> {
        try await write(under: term) { db in
            var unwritten: Set<RunID> = []
            var ended = EndedCounts()
            var update = try BulkStatement(
                db,
                """
                UPDATE runs SET not_before = ?, state = ?, attempt = ?, dispatched_at = ?, started_at = ?,
                ended_at = ?, heartbeat_at = ?, instance = ?, process = ?, exit_code = ?, signal = ?, error = ?,
                output_tail = ?, reason = ?, earlier = ?, held_since = ?, held_until = ?, held_why = ?, machine = ? WHERE id = ? AND state < 3
                """)
            for run in runs {
                update.bind(run.notBefore)
                update.bind(Int64(run.state.number))
                update.bind(Int64(run.attempt))
                update.bind(run.dispatchedAt)
                update.bind(run.startedAt)
                update.bind(run.endedAt)
                update.bind(run.heartbeatAt)
                update.bind(run.instance)
                update.bind(run.process?.text)
                update.bind(run.outcome.exitCode.map(Int64.init))
                update.bind(run.outcome.signal.map(Int64.init))
                update.bind(run.outcome.error)
                update.bind(run.outcome.outputTail)
                update.bind(run.reason)
                update.bind(run.earlier.isEmpty ? nil : try RowCodec.encode(run.earlier))
                update.bind(run.held?.since)
                update.bind(run.held?.until)
                update.bind(run.held?.why)
                update.bind(run.machine)
                update.bind(run.id)
                if try update.run() == 0 {
                    unwritten.insert(run.id)
                } else if run.state.isFinal {
                    ended.count(run)
                }
            }
            try Self.add(ended, db)
            return unwritten
        }
    }

    private static func add(_ ended: EndedCounts, _ db: Database) throws {
        for (key, count) in ended.hours {
            try db.cachedStatement(
                sql: """
                    INSERT INTO hours (hour, state, runs, took) VALUES (?, ?, ?, ?)
                    ON CONFLICT (hour, state) DO UPDATE SET runs = runs + excluded.runs, took = took + excluded.took
                    """
            ).execute(arguments: [key.hour.microseconds, key.state.number, count.runs, count.took])
        }
        // Most jobs have none, and those rows are not even looked for.
        var end = try BulkStatement(
            db, "UPDATE cursors INDEXED BY cursors_streak SET streak = 0 WHERE job_id = ? AND streak > 0")
        for job in ended.completed {
            end.bind(Int64(job.number))
            _ = try end.run()
        }
        for (job, failures) in ended.failures {
            try db.cachedStatement(sql: "UPDATE cursors SET streak = streak + ? WHERE job_id = ?")
                .execute(arguments: [failures, job.number])
        }
    }

    public func hours(from start: Timestamp, to end: Timestamp) async throws -> [HourCount] {
        try await read { db in
            try Row.fetchAll(
                db, sql: "SELECT hour, state, runs, took FROM hours WHERE hour BETWEEN ? AND ?",
                arguments: [HourCount.hour(of: start).microseconds, end.microseconds]
            ).compactMap { row in
                RunState(number: row[1]).map {
                    HourCount(hour: Timestamp(microseconds: row[0]), state: $0, runs: row[2], took: row[3])
                }
            }
        }
    }

    public func activeRuns(after id: RunID?, limit: Int) async throws -> [Run] {
        // One that has left the ledger since tells no place: they begin anew.
        try await fetchRuns(
            """
            WHERE runs.state < 3 AND runs.row > coalesce((SELECT row FROM runs WHERE id = ?), 0)
            ORDER BY runs.row LIMIT ?
            """, [id?.data, limit], index: .active)
    }

    public func activeRuns(on machine: String) async throws -> [Run] {
        try await fetchRuns("WHERE runs.state < 3 AND runs.machine = ? ORDER BY runs.row", [machine], index: .active)
    }

    public func run(_ id: RunID) async throws -> Run? {
        try await fetchRuns("WHERE runs.id = ?", [id.data]).first
    }

    public func run(of job: JobID, cause: Cause) async throws -> Run? {
        try await fetchRuns(
            "WHERE runs.job_id = ? AND runs.cause = ? AND \(RowCodec.askedFor)", [job.number, cause.text]
        ).first
    }

    public func runs(idPrefix: String, limit: Int) async throws -> [Run] {
        let missing = 24 - idPrefix.utf8.count
        guard missing >= 0, let first = RunID(idPrefix + String(repeating: "0", count: missing)),
            let last = RunID(idPrefix + String(repeating: "f", count: missing))
        else { return [] }
        return try await fetchRuns(
            "WHERE runs.id >= ? AND runs.id <= ? ORDER BY runs.id LIMIT ?", [first.data, last.data, limit])
    }

    public func neighbours(of ids: [RunID]) async throws -> [RunNeighbours] {
        try await read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT (SELECT max(id) FROM runs WHERE id < ?1), (SELECT min(id) FROM runs WHERE id > ?1)")
            return try ids.map { id in
                try Row.first(statement, [id.data]) { RunNeighbours(before: $0.runID(0), after: $0.runID(1)) }
                    ?? RunNeighbours()
            }
        }
    }

    public func runs(_ query: RunQuery) async throws -> [Run] {
        let codec = codec
        return try await read(.long) { db in
            let idsAreInOrder = try Self.idsAreInOrder(db)
            let isOfAll = query.job == nil
            var conditions: [String] = []
            var arguments: [(any DatabaseValueConvertible & Sendable)?] = []
            func add(_ condition: String, _ values: (any DatabaseValueConvertible & Sendable)?...) {
                conditions.append(condition)
                arguments += values
            }
            if let job = query.job { add("runs.job_id = (SELECT id FROM jobs WHERE name = ?)", job) }
            // The same for the index of ids, which begin with the scheduled second.
            if let since = query.since {
                add("runs.scheduled_at >= ?", since.microseconds)
                if isOfAll, idsAreInOrder, let second = UInt32(exactly: since.seconds) {
                    add("runs.id >= ?", RunID(second: second, hash: 0).data)
                }
            }
            if let until = query.until {
                add("runs.scheduled_at <= ?", until.microseconds)
                if isOfAll, idsAreInOrder, let second = UInt32(exactly: until.seconds) {
                    add("runs.id <= ?", RunID(second: second, hash: .max).data)
                }
            }
            if !query.states.isEmpty {
                let numbers = query.states.map { String($0.number) }.sorted()
                // SQLite takes the index of one state where it is asked for by just that word.
                add(
                    numbers.count == 1
                        ? "runs.state = \(numbers[0])" : "runs.state IN (\(numbers.joined(separator: ", ")))")
            }
            if let after = query.after {
                if isOfAll, idsAreInOrder {
                    add("runs.id < ?", after.id.data)
                } else {
                    add("(runs.scheduled_at, runs.id) < (?, ?)", after.scheduledAt.microseconds, after.id.data)
                }
            }
            if !query.triggers.isEmpty {
                conditions.append("runs.trigger IN (\(query.triggers.map { _ in "?" }.joined(separator: ", ")))")
                arguments += query.triggers.map(\.rawValue)
            }
            // The few that are active have an index of their own, which SQLite does not find by itself, and so have those that
            // failed.
            var index: Index?
            if isOfAll, !query.states.isEmpty, query.states.allSatisfy({ !$0.isFinal }) {
                conditions.append("runs.state < 3")
                index = .active
            } else if isOfAll, query.states == [.failed], idsAreInOrder, try Self.has("runs_failed", db) {
                index = .failed
            }
            arguments.append(query.limit)
            let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
            // Ids begin with the scheduled second, so their order is the order of time.
            let order = isOfAll && idsAreInOrder ? "runs.id DESC" : "runs.scheduled_at DESC, runs.id DESC"
            // Statements that are kept are few: those of the pages that people and programs turn.
            let isUsual = query.triggers.isEmpty && query.since == nil && query.until == nil
            return try Self.runs(
                "\(filter) ORDER BY \(order) LIMIT ?", arguments, index: index, isKept: isUsual, codec, db)
        }
    }

    /// Whether every run lies in the years whose seconds an id can say, 1970 to 2106: only then ids are in the order of time.
    static func idsAreInOrder(_ db: Database) throws -> Bool {
        // A file that is only looked at may be an older release's, which has no such index.
        guard try has("runs_outside", db) else { return true }
        return try Row.fetchOne(
            try db.cachedStatement(
                sql: "SELECT 1 FROM runs INDEXED BY runs_outside WHERE \(RowCodec.outside) LIMIT 1")) == nil
    }

    private static func has(_ index: String, _ db: Database) throws -> Bool {
        try db.indexes(on: "runs").contains { $0.name == index }
    }

    /// An index that a reading insists on.
    private enum Index: String {
        case active = "INDEXED BY runs_active"
        case failed = "INDEXED BY runs_failed"
    }

    public func lastRuns(of jobs: [JobID]) async throws -> [JobID: Run] {
        let codec = codec
        return try await read { db in
            let rows = try Row.fetchCursor(
                try db.cachedStatement(
                    sql: """
                        SELECT \(try Self.runColumns(db)) FROM json_each(?) AS asked CROSS JOIN runs ON runs.row =
                            (SELECT row FROM runs AS last WHERE last.job_id = asked.value
                            ORDER BY last.scheduled_at DESC, last.created_at DESC LIMIT 1)
                        CROSS JOIN jobs ON jobs.id = runs.job_id
                        """), arguments: [jobs.list])
            var last: [JobID: Run] = [:]
            while let row = try rows.next() {
                let run = try codec.run(row)
                last[run.jobID] = run
            }
            return last
        }
    }

    private func fetchRuns(
        _ filter: String, _ arguments: [(any DatabaseValueConvertible & Sendable)?], index: Index? = nil
    ) async throws -> [Run] {
        let codec = codec
        return try await read { try Self.runs(filter, arguments, index: index, isKept: true, codec, $0) }
    }

    /// Reads runs. A statement that `isKept` is made once for each connection.
    private static func runs(
        _ filter: String, _ arguments: [(any DatabaseValueConvertible & Sendable)?], index: Index?, isKept: Bool,
        _ codec: RowCodec, _ db: Database
    ) throws -> [Run] {
        let sql = """
            SELECT \(try runColumns(db)) FROM runs \(index?.rawValue ?? "")
            JOIN jobs ON jobs.id = runs.job_id \(filter)
            """
        let statement = isKept ? try db.cachedStatement(sql: sql) : try db.makeStatement(sql: sql)
        let values: StatementArguments = StatementArguments(arguments)
        let rows = try Row.fetchCursor(statement, arguments: values)
        var runs: [Run] = []
        while let row = try rows.next() { runs.append(try codec.run(row)) }
        return runs
    }

    public func recent(of jobs: [String], limit: Int) async throws -> [RecentTimes] {
        let names = String(decoding: try CanonicalJSON.encode(jobs), as: UTF8.self)
        return try await read { db in
            var recent = jobs.map { _ in RecentTimes() }
            // One question for all: what a row is read with is made once for each. The key of a name is its place.
            let runs = try Row.fetchCursor(
                try db.cachedStatement(
                    sql: """
                        SELECT runs.id, scheduled_at, state, started_at, ended_at, asked.key
                        FROM json_each(?) AS asked CROSS JOIN runs ON runs.row IN (
                            SELECT row FROM runs AS newest WHERE job_id = (SELECT id FROM jobs WHERE name = asked.value)
                            ORDER BY scheduled_at DESC, id DESC LIMIT ?)
                        ORDER BY asked.key, scheduled_at DESC, runs.id DESC
                        """), arguments: [names, limit])
            while let row = try runs.next() { recent[row[5] as Int].runs.append(try RowCodec.line(row)) }
            let skips = try Row.fetchCursor(
                try db.cachedStatement(
                    sql: """
                        SELECT \(RowCodec.skipColumns), asked.key
                        FROM json_each(?) AS asked CROSS JOIN jobs ON jobs.name = asked.value
                        CROSS JOIN skips ON skips.id IN (
                            SELECT id FROM skips AS newest WHERE job_id = jobs.id ORDER BY through DESC LIMIT ?)
                        ORDER BY asked.key, skips.through DESC
                        """), arguments: [names, limit])
            while let row = try skips.next() { recent[row[row.count - 1] as Int].skips.append(try RowCodec.skip(row)) }
            return recent
        }
    }

    public func skips(_ query: RunQuery) async throws -> [Skip] {
        try await read(.long) { db in
            var sql = "SELECT \(RowCodec.skipColumns) FROM skips JOIN jobs ON jobs.id = skips.job_id WHERE 1"
            var arguments: StatementArguments = []
            if let job = query.job {
                sql += " AND skips.job_id = (SELECT id FROM jobs WHERE name = ?)"
                arguments += [job]
            }
            if let since = query.since {
                sql += " AND skips.through >= ?"
                arguments += [since.microseconds]
            }
            if let until = query.until {
                sql += " AND skips.after < ?"
                arguments += [until.microseconds]
            }
            sql += " ORDER BY skips.through DESC LIMIT ?"
            arguments += [query.limit]
            return try Row.fetchAll(db, sql: sql, arguments: arguments).map(RowCodec.skip)
        }
    }
}
