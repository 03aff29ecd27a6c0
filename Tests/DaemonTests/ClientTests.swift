import CarillonTestSupport
import Foundation
import Testing

/// What a command says of a daemon that is well, not well, silent or not there: its exit code and its words.
@Suite struct ClientTests {
    private let daemon: DaemonFixture

    init() throws { daemon = try DaemonFixture() }

    @Test(.timeLimit(.minutes(5))) func aDaemonThatIsSilentIsGivenUp() async throws {
        try await daemon.start()
        let pid = try #require(daemon.processID)
        #expect(kill(pid, SIGSTOP) == 0)
        let questions = [["status"], ["jobs", "list"], ["runs", "list"], ["agenda"], ["why", "x"]]
        let orders = [["jobs", "run", "x"], ["pause", "x"], ["resume"]]
        for command in questions + orders {
            let began = ContinuousClock.now
            let result = try await daemon.carillon(command + ["--client-timeout", "1s"])
            #expect(ContinuousClock.now - began < .milliseconds(4_500), "\(command)")
            #expect(result.code == 4 && result.error.contains("(pid \(pid)) does not answer"), "\(command): \(result)")
            #expect(result.error.contains("may still do what was ordered") == orders.contains(command))
        }
        #expect(kill(pid, SIGCONT) == 0)
        // What was ordered meanwhile may be carried out yet, in any order.
        try await daemon.eventually("all is well") {
            _ = try await daemon.carillon("resume")
            return try await daemon.carillon("status", "--check").code == 0
        }
        #expect(await daemon.stop() == 0)
    }

    /// An order that takes long is no silence.
    @Test(.timeLimit(.minutes(5))) func aLongOrderIsWaitedFor() async throws {
        try daemon.folder.write("carillon.toml", "[exec]\ngrace = \"2s\"\n")
        try await daemon.start()
        let added = try await daemon.carillon(
            "jobs", "add", "stubborn", "--set", "overlap=allow", "--", "/bin/sh", "-c",
            "trap '' TERM; echo up; while :; do sleep 0.1; done")
        #expect(added.code == 0, "\(added.error)")
        let run = try #require(try await daemon.objects("jobs", "run", "stubborn").first?["id"] as? String)
        try await daemon.eventually("it is up") { try await daemon.carillon("runs", "logs", run).output == "up\n" }
        let stopped = try await daemon.carillon("jobs", "stop", "stubborn", "--client-timeout", "1s")
        #expect(stopped.code == 0 && stopped.output.contains("stubborn is stopped"), "\(stopped)")
        #expect(await daemon.stop() == 0)
    }

