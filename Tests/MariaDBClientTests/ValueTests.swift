#if MariaDB
    import MariaDBClient
    import Testing

    @Suite(.timeLimit(.minutes(2)))
    struct ValueTests {
        @Test func textComesBackAsItWent() async throws {
            let rig = try await Rig()
            try await rig.client.execute(
                "CREATE TABLE t (id INT PRIMARY KEY, a LONGTEXT, b VARCHAR(140)) CHARSET utf8mb4")
            let texts: [String?] = [
                nil, "", " ", "ü€ 日本語 👩‍👩‍👧 🕰️", "it's \"so\" `\\` \u{1} \n\t\r % _ ? ; -- /*", "a|b|c", "NULL", "\0 in it",
                String(repeating: "é", count: 511), String(repeating: "é", count: 512),
                String(repeating: "x", count: 1024), String(repeating: "x", count: 1025),
                String(repeating: "日本", count: 175_000),
                String(repeating: "0123456789abcdef", count: 65_536),
            ]
            let changed = try await rig.client.execute(
                "INSERT INTO t VALUES (?, ?, NULL)",
                batch: texts.enumerated().map { [.integer(Int64($0.offset)), MariaDBValue($0.element)] })
            #expect(changed == texts.count)
            let found = try await rig.client.table("SELECT a, b FROM t ORDER BY id")
            #expect(found.map(\.[0]) == texts)
            #expect(found.allSatisfy { $0[1] == nil })
            // Found by value too: a parameter is what it is, in the table's character set.
            for text in texts.compactMap(\.self) where text != "" && text != " " {
                #expect(try await rig.client.one("SELECT COUNT(*) FROM t WHERE BINARY a = ?", [.text(text)]) == "1")
            }
        }
    }
#endif
