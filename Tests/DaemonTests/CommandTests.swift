import CarillonTestSupport
import Foundation
import Testing

/// Commands that need no daemon, and the exit codes of all.
@Suite struct CommandTests {
    private let fixture: DaemonFixture

    init() throws { fixture = try DaemonFixture() }

    @Test func nextAcrossAChangeOfTheClock() async throws {
        let result = try await fixture.carillon(
            "next", "30 2 * * *", "--zone", "America/New_York", "--after", "2026-03-07T12:00:00Z", "--count", "3",
            "--json")
        let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
        #expect(
            object?["next"] as? [String] == ["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z", "2026-03-10T06:30:00Z"])
    }

    @Test func nextInBatches() async throws {
        let input = """
            {"expr":"@every 1m","anchor":"2026-01-01T00:00:30Z","after":"2026-01-01T00:00:00Z","count":1,"tag":"kept"}
            {"expr":"nonsense"}
            """
        let lines = try await fixture.carillon("next", "--batch", "-", input: input).lines
        #expect(lines.count == 2)
        #expect(lines[0].contains(#""next":["2026-01-01T00:01:30Z"]"#) && lines[0].contains("kept"))
        #expect(lines[1].contains("\"error\"") && !lines[1].contains("\"next\""))
    }

    @Test(arguments: [
        (["next", "61 * * * *"], 2, "minute: 61 is out of range"),
        (["next", "* * * * *", "--zone", "Europe/Berln"], 2, "Europe/Berlin"),
        (["next"], 2, "--batch"),
        (["nonsense"], 2, "nonsense"),
        (["status"], 3, "start one with `carillon serve`"),
        (["jobs", "add", "x", "--cron", "* * * *", "--shell", "y"], 2, "cron"),
        (["jobs", "add", "x", "--every", "1m", "--shell", "y", "--queue", "q"], 2, "--queue needs --rq"),
        (["jobs", "add", "x", "--every", "1m", "--rq", "a.b", "--rq-args", "[1"], 2, "--rq-args: expected JSON"),
        (["jobs", "add", "x", "--every", "1m", "--rq", "a.b", "--rq-args", "1"], 2, "expected a list"),
        (["jobs", "add", "x", "--every", "1m", "--rq", "a.b", "--shell", "y"], 2, "one target"),
        (["jobs", "add", "x", "--every", "5", "--shell", "y"], 2, "is it \"5s\" or \"5ms\"?"),
        (["jobs", "add", "x", "--every", "5m", "--timeout", "30", "--shell", "y"], 2, "\"30s\" or \"30ms\"?"),
        (
            [
                "jobs", "add", "x", "--every", "1m", "--rq", "a.b", "--rq-args",
                String(repeating: "[", count: 65) + String(repeating: "]", count: 65),
            ], 2, "rq.args: nests deeper than 64 levels"
        ),
        (["runs", "list", "--state", "asleep"], 2, "pending"),
        (["serve", "--config", "/nowhere.toml"], 2, "no such file"),
        (["validate", "/nowhere.toml"], 2, ""),
        (["import", "crontab", "/nowhere"], 2, "cannot be read"),
    ])
    func badInputIsSaidAndHasItsCode(_ arguments: [String], _ code: Int32, _ piece: String) async throws {
        let result = try await fixture.carillon(arguments)
        #expect(result.code == code, "\(result)")
        #expect(piece.isEmpty || result.error.contains(piece), "\(result.error)")
    }

    @Test func validateNamesFileLineAndKey() async throws {
        let file = try fixture.folder.write(
            "jobs.d/a.toml", "[[job]]\nname = \"a\"\ncron = \"99 * * * *\"\nexec = [\"x\"]\n")
        let result = try await fixture.carillon("validate", file)
        #expect(result.code == 2)
        #expect(result.output.hasPrefix("\(file):3: job 'a': cron: minute: 99 is out of range"))
        try fixture.folder.write("jobs.d/a.toml", "[[job]]\nname = \"a\"\ncron = \"9 * * * *\"\nexec = [\"x\"]\n")
        #expect(try await fixture.carillon("validate").code == 0)
    }

    @Test func validateWarnsAndIsContent() async throws {
        let file = try fixture.folder.write(
            "jobs.d/a.toml", "[[job]]\nname = \"a\"\nevery = \"100ms\"\nexec = [\"x\"]\n")
        let result = try await fixture.carillon("validate", file)
        #expect(result.code == 0 && result.output.contains("warning: \(file):3: job 'a': every: runs more often"))
        #expect(result.output.contains("all well"))
    }

    @Test func aBrokenConfigurationStopsTheStart() async throws {
        try fixture.folder.write("carillon.toml", "time_zone = \"UTC\"\n[exec]\nmax_children = \"many\"\n")
        let result = try await fixture.carillon("serve")
        #expect(result.code == 2)
        #expect(result.error.contains("carillon.toml:3: exec.max_children: expected a whole number, found text"))
    }

    @Test func helpHasExamples() async throws {
        for command in [[], ["jobs", "add"], ["runs", "list"], ["why"], ["next"], ["import", "crontab"]] {
            let help = try await fixture.carillon(command + ["--help"])
            #expect(help.code == 0)
            #expect(help.output.contains("EXAMPLE"))
        }
        #expect(try await fixture.carillon("--generate-completion-script", "bash").output.contains("carillon"))
    }
}
