import CarillonConfiguration
import CarillonCore
import CarillonTestSupport
import Foundation
import Testing

/// What the three readers of documents have in common.
@Suite struct DocumentTests {
    typealias Format = ConfigDocument.Format

    private func problem(_ text: String, _ format: Format) throws -> ConfigProblem {
        try #require(throws: ConfigProblem.self) { _ = try ConfigDocument.read(text, format: format, path: "f") }
    }

    /// A power cut leaves a file of them, which once was a file without jobs.
    @Test(arguments: [
        (Format.toml, "\0\0\0\0", 1), (.toml, "a = 1\n\0b = 2\n", 2), (.yaml, "a: 1\nb: \"\0\"\n", 2),
        (.json, "{\n\"a\": 1}\n\0", 3),
    ])
    func aNULIsAnError(_ format: Format, _ text: String, _ line: Int) throws {
        let problem = try problem(text, format)
        #expect(problem.line == line && problem.message.contains("NUL"))
    }

    @Test(arguments: [(Format.toml, "a = 1"), (.yaml, "a: 1"), (.json, "{\"a\": 1}")])
    func aByteOrderMarkIsSkipped(_ format: Format, _ text: String) throws {
        guard case .integer(1)? = try ConfigDocument.read("\u{feff}" + text, format: format, path: "f")["a"]?.value
        else {
            Issue.record("something else came")
            return
        }
    }

    /// Each of them once took seconds, gigabytes or the process.
    @Test(
        .timeLimit(.minutes(5)),
        arguments: [
            (Format.toml, ["a"], ".", " = 1", 20_000), (.toml, ["[a"], ".", "]", 20_000),
            (.toml, ["a = "], "[", "", 60_000),
            (.toml, ["a = "], "{a=", "", 20_000), (.yaml, [""], "[", "", 60_000), (.yaml, [""], "{a: ", "", 16_000),
            (.yaml, [""], "- ", "a", 30_000), (.yaml, [""], "? ", "a", 30_000), (.json, [""], "[", "", 60_000),
            (.json, [""], "{\"a\":", "", 12_000),
        ])
    func depthIsBounded(_ format: Format, _ start: [String], _ level: String, _ end: String, _ count: Int) throws {
        let more = level == "." ? ".a" : level
        let problem = try problem(start[0] + String(repeating: more, count: count) + end, format)
        #expect(problem.line == 1)
        #expect(problem.message.contains("128") || problem.message == "a key must be text", "\(problem)")
    }

    @Test func depthUpToTheBoundIsRead() throws {
        for (format, open, close) in [(Format.toml, "[", "]"), (.yaml, "[", "]"), (.json, "[", "]")] {
            let start = format == .toml ? "a = " : format == .yaml ? "a: " : "{\"a\": "
            let count = format == .toml ? Bounds.depth : Bounds.depth - 1
            let list = String(repeating: open, count: count) + String(repeating: close, count: count)
            _ = try ConfigDocument.read(start + list + (format == .json ? "}" : ""), format: format, path: "f")
        }
    }

    /// Seven lines that mean more values than a machine has room for.
    @Test func whatAliasesRepeatCounts() throws {
        var bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        for (name, before) in zip("bcdefgh", "abcdefg") {
            bomb += "\(name): &\(name) [" + (0..<10).map { _ in "*\(before)" }.joined(separator: ", ") + "]\n"
        }
        #expect(try problem(bomb, .yaml).message.contains("aliases"))
        let chain = "a0: &a0 [x]\n" + (1...200).map { "a\($0): &a\($0) [*a\($0 - 1)]\n" }.joined()
        #expect(try problem(chain, .yaml).message.contains("deeper than 128"))
    }

    @Test func anAliasIsWhatItsAnchorIs() throws {
        let node = try ConfigDocument.read("a: &x {b: [1, &y two]}\nc: *x\n*y : d\n", format: .yaml, path: "f")
        guard case .array(let list)? = node["c"]?["b"]?.value, case .string("two") = list[1].value else {
            Issue.record("something else came")
            return
        }
        #expect(node["two"] != nil && node["c"]?.line == 2)
        #expect(try problem("a: *x\n", .yaml).message.contains("no anchor &x"))
    }

