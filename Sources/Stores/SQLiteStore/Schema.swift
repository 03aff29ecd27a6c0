import GRDB

/// The tables, as migrations: each is applied once, in order, and never changed afterwards.
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
                        removed INTEGER NOT NULL DEFAULT 0,
                        digest INTEGER NOT NULL,
                        revision INTEGER NOT NULL,
                        cursor INTEGER NOT NULL,
                        next_due INTEGER,
                        opened INTEGER NOT NULL DEFAULT 0
                    ) STRICT;

                    CREATE INDEX jobs_cursor ON jobs (cursor);
                    CREATE INDEX jobs_feed ON jobs (feed);

                    CREATE TABLE revisions (
                        job_id INTEGER NOT NULL, revision INTEGER NOT NULL, definition TEXT NOT NULL,
                        PRIMARY KEY (job_id, revision)
                    ) STRICT, WITHOUT ROWID;

                    CREATE TABLE runs (
                        id TEXT PRIMARY KEY,
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
                        held_why TEXT
                    ) STRICT, WITHOUT ROWID;
                    CREATE UNIQUE INDEX runs_occurrence ON runs (job_id, scheduled_at, manual);
                    CREATE INDEX runs_active ON runs (id) WHERE state < 3;

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
        return migrator
    }
}
