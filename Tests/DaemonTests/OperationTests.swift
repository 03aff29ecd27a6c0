import CarillonTestSupport
import Foundation
import Testing

/// What a person does with a daemon, by the command line.
@Suite(.serialized) struct OperationTests {
    private let daemon: DaemonFixture

    init() throws { daemon = try DaemonFixture() }

    private func job(_ name: String, every: String = "1h", shell: String = "true") -> String {
        "[[job]]\nname = \"\(name)\"\nevery = \"\(every)\"\nshell = \"\(shell)\"\n\n"
    }

    @Test(.timeLimit(.minutes(5)))
    func anEditedFileIsTakenUpAtOnceAndABrokenOneHarmsNobody() async throws {
        try daemon.folder.write("jobs.d/a.toml", job("a"))
        try daemon.folder.write("jobs.d/b.toml", job("b"))
        try await daemon.start()
        try daemon.folder.write("jobs.d/a.toml", job("a", every: "30m"))
        try await daemon.eventually(within: 1, "the new interval") {
            try await daemon.carillon("jobs", "show", "a").output.contains("every 30m")
        }
        // A file's job is changed in its file, and an attempt to change it by order leaves it as it is.
        let refused = try await daemon.carillon("jobs", "update", "a", "--every", "2m", "--shell", "true")
        #expect(refused.code == 1 && refused.error.contains("belongs to"))
        try daemon.folder.write("jobs.d/a.toml", job("a", every: "20m"))
        try await daemon.eventually(within: 1, "the next interval") {
            try await daemon.carillon("jobs", "show", "a").output.contains("every 20m")
        }
        try daemon.folder.write("jobs.d/a.toml", "[[job]\nname = ")
        try await daemon.eventually(within: 1, "the error") {
            try await daemon.carillon("jobs", "list").output.contains("a.toml:1")
        }
        let jobs = try await daemon.objects("jobs", "list")
        #expect(jobs.filter { ($0["state"] as? String) == "enabled" }.count == 2, "the last good jobs are kept")
        #expect(daemon.log.contains("a.toml:1"))
        try FileManager.default.removeItem(atPath: daemon.state + "/jobs.d/a.toml")
        try await daemon.eventually(within: 1, "the loss is said") {
            try await daemon.carillon("feeds").output.contains("a.toml: has lost 1 of its 1 jobs")
        }
        #expect(try await daemon.objects("jobs", "list").contains { $0["name"] as? String == "a" })
        try await daemon.eventually("the job is gone") {
            try await daemon.carillon("jobs", "show", "a").code == 1
        }
        #expect(daemon.log.contains("a.toml has lost 1 of its 1 jobs; they are removed"))
        #expect(await daemon.stop() == 0)
    }

    /// Two spellings of one name look the same, and a store that compares bytes knows both.
    @Test(.timeLimit(.minutes(5)))
    func aNameInAnotherSpellingIsStillOneJob() async throws {
        try daemon.folder.write("jobs.d/u.toml", job("caf\u{e9}", every: "1h"))
        try await daemon.start()
        for (name, every) in [("cafe\u{301}", "2h"), ("caf\u{e9}", "3h"), ("cafe\u{301}", "4h"), ("caf\u{e9}", "5h")] {
            try daemon.folder.write("jobs.d/u.toml", job(name, every: every))
            try await daemon.eventually("the definition \(every) alone") {
                try await daemon.objects("jobs", "list").map { $0["schedule"] as? String } == ["every \(every)"]
            }
        }
        #expect(await daemon.stop() == 0)
    }

