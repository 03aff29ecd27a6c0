#if Postgres
    import BlockingConnection
    import Dispatch
    import PostgresClient
    import Testing

    // One server at a time: each start costs some tenths of a second of a core.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct TransactionTests {
        struct Enough: Error, Equatable {}

        @Test func allOrNothing() async throws {
            let rig = try await Rig()
            try await rig.client.execute("CREATE TABLE t (id int PRIMARY KEY, a text)")
            let identity = try await rig.client.one("SELECT pg_backend_pid()")
            let changed = try await rig.client.transaction { transaction in
                let insert = "INSERT INTO t SELECT * FROM unnest($1::int[], $2::text[])"
                let added = try transaction.execute(insert, [.array([1, 2]), .array(["a", nil])])
                return try added + transaction.execute("UPDATE t SET a = 'c' WHERE id = $1", [2])
            }
            #expect(changed == 3)
            await #expect(throws: Enough()) {
                try await rig.client.transaction { transaction in
                    try transaction.execute("DELETE FROM t")
                    throw Enough()
                }
            }
            let double = try await failure {
                try await rig.client.transaction { transaction in
                    try transaction.execute("DELETE FROM t WHERE id = 1")
                    try transaction.execute("INSERT INTO t VALUES (2)")
                }
            }
            #expect(double.sqlState == "23505" && double.kind == .statement && !double.isConflict)
            // An error that is swallowed does not make the rest a success.
            let swallowed = try await failure {
                try await rig.client.transaction { transaction in
                    try transaction.execute("DELETE FROM t")
                    _ = try? transaction.execute("INSERT INTO nowhere VALUES (1)")
                }
            }
            #expect(swallowed.sqlState == "25P02")
            // What fails at the end alone.
            try await rig.client.execute(
                "CREATE TABLE late (id int REFERENCES t DEFERRABLE INITIALLY DEFERRED)")
            let late = try await failure {
                try await rig.client.transaction { try $0.execute("INSERT INTO late VALUES (99)") }
            }
            #expect(late.sqlState == "23503")
            let rows = try await rig.client.query("UPDATE t SET a = a || '!' RETURNING id, a") {
                (try $0.integer("id"), try $0.text("a"))
            }
            #expect(rows.map(\.0) == [1, 2] && rows.map(\.1) == ["a!", "c!"])
            #expect(try await rig.client.execute("DELETE FROM t") == 2)
            #expect(try await rig.client.one("SELECT pg_backend_pid()") == identity)
            // A transaction that a statement begins ends with its call.
            try await rig.client.execute("BEGIN")
            try await rig.client.execute("INSERT INTO t VALUES (5)")
            #expect(try await rig.another().one("SELECT count(*) FROM t") == "1")
        }

        @Test(arguments: [PostgresTransaction.Isolation.repeatableRead, .serializable])
        func conflicts(isolation: PostgresTransaction.Isolation) async throws {
            let rig = try await Rig()
            try await rig.client.execute("CREATE TABLE t (id int PRIMARY KEY, a int)")
            try await rig.client.execute("INSERT INTO t VALUES (1, 0)")
            let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
            let goOn = DispatchSemaphore(value: 0)
            let add = { @Sendable (transaction: PostgresTransaction, pause: () -> Void) in
                let before = try transaction.first("SELECT a FROM t WHERE id = 1") { try $0.integer(0) ?? 0 } ?? 0
                pause()
                try transaction.execute("UPDATE t SET a = $1 WHERE id = 1", [.integer(before + 1)])
            }
            async let loser = failure {
                try await rig.client.transaction(isolation) { transaction in
                    try add(transaction) {
                        beginning.finish()
                        goOn.wait()
                    }
                }
            }
            for await _ in begun {}
            try await rig.another().transaction(isolation) { try add($0) {} }
            goOn.signal()
            let conflict = try await loser
            #expect(conflict.isConflict && conflict.sqlState == "40001" && conflict.kind == .statement)
            try await rig.client.transaction(isolation) { try add($0) {} }
            #expect(try await rig.client.one("SELECT a FROM t") == "2")
        }

        @Test func deadlocks() async throws {
            let rig = try await Rig(["deadlock_timeout=50ms"])
            try await rig.client.execute("CREATE TABLE t (id int PRIMARY KEY, a int)")
            try await rig.client.execute("INSERT INTO t VALUES (1, 0), (2, 0)")
            let other = try rig.another()
            let both = DispatchSemaphore(value: 0)
            let met = DispatchSemaphore(value: 0)
            let cross = {
                @Sendable
                (client: PostgresClient, ids: [PostgresValue], mine: DispatchSemaphore, its: DispatchSemaphore) in
                do {
                    try await client.transaction { transaction in
                        try transaction.execute("UPDATE t SET a = a + 1 WHERE id = $1", [ids[0]])
                        mine.signal()
                        its.wait()
                        try transaction.execute("UPDATE t SET a = a + 1 WHERE id = $1", [ids[1]])
                    }
                    return nil as PostgresError?
                } catch let error as PostgresError {
                    return error
                }
            }
            async let first = cross(rig.client, [1, 2], both, met)
            async let second = cross(other, [2, 1], met, both)
            let errors = try await [first, second].compactMap(\.self)
            #expect(errors.count == 1 && errors.first?.sqlState == "40P01" && errors.first?.isConflict == true)
            #expect(try await rig.client.one("SELECT sum(a) FROM t") == "2")
        }

        @Test func aSnapshotChangesNothingAndStays() async throws {
            let rig = try await Rig()
            try await rig.client.execute("CREATE TABLE t (id int)")
            try await rig.client.execute("INSERT INTO t VALUES (1)")
            let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
            let goOn = DispatchSemaphore(value: 0)
            async let counts = rig.client.read { transaction in
                let count = { try transaction.first("SELECT count(*) FROM t") { try $0.integer(0) } ?? -1 }
                let before = try count()
                beginning.finish()
                goOn.wait()
                return try [before, count()]
            }
            for await _ in begun {}
            try await rig.another().execute("INSERT INTO t VALUES (2)")
            goOn.signal()
            #expect(try await counts == [1, 1])
            #expect(try await rig.client.one("SELECT count(*) FROM t") == "2")
            let written = try await failure { try await rig.client.read { try $0.execute("INSERT INTO t VALUES (1)") } }
            #expect(written.sqlState == "25006" && written.kind == .statement)
        }

        @Test func errorsSpareTheConnection() async throws {
            let rig = try await Rig()
            let identity = try await rig.client.one("SELECT pg_backend_pid()")
            await #expect(throws: Enough()) {
                try await rig.client.query("SELECT n FROM generate_series(1, 100000) n") { row in
                    if try row.integer(0) == 3 { throw Enough() }
                }
            }
            let nested = try await failure {
                try await rig.client.read { transaction in
                    try transaction.rows("SELECT 1") { _ in try transaction.rows("SELECT 2") { _ in } }
                }
            }
            #expect(nested.kind == .statement && nested.message.contains("while the rows of another"))
            // An error in the middle of the rows.
            let late = try await failure { try await rig.client.one("SELECT 1 / (3 - n) FROM generate_series(1, 5) n") }
            #expect(late.sqlState == "22012" && late.kind == .statement && late.message == "division by zero")
            let missing = try await failure { try await rig.client.one("SELECT * FROM nowhere") }
            #expect(missing.sqlState == "42P01" && missing.kind == .statement && !missing.isUnavailable)
            let range = try await failure { try await rig.client.one("SELECT $1::int", [.integer(.max)]) }
            #expect(range.sqlState == "22003")
            #expect(try await rig.client.execute("DO $$ BEGIN RAISE WARNING 'not on stderr'; END $$") == 0)
            #expect(try await rig.client.table("") == [])
            #expect(try await rig.client.one("SELECT pg_backend_pid()") == identity)
            let copy = try await failure { try await rig.client.execute("COPY pg_class TO STDOUT") }
            #expect(copy.kind == .statement && copy.message.contains("COPY"))
            #expect(try await rig.client.one("SELECT 1") == "1")
        }
    }
#endif
