#if MariaDB
    import BlockingConnection
    import Dispatch
    import MariaDBClient
    import Testing

    // One server at a time: each start costs half a second of a core.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct SnapshotTests {
        struct Enough: Error, Equatable {}

        @Test func whatOthersCommitMeanwhileIsNotSeen() async throws {
            let rig = try await Rig()
            try await rig.client.execute("CREATE TABLE t (id INT)")
            try await rig.client.execute("CREATE TABLE other (id INT)")
            try await rig.client.execute("INSERT INTO t VALUES (1)")
            let (steps, reached) = AsyncStream.makeStream(of: Void.self)
            let goOn = DispatchSemaphore(value: 0)
            async let counts = rig.client.read { snapshot in
                let count = { (table: String) in
                    try snapshot.first("SELECT COUNT(*) FROM " + table) { try $0.integer(0) } ?? -1
                }
                // It is the beginning that counts, not the first statement.
                reached.yield()
                goOn.wait()
                let before = try count("t")
                reached.yield()
                goOn.wait()
                return try [before, count("t"), count("other")]
            }
            let writer = try rig.another()
            var step = steps.makeAsyncIterator()
            await step.next()
            try await writer.execute("INSERT INTO t VALUES (2), (3)")
            goOn.signal()
            await step.next()
            try await writer.execute("INSERT INTO t VALUES (4)")
            try await writer.execute("INSERT INTO other VALUES (5)")
            let change = "SET STATEMENT lock_wait_timeout = 0 FOR ALTER TABLE t ADD b INT"
            let busy = try await failure { try await writer.execute(change) }
            #expect(busy.code == 1205 && busy.kind == .statement)
            goOn.signal()
            #expect(try await counts == [1, 1, 0])
            #expect(try await rig.client.one("SELECT COUNT(*) FROM t") == "4")
            #expect(try await writer.one("SELECT @@tx_isolation") == "REPEATABLE-READ")
            // Nothing of it is left at the server.
            try await writer.execute(change)
        }

        @Test func errorsEndTheSnapshotAndSpareTheConnection() async throws {
            let rig = try await Rig()
            try await rig.client.execute("CREATE TABLE t (id INT)")
            let identity = try await rig.client.one("SELECT CONNECTION_ID()")
            await #expect(throws: Enough()) { try await rig.client.read { _ in throw Enough() } }
            await #expect(throws: Enough()) {
                try await rig.client.read { snapshot in
                    try snapshot.rows("SELECT seq FROM seq_1_to_100000") { row in
                        if try row.integer(0) == 3 { throw Enough() }
                    }
                }
            }
            let written = try await failure {
                try await rig.client.read { try $0.rows("INSERT INTO t VALUES (1)") { _ in } }
            }
            #expect(written.code == 1792 && written.kind == .statement)
            let nested = try await failure {
                try await rig.client.read { snapshot in
                    try snapshot.rows("SELECT 1") { _ in try snapshot.rows("SELECT 2") { _ in } }
                }
            }
            #expect(nested.kind == .statement && nested.message.contains("while the rows of another"))
            let rowless = try await failure {
                try await rig.client.read { try $0.rows("SET @a = 1") { _ in } }
            }
            #expect(rowless.message.contains("no rows"))
            // An error in the middle of the rows: the second one has a subquery of two rows.
            let late = try await failure {
                try await rig.client.one("SELECT IF(seq = 2, (SELECT seq FROM seq_1_to_2), 1) FROM seq_1_to_3")
            }
            #expect(late.code == 1242 && late.kind == .statement)
            let missing = try await failure { try await rig.client.one("SELECT * FROM nowhere") }
            #expect(missing.code == 1146 && missing.sqlState == "42S02" && missing.kind == .statement)
            let column = try await failure { try await rig.client.one("SELECT nothing FROM t") }
            #expect(column.code == 1054 && column.kind == .statement && !column.isUnavailable)
            #expect(try await rig.client.one("SELECT CONNECTION_ID()") == identity)
            #expect(try await rig.client.one("SELECT COUNT(*) FROM t") == "0")
        }

        @Test func aBatchIsAllOrNothing() async throws {
            let rig = try await Rig()
            try await rig.client.execute("CREATE TABLE t (id INT PRIMARY KEY, a TEXT)")
            let error = try await failure {
                try await rig.client.execute("INSERT INTO t VALUES (?, ?)", batch: [[1, "a"], [2, nil], [1, "b"]])
            }
            #expect(error.code == 1062 && error.kind == .statement)
            #expect(try await rig.client.one("SELECT COUNT(*) FROM t") == "0")
            #expect(try await rig.client.execute("INSERT INTO t VALUES (?, ?)", batch: [[1, "a"], [2, nil]]) == 2)
            #expect(try await rig.client.execute("UPDATE t SET a = 'c'") == 2)
            #expect(try await rig.client.execute("SELECT * FROM t") == 0)
            #expect(try await rig.client.execute("INSERT INTO t VALUES (?, ?)", batch: []) == 0)
            #expect(try await rig.client.table("SELECT id, a FROM t ORDER BY id") == [["1", "c"], ["2", "c"]])
        }
    }
#endif