    @Test(.timeLimit(.minutes(8)))
    func aThousandGoodJobsRunBesideFiftyBrokenOnes() async throws {
        var text = ""
        for number in 0..<1_000 { text += job("good-\(number)") }
        for number in 0..<50 {
            text += "[[job]]\nname = \"bad-\(number)\"\ncron = \"\(number + 60) * * * *\"\nexec = [\"x\"]\n"
        }
        try daemon.folder.write("jobs.d/all.toml", text)
        try await daemon.start()
        let status = try #require(try await daemon.objects("status").first)
        #expect(status["jobs"] as? Int == 1_000)
        let jobs = try await daemon.objects("jobs", "list")
        #expect(jobs.count == 1_000 && jobs.allSatisfy { $0["state"] as? String == "enabled" })
        let shown = try await daemon.carillon("jobs", "list").lines
        #expect(shown.filter { $0.hasPrefix("bad-") && $0.contains("  error  ") }.count == 50)
        let problems = try await daemon.objects("feeds", "list").first?["problems"] as? [Any]
        #expect(problems?.count == 50)
        #expect(try await daemon.carillon("jobs", "run", "good-7").code == 0)
        try await daemon.eventually("it ran") {
            try await daemon.objects("runs", "list", "--state", "completed").count == 1
        }
        #expect(await daemon.stop() == 0)
    }

