import CarillonTestSupport
import Foundation
import Testing

/// Commands that ask a real daemon over its API say what they say over its socket, and end alike.
@Suite(.timeLimit(.minutes(5))) struct RemoteTests {
    private let daemon: DaemonFixture
    private let port: Int

    init() throws {
        daemon = try DaemonFixture()
        port = try FreePort.find()
    }

    private var url: String { "http://127.0.0.1:\(port)" }

    private func start(_ settings: String = "") async throws {
        try daemon.folder.write(
            "carillon.toml", "[api]\nlisten = \"127.0.0.1:\(port)\"\nexec = true\n\(settings)")
        try await daemon.start()
    }

    /// Times that go on between two questions.
    private func still(_ text: String) -> String {
        text.replacing(
            /"(now|silentSeconds|latenessP50Seconds|latenessP99Seconds|latenessMaxSeconds|readAt|dispatched)":[^,]*,/,
            with: ""
        )
        .replacing(/lateness .*/, with: "").replacing(/\d+ (ms|s|min|h|d) ago|in \d+ (s|min|h|d)|now/, with: "then")
        .replacing(#/ +/#, with: " ")
    }

    /// Somebody else's server on this machine is not shown the token of the daemon beside it, and nobody's goes out in the clear.
    @Test func aTokenIsShownToItsOwnDaemonAlone() async throws {
        try await start()
        #expect(try await daemon.carillon("status", "-u", url).code == 0)
        let other = try FreePort.find()
        let script = try daemon.folder.write(
            "other.py",
            """
            import http.server, sys
            class Other(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    with open(sys.argv[2], "a") as f: f.write(self.path + " " + str(self.headers))
                    self.send_response(404)
                    self.end_headers()
                def log_message(self, *_): pass
            http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Other).serve_forever()
            """)
        let heard = daemon.state + "/heard"
        let server = Process()
        server.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        server.arguments = ["python3", script, "\(other)", heard]
        try server.start()
        defer { kill(server.processIdentifier, SIGKILL) }
        try await daemon.eventually("it was asked") {
            _ = try await daemon.carillon("status", "-u", "http://127.0.0.1:\(other)")
            return FileManager.default.fileExists(atPath: heard)
        }
        let text = try String(contentsOfFile: heard, encoding: .utf8)
        #expect(text.contains("/api/v1/status") && !text.lowercased().contains("authorization"), "\(text)")
        for address in ["http://192.0.2.1:1", "http://127.0.0.1.example:1"] {
            let refused = try await daemon.shell("CARILLON_TOKEN=s3cret $C status -u \(address)")
            #expect(refused.code == 2 && refused.error.contains("in the clear"), "\(refused)")
        }
        #expect(await daemon.stop() == 0)
    }

    @Test func questionsAndOrdersAreTheSame() async throws {
        try await start()
        for (name, options) in [
            ("report", ["--cron", "0 9 * * *", "--zone", "Europe/Berlin", "--tag", "eu", "--", "/bin/echo", "a"]),
            (
                "backup",
                ["--every", "1h", "--tag", "db", "--env", "PASSWORD=s3cret", "--", "/bin/sh", "-c", "echo b; exit 3"]
            ),
            ("by hand", ["--shell", "seq 1 5000"]),
        ] {
            let result = try await daemon.carillon(["jobs", "add", name, "-u", url] + options)
            #expect(result.code == 0 && result.output == "\(name) is added\n", "\(result)")
        }
        #expect(try await daemon.carillon("jobs", "run", "backup", "--wait", "-u", url).code == 3)
        #expect(try await daemon.carillon("jobs", "run", "by hand", "--wait", "-u", url).code == 0)
        let run = try #require(try await daemon.objects("runs", "list", "--job", "by hand").first?["id"] as? String)
        for command in [
            ["jobs", "add", "report", "--every", "1h", "--", "/bin/true"], ["jobs", "delete", "nobody"],
            ["jobs", "disable", "report"], ["jobs", "enable", "report"], ["jobs", "stop", "backup"],
            ["jobs", "resolve", "backup"],
            ["jobs", "skip", "report", "--at", "2030-01-01 09:00"],
            ["jobs", "skip", "report", "--at", "2030-01-01 09:01"],
            ["jobs", "skip", "by hand"], ["jobs", "unskip", "report", "--at", "2030-01-02"],
            ["jobs", "unskip", "nobody"],
            ["jobs", "list", "--time-zone", "Europe/Berlin"], ["jobs", "list", "--target", "exec", "--feed", "orders"],
            ["jobs", "list", "--time-zone", "*"],
            ["forecast", "--from", "tomorrow"], ["forecast", "--from", "tomorrow", "--within", "365d", "--parts", "0"],
            ["forecast", "--from", "tomorrow", "--json"],
            ["jobs", "set", "report", "cron=61 * * * *"], ["jobs", "export"], ["jobs", "export", "--format", "json"],
            ["jobs", "list"], ["jobs", "list", "--json"], ["jobs", "list", "rep*", "back*", "--json"],
            ["jobs", "list", "--tag", "eu", "--tag", "db"], ["jobs", "list", "--sort", "next"],
            ["jobs", "list", "--state", "failed", "--state", "halted", "--json"], ["jobs", "list", "--limit", "2"],
            ["jobs", "show", "backup"], ["jobs", "show", "backup", "--json"], ["jobs", "show", "nobody"],
            ["jobs", "run", "nobody"], ["jobs", "run", "report", "--arg", "a=b"], ["jobs", "copy", "report", "report"],
            ["runs", "list"], ["runs", "list", "--json"], ["runs", "list", "--job", "backup", "--since", "24h"],
            ["runs", "list", "--state", "completed", "--state", "skipped", "--trigger", "manual"],
            ["runs", "list", "--job", "nobody"], ["runs", "show", run], ["runs", "show", "xyz"],
            ["runs", "show", "abcd"],
            ["runs", "logs", run], ["runs", "logs", "--job", "by hand", "--tail", "3"], ["runs", "cancel", run],
            ["why", "backup"], ["why", "backup", "--json"], ["why", "report", "2026-01-01 09:00"], ["why", "nobody"],
            ["agenda"], ["agenda", "--json", "--tag", "eu"],
            ["agenda", "back*", "--from", "yesterday", "--to", "tomorrow"],
            ["audit", "--action", "add", "--json"], ["audit", "backup"], ["feeds", "list"],
            ["feeds", "accept", "nobody"],
            ["queues"], ["instances", "list", "--json"], ["instances", "show", "nobody"],
            ["instances", "drain", "nobody"],
            ["backfill", "report", "--from", "30h", "--dry-run"],
            ["backfill", "report", "--from", "30h", "--dry-run", "--json"], ["backfill", "nobody", "--from", "1h"],
            ["token", "list"], ["token", "revoke", "nobody"],
            ["token", "create", "x", "--scope", "jobs:read", "--expires", "nonsense"],
            ["operations", "list"], ["operations", "show", "0123"], ["operations", "undo", "0123"],
            ["operations", "start", "disable", "nobody*", "--yes"], ["operations", "start", "disable", "rep*"],
            ["operations", "start", "retry", "--tag", "eu"], ["reload"],
            ["pause", "the disk is changed", "--for", "1h"], ["status", "--check"], ["resume"],
            ["pause", "closed", "--tag", "eu"], ["agenda", "--json"],
            ["status"], ["status", "--json"], ["status", "--check"], ["status", "--wait", "5"],
        ] {
            let here = try await daemon.carillon(command)
            let elsewhere = try await daemon.carillon(command + ["-u", url + "/api/v1"])
            #expect(here.code == elsewhere.code, "\(command): \(here) \(elsewhere)")
            #expect(still(here.output) == still(elsewhere.output), "\(command)")
            #expect(still(here.error) == still(elsewhere.error), "\(command)")
        }
        #expect(try await daemon.carillon("resume", "--tag", "eu", "-u", url).output == "jobs with tag eu go on\n")
        let many = try await daemon.carillon(
            "operations", "start", "disable", "--tag", "eu", "--tag", "eu", "--yes", "-u", url)
        #expect(many.code == 0 && many.output.hasPrefix("disable is completed: 1 changed\n"), "\(many)")
        let id = try #require(try await daemon.objects("operations", "list").first?["id"] as? String)
        let undone = try await daemon.carillon("operations", "undo", id, "--yes", "-u", url)
        #expect(undone.code == 0 && undone.output.hasPrefix("undo is completed: 1 changed"), "\(undone)")
        let filled = try await daemon.carillon("backfill", "report", "--from", "30h", "-u", url)
        #expect(filled.code == 0 && filled.output.contains("report"), "\(filled)")
        let made = try await daemon.carillon(
            "token", "create", "far", "--scope", "jobs:read", "--expires", "90d", "-u", url)
        let secret = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(made.code == 0 && secret.hasPrefix("carillon_"), "\(made)")
        try await daemon.eventually("the token counts") {
            try await daemon.shell("CARILLON_TOKEN=\(secret) $C jobs list -u \(url)").code == 0
        }
        #expect(try await daemon.carillon("token", "revoke", "far", "-u", url).code == 0)
        let trail = try await daemon.objects("audit", "--action", "add token")
        #expect(trail.first?["from"] as? String == "127.0.0.1", "\(trail)")
        let set = try await daemon.carillon("jobs", "set", "report", "cron=0 11 * * *", "-u", url)
        #expect(set.code == 0 && set.output.hasSuffix("report is changed\n"), "\(set)")
        let gone = try await daemon.carillon("jobs", "delete", "report", "-u", url)
        #expect(gone.output.hasPrefix("report is deleted"), "\(gone)")
        #expect(await daemon.stop() == 0)
    }

    /// A list of many pages is whole, whatever order it has.
    @Test func pagesAreFollowed() async throws {
        try await start()
        let jobs = (0..<1_250).map {
            "[[job]]\nname = \"job \($0)\"\nevery = \"\(1 + $0 * 7 % 1_000)h\"\nexec = [\"/bin/true\"]\n"
        }
        try FileManager.default.createDirectory(atPath: daemon.state + "/jobs.d", withIntermediateDirectories: true)
        try daemon.folder.write("jobs.d/many.toml", jobs.joined())
        try await daemon.eventually("they are there") {
            try await daemon.carillon("jobs", "list", "--limit", "1").error.contains("of 1,250")
        }
        for options in [
            [], ["--sort", "next"], ["--limit", "1100"], ["--limit", "1"], ["--sort", "next", "--limit", "7"],
        ] {
            let here = try await daemon.carillon(["jobs", "list", "--json"] + options)
            let elsewhere = try await daemon.carillon(["jobs", "list", "--json", "-u", url] + options)
            #expect(here.lines == elsewhere.lines && !here.lines.isEmpty, "\(options)")
        }
        #expect(await daemon.stop() == 0)
    }

    @Test func whatGoesWrongIsSaid() async throws {
        let nobody = try await daemon.carillon("status", "-u", url)
        #expect(nobody.code == 3 && nobody.error.contains("nobody listens at \(url)"), "\(nobody)")
        for (options, word) in [
            (["-u", "nonsense"], "--url"), (["-u", "http://a:b@example.com"], "password"),
            (["--context", "work"], "there is no context 'work'"), (["-u", url, "--context", "work"], "not both"),
        ] {
            let result = try await daemon.carillon(["status"] + options)
            #expect(result.code == 2 && result.error.contains(word), "\(options): \(result)")
        }
        let local = try await daemon.carillon("-u", url, "validate")
        #expect(local.code == 2 && local.error.contains("is about this machine"), "\(local)")

        try await start()
        let none = try await daemon.shell("CARILLON_TOKEN=carillon_nonsense $C status -u \(url)")
        #expect(none.code == 1 && none.error.contains("does not take the token"), "\(none)")
        #expect(none.error.contains("carillon login -u \(url)"), "\(none)")
        let reader = try await daemon.carillon("token", "create", "reader", "--scope", "jobs:read")
        let token = "CARILLON_TOKEN=\(reader.output.trimmingCharacters(in: .whitespacesAndNewlines))"
        // Those that were read before count for a moment.
        try await daemon.eventually("the token is known, and not good for this") {
            let status = try await daemon.shell("\(token) $C status -u \(url)")
            return status.code == 1 && status.error.contains("missing: system:read")
        }
        // What is wrong in feeds is not for them, and no reason to show nothing.
        let list = try await daemon.shell("\(token) CARILLON_URL=\(url) $C jobs list")
        #expect(list.code == 0 && list.output.contains("no jobs"), "\(list)")
        // A daemon that stands still.
        let pid = try #require(daemon.processID)
        #expect(kill(pid, SIGSTOP) == 0)
        let silent = try await daemon.carillon("pause", "x", "-u", url, "--client-timeout", "1s")
        #expect(silent.code == 4 && silent.error.contains("may still do what was ordered"), "\(silent)")
        #expect(kill(pid, SIGCONT) == 0)
        #expect(await daemon.stop() == 0)
    }

    @Test func aContextNamesADaemonBehindTLS() async throws {
        let certificates = try TestCertificates(in: daemon.folder)
        try await start(
            "certificate_file = \"\(certificates.certificateFile)\"\nkey_file = \"\(certificates.keyFile)\"\n")
        let address = "https://localhost:\(port)"
        let stranger = try await daemon.carillon("status", "--check", "-u", address)
        #expect(stranger.code == 1 && stranger.error.contains("CARILLON_CA_FILE"), "\(stranger)")
        let clear = try await daemon.carillon("status", "--check", "-u", "http://localhost:\(port)")
        #expect(clear.code != 0 && !clear.error.isEmpty, "\(clear)")
        let trusted = try await daemon.shell("CARILLON_CA_FILE=\(certificates.caFile) $C status --check -u \(address)")
        #expect(trusted.code == 0, "\(trusted)")

        for (command, word) in [
            ("context set work -u \(address)/api --ca-file \(certificates.caFile)", "work is \(address)"),
            ("context set work --token-file /dev/null", "work is \(address)"),
            ("context list --json", "\"caFile\":\"\(certificates.caFile)\",\"tokenFile\":\"/dev/null\""),
            ("context remove work", "forgotten"),
            ("context set work -u \(address)/api --ca-file \(certificates.caFile)", "work is \(address)"),
            ("context set other -u http://127.0.0.1:1", "other is"), ("--context work status --check", "well"),
            ("context use work", "commands ask \(address)"), ("context list", "yes"),
        ] {
            let result = try await daemon.shell("$C \(command)")
            #expect(result.code == 0 && result.output.contains(word), "\(command): \(result)")
        }
        // The one in use; the directory of the state means this machine.
        let token = "CARILLON_TOKEN=$(cat \(daemon.state)/api-token)"
        let used = try await daemon.shell("unset CARILLON_STATE; \(token) $C status --json")
        #expect(used.code == 0 && used.output.contains(daemon.state), "\(used)")
        #expect(try await daemon.shell("unset CARILLON_STATE; $C --context other status").code == 3)
        let contexts = try await daemon.objects("context", "list")
        #expect(contexts.map { $0["name"] as? String } == ["work", "other"])
        #expect(contexts.map { $0["inUse"] as? Bool } == [true, false])
        #expect(try await daemon.carillon("context", "remove", "work").code == 0)
        #expect(try await daemon.carillon("context", "use", "work").code == 2)
        #expect(try await daemon.carillon("context", "use", "local").code == 0)
        #expect(await daemon.stop() == 0)
    }

    /// By the name of its program and by ours.
    @Test func simpleSchedulersOwnWordsDo() async throws {
        try await start()
        let link = daemon.state + "/simple-scheduler-cli"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: daemon.binary)
        let api = "-u \(url)/api"
        for (line, code, output) in [
            (
                "\(link) \(api) add job -n resize -r 2037-01-01T00:00:00Z -i 60000 -x 5000 -s=1000 -q 3 -c -t 2000", 0,
                "added"
            ),
            ("$C add job \(api) --name once --next-run-at 2037-01-01T00:00:00Z --enabled=false", 0, "added"),
            ("$C add job \(api) -n once -r 2037-01-01T00:00:00Z", 1, ""), ("$C add job \(api) -n x", 2, ""),
            ("$C add job \(api) -n x -r soon", 2, ""), ("$C list runs \(api) -s asleep", 2, ""),
            ("\(link) l j \(api)", 0, "NEXT RUN AT"), ("\(link) list runs \(api) -j resize -s pending", 0, "STATUS"),
            ("\(link) update job -n resize -i 120000 -e false \(api)", 0, "changed"),
            ("\(link) update job -n nobody -e \(api)", 1, ""),
        ] {
            let result = try await daemon.shell(line)
            #expect(result.code == code && (output.isEmpty || result.output.contains(output)), "\(line): \(result)")
        }
        let jobs = try await daemon.objects("list", "jobs", "-u", url)
        let resize = try #require(jobs.first { $0["name"] as? String == "resize" })
        for (key, value) in [
            ("interval", 120_000), ("runExecutionTimeout", 5_000), ("runStartTimeout", 1_000), ("maxQueueCount", 3),
            ("heartbeatTimeout", 2_000),
        ] { #expect(resize[key] as? Int == value, "\(key)") }
        #expect(resize["allowConcurrentRuns"] as? Bool == true)
        #expect(resize["enabled"] as? Bool == false)
        #expect(jobs.first { $0["name"] as? String == "once" }?["enabled"] as? Bool == false)
        #expect(await daemon.stop() == 0)
    }
}
