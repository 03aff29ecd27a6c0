#if MariaDB
    import BlockingConnection
    import CarillonTestSupport
    import Dispatch
    import MariaDBClient
    import Testing

    // One server at a time: each start costs half a second of a core.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct FailureTests {
        @Test func aServerThatIsKilledAndComesBack() async throws {
            let rig = try await Rig()
            try await rig.client.execute("CREATE TABLE t (a TEXT)")
            try await rig.client.execute("INSERT INTO t VALUES ('kept')")
            let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
            let killed = DispatchSemaphore(value: 0)
            async let error = failure {
                try await rig.client.read { snapshot in
                    // More than the buffers of both ends hold.
                    try snapshot.rows("SELECT seq, REPEAT('x', 1000) FROM seq_1_to_100000") { row in
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
            #expect(try await rig.client.one("SELECT a FROM t") == "kept")
            // An idle connection that ended is noticed before anything is asked on it.
            try await rig.server.restart()
            #expect(try await rig.client.one("SELECT a FROM t") == "kept")
            try await rig.server.restart()
            try await rig.client.execute("INSERT INTO t VALUES ('more')")
        }

        @Test(arguments: [false, true])
        func aServerThatStandsStill(tls: Bool) async throws {
            let rig = try await Rig(tls: tls)
            let change = { @Sendable (configuration: inout MariaDBConfiguration) in
                configuration.readTimeout = 1
                configuration.connectTimeout = 1
                if tls { configuration.tls = .init(caFile: rig.server.caFile) }
            }
            let client = try rig.another(change)
            #expect(try await client.one("SELECT 1") == "1")
            try await rig.server.suspend()
            let clock = ContinuousClock()
            let began = clock.now
            let silent = try await failure { try await client.one("SELECT 1") }
            #expect(
                silent.kind == .timedOut && silent.isUnavailable && silent.message.contains("within 1 s"), "\(silent)")
            #expect(.milliseconds(900) ... .seconds(60) ~= clock.now - began)
            let unborn = try await failure { try await client.one("SELECT 1") }
            #expect(unborn.kind == .unreachable && unborn.message.contains("within 1 s"), "\(unborn)")
            let closing = clock.now
            let other = try rig.another(change)
            _ = try await failure { try await other.one("SELECT 1") }
            await other.close()
            #expect(clock.now - closing < .seconds(60))
            rig.server.resume()
            #expect(try await client.one("SELECT 1") == "1")
            // A statement that takes too long is the same, on a server that is well.
            let slow = try await failure { try await client.one("SELECT SLEEP(5)") }
            #expect(slow.kind == .timedOut, "\(slow)")
            #expect(try await client.one("SELECT 1") == "1")
        }

        @Test func aConnectionThatIsKilled() async throws {
            let rig = try await Rig()
            let killer = try rig.another()
            // Idle.
            let first = try #require(try await rig.client.one("SELECT CONNECTION_ID()"))
            try await killer.execute("KILL ?", [.integer(Int64(first) ?? 0)])
            try await eventually("another connection") { try await rig.client.one("SELECT CONNECTION_ID()") != first }
            // At work; what comes after in the same snapshot must not go on with a new connection.
            async let results = rig.client.read { snapshot in
                ["SELECT SLEEP(90)", "SELECT 1"].map { sql -> MariaDBError.Kind? in
                    do {
                        try snapshot.rows(sql) { _ in }
                        return nil
                    } catch {
                        return (error as? MariaDBError)?.kind
                    }
                }
            }
            var victim: String?
            try await eventually("a victim") {
                victim = try await killer.one(
                    "SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP(90)%'")
                return victim != nil
            }
            try await killer.execute("KILL ?", [.integer(Int64(victim ?? "") ?? 0)])
            #expect(try await results == [.lost, .lost])
            #expect(try await rig.client.one("SELECT 1") == "1")
        }

        @Test func aRowThatIsTooLarge() async throws {
            let rig = try await Rig { $0.largestRow = 1 << 20 }
            let large = try await failure { try await rig.client.one("SELECT REPEAT('x', 5000000)") }
            #expect(large.kind == .lost, "\(large)")
            #expect(try await rig.client.one("SELECT LENGTH(REPEAT('x', 5000000))") == "5000000")
            #expect(try await rig.client.one("SELECT REPEAT('x', 1000000)")?.utf8.count == 1_000_000)
        }
    }
#endif