    @Test(.timeLimit(.minutes(5)))
    func jobsAreAddedChangedAndDeletedByOrder() async throws {
        try await daemon.start()
        let added = try await daemon.carillon(
            "jobs", "add", "hello", "--cron", "0 19 * * MON-FRI", "--zone", "America/New_York", "--env", "WHO=world",
            "--",
            "/bin/sh", "-c", "echo hello $WHO")
        #expect(added.code == 0, "\(added.error)")
        #expect(try await daemon.carillon("jobs", "add", "hello", "--every", "1m", "--shell", "x").code == 1)
        let shown = try await daemon.carillon("jobs", "show", "hello").output
        #expect(shown.contains("at 19:00, Monday to Friday"))
        #expect(try await daemon.carillon("jobs", "run", "hello").code == 0)
        try await daemon.eventually("it ran") {
            try await daemon.objects("runs", "list", "--state", "completed").count == 1
        }
        let run = try #require(try await daemon.objects("runs", "list").first)
        #expect(
            Set(run.keys) == [
                "id", "shortID", "job", "timeZone", "scheduledAt", "state", "trigger", "cause", "repeats", "attempt",
                "createdAt",
                "notBefore",
                "dispatchedAt", "startedAt", "endedAt", "durationSeconds", "exitCode", "signal", "error", "reason",
                "heldSince", "heldBecause", "instance", "term", "pid", "arguments", "outputTail", "earlier",
                "skipReason",
                "through",
                "count",
            ])
        #expect(run["exitCode"] as? Int == 0)
        let id = try #require(run["id"] as? String)
        #expect(try await daemon.carillon("runs", "logs", String(id.prefix(16))).output == "hello world\n")
        #expect(try await daemon.carillon("runs", "cancel", id).code == 1, "it has ended")
        #expect(try await daemon.carillon("jobs", "disable", "hello").code == 0)
        #expect(try await daemon.carillon("why", "hello").output.contains("It does not run: disabled by an order"))
        #expect(try await daemon.carillon("jobs", "update", "hello", "--every", "2m", "--shell", "true").code == 0)
        #expect(try await daemon.carillon("jobs", "delete", "hello").code == 0)
        #expect(try await daemon.carillon("jobs", "show", "hello").code == 1)
        #expect(await daemon.stop() == 0)
    }

    @Test(.timeLimit(.minutes(5)))
    func pauseStopsAllAndTheLedgerSaysSo() async throws {
        try daemon.folder.write("jobs.d/a.toml", job("tick", every: "1s"))
        try await daemon.start()
        try await daemon.eventually("it ticks") {
            try await !daemon.objects("runs", "list", "--state", "completed").isEmpty
        }
        #expect(try await daemon.carillon("pause", "a move").code == 0)
        #expect(try await daemon.carillon("status").output.contains("paused: a move"))
        let before = try await daemon.objects("runs", "list").count
        try await Task.sleep(for: .microseconds(2_200_000))
        #expect(try await daemon.objects("runs", "list").count <= before + 1)
        #expect(try await daemon.carillon("resume").code == 0)
        try await daemon.eventually("the pause is in the ledger") {
            try await daemon.objects("runs", "list", "--state", "skipped").contains {
                ($0["reason"] as? String)?.contains("paused") == true
            }
        }
        let skips = try await daemon.objects("runs", "list", "--state", "skipped")
        let skip = try #require(skips.first { ($0["reason"] as? String)?.contains("paused") == true })
        let time = try #require(skip["scheduledAt"] as? String)
        let why = try await daemon.carillon("why", "tick", time).output
        #expect(why.contains("did not run, because dispatching was paused"), "\(why)")
        let steps = try await daemon.objects("why", "tick", time).first?["steps"] as? [[String: Any]]
        #expect(steps?.last?["check"] as? String == "dispatching" && steps?.last?["holds"] as? Bool == false)
        #expect(await daemon.stop() == 0)
    }

    @Test(.timeLimit(.minutes(5)))
    func inShadowEverythingIsPlannedAndNothingRuns() async throws {
        try daemon.folder.write("jobs.d/a.toml", job("tick", every: "1s", shell: "touch \(daemon.state)/ran"))
        try await daemon.start("--shadow")
        try await daemon.eventually("two are planned") {
            try await daemon.objects("runs", "list", "--state", "cancelled").count >= 2
        }
        let run = try #require(try await daemon.objects("runs", "list").last)
        #expect(run["reason"] as? String == "shadow: planned, not dispatched")
        #expect(!FileManager.default.fileExists(atPath: daemon.state + "/ran"))
        #expect(await daemon.stop() == 0)
    }

    @Test(.timeLimit(.minutes(5)))
    func logsAreFollowedToTheEnd() async throws {
        try daemon.folder.write("jobs.d/a.toml", job("talk", shell: "for i in 1 2 3; do echo $i; sleep 0.3; done"))
        try await daemon.start()
        #expect(try await daemon.carillon("jobs", "run", "talk").code == 0)
        let id = try #require(try await daemon.objects("runs", "list").first?["id"] as? String)
        #expect(try await daemon.carillon("runs", "logs", "-f", id).output == "1\n2\n3\n")
        #expect(await daemon.stop() == 0)
    }

    @Test(.timeLimit(.minutes(5)))
    func aRunIsCancelledWithItsWholeGroup() async throws {
        try daemon.folder.write("jobs.d/a.toml", job("long", shell: "sleep 300 & sleep 300"))
        try await daemon.start()
        #expect(try await daemon.carillon("jobs", "run", "long").code == 0)
        try await daemon.eventually("it runs") {
            try await daemon.objects("runs", "list", "--state", "running").count == 1
        }
        let id = try #require(try await daemon.objects("runs", "list").first?["id"] as? String)
        #expect(try await daemon.carillon("runs", "cancel", id).code == 0)
        try await daemon.eventually("it is cancelled") {
            try await daemon.objects("runs", "list", "--state", "cancelled").count == 1
        }
        #expect(await daemon.stop() == 0)
    }

    @Test(.timeLimit(.minutes(5)))
    func aStoreOfRubbishIsRefusedAndOneReplacedInUseIsSaid() async throws {
        try daemon.folder.write("carillon.db", String(repeating: "rubbish", count: 1_000))
        let refused = try await daemon.carillon("serve")
        #expect(refused.code == 1)
        #expect(refused.error.contains("carillon.db is damaged or is no store"))
        try FileManager.default.removeItem(atPath: daemon.state + "/carillon.db")
        try daemon.folder.write("jobs.d/a.toml", job("tick", every: "1s"))
        try await daemon.start()
        try FileManager.default.moveItem(atPath: daemon.state + "/carillon.db", toPath: daemon.state + "/kept.db")
        try daemon.folder.write("carillon.db", "rubbish")
        try await daemon.eventually("the log says so") { daemon.log.contains("was replaced or removed while in use") }
        try FileManager.default.removeItem(atPath: daemon.state + "/carillon.db")
        try FileManager.default.moveItem(atPath: daemon.state + "/kept.db", toPath: daemon.state + "/carillon.db")
        try await daemon.eventually("it goes on") { daemon.log.contains("the store answers again") }
        #expect(await daemon.stop() == 0)
    }
}
