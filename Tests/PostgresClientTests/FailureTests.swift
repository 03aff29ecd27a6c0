#if Postgres
    import BlockingConnection
    import CarillonTestSupport
    import Dispatch
    import PostgresClient
    import Testing

    // One server at a time: each start costs some tenths of a second of a core.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct FailureTests {
        @Test func aServerThatIsKilledAndComesBack() async throws {
            let rig = try await Rig()
            try await rig.client.execute("CREATE TABLE t (a text)")
            try await rig.client.execute("INSERT INTO t VALUES ('kept')")
            let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
            let killed = DispatchSemaphore(value: 0)
            async let error = failure {
                try await rig.client.read { transaction in
                    // More than the buffers of both ends hold.
                    try transaction.rows("SELECT n, repeat('x', 1000) FROM generate_series(1, 100000) n") { row in
                        guard try row.integer(0) == 1 else { return }
                        beginning.finish()
                        killed.wait()
                    }
                }
            }
            for await _ in begun {}
            await rig.server.kill()
            killed.signal()
            let lost = try await error
            #expect(lost.kind == .lost && lost.isUnavailable, "\(lost)")
            let down = try await failure { try await rig.client.one("SELECT a FROM t") }
            #expect(down.kind == .unreachable, "\(down)")
            try await rig.server.start()
            // The same statement, which the new server has not prepared.
            #expect(try await rig.client.one("SELECT a FROM t") == "kept")
            // An idle connection that ended is noticed before anything is asked on it.
            try await rig.server.restart()
            #expect(try await rig.client.one("SELECT a FROM t") == "kept")
            try await rig.server.restart()
            try await rig.client.execute("INSERT INTO t VALUES ('more')")
            #expect(try await rig.client.one("SELECT count(*) FROM t") == "2")
        }

        @Test(arguments: [false, true])
        func aServerThatStandsStill(tls: Bool) async throws {
            let rig = try await Rig(tls: tls)
            let change = { @Sendable (configuration: inout PostgresConfiguration) in
                configuration.statementTimeout = 1
                configuration.connectTimeout = 1
                if tls { configuration.tls = .init(.verifyFull, caFile: rig.server.caFile) }
            }
            let (client, loaded, closing) = try (rig.another(change), rig.another(change), rig.another(change))
            for one in [client, loaded, closing] { #expect(try await one.one("SELECT 1") == "1") }
            try await rig.server.suspend()
            let clock = ContinuousClock()
            let began = clock.now
            async let silent = failure { try await client.one("SELECT 1") }
            // More than the buffers of both ends hold.
            let large = PostgresValue.text(String(repeating: "x", count: 20_000_000))
            async let full = failure { try await loaded.execute("SELECT $1::text", [large]) }
            async let unborn = failure { try await rig.another(change).one("SELECT 1") }
            async let closed = failure { try await closing.one("SELECT 1") }
            await closing.close()
            #expect([.timedOut, .closed].contains(try await closed.kind))
            for error in [try await silent, try await full] {
                #expect(error.kind == .timedOut && error.isUnavailable && error.sqlState.isEmpty, "\(error)")
                #expect(error.message.contains("within 1 s"))
            }
            let unreachable = try await unborn
            #expect(unreachable.kind == .unreachable && unreachable.message.contains("within 1 s"), "\(unreachable)")
            #expect(.milliseconds(1900) ... .seconds(60) ~= clock.now - began)
            rig.server.resume()
            try await eventually("it answers") { (try? await client.one("SELECT 1")) == "1" }
            // A statement that takes too long on a server that is well: the connection stays.
            let identity = try await client.one("SELECT pg_backend_pid()")
            let slow = try await failure { try await client.one("SELECT pg_sleep(5)") }
            #expect(slow.kind == .timedOut && slow.sqlState == "57014", "\(slow)")
            #expect(try await client.one("SELECT pg_backend_pid()") == identity)
        }

        @Test func aConnectionThatIsEnded() async throws {
            let rig = try await Rig()
            let killer = try rig.another()
            // Idle.
            let first = try #require(try await rig.client.one("SELECT pg_backend_pid()"))
            try await killer.execute("SELECT pg_terminate_backend($1)", [.integer(Int64(first) ?? 0)])
            try await eventually("another connection") {
                let next = try? await rig.client.one("SELECT pg_backend_pid()")
                return next != nil && next != first
            }
            // At work; what comes after in the same transaction must not go on with a new connection.
            async let end = failure {
                try await rig.client.transaction { transaction in
                    let kinds = ["SELECT pg_sleep(20)", "SELECT 1"].map { sql -> PostgresError.Kind? in
                        do {
                            try transaction.execute(sql)
                            return nil
                        } catch {
                            return (error as? PostgresError)?.kind
                        }
                    }
                    #expect(kinds == [.lost, .lost])
                }
            }
            try await eventually("a victim") {
                try await killer.one(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(20)%'")
                    == "t"
            }
            let lost = try await end
            #expect(lost.kind == .lost && lost.message == "the connection was lost before")
            #expect(try await rig.client.one("SELECT 1") == "1")
        }

        @Test func preparedStatementsThatAreOfNoMoreUse() async throws {
            let rig = try await Rig()
            try await rig.client.execute("CREATE TABLE t (a int)")
            #expect(try await rig.client.table("SELECT * FROM t").isEmpty)
            try await rig.another().execute("ALTER TABLE t ADD b int DEFAULT 7")
            let stale = try await failure { try await rig.client.table("SELECT * FROM t") }
            #expect(stale.kind == .statement && stale.sqlState == "0A000")
            #expect(try await rig.client.execute("INSERT INTO t VALUES (1)") == 1)
            #expect(try await rig.client.table("SELECT * FROM t") == [["1", "7"]])
            try await rig.client.execute("DEALLOCATE ALL")
            #expect(try await failure { try await rig.client.table("SELECT * FROM t") }.sqlState == "26000")
            #expect(try await rig.client.table("SELECT * FROM t") == [["1", "7"]])
            // One each for ever would fill the server.
            let identity = try await rig.client.one("SELECT pg_backend_pid()")
            for number in 0..<450 {
                #expect(try await rig.client.one("SELECT \(number)") == "\(number)")
            }
            let count = try await rig.client.query("SELECT count(*) FROM pg_prepared_statements") { try $0.integer(0) }
            #expect(1...200 ~= count.first??.magnitude ?? 0)
            #expect(try await rig.client.one("SELECT pg_backend_pid()") == identity)
        }
    }
#endif
