#if Postgres
    import CarillonCore
    import PostgresClient
    import StoreCodec

    /// The tables, as migrations: each is applied once, in order, and never changed once released.
    enum Schema {
        struct Migration {
            var name: String
            /// The number of the last migration that a build must know to use the store after this one.
            var leastBuild: Int64
            var statements: [String]
        }

        /// Numbered from 1.
        static let migrations = [
            Migration(name: "jobs and ledger", leastBuild: 1, statements: first),
            // A build that changes cursors with definitions would leave them to follow nothing.
            Migration(name: "changes that are taken up", leastBuild: 2, statements: second),
            // A build that knows one lease alone would write beside those who share the jobs.
            Migration(name: "instances and shards", leastBuild: 3, statements: third),
            // A build that knows no machine would hand over again what lives on another.
            Migration(name: "who opened a run, and where it lives", leastBuild: 4, statements: fourth),
            // A build that does not know that would run them anywhere.
            Migration(name: "jobs of one machine", leastBuild: 5, statements: []),
            // A build that does not know the word of such a run sees none.
            Migration(
                name: "runs that were asked for under a key", leastBuild: 5,
                statements: ["CREATE UNIQUE INDEX runs_asked ON runs (job_id, cause) WHERE \(RowCodec.askedFor)"]),
            Migration(
                name: "where an order came from", leastBuild: 5,
                statements: ["ALTER TABLE audit ADD COLUMN origin text"]),
        ]

        /// What is locked while migrations are applied: "Carillon" in ASCII.
        static let lock: Int64 = 0x4361_7269_6c6c_6f6e

        private static let first = [
            #"CREATE TABLE notes (key text COLLATE "C" PRIMARY KEY, value text NOT NULL)"#,
            "CREATE TABLE leases (instance text PRIMARY KEY, term bigint NOT NULL)",
            // Apart, so that renewing never waits for a batch that holds the lease's row.
            """
            CREATE TABLE beats (instance text PRIMARY KEY, term bigint NOT NULL, expires_at bigint NOT NULL)
            WITH (fillfactor = 50)
            """,
            // What is drawn from a row under its lock is dense: what is rolled back was never drawn.
            "CREATE TABLE counters (name text PRIMARY KEY, value bigint NOT NULL)",
            "INSERT INTO counters (name, value) VALUES ('jobs', 0), ('notes', 0)",
            """
            CREATE FUNCTION carillon_notes_changed() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN UPDATE counters SET value = value + 1 WHERE name = 'notes'; RETURN NULL; END $$
            """,
            """
            CREATE TRIGGER notes_changed AFTER INSERT OR UPDATE OR DELETE ON notes
            FOR EACH ROW EXECUTE FUNCTION carillon_notes_changed()
            """,
            """
            CREATE TABLE jobs (
                id integer PRIMARY KEY,
                name text COLLATE "C" NOT NULL UNIQUE,
                feed text NOT NULL,
                source text NOT NULL,
                schedule text NOT NULL,
                kind text NOT NULL,
                summary text NOT NULL,
                target text NOT NULL,
                policies text NOT NULL,
                tags text NOT NULL,
                enabled boolean NOT NULL,
                standing text,
                removed boolean NOT NULL DEFAULT false,
                digest bigint NOT NULL
            )
            """,
            "CREATE INDEX jobs_feed ON jobs (feed)",
            "CREATE INDEX jobs_removed ON jobs (id) WHERE removed",
            // What changes with every run of a job. Its pages have room for the next version of a row beside the last one,
            // and no index names what changes: an advance then touches nothing but its page (heap-only tuples).
            """
            CREATE TABLE cursors (
                job_id integer PRIMARY KEY,
                is_on boolean NOT NULL,
                revision bigint NOT NULL,
                cursor bigint NOT NULL,
                next_due bigint,
                opened bigint NOT NULL DEFAULT 0,
                streak integer NOT NULL DEFAULT 0
            ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05)
            """,
            // "Failing now": written only where it changes.
            "CREATE INDEX cursors_streak ON cursors (job_id) WHERE streak > 0",
            """
            CREATE TABLE job_tags (
                tag text COLLATE "C" NOT NULL, job_id integer NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
                PRIMARY KEY (tag, job_id)
            )
            """,
            "CREATE INDEX job_tags_job ON job_tags (job_id)",
            // What ended in each hour, whatever retention has removed since.
            """
            CREATE TABLE hours (
                hour bigint NOT NULL, state smallint NOT NULL, runs bigint NOT NULL, took bigint NOT NULL,
                PRIMARY KEY (hour, state)
            ) WITH (fillfactor = 50)
            """,
            """
            CREATE TABLE revisions (
                job_id integer NOT NULL, revision bigint NOT NULL, definition text NOT NULL,
                PRIMARY KEY (job_id, revision)
            )
            """,
            // A run's id is its twelve bytes.
            """
            CREATE TABLE runs (
                id bytea NOT NULL,
                job_id integer NOT NULL,
                revision bigint NOT NULL,
                trigger text NOT NULL,
                scheduled_at bigint NOT NULL,
                manual bigint NOT NULL,
                not_before bigint NOT NULL,
                state smallint NOT NULL,
                attempt integer NOT NULL,
                created_at bigint NOT NULL,
                dispatched_at bigint,
                started_at bigint,
                ended_at bigint,
                heartbeat_at bigint,
                instance text,
                process text,
                exit_code integer,
                signal integer,
                error text,
                output_tail text,
                reason text,
                earlier text,
                held_since bigint,
                held_until bigint,
                held_why text,
                cause text,
                arguments text
            ) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05)
            """,
            "CREATE UNIQUE INDEX runs_id ON runs (id)",
            "CREATE UNIQUE INDEX runs_occurrence ON runs (job_id, scheduled_at, manual)",
            "CREATE INDEX runs_active ON runs (id) WHERE state < 3",
            "CREATE INDEX runs_failed ON runs (id) WHERE state = \(RunState.failed.number)",
            // Empty as long as clocks are right.
            "CREATE INDEX runs_outside ON runs (scheduled_at) WHERE \(RowCodec.outside)",
            """
            CREATE TABLE skips (
                id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
                job_id integer NOT NULL,
                revision bigint NOT NULL,
                after bigint NOT NULL,
                through bigint NOT NULL,
                reason text NOT NULL,
                detail text,
                recorded_at bigint NOT NULL
            )
            """,
            "CREATE INDEX skips_job ON skips (job_id, through)",
            "CREATE INDEX skips_through ON skips (through)",
            """
            CREATE TABLE audit (
                id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
                at bigint NOT NULL,
                "user" text,
                channel text NOT NULL,
                action text NOT NULL,
                subject text,
                before text,
                after text,
                error text
            )
            """,
            "CREATE INDEX audit_at ON audit (at)",
            "CREATE INDEX audit_subject ON audit (subject, at)",
        ]

        private static let second = [
            "ALTER TABLE cursors ADD COLUMN is_changing boolean NOT NULL DEFAULT false",
            // Definitions that cursors follow still, of jobs whose present one is to be taken up.
            """
            CREATE TABLE changing (
                job_id integer PRIMARY KEY,
                revision bigint NOT NULL,
                changed_at bigint NOT NULL,
                schedule text NOT NULL,
                kind text NOT NULL,
                summary text NOT NULL,
                target text NOT NULL,
                policies text NOT NULL,
                tags text NOT NULL,
                enabled boolean NOT NULL,
                standing text,
                removed boolean NOT NULL
            )
            """,
        ]

        private static let third = [
            "INSERT INTO counters (name, value) VALUES ('instances', 0), ('holdings', 0), ('terms', (SELECT coalesce(max(term), 0) FROM leases))",
            "DROP TABLE leases",
            "DROP TABLE beats",
            "CREATE TABLE instances (number integer PRIMARY KEY, id text NOT NULL, facts text NOT NULL)",
            // The fence alone: whoever writes the ledger holds its row, so nothing else is written to it.
            "CREATE TABLE terms (instance integer PRIMARY KEY, term bigint NOT NULL, nonce bigint NOT NULL)",
            """
            CREATE TABLE beats (
                instance integer PRIMARY KEY, term bigint NOT NULL, nonce bigint NOT NULL, beat bigint NOT NULL,
                seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
            ) WITH (fillfactor = 50)
            """,
            """
            CREATE TABLE shards (
                shard smallint PRIMARY KEY, label text COLLATE "C" UNIQUE, holder integer, epoch bigint NOT NULL DEFAULT 0
            ) WITH (fillfactor = 70)
            """,
            "INSERT INTO shards (shard) SELECT generate_series(0, \(Shard.shares - 1))",
            """
            CREATE TABLE mail (
                number bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, shard smallint, machine text, kind text NOT NULL,
                body text NOT NULL
            )
            """,
            "CREATE INDEX mail_shard ON mail (shard) WHERE shard IS NOT NULL",
            "CREATE INDEX mail_machine ON mail (machine) WHERE machine IS NOT NULL",
            // A job stands in the share of its number, unless it is pinned elsewhere.
            "ALTER TABLE cursors ADD COLUMN pinned smallint",
            "CREATE INDEX cursors_shard ON cursors ((\(PostgresStore.shard)))",
        ]

        private static let fourth = [
            "ALTER TABLE runs ADD COLUMN term bigint",
            "ALTER TABLE runs ADD COLUMN machine text",
            // What each machine's files say of a job, and have said.
            """
            CREATE TABLE declarations (
                machine text NOT NULL, job text COLLATE "C" NOT NULL, source text NOT NULL, digest bigint NOT NULL,
                is_current boolean NOT NULL, PRIMARY KEY (machine, job, digest)
            )
            """,
            "CREATE INDEX declarations_job ON declarations (job)",
            // Of a machine that never comes back, what is old goes.
            "ALTER TABLE mail ADD COLUMN posted_at timestamptz NOT NULL DEFAULT now()",
            "CREATE INDEX runs_machine ON runs (machine) WHERE state < 3 AND machine IS NOT NULL",
        ]
    }

    extension Schema {
        /// Makes the tables, or what is missing of them, and answers the store's id; nil when it may only look, and there
        /// is nothing.
        ///
        /// Throws `StoreError` for a database that is none for a store, and for one that a newer build has written.
        static func prepare(_ client: PostgresClient, isReading: Bool) async throws -> UInt64? {
            let (encoding, isThere) =
                try await client.query(
                    "SELECT current_setting('server_encoding'), to_regclass('carillon_migrations') IS NOT NULL"
                ) { (try $0.text(0) ?? "", try $0.bool(1) ?? false) }.first ?? ("", false)
            guard encoding == "UTF8" else {
                throw StoreError(
                    .refused,
                    """
                    \(client.configuration): the database's encoding is \(encoding), and the store's texts need UTF8: \
                    createdb --encoding=UTF8 --template=template0
                    """)
            }
            var last: Int64 = 0
            if isThere {
                (last, _) = try check(
                    try await client.query(applied) { (try $0.integer(0) ?? 0, try $0.integer(1) ?? 0) }, client)
            }
            if last < migrations.count {
                if isReading, !isThere { return nil }
                guard !isReading else {
                    throw StoreError(
                        .refused,
                        """
                        \(client.configuration) was written by an older build: start this one's daemon first, or \
                        `carillon store migrate`
                        """)
                }
                try await client.transaction { try migrate($0, client) }
            }
            return try await storeID(client, isReading: isReading)
        }

        private static let applied = "SELECT max(number), max(least_build) FROM carillon_migrations"

        /// Throws for a store that this build is too old for.
        @discardableResult
        private static func check(
            _ found: [(last: Int64, least: Int64)], _ client: PostgresClient
        ) throws -> (last: Int64, least: Int64) {
            let found = found.first ?? (0, 0)
            guard found.least <= migrations.count else {
                throw StoreError(
                    .refused,
                    """
                    \(client.configuration) was written by a newer build: it needs one that knows migration \
                    \(found.least), and this one knows \(migrations.count)
                    """)
            }
            return found
        }

        /// Applies what is missing; whoever starts at the same time waits, and finds it done.
        private static func migrate(_ transaction: PostgresTransaction, _ client: PostgresClient) throws {
            // Whoever comes meanwhile waits as long as it takes.
            try transaction.execute("SET LOCAL lock_timeout = 0")
            try transaction.execute("SELECT pg_advisory_xact_lock($1)", [.integer(lock)])
            try transaction.execute(
                """
                CREATE TABLE IF NOT EXISTS carillon_migrations (
                    number bigint PRIMARY KEY, name text NOT NULL, least_build bigint NOT NULL,
                    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
                )
                """)
            let last = try check(
                try transaction.all(applied) { (try $0.integer(0) ?? 0, try $0.integer(1) ?? 0) }, client
            ).last
            if (1..<3).contains(last) { try refuseBesideOthers(transaction) }
            for (index, migration) in migrations.enumerated().dropFirst(Int(last)) {
                for statement in migration.statements { try transaction.execute(statement) }
                try transaction.execute(
                    "INSERT INTO carillon_migrations (number, name, least_build) VALUES ($1, $2, $3)",
                    [.integer(Int64(index + 1)), .text(migration.name), .integer(migration.leastBuild)])
            }
        }

        /// Throws `busy` while a daemon works with a store of before the third migration: its build would go on with tables that it
        /// does not know.
        private static func refuseBesideOthers(_ transaction: PostgresTransaction) throws {
            // One that knows of one lease alone has it on the server's clock.
            let other = try transaction.first(
                "SELECT instance FROM beats WHERE expires_at > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
            ) { try $0.text(0) ?? "" }
            guard let other else { return }
            throw StoreError(
                .busy,
                """
                a daemon, '\(other)', works with this store, and is too old for what is to be done: stop it first; one \
                that was killed is given up after its lease
                """)
        }

        /// Names the migrations that are still to come.
        static func missing(_ client: PostgresClient) async throws -> [String] {
            let isThere = try await client.query("SELECT to_regclass('carillon_migrations') IS NOT NULL") {
                try $0.bool(0) ?? false
            }.first
            guard isThere == true else { return migrations.map(\.name) }
            let found = try await client.query(applied) { (try $0.integer(0) ?? 0, try $0.integer(1) ?? 0) }
            return migrations.dropFirst(Int(try check(found, client).last)).map(\.name)
        }

        /// Reads the store's id, and draws it if need be.
        private static func storeID(_ client: PostgresClient, isReading: Bool) async throws -> UInt64? {
            let read = "SELECT value FROM notes WHERE key = 'store.id'"
            func known() async throws -> UInt64? {
                try await client.query(read) { try $0.text(0) ?? "" }.first.flatMap { UInt64($0, radix: 16) }
            }
            if let id = try await known() { return id }
            guard !isReading else { return nil }
            try await client.execute(
                "INSERT INTO notes (key, value) VALUES ('store.id', $1) ON CONFLICT (key) DO NOTHING",
                [.text(String(UInt64.random(in: 1...UInt64.max), radix: 16))])
            return try await known()
        }
    }
#endif
