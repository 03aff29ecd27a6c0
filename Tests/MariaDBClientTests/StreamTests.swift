#if MariaDB
    import Foundation
    import MariaDBClient
    import Testing

    // One server at a time: each start costs half a second of a core.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct StreamTests {
        @Test func aHundredThousandRows() async throws {
            let rig = try await Rig()
            try await rig.client.execute(
                """
                CREATE TABLE jobs (
                    name VARCHAR(140) PRIMARY KEY, a VARCHAR(140), b VARCHAR(140), c VARCHAR(140), d VARCHAR(140),
                    e TEXT, f LONGTEXT, g INT, h BIGINT, i TINYINT(1), j DECIMAL(21, 9), k DATETIME(6), l DATETIME(6), m DATE,
                    n DOUBLE) CHARSET utf8mb4
                """)
            try await rig.client.execute(
                """
                INSERT INTO jobs SELECT CONCAT('job-', seq), 'frappe.tasks.some_method_of_an_application', 'Cron', '*/5 * * * *',
                    'Europe/Berlin', NULL, CONCAT('{"a": ', seq, '}'), seq, seq * 1000, seq % 2, seq / 3,
                    '2026-12-24 18:00:00.123456', NULL, '2026-12-24', seq / 7 FROM seq_1_to_100000
                """)
            let began = ContinuousClock.now
            let (count, sum, bytes) = try await rig.client.read { snapshot in
                var count = 0
                var sum: Int64 = 0
                var bytes = 0
                try snapshot.rows("SELECT * FROM jobs") { row in
                    count += 1
                    sum += try row.integer("g") ?? 0
                    for index in 0..<15 { bytes += try row.text(index)?.utf8.count ?? 0 }
                }
                return (count, sum, bytes)
            }
            let time = ContinuousClock.now - began
            #expect(count == 100_000 && sum == 5_000_050_000 && bytes > 15_000_000)
            print("100,000 rows of 15 columns, \(bytes) bytes, in \(time)")
            // A quiet machine needs a quarter of a second.
            #expect(time < .seconds(4))
        }

        @Test func neitherSideKeepsTheRows() async throws {
            let rig = try await Rig()
            let grown = try await rig.client.read { snapshot in
                var least = Int.max
                var most = 0
                var count = 0
                try snapshot.rows("SELECT REPEAT('x', 20000) FROM seq_1_to_20000") { row throws in
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

        /// Bytes.
        private static func resident() -> Int {
            let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
            return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4096
        }
    }
#endif