    @Test(.timeLimit(.minutes(5))) func statusIsAHealthCheck() async throws {
        #expect(try await daemon.carillon("status").code == 3)
        try await daemon.start()
        let well = try await daemon.carillon("status", "--check")
        #expect(well.code == 0 && well.output == "well\n")
        #expect(try await daemon.carillon("pause", "the disk is changed").code == 0)
        let paused = try await daemon.carillon("status", "--check")
        #expect(
            paused.code == 5 && paused.output == "degraded: dispatching is paused: the disk is changed\n", "\(paused)")
        #expect(try await daemon.carillon("status").code == 5)
        let troubles = try await daemon.carillon("status", "--json")
        #expect(troubles.code == 5 && troubles.output.contains(#""troubles":["dispatching is paused: the disk"#))
        #expect(try await daemon.carillon("resume").code == 0)
        #expect(try await daemon.carillon("status", "--check").code == 0)
        await daemon.kill()
        let jobs = try await daemon.carillon("jobs", "list")
        #expect(jobs.code == 0 && jobs.error.contains("this is what the last one left"), "\(jobs)")
        #expect(try await daemon.carillon("pause", "x").code == 3)
    }

    @Test(.timeLimit(.minutes(5))) func aSocketThatWasTakenAwayComesBack() async throws {
        try await daemon.start()
        let path = daemon.state + "/control.sock"
        for _ in 0..<2 {
            try FileManager.default.removeItem(atPath: path)
            let result = try await daemon.carillon("status")
            #expect(result.code == 0, "\(result)")
        }
        // Something else may stand there by now.
        try FileManager.default.removeItem(atPath: path)
        try daemon.folder.write("control.sock", "not a socket")
        try await daemon.eventually("it is a socket again") { try await daemon.carillon("status").code == 0 }
        #expect(daemon.log.contains("the control socket was taken away"))
        #expect(await daemon.stop() == 0)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test(.timeLimit(.minutes(5))) func aJobIsChangedKeyByKey() async throws {
        try await daemon.start()
        func run(_ arguments: String...) async throws -> String {
            let result = try await daemon.carillon(arguments)
            #expect(result.code == 0, "\(arguments): \(result.error)")
            return result.output
        }
        _ = try await run(
            "jobs", "add", "backup", "--cron", "0 2 * * *", "--zone", "Europe/Berlin", "--env", "API_TOKEN=s3cret",
            "--env", "WHO=me", "--timeout", "1h", "--", "/bin/echo", "hello")
        let shown = try await run("jobs", "show", "backup")
        #expect(shown.contains("WHO = \"me\"") && !shown.contains("s3cret"), "\(shown)")
        #expect(try await !run("jobs", "show", "backup", "--json").contains("s3cret"))
        // One key changes, and the rest stays.
        let set = try await run("jobs", "set", "backup", "every=5m", "retry.attempts=3", "timeout=")
        #expect(set.contains("- cron = \"0 2 * * *\"") && set.contains("+ every = \"5m\""), "\(set)")
        let exported = try await run("jobs", "export", "backup")
        #expect(
            exported == """
                [[job]]
                name = "backup"
                every = "5m"
                time_zone = "Europe/Berlin"
                exec = ["/bin/echo", "hello"]
                env = { API_TOKEN = "s3cret", WHO = "me" }
                retry = { attempts = 3 }

                """)
        #expect(try await run("jobs", "set", "backup", "every=7m", "--dry-run").contains("would be changed"))
        #expect(try await run("jobs", "export", "backup") == exported)
        // A secret may change too, though it is not shown; a value may end in an equals sign.
        let secret = try await run("jobs", "set", "backup", "env.API_TOKEN=bmV3==")
        #expect(
            secret.contains("a secret differs") && secret.contains("is changed") && !secret.contains("bmV3"),
            "\(secret)")
        #expect(try await run("jobs", "export", "backup").contains("API_TOKEN = \"bmV3==\""))
        _ = try await run("jobs", "set", "backup", "env.API_TOKEN=s3cret")
        // A copy differs in what is said.
        _ = try await run("jobs", "copy", "backup", "backup-eu", "tags=[\"eu\"]")
        #expect(
            try await run("jobs", "export", "backup-eu")
                == exported.replacing("\"backup\"", with: "\"backup-eu\"") + "tags = [\"eu\"]\n")
        // What an update leaves out is named.
        let updated = try await daemon.carillon("jobs", "update", "backup", "--every", "5m", "--", "/bin/echo", "hello")
        #expect(updated.code == 0 && updated.error.contains("back to its default: env, retry"), "\(updated)")
        // An editor, and one that makes a mistake.
        let editor = try daemon.folder.write("editor.sh", "#!/bin/sh\nsed -i 's/5m/9m/' \"$1\"\n")
        let edited = try await daemon.shell("EDITOR='sh \(editor)' \"$C\" jobs edit backup")
        #expect(edited.code == 0 && edited.output.contains("+ every = \"9m\""), "\(edited)")
        let bad = try await daemon.shell("EDITOR=\"sed -i s/9m/9x/\" \"$C\" jobs edit backup")
        #expect(bad.code == 2 && bad.error.contains("every"), "\(bad)")
        #expect(try await run("jobs", "export", "backup").contains("every = \"9m\""))
        // An editor has the terminal.
        let asking = try daemon.folder.write(
            "asking.sh", "#!/bin/sh\nread word </dev/tty\nsed -i \"s/9m/$word/\" \"$1\"\n")
        let typed = try await daemon.shell(
            "echo 11m | EDITOR='sh \(asking)' script -qefc '\"$C\" jobs edit backup' /dev/null")
        #expect(typed.output.contains("+ every = \"11m\""), "\(typed)")
        _ = try await run("jobs", "set", "backup", "every=9m")
        // Several at once.
        #expect(try await run("jobs", "disable", "back*", "--dry-run") == "backup\nbackup-eu\n")
        #expect(try await run("jobs", "disable", "--tag", "eu") == "backup-eu is disabled\n")
        #expect(try await run("jobs", "list", "--state", "disabled", "--json").contains("backup-eu"))
        #expect(try await daemon.carillon("jobs", "delete", "back*").code == 2)
        _ = try await run("jobs", "delete", "back*", "--yes")
        #expect(try await daemon.objects("jobs", "list").isEmpty)
        let unknown = try await daemon.carillon("jobs", "enable", "a", "b")
        #expect(unknown.code == 1 && unknown.error.contains("there is no job 'a'") && unknown.error.contains("'b'"))
        #expect(await daemon.stop() == 0)
    }

    @Test(.timeLimit(.minutes(5))) func aRunIsWaitedForAndItsCodeIsOurs() async throws {
        try await daemon.start()
        for (name, line) in [("well", "echo well"), ("three", "exit 3"), ("killed", "kill -9 $$")] {
            #expect(try await daemon.carillon("jobs", "add", name, "--shell", line).code == 0)
        }
        for (name, code, words) in [("well", 0, "completed"), ("three", 3, "failed"), ("killed", 1, "signal 9")] {
            let result = try await daemon.carillon("jobs", "run", name, "--wait")
            #expect(result.code == Int32(code) && result.output.contains(words), "\(result)")
        }
        #expect(await daemon.stop() == 0)
    }
}
