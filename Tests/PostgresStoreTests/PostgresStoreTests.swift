#if Postgres
    import CarillonCore
    import CarillonDaemon
    import CarillonTestSupport
    import Foundation
    import PostgresClient
    import PostgresStore
    import SQLiteStore
    import Synchronization
    import Testing
    import Timetable

    @Suite(.timeLimit(.minutes(2))) struct PostgresConformanceTests {
        @Test(arguments: StoreConformance.checks)
        func postgres(_ check: Check<any JobStore>) async throws {
            let store = try await PostgresStore.open(try await Rig.shared.database())
            try await check.run(store)
            try await store.close()
        }
    }

    /// What only a server, and others who use it, can do to a store.
    @Suite(.timeLimit(.minutes(2))) struct PostgresStoreTests {
        private func put(_ name: String, in store: PostgresStore, _ lease: Lease) async throws -> StoredJob {
            let change = JobChange.put(
                Samples.job(name), cursor: Samples.noon, nextDue: Samples.noon.plus(60), skips: [])
            return try #require(try await store.apply([change], lease: lease, now: Samples.noon).first ?? nil)
        }

        private func advance(_ job: StoredJob, to time: Timestamp, in store: PostgresStore) async throws -> JobAdvance {
            let run = Samples.run(job, at: time, store: try await store.storeID())
            return JobAdvance(
                id: job.id, revision: job.revision, from: job.cursor, to: time, nextDue: time.plus(60), runs: [run])
        }

        /// Throws unless opening fails; answers what is said.
        private func refusal(_ configuration: PostgresConfiguration) async throws -> StoreError {
            try await #require(throws: StoreError.self) {
                let store = try await PostgresStore.open(configuration)
                try await store.close()
            }
        }

        @Test func everythingIsThereAfterReopening() async throws {
            let database = try await Rig.shared.database()
            let store = try await PostgresStore.open(database)
            try await StoreFilling.fill(store)
            let (id, jobs) = (try await store.storeID(), try await store.jobs(after: nil, limit: 100))
            let lease = try await store.lease(instance: "a", length: 1)
            try await store.close()
            let again = try await PostgresStore.open(database)
            #expect(try await again.storeID() == id)
            #expect(try await again.jobs(after: nil, limit: 100) == jobs)
            #expect(try await again.lease(instance: "a", length: 1).term == lease.term + 1)
            try await again.close()
            let reader = try #require(try await PostgresStore.look(database))
            #expect(try await reader.jobs(after: nil, limit: 100) == jobs)
            try await reader.close()
        }

        @Test func nothingIsMadeByLooking() async throws {
            let database = try await Rig.shared.database()
            #expect(try await PostgresStore.look(database) == nil)
            let client = try database.client()
            let tables = try await client.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") {
                try $0.integer(0)
            }
            #expect(tables == [0])
            await client.close()
        }

        /// Each migration once, whoever comes first.
        @Test func manyMayOpenAnEmptyDatabaseAtOnce() async throws {
            let database = try await Rig.shared.database()
            let ids = try await withThrowingTaskGroup(of: UInt64.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        let store = try await PostgresStore.open(database)
                        let id = try await store.storeID()
                        try await store.close()
                        return id
                    }
                }
                return try await group.reduce(into: Set<UInt64>()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
        }

        @Test func aStoreOfANewerBuildIsRefused() async throws {
            let database = try await Rig.shared.database()
            try await PostgresStore.open(database).close()
            let client = try database.client()
            try await client.execute(
                "INSERT INTO carillon_migrations (number, name, least_build) VALUES (900, 'later', 1)")
            // What it added harms nobody.
            try await PostgresStore.open(database).close()
            try await client.execute("UPDATE carillon_migrations SET least_build = 900 WHERE number = 900")
            let error = try await refusal(database)
            #expect(error.code == .refused && error.message.contains("was written by a newer build"), "\(error)")
            await client.close()
        }

        @Test func whatCannotHoldAStoreIsSaid() async throws {
            var wrong = try await Rig.shared.database()
            wrong.password = "guess"
            #expect(try await refusal(wrong).code == .refused)
            var missing = try await Rig.shared.database()
            missing.database = "nowhere"
            #expect(try await refusal(missing).message.contains("nowhere"))
            var nobody = missing
            nobody.port = try FreePort.find()
            #expect(try await refusal(nobody).code == .unreachable)
            let ascii = try await Rig.shared.database(
                "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
            let error = try await refusal(ascii)
            #expect(error.code == .refused && error.message.contains("SQL_ASCII"), "\(error)")
            for error in [try await refusal(wrong), try await refusal(missing)] {
                #expect(!"\(error)".contains(PostgresFixture.password) && !"\(error)".contains("guess"))
            }
        }

        @Test func aRoleWithoutRightsAndAStandbyAreSaid() async throws {
            let database = try await Rig.shared.database()
            try await PostgresStore.open(database).close()
            let client = try database.client()
            try await client.execute("CREATE ROLE reader\(database.database) LOGIN PASSWORD 'x'")
            var guest = database
            guest.user = "reader\(database.database)"
            guest.password = "x"
            #expect(try await refusal(guest).code == .refused)
            let store = try await PostgresStore.open(database)
            let lease = try await store.lease(instance: "a", length: 30_000_000)
            let job = try await put("tick", in: store, lease)
            let part = try await advance(job, to: Samples.noon.plus(60), in: store)
            // As a standby does that was promoted from nothing.
            try await client.execute("ALTER DATABASE \(database.database) SET default_transaction_read_only = on")
            try await client.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()",
                [.text(database.database)])
            try await client.execute("ALTER DATABASE \(database.database) RESET default_transaction_read_only")
            // The connections are gone: the first call may hear of it, the next one has another.
            let opened: Opened
            do {
                opened = try await store.openRuns([part], lease: lease, now: Samples.noon)
            } catch let error as StoreError {
                #expect(error.code == .unreachable, "\(error)")
                opened = try await store.openRuns([part], lease: lease, now: Samples.noon)
            }
            #expect(opened.new.count == 1)
            #expect(try await store.runs(RunQuery()).count == 1)
            try await store.close()
            await client.close()
        }

        /// A batch that waited while its lease was taken away writes nothing at all.
        @Test func aBatchThatWaitedForALostLeaseWritesNothing() async throws {
            let database = try await Rig.shared.database()
            let store = try await PostgresStore.open(database)
            let lease = try await store.lease(instance: "a", length: 30_000_000)
            let job = try await put("tick", in: store, lease)
            var part = try await advance(job, to: Samples.noon.plus(60), in: store)
            part.skips = [Samples.skip(job, after: Samples.noon, through: Samples.noon.plus(5))]
            let other = try database.client()
            // The new term is there and not committed; the batch must wait for it.
            let isLocked = Mutex(false)
            let isWaiting = Mutex(false)
            async let taking: Void = other.transaction { transaction in
                try transaction.execute("UPDATE leases SET term = term + 1")
                isLocked.withLock { $0 = true }
                while !isWaiting.withLock({ $0 }) {
                    let waits = try transaction.first(
                        "SELECT count(*) FROM pg_locks WHERE NOT granted"
                    ) { try $0.integer(0) ?? 0 }
                    if (waits ?? 0) > 0 { isWaiting.withLock { $0 = true } }
                }
            }
            try await eventually("the new term is on its way") { isLocked.withLock { $0 } }
            try await require(throwing: .leaseLost) {
                try await store.openRuns([part], lease: lease, now: Samples.noon)
            }
            try await taking
            #expect(isWaiting.withLock { $0 })
            #expect(try await store.runs(RunQuery()).isEmpty)
            #expect(try await store.skips(RunQuery()).isEmpty)
            #expect(try await store.jobs(ids: [job.id]).first?.cursor == Samples.noon)
            await other.close()
            try await store.close()
        }

        /// A batch takes its time; the lease is renewed all the same.
        @Test func renewingWaitsForNoBatch() async throws {
            let database = try await Rig.shared.database()
            let store = try await PostgresStore.open(database)
            let lease = try await store.lease(instance: "a", length: 30_000_000)
            let other = try database.client()
            let isLocked = Mutex(false)
            let isRenewed = Mutex(false)
            // As a long batch does, until the lease is renewed.
            async let batch: Void = other.transaction { transaction in
                _ = try transaction.all("SELECT 1 FROM leases FOR SHARE") { _ in true }
                isLocked.withLock { $0 = true }
                while !isRenewed.withLock({ $0 }) { _ = try transaction.first("SELECT 1") { _ in true } }
            }
            try await eventually("the batch has its lease's row") { isLocked.withLock { $0 } }
            #expect(try await store.renew(lease, length: 60_000_000).expiresAt > lease.expiresAt)
            isRenewed.withLock { $0 = true }
            try await batch
            await other.close()
            try await store.close()
        }

        @Test func anotherDaemonIsLeftAloneUntilItsLeaseIsOver() async throws {
            let database = try await Rig.shared.database()
            let (one, other) = (try await PostgresStore.open(database), try await PostgresStore.open(database))
            let lease = try await one.lease(instance: "one", length: 30_000_000)
            let error = try await #require(throws: StoreError.self) {
                try await other.lease(instance: "other", length: 30_000_000)
            }
            #expect(error.code == .busy && error.message.contains("'one'"))
            // The same one, started again, waits for nobody.
            let again = try await one.lease(instance: "one", length: 30_000_000)
            #expect(again.term == lease.term + 1)
            try await one.release(again)
            #expect(try await other.lease(instance: "other", length: 30_000_000).term == again.term + 1)
            try await one.close()
            try await other.close()
        }

        @Test func aStoreGoesToPostgresAndBackUnchanged() async throws {
            let folder = try TemporaryFolder()
            let source = try SQLiteStore(path: folder.path + "/a.db")
            try await StoreFilling.fill(source)
            let middle = try await PostgresStore.open(try await Rig.shared.database())
            let there = try await StoreCopy(from: source, to: middle).run()
            let target = try SQLiteStore(path: folder.path + "/b.db")
            let back = try await StoreCopy(from: middle, to: target).run()
            #expect(there.tables.map(\.digest) == back.tables.map(\.digest))
            #expect(try await source.jobs(after: nil, limit: 100) == middle.jobs(after: nil, limit: 100))
            #expect(try await source.runs(RunQuery(limit: 1_000)) == target.runs(RunQuery(limit: 1_000)))
            #expect(try await source.runs(RunQuery(limit: 1_000)) == middle.runs(RunQuery(limit: 1_000)))
            // What comes next has the next number, of everything that has numbers.
            let lease = try await middle.lease(instance: "a", length: 30_000_000)
            #expect(try await put("new", in: middle, lease).id == JobID(13))
            let job = try #require(try await middle.jobs(ids: [JobID(3)]).first)
            var part = try await advance(job, to: job.cursor.plus(60), in: middle)
            part.skips = [Samples.skip(job, after: job.cursor, through: job.cursor.plus(9))]
            #expect(try await middle.openRuns([part], lease: lease, now: Samples.noon).new.count == 1)
            let entry = AuditEntry(
                at: Samples.noon.plus(9), user: nil, channel: "x", action: "y", subject: nil, before: nil, after: nil,
                error: nil)
            try await middle.audit(entry, keep: 3_600_000_000)
            #expect(try await middle.audits(AuditQuery(limit: 1)) == [entry])
            #expect(try await middle.check().filter { !$0.contains("fsync") && !$0.contains("full_page") } == [])
            try await source.close()
            try await middle.close()
            try await target.close()
        }

        @Test func aBackupIsADump() async throws {
            let folder = try TemporaryFolder()
            let store = try await PostgresStore.open(try await Rig.shared.database())
            try await StoreFilling.fill(store)
            let path = folder.path + "/dump"
            try await store.backUp(to: path)
            let dump = try Data(contentsOf: URL(fileURLWithPath: path))
            #expect(dump.prefix(5) == Data("PGDMP".utf8))
            try await store.close()
        }
    }
#endif