    /// They are YAML's.
    @Test(arguments: [
        "{\"a\": &x [1], \"b\": *x}", "{'a': 1}", "{a: 1}", "[1,]", "{\"a\": 01}", "# x\n{}", "[1] 2", "[.5]",
    ])
    func jsonIsJSON(_ text: String) throws { #expect(try problem(text, .json).line != nil) }

    @Test func jsonsPairsAreTheCharacterTheyMean() throws {
        let node = try ConfigDocument.read(#"{"a": "\ud83d\ude80 \u00e9\/\n"}"#, format: .json, path: "f")
        guard case .string("🚀 é/\n")? = node["a"]?.value else {
            Issue.record("something else came")
            return
        }
        for text in ["[\n\"\\ud83d\"]", "[\n\"\\ude80\\ud83d\"]", "[\n\"\\ud83d\\u0041\"]", "[\n\"\\ud83dx\"]"] {
            #expect(try problem(text, .json).line == 2, "\(text)")
        }
    }

    /// YAML 1.2's core schema; what no number holds as it is written stays text.
    @Test(arguments: [
        ("12", "integer(12)"), ("-12", "integer(-12)"), ("+49", "integer(49)"), ("0x1F", "integer(31)"),
        ("0o17", "integer(15)"), ("01234", "string(\"01234\")"), ("1_000", "string(\"1_000\")"),
        ("1:30", "string(\"1:30\")"), ("3.10", "double(3.1)"), ("1e3", "double(1000.0)"),
        ("1e999", "string(\"1e999\")"),
        (".5", "double(0.5)"), ("-.inf", "double(-inf)"), (".NaN", "double(nan)"), ("nan", "string(\"nan\")"),
        ("0b1", "string(\"0b1\")"), ("0x-1", "string(\"0x-1\")"), ("+", "string(\"+\")"),
        (".", "string(\".\")"), ("True", "bool(true)"), ("yes", "string(\"yes\")"), ("~", "null"), ("", "null"),
        ("18446744073709551616", "bigInteger(\"18446744073709551616\")"), ("!!str 12", "string(\"12\")"),
        ("'12'", "string(\"12\")"), ("2026-12-24", "string(\"2026-12-24\")"),
    ])
    func plainScalarsOfYAML(_ text: String, _ expected: String) throws {
        let node = try ConfigDocument.read("a: \(text)\n", format: .yaml, path: "f")
        #expect("\(try #require(node["a"]).value)".hasPrefix(expected), "\(text)")
    }

    @Test func whatIsNoFileIsSaid() throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        try folder.write("large.toml", "a = \"" + String(repeating: "x", count: 2_000) + "\"")
        #expect(mkfifo(path + "/pipe.toml", 0o600) == 0)
        try FileManager.default.createDirectory(atPath: path + "/folder.toml", withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(atPath: path + "/a.toml", withDestinationPath: "b.toml")
        try FileManager.default.createSymbolicLink(atPath: path + "/b.toml", withDestinationPath: "a.toml")
        try FileManager.default.createSymbolicLink(atPath: path + "/zero.toml", withDestinationPath: "/dev/zero")
        try Data([0x61, 0x0a, 0xff]).write(to: URL(filePath: path + "/latin.toml"))
        for (name, words) in [
            ("large", "is larger than 1000 bytes"), ("pipe", "is a named pipe, not a file"),
            ("folder", "is a directory, not a file"), ("a", "its links lead in a circle"),
            ("zero", "is a device, not a file"), ("none", "no such file"), ("latin", "is not UTF-8 text"),
        ] {
            let problem = try #require(throws: ConfigProblem.self) {
                try ConfigDocument.read(path: "\(path)/\(name).toml", limit: 1_000)
            }
            #expect(problem.message.hasSuffix(words), "\(problem)")
            #expect(problem.line == (name == "latin" ? 2 : nil))
        }
    }
}
