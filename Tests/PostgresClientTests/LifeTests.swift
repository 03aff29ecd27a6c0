#if Postgres
    import BlockingConnection
    import CarillonTestSupport
    import Dispatch
    import Foundation
    import PostgresClient
    import Testing

    // One server at a time: each start costs some tenths of a second of a core.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct LifeTests {
        @Test func callsAfterCloseFailAtOnce() async throws {
            let rig = try await Rig()
            let (begun, beginning) = AsyncStream.makeStream(of: Void.self)
            let gate = DispatchSemaphore(value: 0)
            async let running = rig.client.transaction { transaction in
                beginning.finish()
                gate.wait()
                return try transaction.first("SELECT 7") { try $0.integer(0) }
            }
            for await _ in begun {}
            async let waiting = failure { try await rig.client.one("SELECT 1") }
            async let closed: Void = rig.client.close()
            let late = try await failure {
                // One of the first may come before the close, and is dropped by it.
                while true { _ = try await rig.client.execute("SELECT 1") }
            }
            #expect(late.kind == .closed && !late.isUnavailable && "\(late)".hasSuffix("the client is closed"))
            #expect(try await waiting.kind == .closed)
            gate.signal()
            #expect(try await running == 7)
            await closed
            let after = try await failure { try await rig.client.read { _ in } }
            #expect(after.kind == .closed)
            await rig.client.close()
        }

        @Test func nothingIsLeftOfTwentyClients() async throws {
            let rig = try await Rig()
            #expect(try await rig.client.one("SELECT 1") == "1")
            #expect(Self.threads(rig) == 1)
            for close in [true, false] {
                var clients = try (0..<20).map { _ in try rig.another() }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for client in clients { group.addTask { _ = try await client.one("SELECT 1") } }
                    try await group.waitForAll()
                }
                #expect(Self.threads(rig) == 21)
                if close { for client in clients { await client.close() } }
                clients = []
                try await eventually("the threads end") { Self.threads(rig) == 1 }
            }
            try await eventually("the server sees it") {
                try await rig.client.one("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'carillon'")
                    == "1"
            }
            // Nobody was cut off.
            #expect(!rig.server.log.contains("unexpected EOF") && !rig.server.log.contains("Connection reset"))
        }

        @Test func aHundredThousandRows() async throws {
            let rig = try await Rig()
            let sql = """
                SELECT n AS g, 'job-' || n AS a, 'frappe.tasks.some_method_of_an_application' AS b, '*/5 * * * *' AS c,
                    NULL AS d, n / 7.0 AS e, now() AS f, n % 2 = 0 AS h, repeat('x', 100) AS i, n * 1000 AS j
                FROM generate_series(1, 100000) n
                """
            let began = ContinuousClock.now
            let (count, sum, bytes) = try await rig.client.read { transaction in
                var count = 0
                var sum: Int64 = 0
                var bytes = 0
                try transaction.rows(sql) { row in
                    count += 1
                    sum += try row.integer("g") ?? 0
                    for index in 0..<10 { bytes += try row.text(index)?.utf8.count ?? 0 }
                }
                return (count, sum, bytes)
            }
            let time = ContinuousClock.now - began
            #expect(count == 100_000 && sum == 5_000_050_000 && bytes > 20_000_000)
            print("100,000 rows of 10 columns, \(bytes) bytes, in \(time)")
            // A quiet machine needs half a second.
            #expect(time < .seconds(5))
        }

        @Test func neitherSideKeepsTheRows() async throws {
            let rig = try await Rig()
            let grown = try await rig.client.read { transaction in
                var least = Int.max
                var most = 0
                var count = 0
                try transaction.rows("SELECT repeat('x', 20000) FROM generate_series(1, 20000)") { row throws in
                    count += 1
                    #expect(try row.text(0)?.utf8.count == 20_000)
                    guard count % 1000 == 0 else { return }
                    let size = Self.resident()
                    least = min(least, size)
                    most = max(most, size)
                }
                #expect(count == 20_000)
                return most - least
            }
            // Of 400 MB; other tests run beside it.
            #expect(grown < 150 << 20)
        }

        /// The clients' threads of one server, by their name.
        private static func threads(_ rig: Rig) -> Int {
            let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
            return tasks.count {
                (try? String(contentsOfFile: "/proc/self/task/\($0)/comm", encoding: .utf8))
                    == "postgres:\(rig.server.port)\n"
            }
        }

        /// Bytes.
        private static func resident() -> Int {
            let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
            return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4096
        }
    }
#endif
