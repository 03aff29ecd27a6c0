#if Postgres
    import CarillonCore
    import CarillonTestSupport
    import PostgresClient
    import PostgresStore
    import Testing
    import Timetable

    /// What stands between a store and its database is said in one sentence, without a password.
    @Suite(.timeLimit(.minutes(5)))
    struct AccessTests {
        private func opening(_ configuration: PostgresConfiguration) async throws -> StoreError {
            let error = try await failure { try await PostgresStore.open(configuration, logger: .silent) }
            let texts = "\(error) \(String(reflecting: error))"
            #expect(!texts.contains(PostgresFixture.password) && !texts.contains("hush"), "\(texts)")
            return error
        }

        @Test func aWrongPasswordAndADatabaseThatIsNotThere() async throws {
            var wrong = try await Rig.shared.database()
            wrong.password = "hush-hush"
            let password = try await opening(wrong)
            #expect(password.code == .refused && password.message.contains("password authentication failed"))
            #expect(password.message.contains("see the user and the password of store.url"), "\(password)")
            wrong.password = PostgresFixture.password
            wrong.database = "nowhere"
            let database = try await opening(wrong)
            #expect(database.code == .refused && database.message.contains("make it, or name another one"))
            wrong.port = 1
            #expect(try await opening(wrong).code == .unreachable)
        }

        @Test func aRoleWithoutRights() async throws {
            var configuration = try await Rig.shared.database()
            let client = try PostgresClient(configuration, logger: .silent)
            let role = "reader_\(configuration.database)"
            try await client.execute("CREATE ROLE \(role) LOGIN PASSWORD 'hush'")
            (configuration.user, configuration.password) = (role, "hush")
            let error = try await opening(configuration)
            #expect(error.code == .refused && error.message.contains("permission denied for schema public"))
            #expect(error.message.contains("needs the right to do it"), "\(error)")
            // With a schema of its own it needs no other.
            try await client.execute("CREATE SCHEMA \(role) AUTHORIZATION \(role)")
            let store = try await PostgresStore.open(configuration, logger: .silent)
            #expect(try await store.join("a").count == 1)
            try await store.close()
            await client.close()
        }

        @Test func anotherEncoding() async throws {
            let error = try await opening(
                try await Rig.shared.database("ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"))
            #expect(error.code == .refused && error.message.contains("the database's encoding is LATIN1"), "\(error)")
        }

        @Test func aDatabaseOfOthers() async throws {
            let configuration = try await Rig.shared.database()
            let client = try PostgresClient(configuration, logger: .silent)
            try await client.execute("CREATE TABLE jobs (id int)")
            let error = try await opening(configuration)
            #expect(error.code == .refused && error.message.contains("a database, or a schema, of its own"), "\(error)")
            // Nothing was made of it.
            let count = try await client.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") {
                try $0.integer(0)
            }
            #expect(count == [1])
            await client.close()
        }

        @Test func aServerThatOnlyReads() async throws {
            let bench = try await Bench()
            try await bench.client.execute(
                "ALTER DATABASE \(bench.configuration.database) SET default_transaction_read_only = on")
            // A session's own setting stands above the database's; behind a pooler there is none.
            var configuration = bench.configuration
            configuration.isPooled = true
            let store = try await PostgresStore.open(configuration, logger: .silent)
            let error = try await failure { try await store.setNote("a", "b") }
            #expect(error.code == .unreachable && error.message.contains("it is read-only: a standby"), "\(error)")
            #expect(try await store.note("a") == nil)
            // The next one goes elsewhere, and that server writes.
            let other = try PostgresClient(bench.configuration, logger: .silent)
            try await other.execute(
                "ALTER DATABASE \(bench.configuration.database) SET default_transaction_read_only = off")
            try await store.setNote("a", "b")
            #expect(try await store.note("a") == "b")
            await other.close()
            try await store.close()
            try await bench.close()
        }

        @Test func noRoomForAnotherConnection() async throws {
            let configuration = try await Rig.shared.database()
            let client = try PostgresClient(configuration, logger: .silent)
            let role = "crowd_\(configuration.database)"
            try await client.execute("CREATE ROLE \(role) LOGIN PASSWORD 'hush' CONNECTION LIMIT 0")
            var crowded = configuration
            (crowded.user, crowded.password) = (role, "hush")
            let error = try await opening(crowded)
            #expect(error.code == .unreachable && error.message.contains("store.url"), "\(error)")
            #expect(error.message.contains("the store takes 5"), "\(error)")
            await client.close()
        }

        @Test(arguments: ["postgres://u:hush@h/d?sslmode=what", "postgres://u:hush@[h/d", "postgresql://:hush@h/d"])
        func addressesThatAreNone(_ url: String) async throws {
            #expect(PostgresDriver.canOpen(url))
            let error = try await failure { try await PostgresDriver.open(StoreAddress(url: url), state: "/") }
            #expect(error.code == .refused, "\(error)")
            #expect(PostgresDriver.flaw(of: StoreAddress(url: url)).map { !$0.contains("hush") } == true)
            #expect(!error.message.contains("hush"))
        }

        @Test func theDriverTakesThePasswordApartFromTheAddress() async throws {
            let configuration = try await Rig.shared.database()
            let url = "postgres://\(configuration.user):hush@127.0.0.1:\(configuration.port)/\(configuration.database)"
            #expect(!PostgresDriver.canOpen("sqlite:a.db") && PostgresDriver.canOpen(url))
            var address = StoreAddress(url: url)
            address.password = configuration.password
            #expect(!"\(address) \(String(reflecting: address))".contains("hush"))
            #expect(!PostgresDriver.place(of: address).contains("hush"))
            #expect(try await PostgresDriver.look(address, state: "/") == nil)
            let store = try await PostgresDriver.open(address, state: "/")
            #expect(try await store.counts().jobs == 0)
            try await store.close()
            #expect(try await PostgresDriver.look(address, state: "/") != nil)
        }

        // MARK: Migrations

        @Test func severalOpenersAtOnceMakeOneStore() async throws {
            let configuration = try await Rig.shared.database()
            let ids = try await withThrowingTaskGroup(of: UInt64.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        let store = try await PostgresStore.open(configuration, logger: .silent)
                        let id = try await store.storeID()
                        try await store.close()
                        return id
                    }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
            let client = try PostgresClient(configuration, logger: .silent)
            let applied = try await client.query("SELECT number, name FROM carillon_migrations") {
                "\(try $0.integer(0) ?? 0) \(try $0.text(1) ?? "")"
            }
            #expect(
                applied == [
                    "1 jobs and ledger", "2 changes that are taken up", "3 instances and shards",
                    "4 who opened a run, and where it lives", "5 jobs of one machine",
                    "6 runs that were asked for under a key", "7 where an order came from",
                ])
            await client.close()
        }

        @Test func anOlderStoreIsBroughtUpToDateWhenNobodyWorksWithIt() async throws {
            let bench = try await Bench()
            #expect(try await PostgresStore.missing(bench.configuration) == [])
            // As the first build left it, whose daemon has the lease.
            for statement in [
                "ALTER TABLE audit DROP COLUMN origin", "DROP INDEX runs_asked",
                "DROP TABLE instances, terms, beats, shards, mail, declarations",
                "ALTER TABLE runs DROP COLUMN term, DROP COLUMN machine", "ALTER TABLE cursors DROP COLUMN pinned",
                "DELETE FROM counters WHERE name IN ('instances', 'holdings', 'terms')",
                "CREATE TABLE leases (instance text PRIMARY KEY, term bigint NOT NULL)",
                "CREATE TABLE beats (instance text PRIMARY KEY, term bigint NOT NULL, expires_at bigint NOT NULL)",
                "INSERT INTO leases VALUES ('a', 7)", "INSERT INTO beats VALUES ('a', 7, 9000000000000000)",
                "DROP TABLE changing", "ALTER TABLE cursors DROP COLUMN is_changing",
                "DELETE FROM carillon_migrations WHERE number > 1",
            ] {
                try await bench.client.execute(statement)
            }
            let missing = [
                "changes that are taken up", "instances and shards", "who opened a run, and where it lives",
                "jobs of one machine", "runs that were asked for under a key", "where an order came from",
            ]
            #expect(try await PostgresStore.missing(bench.configuration) == missing)
            let looking = try await failure { try await PostgresStore.look(bench.configuration, logger: .silent) }
            #expect(looking.message.contains("`carillon store migrate`"), "\(looking)")
            // A daemon of the older build would go on.
            let busy = try await failure { try await PostgresStore.open(bench.configuration, logger: .silent) }
            #expect(busy.code == .busy && busy.message.contains("'a', works with this store"), "\(busy)")
            #expect(try await PostgresStore.missing(bench.configuration) == missing)
            try await bench.client.execute("UPDATE beats SET expires_at = 0")
            let store = try await PostgresStore.open(bench.configuration, logger: .silent)
            #expect(try await store.job(named: "tick")?.isChanging == false)
            #expect(try await store.join("b").count == 8)
            #expect(try await store.shards(counting: true).map(\.jobs).reduce(0, +) == 1)
            #expect(try await PostgresStore.missing(bench.configuration) == [])
            try await store.close()
            try await bench.close()
            let empty = try await bench.rig.database()
            #expect(try await PostgresStore.missing(empty) == ["jobs and ledger"] + missing)
        }

        @Test func aStoreOfANewerBuildIsRefusedUnlessThisOneIsEnoughForIt() async throws {
            let bench = try await Bench()
            let insert = "INSERT INTO carillon_migrations (number, name, least_build) VALUES"
            try await bench.client.execute("\(insert) (98, 'something small', 1)")
            let store = try await PostgresStore.open(bench.configuration, logger: .silent)
            #expect(try await store.job(named: "tick") != nil)
            try await store.close()
            try await bench.client.execute("\(insert) (99, 'something else', 99)")
            let error = try await opening(bench.configuration)
            #expect(error.code == .refused && error.message.contains("was written by a newer build"), "\(error)")
            #expect(try await failure { try await PostgresStore.look(bench.configuration, logger: .silent) } == error)
            try await bench.close()
        }
    }
#endif
