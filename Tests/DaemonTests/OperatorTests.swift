import CarillonEngine
import CarillonTestSupport
import Foundation
import Testing
import Timetable

/// A day of whoever looks after a daemon: settings, the trail of orders, what is to come, what is done again.
@Suite struct OperatorTests {
    private let daemon: DaemonFixture

    init() throws { daemon = try DaemonFixture() }

    private func run(_ arguments: String...) async throws -> String {
        let result = try await daemon.carillon(arguments)
        #expect(result.code == 0, "\(arguments): \(result)")
        return result.output
    }

    @Test(.timeLimit(.minutes(5))) func settingsThatChangeAreAppliedOrNamed() async throws {
        let log = daemon.state + "/carillon.log"
        let start = "time_zone = \"Asia/Tokyo\"\n[log]\nfile = \"\(log)\"\nlevel = \"info\"\n"
        try daemon.folder.write("carillon.toml", start)
        try await daemon.start()
        func text() -> String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }
        // What can be applied is, within a second or two.
        try daemon.folder.write("carillon.toml", start.replacing("\"info\"", with: "\"debug\""))
        try await daemon.eventually("it is applied") { text().contains("settings are applied keys=log.level") }
        #expect(try await run("status", "--check") == "well\n")
        // The rest is named, in the log and to whoever asks.
        try daemon.folder.write(
            "carillon.toml", start.replacing("Tokyo", with: "Seoul") + "[redis]\nurl = \"redis://u:s3cret@h:1/0\"\n")
        let named = "settings changed since the start: redis.url, time_zone; restart to apply"
        try await daemon.eventually("it is named") { text().contains(named) }
        let status = try await daemon.carillon("status", "--check")
        #expect(status.output == "degraded: \(named)\n", "\(status)")
        #expect(try await run("reload") == named + "\n")
        // What cannot be read changes nothing.
        try daemon.folder.write("carillon.toml", start + "nonsense = 1\n")
        try await daemon.eventually("the mistake is named") {
            try await daemon.carillon("status", "--check").output.contains("nonsense: unknown key")
        }
        // And back again.
        try daemon.folder.write("carillon.toml", start)
        try await daemon.eventually("all is well") { try await daemon.carillon("status", "--check").code == 0 }
        #expect(try await run("reload") == "the settings are as they were\n")
        // A log that was moved goes on under its name, and so does the daemon after each signal.
        let pid = try #require(daemon.processID)
        for signal in [SIGHUP, SIGUSR1, SIGUSR2] {
            try FileManager.default.moveItem(atPath: log, toPath: log + ".\(signal)")
            #expect(kill(pid, signal) == 0)
            _ = try await run("pause", "x")
            try await daemon.eventually("there is a new one") { text().contains("action=pause") }
        }
        let shown = try await run("config", "show")
        #expect(shown.contains("log.file") && shown.contains("carillon.toml:1"))
        #expect(await daemon.stop() == 0)
    }

    /// What was previewed is what runs; a time that was missed gets its run, one that failed gets another.
    @Test(.timeLimit(.minutes(5))) func timesThatArePastAreFilledIn() async throws {
        try await daemon.start()
        let line = "echo $CARILLON_SCHEDULED_AT; test -e $GOOD"
        _ = try await run(
            "jobs", "add", "report", "--cron", "0 * * * *", "--disabled", "--env", "GOOD=\(daemon.state)/good",
            "--shell", line)
        // Switched off, so that no hour brings a run of its own.
        let now = SystemClock().now
        let hour: Int64 = 3_600_000_000
        let from = ["--from", "\(now.adding(microseconds: -4 * hour))", "--to", "\(now)"]
        let planned = try await daemon.objects(["backfill", "report", "--dry-run"] + from)
        #expect(planned.count == 4 && planned.allSatisfy { $0["was"] is NSNull })
        let opened = try await daemon.objects(["backfill", "report"] + from)
        let times = { (rows: [[String: Any]]) in rows.compactMap { $0["scheduledAt"] as? String } }
        #expect(times(opened) == times(planned))
        #expect(try await daemon.carillon(["backfill", "report"] + from).output == "no time of report is to run\n")
        try await daemon.eventually("all have failed") {
            try await daemon.objects(["runs", "list", "--failed", "--trigger", "backfill"]).count == 4
        }
        try daemon.folder.write("good", "")
        let again = try await daemon.objects(["backfill", "report", "--failed", "--rate", "50"] + from)
        #expect(again.compactMap { $0["repeats"] as? String } == opened.compactMap { $0["id"] as? String })
        try await daemon.eventually("all are done again, each for its own time") {
            let done = try await daemon.objects(["runs", "list", "--state", "completed"])
            return Set(times(done)) == Set(times(planned)) && done.count == 4
        }
        #expect(try await daemon.objects(["backfill", "report", "--failed"] + from).isEmpty)
        #expect(try await run("audit").contains("backfill"))
        // What may have run and is forgotten is not taken for missing.
        let old = try await daemon.carillon("backfill", "report", "--from", "91d", "--dry-run")
        #expect(old.code == 1 && old.error.contains("may have forgotten"), "\(old)")
        let bad = try await daemon.carillon("backfill", "report", "--from", "2999-01-01")
        #expect(bad.code == 2, "\(bad)")
        #expect(await daemon.stop() == 0)
    }

    @Test(.timeLimit(.minutes(5))) func aTagIsPausedAcrossARestart() async throws {
        try await daemon.start()
        _ = try await run("jobs", "add", "held", "--every", "1s", "--tag", "payroll", "--shell", "true")
        _ = try await run("jobs", "add", "free", "--every", "1s", "--tag", "other", "--shell", "true")
        #expect(
            try await run("pause", "the bank is closed", "--tag", "payroll", "--for", "1h")
                == "tag payroll (1 job) is paused for 1h: the bank is closed\n")
        let note = "tag payroll is paused: the bank is closed"
        let status = try await daemon.carillon("status", "--check")
        #expect(status.output == "degraded: \(note)\n", "\(status)")
        #expect(try await run("agenda", "held", "--within", "5s").contains("paused: the bank is closed"))
        #expect(try await daemon.objects("jobs", "show", "held").first?["paused"] as? String == "the bank is closed")
        #expect(await daemon.stop() == 0)
        try await daemon.start()
        let before = try await daemon.objects("runs", "list", "--job", "held").count
        try await daemon.eventually("the other goes on") {
            try await daemon.objects("runs", "list", "--job", "free").count > 5
        }
        #expect(try await daemon.objects("runs", "list", "--job", "held").count == before)
        #expect(try await run("why", "held").contains("Tag payroll is paused: the bank is closed"))
        #expect(try await daemon.carillon("resume", "--tag", "other").code == 1)
        #expect(try await run("resume", "--tag", "payroll") == "jobs with tag payroll go on\n")
        try await daemon.eventually("it goes on, and its times are accounted for") {
            try await daemon.objects("runs", "list", "--job", "held").contains {
                $0["skipReason"] as? String == "paused"
                    && ($0["reason"] as? String)?.contains("the bank is closed") == true
            }
        }
        #expect(try await daemon.carillon("status", "--check").code == 0)
        #expect(await daemon.stop() == 0)
    }

    /// Members of control.group look, and order nothing; others do not even that.
    @Test(.timeLimit(.minutes(5)), .enabled(if: geteuid() == 0, "only root may become another user"))
    func aGroupMayAskAndOrdersNothing() async throws {
        try daemon.folder.write("carillon.toml", "[control]\ngroup = \"nogroup\"\n")
        try await daemon.start()
        _ = try await run("jobs", "add", "hello", "--env", "TOKEN=s3cret", "--shell", "echo hello; echo world")
        _ = try await run("jobs", "run", "hello", "--wait")
        func member(_ line: String, group: String = "nogroup") async throws -> DaemonFixture.Result {
            let prefix =
                "cp -n \"$C\" \"$CARILLON_STATE/carillon\"; cd /; setpriv --reuid=nobody --regid=\(group) --clear-groups"
            return try await daemon.shell("\(prefix) \"$CARILLON_STATE/carillon\" \(line)")
        }
        #expect(try await member("status --check").output == "well\n")
        #expect(try await member("jobs list").output.contains("hello"))
        #expect(try await member("runs logs --job hello").output == "hello\nworld\n")
        #expect(try await member("runs logs --job hello --tail 1").output == "world\n")
        for order in [
            "jobs run hello", "pause x", "jobs delete hello", "reload", "jobs export hello", "jobs show hello",
        ] {
            let refused = try await member(order)
            #expect(!refused.output.contains("s3cret") && !refused.error.contains("s3cret"), "\(order): \(refused)")
            if order != "jobs show hello" {
                #expect(refused.code == 1 && refused.error.contains("order nothing"), "\(order): \(refused)")
            }
        }
        #expect(
            try await daemon.shell(
                "cd /; setpriv --reuid=nobody --regid=nogroup --clear-groups cat \"$CARILLON_STATE/carillon.db\""
            ).code != 0)
        #expect(try await member("status", group: "daemon").code != 0)
        #expect(try await run("jobs", "list").contains("hello"))
        #expect(await daemon.stop() == 0)
        let alone = try await member("jobs list")
        #expect(alone.code == 3 && alone.error.contains("is for root alone"), "\(alone)")
    }

    @Test(.timeLimit(.minutes(5))) func whatIsWatchedIsLookedAtAgain() async throws {
        try await daemon.start()
        // The order comes once it was looked at.
        let watch =
            "timeout 20 \"$C\" status --check --watch | { read -r first; echo \"$first\"; \"$C\" pause x > /dev/null; grep -m 1 paused; }"
        let result = try await daemon.shell(watch)
        #expect(result.lines == ["well", "degraded: dispatching is paused: x"], "\(result)")
        #expect(await daemon.stop() == 0)
    }

    @Test(.timeLimit(.minutes(5))) func aLogOfADashIsStandardOutput() async throws {
        let line = """
            "$C" serve --log-file - 2>/dev/null >"$CARILLON_STATE/out" & pid=$!
            "$C" status --wait 10 >/dev/null && "$C" pause x --json && kill $pid && wait $pid && cat "$CARILLON_STATE/out"
            """
        let result = try await daemon.shell(line)
        #expect(result.output.contains(#"{"done":"dispatching is paused: x"}"#), "\(result)")
        #expect(result.output.contains("serves") && result.output.contains("stopped"), "\(result)")
    }

    @Test(.timeLimit(.minutes(5))) func everyOrderLeavesATrace() async throws {
        try await daemon.start()
        _ = try await run("jobs", "add", "a", "--every", "1h", "--env", "API_TOKEN=s3cret", "--", "/bin/true")
        _ = try await run("jobs", "set", "a", "every=2h")
        _ = try await run("jobs", "disable", "a")
        #expect(try await daemon.carillon("jobs", "enable", "b").code == 1)
        _ = try await run("pause", "the disk")
        _ = try await run("resume")
        _ = try await run("jobs", "run", "a", "--wait")
        _ = try await run("jobs", "delete", "a")
        let entries = try await daemon.objects("audit")
        #expect(
            entries.reversed().map { $0["action"] as? String } == [
                "add", "update", "disable", "enable", "pause", "resume", "run", "delete",
            ])
        #expect(entries.allSatisfy { $0["channel"] as? String == "control socket" && $0["user"] is String })
        let update = try #require(entries.first { $0["action"] as? String == "update" })
        #expect((update["before"] as? String)?.contains("every = \"1h\"") == true)
        #expect((update["after"] as? String)?.contains("every = \"2h\"") == true)
        let refused = try #require(entries.first { $0["action"] as? String == "enable" })
        #expect(refused["error"] as? String == "there is no job 'b'")
        #expect(!"\(entries)".contains("s3cret") && !daemon.log.contains("s3cret"))
        #expect(
            daemon.log.contains("an order was carried out action=pause") && daemon.log.contains("reason=\"the disk\""))
        #expect(try await daemon.objects("audit", "a", "--action", "disable").count == 1)
        let address = "postgres://u:pw0rd@h/d"
        _ = try await run("jobs", "add", "c", "--every", "1h", "--env", "URL=\(address)", "--shell", "true")
        let shown = try await run("jobs", "show", "c") + run("jobs", "show", "c", "--json") + run("audit", "--json")
        #expect(shown.contains("postgres://u:...@h/d") && !shown.contains("pw0rd"), "\(shown)")
        _ = try await run("jobs", "delete", "c")
        #expect(try await run("audit", "--since", "yesterday", "--until", "today").contains("the disk"))
        #expect(await daemon.stop() == 0)
        // It is there without a daemon too.
        #expect(try await daemon.objects("audit").count == 10)
    }

    @Test(.timeLimit(.minutes(5))) func whatIsOffAndWhatIsGoneHasItsHistory() async throws {
        try await daemon.start()
        _ = try await run("jobs", "add", "tick", "--every", "1s", "--shell", "true")
        try await daemon.eventually("it ran") {
            try await !daemon.objects("runs", "list", "--state", "completed").isEmpty
        }
        _ = try await run("jobs", "disable", "tick")
        // Its times are there while it is off.
        try await daemon.eventually("what it misses is listed") {
            try await daemon.objects("runs", "list", "--job", "tick").contains {
                $0["skipReason"] as? String == "disabled" && ($0["count"] as? Int ?? 0) >= 2
            }
        }
        let skip = try #require(
            try await daemon.objects("runs", "list", "--job", "tick", "--state", "skipped").first?["id"] as? String)
        _ = try await run("jobs", "enable", "tick")
        try await daemon.eventually("it is in the ledger, by the same id") {
            try await daemon.carillon("runs", "show", skip).output.contains("the job was disabled")
        }
        #expect(try await daemon.carillon("runs", "logs", skip).error.contains("did not run at that time"))
        // A pause is named while it lasts, and afterwards.
        _ = try await run("jobs", "set", "tick", "catch_up=skip")
        _ = try await run("pause", "a move")
        try await daemon.eventually("a time has passed") {
            try await daemon.carillon("why", "tick", "--json").output.contains("as soon as dispatching goes on")
        }
        let paused = try await run("why", "tick")
        #expect(paused.contains("Dispatching is paused: a move"), "\(paused)")
        _ = try await run("resume")
        try await daemon.eventually("the ledger names the pause") {
            try await daemon.objects("runs", "list", "--job", "tick").contains {
                $0["reason"] as? String == "dispatching was paused at that time (a move)"
            }
        }
        _ = try await run("jobs", "delete", "tick")
        let gone = try await run("why", "tick")
        #expect(gone.contains("there is no such job any more") && gone.contains("scheduled; run"), "\(gone)")
        #expect(await daemon.stop() == 0)
    }

    @Test(.timeLimit(.minutes(5))) func aPauseMayEndByItself() async throws {
        try await daemon.start()
        #expect(try await run("pause", "a move", "--for", "1s") == "dispatching is paused for 1s: a move\n")
        try await daemon.eventually("it goes on") { try await daemon.carillon("status").code == 0 }
        #expect(daemon.log.contains("the time of the pause is over"))
        // Also one that a restart came into.
        _ = try await run("pause", "a move", "--for", "8s")
        #expect(await daemon.stop() == 0)
        try await daemon.start()
        #expect(try await run("status", "--wait", "1").contains("paused: a move; goes on in"))
        try await daemon.eventually("it goes on") { try await daemon.carillon("status").code == 0 }
        #expect(try await daemon.carillon("pause", "x", "--for", "5").code == 2)
        #expect(await daemon.stop() == 0)
    }

    @Test(.timeLimit(.minutes(5))) func theAgendaLooksAheadAndBack() async throws {
        try await daemon.start()
        _ = try await run("jobs", "add", "often", "--every", "5s", "--tag", "eu", "--shell", "true")
        _ = try await run("jobs", "add", "daily", "--cron", "0 19 * * *", "--zone", "Europe/Berlin", "--shell", "true")
        _ = try await run("jobs", "add", "off", "--every", "1m", "--disabled", "--shell", "true")
        let lines = try await daemon.objects("agenda", "--within", "48h")
        #expect(Set(lines.compactMap { $0["job"] as? String }) == ["often", "daily"])
        let often = try #require(lines.first { $0["job"] as? String == "often" })
        #expect((34_559...34_560).contains(often["count"] as? Int ?? 0))
        #expect(lines.filter { $0["job"] as? String == "daily" }.count == 2)
        let times = try lines.map { try DaemonFixture.seconds($0["at"]) }
        #expect(times == times.sorted())
        #expect(try await daemon.objects("agenda", "--within", "48h", "--tag", "eu").count == 1)
        let cut = try await daemon.carillon("agenda", "--within", "48h", "--limit", "1")
        #expect(cut.lines.count == 2 && cut.error.contains("--limit"))
        // From a time to come.
        let later = try await daemon.objects("agenda", "daily", "--from", "tomorrow", "--to", "tomorrow")
        #expect(later.count == 1)
        #expect(try DaemonFixture.seconds(later.first?["at"]) > DaemonFixture.seconds(lines[0]["at"]))
        // A change of the clocks within half a year of any day.
        let text = try await run("agenda", "--within", "200d", "daily", "--limit", "1000")
        #expect(text.contains("Europe/Berlin: the clocks go"), "\(text.suffix(300))")
        try await daemon.eventually("it ran") {
            try await daemon.objects("agenda", "--from", "1h", "--to", "now").contains {
                $0["job"] as? String == "often" && $0["state"] as? String == "completed"
            }
        }
        #expect(await daemon.stop() == 0)
    }

    @Test(.timeLimit(.minutes(5))) func whatFailedIsFoundReadAndDoneAgain() async throws {
        try await daemon.start()
        let flag = daemon.state + "/mended"
        _ = try await run(
            "jobs", "add", "night", "--shell",
            "seq 1 2000; echo $CARILLON_SCHEDULED_AT; test -e \(flag) || { echo no good; exit 9; }")
        #expect(try await daemon.carillon("jobs", "run", "night", "--wait").code == 9)
        let failed = try #require(try await daemon.objects("runs", "list", "--failed", "--since", "1h").first)
        let id = try #require(failed["shortID"] as? String)
        #expect(try await run("runs", "logs", id, "--tail", "1") == "no good\n")
        #expect(try await run("runs", "logs", "--job", "night", "--tail", "3").hasPrefix("2000\n"))
        #expect(try await run("runs", "logs", id, "--tail", "99999").hasPrefix("1\n2\n"))
        try daemon.folder.write("mended", "")
        _ = try await run("runs", "retry", id, "--wait")
        #expect(try await daemon.objects("audit", try #require(failed["id"] as? String)).count == 1)
        // Its own time, and the last run of the job now.
        let runs = try await daemon.objects("runs", "list", "--job", "night")
        #expect(runs.count == 2 && Set(runs.compactMap { $0["scheduledAt"] as? String }).count == 1)
        #expect(try await daemon.objects("jobs", "list", "--state", "failed").isEmpty)
        #expect(try await daemon.objects("runs", "list", "--trigger", "manual").count == 2)
        #expect(try await daemon.objects("runs", "list", "--trigger", "schedule").isEmpty)
        // A run that another one stands in the way of says so.
        _ = try await run("jobs", "add", "slow", "--shell", "sleep 5")
        _ = try await run("jobs", "run", "slow")
        #expect(try await run("jobs", "run", "slow").contains("a run of slow is active; it waits for that"))
        #expect(await daemon.stop() == 0)
    }

    @Test(.timeLimit(.minutes(5))) func whatWillFailIsWarnedOf() async throws {
        let path = try daemon.folder.write(
            "mine.toml",
            """
            [log]
            level = "loud"
            [[job]]
            name = "a"
            at = "2020-01-01T00:00:00Z"
            exec = ["nosuchprogram"]
            user = "nosuchuser"
            directory = "/nonexistent"
            """)
        let result = try await daemon.carillon("validate", path, "--json")
        #expect(result.code == 2)
        let findings = result.lines.compactMap {
            try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
        #expect(
            findings.map { "\($0["severity"] ?? "") \($0["key"] ?? "")" } == [
                "error log.level", "warning at", "warning user", "warning directory", "warning exec",
            ], "\(result)")
    }
}
