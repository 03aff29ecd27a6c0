import CarillonTestSupport
import Foundation
import Testing

/// Orders for jobs that files define, to the real daemon.
@Suite(.timeLimit(.minutes(5))) struct JobOrderTests {
    private let daemon: DaemonFixture

    init() throws { daemon = try DaemonFixture() }

    private func define(_ text: String) throws { try daemon.folder.write("jobs.d/a.toml", text) }

    private func state(_ name: String) async throws -> String? {
        try await daemon.objects("jobs", "list").first { $0["name"] as? String == name }?["state"] as? String
    }

    private func notes() -> [String] {
        let text = (try? String(contentsOfFile: daemon.state + "/notes", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init)
    }

    @Test func aJobThatHangsIsStoppedAndRestartedWithAllItStarted() async throws {
        try define(
            """
            [[job]]
            name = "hangs"
            cron = "0 0 1 1 *"
            shell = "trap '' TERM; sleep 600 & echo $$ >> \(daemon.state)/notes; wait; wait"
            """)
        try daemon.folder.write("carillon.toml", "[exec]\ngrace = \"300ms\"\n")
        try await daemon.start()
        #expect(try await daemon.carillon("jobs", "run", "hangs").code == 0)
        try await daemon.eventually("it runs") { notes().count == 1 }
        let stopped = try await daemon.carillon("jobs", "stop", "hangs")
        #expect(stopped.code == 0 && stopped.output == "hangs is stopped\n")
        let first = try #require(Int32(notes()[0]))
        #expect(kill(-first, 0) == -1 && errno == ESRCH, "something of it still runs")
        #expect(try await daemon.carillon("jobs", "stop", "hangs").output == "hangs has no run to stop\n")
        #expect(try await daemon.carillon("jobs", "run", "hangs").code == 0)
        try await daemon.eventually("it runs again") { notes().count == 2 }
        #expect(try await daemon.carillon("jobs", "restart", "hangs").output.contains("is on its way"))
        try await daemon.eventually("once more") { notes().count == 3 }
        let second = try #require(Int32(notes()[1]))
        #expect(kill(-second, 0) == -1 && errno == ESRCH)
        let states = try await daemon.objects("runs", "list", "--job", "hangs").map { $0["state"] as? String ?? "" }
        #expect(states.sorted() == ["cancelled", "cancelled", "running"])
        #expect(try await daemon.carillon("jobs", "stop", "hangs").code == 0)
        #expect(await daemon.stop() == 0)
    }

    @Test func aFilesJobIsSwitchedOffDeletedAndComesBackWithItsDefinition() async throws {
        let text = "[[job]]\nname = \"a\"\nevery = \"1h\"\nexec = [\"true\"]\n"
        try define(text)
        try await daemon.start()
        #expect(try await daemon.carillon("jobs", "disable", "a").output == "a is disabled\n")
        #expect(try await state("a") == "disabled")
        // Also after the file is read again, and in the next daemon.
        try define(text + "tags = [\"x\"]\n")
        try await daemon.eventually("the change is taken up") {
            try await daemon.carillon("jobs", "show", "a").output.contains("tags        x")
        }
        await daemon.kill()
        try await daemon.start()
        #expect(try await state("a") == "disabled")
        #expect(try await daemon.carillon("jobs", "enable", "a").output == "a is enabled\n")
        #expect(try await state("a") == "enabled")
        let deleted = try await daemon.carillon("jobs", "delete", "a")
        #expect(deleted.output.contains("a is deleted until its definition in") && deleted.output.contains("a.toml"))
        await daemon.kill()
        try await daemon.start()
        #expect(try await state("a") == "deleted")
        try define(text)
        try await daemon.eventually("it is back") { try await state("a") == "enabled" }
        #expect(await daemon.stop() == 0)
    }

    @Test func aJobHaltsAfterAFailureUntilItIsResolved() async throws {
        try define(
            """
            [[job]]
            name = "fails"
            every = "1s"
            on_failure = "halt"
            shell = "echo tried >> \(daemon.state)/notes; echo oops >&2; exit 7"
            """)
        try await daemon.start()
        try await daemon.eventually("it halts") { try await state("fails") == "halted" }
        let shown = try await daemon.carillon("jobs", "show", "fails").output
        #expect(shown.contains("halted after a failure") && shown.contains("on failure"))
        await daemon.kill()
        try await daemon.start()
        try await Task.sleep(for: .milliseconds(1_500))
        #expect(notes().count == 1, "it was picked up all the same")
        let refused = try await daemon.carillon("jobs", "enable", "fails")
        #expect(refused.code == 1 && refused.error.contains("carillon jobs resolve fails"))
        #expect(try await daemon.carillon("jobs", "resolve", "fails").output == "fails goes on\n")
        try await daemon.eventually("it is tried again") { notes().count == 2 }
        try await daemon.eventually("the times between are accounted for") {
            try await daemon.objects("runs", "list", "--job", "fails", "--state", "skipped").contains {
                ($0["reason"] as? String)?.contains("nobody had resolved it") == true
            }
        }
        #expect(await daemon.stop() == 0)
    }
}
