import CarillonTestSupport
import Foundation
import Testing

/// The whole daemon, killed and stopped at awkward moments.
@Suite(.serialized) struct SurvivalTests {
    private let daemon: DaemonFixture

    init() throws { daemon = try DaemonFixture() }

    /// Fifty programs a second, the daemon killed again and again: each occurrence once in the ledger, each started once.
    @Test(.timeLimit(.minutes(8)))
    func everyOccurrenceIsStartedOnceThroughKills() async throws {
        let jobs = 50
        var text = ""
        for number in 0..<jobs {
            // Every tenth lives across kills, and must end with its exit code all the same.
            let tail = number % 10 == 0 ? "sleep 2; exit 7" : "exit 7"
            text += """
                [[job]]
                name = "job-\(number)"
                every = "1s"
                spread = true
                overlap = "allow"
                catch_up = "all"
                success_codes = [7]
                shell = "echo $CARILLON_RUN_ID-$CARILLON_ATTEMPT >> \(daemon.state)/started-\(number); \(tail)"

                """
        }
        try daemon.folder.write("jobs.d/jobs.toml", text)
        var random = SplitMix64.announced()
        for _ in 0..<10 {
            try await daemon.start()
            try await Task.sleep(for: .microseconds(Int.random(in: 50_000...1_200_000, using: &random)))
            await daemon.kill()
        }
        try await daemon.start()
        // Without their file the jobs are gone; what is in the ledger runs to its end.
        try FileManager.default.removeItem(atPath: daemon.state + "/jobs.d/jobs.toml")
        try await daemon.eventually("the jobs are gone, with their last times") {
            daemon.log.contains("removed=\(jobs)")
        }
        try await daemon.eventually("all ends are in the ledger") {
            let status = try await daemon.objects("status").first
            return (status?["active"] as? [String: Int] ?? [:]).values.allSatisfy { $0 == 0 }
        }
        let runs = try await daemon.objects("runs", "list", "--limit", "100000")
        let started = try (0..<jobs).flatMap { number in
            try String(contentsOfFile: daemon.state + "/started-\(number)", encoding: .utf8).split(separator: "\n")
        }
        #expect(runs.count > jobs)
        // An unchanged file changes nothing, however often it is read.
        #expect(daemon.log.components(separatedBy: "changed=\(jobs)").count - 1 == 1)
        #expect(Set(started).count == started.count, "a program was started twice")
        let ids = runs.compactMap { $0["id"] as? String }
        #expect(Set(ids).count == ids.count)
        let occurrences = runs.map { "\($0["job"] ?? "") \($0["scheduledAt"] ?? "")" }
        #expect(Set(occurrences).count == occurrences.count, "an occurrence is in the ledger twice")
        #expect(Set(started.map { String($0.prefix(24)) }) == Set(ids), "ledger and programs differ")
        let states = Set(runs.map { "\($0["state"] ?? "") \($0["exitCode"] ?? "")" })
        #expect(states == ["completed 7"])
        // One second from each to the next: nothing lost.
        for (job, times) in Dictionary(grouping: runs, by: { $0["job"] as? String ?? "" }) {
            let seconds = try times.map { try DaemonFixture.seconds($0["scheduledAt"]) }.sorted()
            let span = Int(((seconds.last ?? 0) - (seconds.first ?? 0)).rounded())
            #expect(span == seconds.count - 1, "\(job) lost an occurrence")
        }
        #expect(await daemon.stop() == 0)
    }

    @Test(.timeLimit(.minutes(5)))
    func aStopTellsTheChildrenAndLeavesNone() async throws {
        var text = ""
        for number in 0..<10 {
            text += """
                [[job]]
                name = "long-\(number)"
                exec = ["/bin/sh", "-c", "echo $$ > \(daemon.state)/pid-\(number); trap 'echo told; exit 0' TERM; sleep 60 & wait"]

                """
        }
        try daemon.folder.write("jobs.d/jobs.toml", text)
        try await daemon.start()
        for number in 0..<10 { #expect(try await daemon.carillon("jobs", "run", "long-\(number)").code == 0) }
        try await daemon.eventually("ten children run") {
            // The shell makes the file before it writes into it.
            (0..<10).allSatisfy {
                (try? String(contentsOfFile: daemon.state + "/pid-\($0)", encoding: .utf8))?.hasSuffix("\n") ?? false
            }
        }
        let pids = try (0..<10).map { number in
            let text = try String(contentsOfFile: daemon.state + "/pid-\(number)", encoding: .utf8)
            return try #require(pid_t(text.trimmingCharacters(in: .newlines)))
        }
        #expect(await daemon.stop() == 0)
        #expect(pids.allSatisfy { kill($0, 0) != 0 }, "a child is left")
        // Without a daemon, the ledger is read from its file.
        let runs = try await daemon.objects("runs", "list")
        #expect(runs.compactMap { $0["state"] as? String } == Array(repeating: "cancelled", count: 10))
        #expect(runs.allSatisfy { $0["reason"] as? String == "the daemon was stopped" })
        let id = try #require(runs.first?["id"] as? String)
        #expect(try await daemon.carillon("runs", "logs", id).output == "told\n")
        try await daemon.start()
        #expect(try await daemon.objects("runs", "list").count == 10)
        #expect(await daemon.stop() == 0)
    }

    @Test func aSecondDaemonIsRefused() async throws {
        try await daemon.start()
        let second = try await daemon.carillon("serve")
        #expect(second.code == 1)
        #expect(second.error.contains("another daemon runs in \(daemon.state)"))
        #expect(try await daemon.carillon("status").code == 0)
        #expect(await daemon.stop() == 0)
    }
}
