#if MariaDB
    import BlockingConnection
    import MariaDBClient
    import Testing

    // One server at a time: each start costs half a second of a core.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct ValueTests {
        @Test func textComesBackAsItWent() async throws {
            // What old configurations of Frappe's tell the server, and defaults that are wrong for everything.
            let rig = try await Rig([
                "--character-set-client-handshake=OFF", "--character-set-server=latin1",
                "--collation-server=latin1_swedish_ci", "--autocommit=0",
            ])
            try await rig.client.execute(
                "CREATE TABLE t (id INT PRIMARY KEY, a LONGTEXT, b VARCHAR(140)) CHARSET utf8mb4")
            let texts: [String?] = [
                nil, "", " ", "ü€ 日本語 👩‍👩‍👧 🕰️", "it's \"so\" `\\` \u{1} \n\t\r % _ ? ; -- /*", "a|b|c", "NULL", "\0 in it",
                String(repeating: "é", count: 511), String(repeating: "é", count: 512),
                String(repeating: "é", count: 513), String(repeating: "x", count: 1024),
                String(repeating: "x", count: 1025), String(repeating: "日本", count: 175_000),
                String(repeating: "0123456789abcdef", count: 65_536),
            ]
            let changed = try await rig.client.execute(
                "INSERT INTO t VALUES (?, ?, NULL)",
                batch: texts.enumerated().map { [.integer(Int64($0.offset)), MariaDBValue($0.element)] })
            #expect(changed == texts.count)
            let other = try rig.another()
            let found = try await other.table("SELECT a, b FROM t ORDER BY id")
            #expect(found.map(\.[0]) == texts)
            #expect(found.allSatisfy { $0[1] == nil })
            for text in texts.compactMap(\.self) {
                #expect(try await other.one("SELECT COUNT(*) FROM t WHERE BINARY a = ?", [.text(text)]) == "1")
            }
            try await rig.client.execute("UPDATE t SET b = ? WHERE id = ?", ["🔔", 3])
            #expect(try await other.one("SELECT b FROM t WHERE id = 3") == "🔔")
        }

        @Test func numbersAndTimesKeepEveryDigit() async throws {
            let rig = try await Rig()
            try await rig.client.execute(
                """
                CREATE TABLE t (
                    i BIGINT, u BIGINT UNSIGNED, s TINYINT(1), d DECIMAL(40, 10), f DOUBLE, t6 DATETIME(6), t3 DATETIME(3),
                    day DATE, clock TIME(6), y YEAR, kind ENUM('a', 'ü'), j JSON, raw VARBINARY(8))
                """)
            try await rig.client.execute(
                "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, x'ff41fe')",
                [
                    .integer(.min), "18446744073709551615", true, "-123456789012345678901234567890.0123456789", 0.1,
                    "2026-12-24 18:00:00.000001", "2026-12-24 18:00:00.007", "2026-12-24", "-123:04:05.500000", 2026,
                    "ü", #"{"a": [1, "é"]}"#,
                ])
            try await rig.client.read { snapshot in
                var count = 0
                try snapshot.rows("SELECT t.*, NULL AS nothing FROM t") { row throws in
                    count += 1
                    #expect(try row.integer("i") == .min && row.text(0) == "-9223372036854775808")
                    #expect(try row.integer("u") == nil && row.text("u") == "18446744073709551615")
                    #expect(try row.bool("s") == true && row.integer("s") == 1)
                    #expect(try row.text("d") == "-123456789012345678901234567890.0123456789")
                    #expect(try row.double("f") == 0.1 && row.text("f") == "0.1" && row.integer("f") == nil)
                    #expect(try row.text("t6") == "2026-12-24 18:00:00.000001")
                    #expect(try row.text("t3") == "2026-12-24 18:00:00.007")
                    #expect(try row.text("day") == "2026-12-24")
                    #expect(try row.text("clock") == "-123:04:05.500000")
                    #expect(try row.integer("y") == 2026 && row.text("kind") == "ü")
                    #expect(try row.text("j") == #"{"a": [1, "é"]}"#)
                    #expect(try row.text("raw") == "\u{fffd}A\u{fffd}")
                    #expect(try row.text("nothing") == nil && row.integer("nothing") == nil)
                    #expect(try row.bool("nothing") == nil && row.double("nothing") == nil)
                    #expect(row.names.count == 14 && row.names.last == "nothing")
                }
                #expect(count == 1)
            }
            let midnight = try await rig.client.table(
                "SELECT CAST(0 AS DATETIME(6)), CAST('2026-01-02' AS DATETIME(6))")
            #expect(midnight == [["0000-00-00 00:00:00.000000", "2026-01-02 00:00:00.000000"]])
        }

        @Test func parametersAreNeverSQL() async throws {
            let rig = try await Rig()
            try await rig.client.execute("CREATE TABLE t (id BIGINT, a VARCHAR(200))")
            let attack = "x'); DROP TABLE t; -- \" ` ?"
            try await rig.client.execute("INSERT INTO t VALUES (?, ?)", [9_007_199_254_740_993, .text(attack)])
            #expect(try await rig.client.one("SELECT a FROM t WHERE a = ?", [.text(attack)]) == attack)
            #expect(try await rig.client.table("SELECT a FROM t WHERE a = ?", ["' OR 1=1 -- "]).isEmpty)
            // As a floating point number the two would be the same.
            #expect(try await rig.client.table("SELECT a FROM t WHERE id = ?", [9_007_199_254_740_992]).isEmpty)
            #expect(
                try await rig.client.table("SELECT a FROM t WHERE id = ? LIMIT ?", [9_007_199_254_740_993, 1]).count
                    == 1)
            let few = try await failure { try await rig.client.one("SELECT ?, ?", [1]) }
            #expect(few.kind == .statement && few.message.contains("2 parameters, and 1"))
            let two = try await failure { try await rig.client.one("SELECT 1; SELECT 2") }
            #expect(two.kind == .statement && two.code == 1064)
        }

        @Test func columnsThatAreNotThere() async throws {
            let rig = try await Rig()
            for (column, place) in [("c", 0), ("A", 0), ("", 0), ("a", 3), ("a", -1)] {
                let error = try await failure {
                    try await rig.client.read { snapshot in
                        try snapshot.first("SELECT 1 AS a, 2 AS a, 3 AS b") { row in
                            #expect(try row.integer("a") == 1 && row.integer(1) == 2 && row.integer("b") == 3)
                            _ = try row.text(place)
                            return try row.text(column)
                        }
                    }
                }
                #expect(error.kind == .statement && error.code == 0 && error.message.contains("column"))
            }
            #expect(try await rig.client.one("SELECT 1") == "1")
        }
    }
#endif
