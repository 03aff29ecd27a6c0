#if Postgres
    import BlockingConnection
    import PostgresClient
    import Testing

    // One server at a time: each start costs some tenths of a second of a core.
    @Suite(.serialized, .timeLimit(.minutes(5)))
    struct ValueTests {
        @Test func textAndBytesComeBackAsTheyWent() async throws {
            let rig = try await Rig()
            try await rig.client.execute("CREATE TABLE t (id int PRIMARY KEY, a text, b bytea)")
            let texts: [String?] = [
                nil, "", " ", "ü€ 日本語 👩‍👩‍👧 🕰️", "it's \"so\" `\\` \u{1} \n\t\r % _ ? $1 ; -- /*", "NULL", "\\x00",
                String(repeating: "日本", count: 175_000), String(repeating: "0123456789abcdef", count: 65_536),
            ]
            let blobs: [[UInt8]?] = [nil, [], Array(0...255), Array(repeating: 0, count: 1_000_000)]
            for (id, text) in texts.enumerated() {
                let blob = blobs[id % blobs.count]
                let values: [PostgresValue] = [
                    .integer(Int64(id)), PostgresValue(text), blob.map { .bytes($0) } ?? .null,
                ]
                #expect(try await rig.client.execute("INSERT INTO t VALUES ($1, $2, $3)", values) == 1)
            }
            let other = try rig.another()
            let found = try await other.query("SELECT a, b FROM t ORDER BY id") {
                (try $0.text("a"), try $0.bytes("b"))
            }
            #expect(found.map(\.0) == texts)
            #expect(found.map(\.1) == texts.indices.map { blobs[$0 % blobs.count] })
            for text in texts.compactMap(\.self) {
                #expect(try await other.one("SELECT count(*) FROM t WHERE a = $1", [.text(text)]) == "1")
            }
            let zero = try await failure { try await other.execute("SELECT $1::text", ["\0 in it"]) }
            #expect(zero.kind == .statement && zero.message.contains("zero byte"))
        }

        @Test func numbersAndTimesKeepEveryDigit() async throws {
            let rig = try await Rig(["timezone=Asia/Tokyo", "datestyle=German", "bytea_output=escape"])
            try await rig.client.execute(
                """
                CREATE TABLE t (
                    i bigint, s smallint, yes boolean, d numeric(40, 10), f double precision, f4 real, at timestamptz,
                    local timestamp, day date, j jsonb, u uuid, raw bytea)
                """)
            try await rig.client.execute(
                "INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
                [
                    .integer(.min), -32_768, true, "-123456789012345678901234567890.0123456789", 0.1, 1.5,
                    "2026-12-24T18:00:00.000001+01:00", "2026-12-24 18:00:00", "2026-12-24", #"{"a": [1, "é"]}"#,
                    "00000000-0000-0000-0000-00000000000A", .bytes([0xff, 0x41]),
                ])
            let count = try await rig.client.query(
                "SELECT t.*, NULL AS nothing, (extract(epoch FROM at) * 1000000)::bigint AS micros FROM t"
            ) { row throws in
                #expect(try row.integer("i") == .min && row.text(0) == "-9223372036854775808")
                #expect(try row.integer("s") == -32_768 && row.bool("yes") == true && row.text("yes") == "t")
                #expect(try row.text("d") == "-123456789012345678901234567890.0123456789")
                #expect(try row.double("f") == 0.1 && row.text("f") == "0.1" && row.double("f4") == 1.5)
                #expect(try row.text("at") == "2026-12-24 17:00:00.000001+00")
                #expect(try row.integer("micros") == 1_798_131_600_000_001)
                #expect(try row.text("local") == "2026-12-24 18:00:00" && row.text("day") == "2026-12-24")
                #expect(try row.text("j") == #"{"a": [1, "é"]}"#)
                #expect(try row.text("u") == "00000000-0000-0000-0000-00000000000a")
                #expect(try row.bytes("raw") == [0xff, 0x41])
                #expect(try row.text("nothing") == nil && row.integer("nothing") == nil && row.bool("nothing") == nil)
                #expect(try row.double("nothing") == nil && row.bytes("nothing") == nil)
            }.count
            #expect(count == 1)
            for number in [Int64.min, -1, 0, 1, .max] {
                #expect(
                    try await rig.client.query("SELECT $1::bigint", [.integer(number)]) { try $0.integer(0) } == [
                        number
                    ])
            }
            let doubles = [
                0, -0.0, 0.1, 1 / 3, -1e300, .greatestFiniteMagnitude, .leastNonzeroMagnitude, .infinity, -.infinity,
                .nan,
            ]
            for number in doubles {
                let back = try await rig.client.query("SELECT $1::float8", [.double(number)]) { try $0.double(0) }
                #expect(back.first??.bitPattern == number.bitPattern, "\(number)")
            }
        }

        @Test func arrays() async throws {
            let rig = try await Rig()
            let texts: [PostgresValue] = ["a", nil, "NULL", "", #"q"\ {},"#, "é\n"]
            let back = try await rig.client.table("SELECT unnest($1::text[])", [.array(texts)])
            #expect(back.map(\.[0]) == ["a", nil, "NULL", "", #"q"\ {},"#, "é\n"])
            let sum = "SELECT sum(a) FROM unnest($1::bigint[]) a"
            #expect(try await rig.client.one(sum, [.array([1, 2, nil, .integer(.max - 3)])]) == "\(Int64.max)")
            #expect(try await rig.client.one(sum, [.array([])]) == nil)
            let mixed = "SELECT array_to_json($1::boolean[]), array_to_json($2::float8[]), ($3::bytea[])[2] = '\\x00ff'"
            let values: [PostgresValue] = [
                .array([true, false]), .array([0.5, nil]), .array([.bytes([]), .bytes([0, 255])]),
            ]
            #expect(try await rig.client.table(mixed, values) == [["[true,false]", "[0.5,null]", "t"]])
        }

        @Test func parametersAreNeverSQL() async throws {
            let rig = try await Rig()
            try await rig.client.execute("CREATE TABLE t (id bigint, a text)")
            let attack = "x'); DROP TABLE t; -- \" ` $1"
            try await rig.client.execute("INSERT INTO t VALUES ($1, $2)", [9_007_199_254_740_993, .text(attack)])
            #expect(try await rig.client.one("SELECT a FROM t WHERE a = $1", [.text(attack)]) == attack)
            #expect(try await rig.client.table("SELECT a FROM t WHERE a = $1", ["' OR 1=1 -- "]).isEmpty)
            #expect(try await rig.client.table("SELECT a FROM t WHERE id = $1", [9_007_199_254_740_992]).isEmpty)
            let few = try await failure { try await rig.client.one("SELECT $1::int, $2::int", [1]) }
            #expect(few.kind == .statement && few.sqlState == "08P01" && few.message.contains("requires 2"))
            let two = try await failure { try await rig.client.one("SELECT 1; SELECT 2") }
            #expect(two.kind == .statement && two.sqlState == "42601")
            let many = try await failure {
                try await rig.client.one("SELECT 1", Array(repeating: .null, count: 70_000))
            }
            #expect(many.kind == .statement && many.sqlState.isEmpty && many.message.contains("65535"))
            #expect(try await rig.client.one("SELECT count(*) FROM t") == "1")
        }

        @Test func columnsThatAreNotThereOrSomethingElse() async throws {
            let rig = try await Rig()
            let sql = "SELECT 1 AS a, 2 AS a, 'x' AS b, now() AS at, 1.5 AS half, NULL::int AS nothing"
            let wrong: [(String, @Sendable (borrowing PostgresRow) throws -> Void)] = [
                ("no column c", { _ = try $0.text("c") }), ("no column A", { _ = try $0.text("A") }),
                ("6 columns, and none at 6", { _ = try $0.text(6) }), ("none at -1", { _ = try $0.integer(-1) }),
                ("column b: expected a whole number, found what is none, of type text", { _ = try $0.integer("b") }),
                ("column at: expected a boolean, found what is none, of type timestamptz", { _ = try $0.bool("at") }),
                (
                    "column half: expected a whole number, found what is none, of type numeric",
                    { _ = try $0.integer("half") }
                ),
                ("column a: expected bytes, found what is none, of type integer", { _ = try $0.bytes(0) }),
                ("column at: expected a number", { _ = try $0.double("at") }),
            ]
            for (message, read) in wrong {
                let error = try await failure(message) {
                    try await rig.client.query(sql) { row in
                        #expect(try row.integer("a") == 1 && row.integer(1) == 2 && row.integer("nothing") == nil)
                        try read(row)
                    }
                }
                #expect(
                    error.kind == .statement && error.sqlState.isEmpty && error.message.contains(message), "\(error)")
            }
            #expect(try await rig.client.one("SELECT 1") == "1")
        }
    }
#endif
