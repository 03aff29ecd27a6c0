import CarillonCore
import GRDB
import StoreCodec

/// The tables, as migrations: each is applied once, in order, and never changed once released.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 jobs and ledger") { db in
            try db.execute(
                sql: """
                    CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

                    CREATE TABLE leases (
                        instance TEXT PRIMARY KEY, term INTEGER NOT NULL, expires_at INTEGER NOT NULL
                    ) STRICT, WITHOUT ROWID;

                    CREATE TABLE jobs (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        name TEXT NOT NULL UNIQUE,
                        feed TEXT NOT NULL,
                        source TEXT NOT NULL,
                        schedule TEXT NOT NULL,
                        target TEXT NOT NULL,
                        policies TEXT NOT NULL,
                        tags TEXT NOT NULL,
                        enabled INTEGER NOT NULL,
                        standing TEXT,
                        removed INTEGER NOT NULL DEFAULT 0,
                        digest INTEGER NOT NULL
                    ) STRICT;
                    CREATE INDEX jobs_feed ON jobs (feed);
                    CREATE INDEX jobs_removed ON jobs (id) WHERE removed = 1;

                    -- What changes with every run of a job, apart from its definition: a hundred of them share a page.
                    CREATE TABLE cursors (
                        job_id INTEGER PRIMARY KEY,
                        is_on INTEGER NOT NULL,
                        revision INTEGER NOT NULL,
                        cursor INTEGER NOT NULL,
                        next_due INTEGER,
                        opened INTEGER NOT NULL DEFAULT 0
                    ) STRICT;
                    CREATE TRIGGER jobs_gone AFTER DELETE ON jobs
                    BEGIN DELETE FROM cursors WHERE job_id = old.id; END;

                    CREATE TABLE revisions (
                        job_id INTEGER NOT NULL, revision INTEGER NOT NULL, definition TEXT NOT NULL,
                        PRIMARY KEY (job_id, revision)
                    ) STRICT, WITHOUT ROWID;

                    -- Rows stand in the order they were opened. A run's id is its twelve bytes.
                    CREATE TABLE runs (
                        row INTEGER PRIMARY KEY,
                        id BLOB NOT NULL,
                        job_id INTEGER NOT NULL,
                        revision INTEGER NOT NULL,
                        trigger TEXT NOT NULL,
                        scheduled_at INTEGER NOT NULL,
                        manual INTEGER NOT NULL,
                        not_before INTEGER NOT NULL,
                        state INTEGER NOT NULL,
                        attempt INTEGER NOT NULL,
                        created_at INTEGER NOT NULL,
                        dispatched_at INTEGER,
                        started_at INTEGER,
                        ended_at INTEGER,
                        heartbeat_at INTEGER,
                        instance TEXT,
                        process TEXT,
                        exit_code INTEGER,
                        signal INTEGER,
                        error TEXT,
                        output_tail TEXT,
                        reason TEXT,
                        earlier TEXT,
                        held_since INTEGER,
                        held_until INTEGER,
                        held_why TEXT
                    ) STRICT;
                    CREATE UNIQUE INDEX runs_id ON runs (id);
                    CREATE UNIQUE INDEX runs_occurrence ON runs (job_id, scheduled_at, manual);
                    -- By their ids a burst would touch every page of it.
                    CREATE INDEX runs_active ON runs (row) WHERE state < 3;

                    CREATE TABLE skips (
                        id INTEGER PRIMARY KEY,
                        job_id INTEGER NOT NULL,
                        revision INTEGER NOT NULL,
                        after INTEGER NOT NULL,
                        through INTEGER NOT NULL,
                        reason TEXT NOT NULL,
                        detail TEXT,
                        recorded_at INTEGER NOT NULL
                    ) STRICT;
                    CREATE INDEX skips_job ON skips (job_id, through);
                    CREATE INDEX skips_through ON skips (through);
                    """)
        }
        migrator.registerMigration("2 times outside ids, one spelling of names") { db in
            // Empty as long as clocks are right.
            try db.execute(sql: "CREATE INDEX runs_outside ON runs (scheduled_at) WHERE \(RowCodec.outside)")
            try spellNames(db)
        }
        migrator.registerMigration("3 sealed targets") { db in
            try db.execute(
                sql: """
                    ALTER TABLE jobs ADD COLUMN kind TEXT NOT NULL DEFAULT '';
                    ALTER TABLE jobs ADD COLUMN summary TEXT NOT NULL DEFAULT '';
                    UPDATE jobs SET kind = \(oldKind), summary = \(oldSummary), target = \(oldBody);
                    """)
        }
        migrator.registerMigration("4 the trail of orders") { db in
            try db.execute(
                sql: """
                    CREATE TABLE audit (
                        id INTEGER PRIMARY KEY,
                        at INTEGER NOT NULL,
                        user TEXT,
                        channel TEXT NOT NULL,
                        action TEXT NOT NULL,
                        subject TEXT,
                        before TEXT,
                        after TEXT,
                        error TEXT
                    ) STRICT;
                    CREATE INDEX audit_at ON audit (at);
                    CREATE INDEX audit_subject ON audit (subject, at);
                    """)
        }
        migrator.registerMigration("5 what runs are for") { db in
            try db.execute(sql: "ALTER TABLE runs ADD COLUMN cause TEXT")
        }
        migrator.registerMigration("6 what is given along") { db in
            try db.execute(sql: "ALTER TABLE runs ADD COLUMN arguments TEXT")
        }
        migrator.registerMigration("7 counts, streaks, tags") { db in
            try db.execute(
                sql: """
                    CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
                    INSERT INTO counters (name, value) VALUES ('notes', 0);
                    CREATE TRIGGER notes_added AFTER INSERT ON notes
                    BEGIN UPDATE counters SET value = value + 1 WHERE name = 'notes'; END;
                    CREATE TRIGGER notes_changed AFTER UPDATE ON notes
                    BEGIN UPDATE counters SET value = value + 1 WHERE name = 'notes'; END;
                    CREATE TRIGGER notes_removed AFTER DELETE ON notes
                    BEGIN UPDATE counters SET value = value + 1 WHERE name = 'notes'; END;

                    -- What ended in each hour, whatever retention has removed since.
                    CREATE TABLE hours (
                        hour INTEGER NOT NULL, state INTEGER NOT NULL, runs INTEGER NOT NULL, took INTEGER NOT NULL,
                        PRIMARY KEY (hour, state)
                    ) STRICT, WITHOUT ROWID;
                    INSERT INTO hours (hour, state, runs, took) \(hours);
                    CREATE INDEX runs_failed ON runs (id) WHERE state = 4;

                    ALTER TABLE cursors ADD COLUMN streak INTEGER NOT NULL DEFAULT 0;
                    CREATE TEMP TABLE completed AS SELECT job_id, max(ended_at) AS last FROM runs
                    WHERE state = \(RunState.completed.number) GROUP BY job_id;
                    CREATE TEMP TABLE failing AS SELECT runs.job_id, count(*) AS failures FROM runs
                    LEFT JOIN completed ON completed.job_id = runs.job_id
                    WHERE \(hasFailed) AND (last IS NULL OR ended_at > last) GROUP BY runs.job_id;
                    UPDATE cursors SET streak = (SELECT failures FROM failing WHERE failing.job_id = cursors.job_id)
                    WHERE job_id IN (SELECT job_id FROM failing);
                    DROP TABLE completed;
                    DROP TABLE failing;
                    CREATE INDEX cursors_streak ON cursors (job_id) WHERE streak > 0;

                    CREATE TABLE job_tags (
                        tag TEXT NOT NULL, job_id INTEGER NOT NULL, PRIMARY KEY (tag, job_id)
                    ) STRICT, WITHOUT ROWID;
                    CREATE INDEX job_tags_job ON job_tags (job_id);
                    INSERT OR IGNORE INTO job_tags (tag, job_id) \(tags);
                    CREATE TRIGGER jobs_untagged AFTER DELETE ON jobs
                    BEGIN DELETE FROM job_tags WHERE job_id = old.id; END;
                    """)
            try digestWithoutSources(db)
        }
        migrator.registerMigration("8 changes that are taken up") { db in
            try db.execute(
                sql: """
                    ALTER TABLE cursors ADD COLUMN is_changing INTEGER NOT NULL DEFAULT 0;

                    -- Definitions that cursors follow still, of jobs whose present one is to be taken up.
                    CREATE TABLE changing (
                        job_id INTEGER PRIMARY KEY,
                        revision INTEGER NOT NULL,
                        changed_at INTEGER NOT NULL,
                        schedule TEXT NOT NULL,
                        kind TEXT NOT NULL,
                        summary TEXT NOT NULL,
                        target TEXT NOT NULL,
                        policies TEXT NOT NULL,
                        tags TEXT NOT NULL,
                        enabled INTEGER NOT NULL,
                        standing TEXT,
                        removed INTEGER NOT NULL
                    ) STRICT;
                    """)
        }
        migrator.registerMigration("9 instances") { db in
            try db.execute(
                sql: """
                    CREATE TABLE instances (
                        number INTEGER PRIMARY KEY,
                        facts TEXT NOT NULL,
                        term INTEGER NOT NULL,
                        nonce INTEGER NOT NULL,
                        is_in_force INTEGER NOT NULL,
                        beat INTEGER NOT NULL,
                        seen_at INTEGER NOT NULL
                    ) STRICT;
                    DROP TABLE leases;
                    """)
        }
        migrator.registerMigration("10 who opened a run, and where it lives") { db in
            try db.execute(sql: "ALTER TABLE runs ADD COLUMN term INTEGER; ALTER TABLE runs ADD COLUMN machine TEXT")
        }
        migrator.registerMigration("11 runs that were asked for under a key") { db in
            try db.execute(
                sql: "CREATE UNIQUE INDEX runs_asked ON runs (job_id, cause) WHERE \(RowCodec.askedFor)")
        }
        migrator.registerMigration("12 where an order came from") { db in
            try db.execute(sql: "ALTER TABLE audit ADD COLUMN origin TEXT")
        }
        migrator.registerMigration("13 parts of names") { db in
            // FTS5 keeps the parts alone; what it is to forget it has to be told. What is new `JobSearch.takeUp` tells it.
            try db.execute(
                sql: """
                    CREATE VIRTUAL TABLE job_parts USING fts5(
                        name, content = '', columnsize = 0, detail = none, tokenize = 'trigram case_sensitive 1');
                    INSERT INTO job_parts (rowid, name) SELECT id, name FROM jobs;
                    CREATE TRIGGER jobs_unparted AFTER DELETE ON jobs
                    BEGIN INSERT INTO job_parts (job_parts, rowid, name) VALUES ('delete', old.id, old.name); END;
                    """)
        }
        return migrator
    }

    // What a file of before the seventh migration does not count.

    private static let hasFailed =
        "(state = \(RunState.failed.number) OR state = \(RunState.cancelled.number) AND error IS NOT NULL)"

    private static let hours = """
        SELECT ended_at - ended_at % 3600000000, state, count(*),
            sum(min(max(ended_at - coalesce(started_at, ended_at), 0), 31536000000000))
        FROM runs WHERE state >= 3 AND ended_at IS NOT NULL GROUP BY 1, 2
        """

    private static let streak = """
        (SELECT count(*) FROM runs WHERE runs.job_id = cursors.job_id AND \(hasFailed) AND ended_at > coalesce(
            (SELECT max(ended_at) FROM runs WHERE runs.job_id = cursors.job_id AND state = \(RunState.completed.number)),
            -9223372036854775808))
        """

    private static let tags = """
        SELECT value, jobs.id FROM jobs, json_each(CASE WHEN json_valid(tags) THEN tags ELSE '[]' END)
        WHERE type = 'text'
        """

    // A target was one text before, `{"kind":{"_0":body}}`. Of one that was not, nobody opens the text.

    private static let oldKind =
        "CASE WHEN target LIKE '{\"%' THEN substr(target, 3, instr(substr(target, 3), '\"') - 1) ELSE '' END"

    private static let oldBody = """
        CASE WHEN target LIKE '{"%":{"_0":%}}'
        THEN substr(target, length(\(oldKind)) + 11, length(target) - length(\(oldKind)) - 12) ELSE target END
        """

    private static let oldSummary = """
        coalesce(
            CASE WHEN json_valid(target) THEN coalesce(
                target ->> '$.exec._0.command.shell._0',
                (SELECT group_concat(value, ' ') FROM json_each(target, '$.exec._0.command.argv._0')),
                (target ->> '$.rq._0.function') || ' on ' || (target ->> '$.rq._0.queue'),
                coalesce(nullif(target ->> '$.frappe._0.function', ''), target ->> '$.frappe._0.task')
                    || ' on ' || (target ->> '$.frappe._0.queue'))
            END,
            'a target of kind ' || \(oldKind))
        """

    /// Shows a file that is only read, and that an older release wrote, as this one would have written it.
    static func readOlder(_ db: Database) throws {
        guard try db.tableExists("jobs") else { return }
        if try !db.columns(in: "jobs").contains(where: { $0.name == "kind" }) {
            try db.execute(
                sql: """
                    CREATE TEMP VIEW jobs AS
                    SELECT id, name, feed, source, schedule, \(oldKind) AS kind, \(oldSummary) AS summary,
                        \(oldBody) AS target, policies, tags, enabled, standing, removed, digest
                    FROM main.jobs
                    """)
        }
        if try !db.tableExists("changing") {
            let columns = "job_id, revision, changed_at, \(RowCodec.definitionColumns)"
            let nothing = Array(repeating: "NULL", count: columns.split(separator: ",").count).joined(separator: ", ")
            let counted = try db.tableExists("hours") ? "" : ", \(streak) AS streak"
            try db.execute(
                sql: """
                    CREATE TEMP VIEW cursors AS SELECT *\(counted), 0 AS is_changing FROM main.cursors;
                    CREATE TEMP VIEW changing (\(columns)) AS SELECT \(nothing) WHERE false;
                    """)
        }
        if try !db.tableExists("counters") {
            // Nothing changes in a file that is only looked at.
            try db.execute(sql: "CREATE TEMP VIEW counters (name, value) AS SELECT 'notes', 0")
        }
        if try !db.tableExists("hours") {
            try db.execute(
                sql: """
                    CREATE TEMP VIEW job_tags (tag, job_id) AS \(tags);
                    CREATE TEMP VIEW hours (hour, state, runs, took) AS \(hours);
                    """)
        }
    }

    /// Digests every definition anew, and what orders remember of one: the place it stands at counts no more.
    private static func digestWithoutSources(_ db: Database) throws {
        var texts = JobTexts()
        let update = try db.cachedStatement(sql: "UPDATE jobs SET digest = ?, standing = ? WHERE id = ?")
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT id, name, feed, source, schedule, kind, target, policies, tags, enabled, standing FROM jobs
                """)
        while let row = try rows.next() {
            func text(_ column: Int) -> [UInt8] { Array((row[column] as String).utf8) }
            let job = Job(
                name: row[1], schedule: ScheduleText(.manual),
                target: Target(kind: .init(rawValue: row[5]), summary: "", body: row[6]), enabled: row[9],
                origin: Origin(feed: row[2], source: row[3]))
            var parts = JobTexts.Parts(schedule: text(4), policies: text(7), tags: text(8), standing: nil)
            var standing = row[10] as String?
            if let old = standing, var deleted = try? RowCodec.decode(Standing.self, old),
                deleted.off == .deleted(texts.digest(job, parts, withSource: true))
            {
                deleted.off = .deleted(texts.digest(job, parts))
                standing = try RowCodec.encode(deleted)
            }
            parts.standing = standing.map { Array($0.utf8) }
            let digest = Int64(bitPattern: texts.digest(job, parts))
            try update.execute(arguments: [digest, standing, row[0] as Int64])
        }
    }

    /// Gives every name its one spelling. Of two jobs that differ in spelling alone the one that is there stays, and of two
    /// that are the one that has it already; the other is gone, and keeps its history under a name of its own.
    private static func spellNames(_ db: Database) throws {
        for row in try Row.fetchAll(db, sql: "SELECT id, name FROM jobs ORDER BY removed, id") {
            let (id, name): (Int64, String) = (row[0], row[1])
            let canonical = Job.canonical(name)
            guard !canonical.utf8.elementsEqual(name.utf8) else { continue }
            let other = try Row.fetchOne(
                db, sql: "SELECT id, removed FROM jobs WHERE name = ?", arguments: [canonical])
            var gone = other.map { _ in id }
            if let other, other["removed"] as Bool { gone = other["id"] }
            if let gone {
                try db.execute(
                    sql: "UPDATE jobs SET name = ?, removed = 1 WHERE id = ?",
                    arguments: ["\(canonical) (spelt otherwise, \(gone))", gone])
                try db.execute(
                    sql: "UPDATE cursors SET is_on = 0, next_due = NULL WHERE job_id = ?", arguments: [gone])
            }
            if gone != id {
                try db.execute(sql: "UPDATE jobs SET name = ? WHERE id = ?", arguments: [canonical, id])
            }
        }
    }
}
