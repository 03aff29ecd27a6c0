import CarillonConfiguration
import CarillonCore
import Testing

/// TOML 1.0 (toml.io).
@Suite struct TOMLTests {
    private func read(_ text: String) throws -> ConfigNode { try ConfigDocument.read(text, format: .toml, path: "f") }

    /// Values and what they are.
    @Test(arguments: [
        ("1_000", "integer(1000)"), ("0xdead_beef", "integer(3735928559)"), ("0o755", "integer(493)"),
        ("0b101", "integer(5)"), ("-0", "integer(0)"), ("+1.5e-3", "double(0.0015)"), ("-inf", "double(-inf)"),
        ("nan", "double(nan)"), ("true", "bool(true)"), ("1979-05-27T07:32:00Z", "string(\"1979-05-27T07:32:00Z\")"),
        ("1979-05-27 07:32:00.5-07:00", "string(\"1979-05-27 07:32:00.5-07:00\")"),
        ("1979-05-27t07:32:00", "string(\"1979-05-27t07:32:00\")"), ("2024-02-29", "string(\"2024-02-29\")"),
        ("07:32:00.999", "string(\"07:32:00.999\")"), ("18446744073709551616", "bigInteger(\"18446744073709551616\")"),
        (#""\u00e9\U0001F680\t""#, "string(\"é🚀\\t\")"), (#"'\n'"#, "string(\"\\\\n\")"),
        ("\"\"\"\na\\\n   b\"\"\"\"", "string(\"ab\\\"\")"), ("'''\n'a'''''", "string(\"\\'a\\'\\'\")"),
        ("[1, 'a',\n # x\n [2],]", "array"), ("{ a.b = 1, c = [] }", "table"),
    ])
    func values(_ text: String, _ expected: String) throws {
        let node = try read("a = \(text)  # so\n")
        #expect("\(try #require(node["a"]).value)".hasPrefix(expected), "\(text): \(node)")
    }

    /// Texts that are none, and the line that is wrong.
    @Test(arguments: [
        ("a = 1\na = 2", 2), ("[a]\n[a]", 2), ("a = 1\n[a]", 2), ("a.b = 1\n[a]", 2), ("[a]\nb.c = 1\n[a.b]", 3),
        ("[a.b]\nc = 1\n[a]\nb.d = 2", 4), ("a = {b = 1}\na.c = 2", 2), ("a = {b = 1}\n[a.c]", 2),
        ("a = []\n[[a]]", 2), ("[[a]]\n[a]", 2), ("[a]\n[[a]]", 2), ("a = 01", 1), ("a = 1__0", 1), ("a = _1", 1),
        ("a = 1.", 1), ("a = .5", 1), ("a = 1e", 1), ("a = 0x", 1), ("a = +0x1", 1), ("a = 1 b = 2", 1), ("a = yes", 1),
        ("a = 2023-02-29", 1), ("a = 2023-01-01T24:00:00", 1), ("a = 25:00:00", 1), ("a = 07:32", 1),
        ("a = \"\\q\"", 1), ("a = \"\\ud800\"", 1), ("a = \"x", 1), ("a = \"\"\"\nx", 1), ("a = {b = 1,}", 1),
        ("a = {b = 1\n}", 1), ("a = [1 2]", 1), ("a", 1), ("= 1", 1), ("a..b = 1", 1), ("[a", 1), ("[[a]", 1),
        ("\n[]", 2),
        ("a = 1 # \u{7f}", 1), ("a = 1\rb = 2", 1),
    ])
    func mistakes(_ text: String, _ line: Int) throws {
        let problem = try #require(throws: ConfigProblem.self) { _ = try read(text) }
        #expect(problem.line == line, "\(problem)")
    }

    @Test func everyKeyHasItsLine() throws {
        let node = try read(
            """
            a.b = 1

            [t] # x
            c = \"\"\"
            [no]
            \"\"\"
            "d e" = { f = 1, g = [
              1,
              2 ] }
            [[job]]
            n = 1
            [[job]]
            n = 2
            [job.sub]
            k = 3\r
            [t.u]
            v = 4
            """)
        #expect(node["a"]?["b"]?.line == 1 && node["t"]?.line == 3 && node["t"]?["c"]?.line == 4)
        #expect(node["t"]?["d e"]?["g"]?.line == 7 && node["t"]?["u"]?["v"]?.line == 17)
        guard case .array(let list)? = node["t"]?["d e"]?["g"]?.value, case .array(let jobs)? = node["job"]?.value
        else {
            Issue.record("something else came")
            return
        }
        #expect(list.map(\.line) == [8, 9])
        #expect(jobs.map(\.line) == [10, 12] && jobs[1]["n"]?.line == 13 && jobs[1]["sub"]?["k"]?.line == 15)
    }
}
