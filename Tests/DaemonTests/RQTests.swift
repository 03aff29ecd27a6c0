import CarillonTestSupport
import Foundation
import Logging
import RedisClient
import Testing

/// The whole way to Python RQ: the real daemon, a real Redis, real workers.
@Suite(.serialized, .timeLimit(.minutes(5))) struct RQTests {
    private let daemon: DaemonFixture

    init() throws { daemon = try DaemonFixture() }

    private static let tasks = """
        import json, os, time
        from rq import get_current_job
        def sync(*args, **kwargs):
            with open(os.path.join(os.environ["NOTES"], "calls"), "a") as f:
                words = [json.dumps(word, ensure_ascii=False) for word in (args, kwargs)]
                f.write("\\t".join([str(time.time()), get_current_job().id] + words) + "\\n")
        def boom(word): raise ValueError("no good: " + word)
        """
    private static let arguments = """
        [1, -7, 9223372036854775807, -2147483649, 1.5, "ü€ \\"quoted\\" 𝄞", true, [], [1, [2, []]], {}, { a = { b = [1.0] } }]
        """
    private static let arrived = """
        [1, -7, 9223372036854775807, -2147483649, 1.5, "ü€ \\"quoted\\" 𝄞", true, [], [1, [2, []]], {}, {"a": {"b": [1.0]}}]
        """

    @Test(arguments: RQWorker.Release.allCases)
    func functionsRunAtTheirTimesOnceWithTheirArguments(_ release: RQWorker.Release) async throws {
        let redis = try RedisFixture()
        try await redis.start()
        let worker = try RQWorker(release, url: redis.url, tasks: Self.tasks)
        let jsonWorker = try RQWorker(
            release, url: redis.url, queues: ["json"], serializer: "rq.serializers.JSONSerializer",
            tasks: Self.tasks)
        try await daemon.place()
        let soon = ISO8601DateFormatter().string(from: Date(timeIntervalSinceNow: 12))
        try daemon.folder.write(
            "carillon.toml",
            """
            [redis]
            url = "\(redis.url)"
            [[job]]
            name = "cron"
            cron = "*/2 * * * * *"
            time_zone = "America/New_York"
            rq = { function = "tasks.sync", args = \(Self.arguments), kwargs = { dry = false, nested = { k = ["v"] } } }
            [[job]]
            name = "every"
            every = "2s"
            rq = { function = "tasks.sync" }
            [[job]]
            name = "once"
            at = "\(soon)"
            rq = { function = "tasks.sync", args = ["once"] }
            [[job]]
            name = "json"
            every = "2s"
            rq = { function = "tasks.sync", args = \(Self.arguments), queue = "json", serializer = "json" }
            [[job]]
            name = "boom"
            every = "2s"
            rq = { function = "tasks.boom", args = ["x"] }
            [[job]]
            name = "traceless"
            every = "2s"
            rq = { function = "tasks.sync", result_ttl = 0 }
            """)
        // Null is no value of TOML.
        try daemon.folder.write(
            "jobs.d/null.yaml",
            "job:\n  - name: nothing\n    every: 2s\n    rq: {function: tasks.sync, args: [null, [null]]}\n")
        try await daemon.start()
        try await daemon.eventually(within: 60, "every job has ended runs, three at least") {
            // The newest fifty would lose the one that comes once.
            let runs = try await daemon.objects("runs", "list", "--limit", "1000")
            let ended = runs.filter { ["completed", "failed"].contains($0["state"] as? String) }
            let counts = Dictionary(grouping: ended) { $0["job"] as? String ?? "" }.mapValues(\.count)
            return ["cron", "every", "json", "boom", "nothing", "traceless"].allSatisfy { counts[$0] ?? 0 >= 3 }
                && counts["once"] == 1
        }
        #expect(await daemon.stop() == 0)
        let runs = try await daemon.objects("runs", "list", "--limit", "1000")
        let calls = try (worker.lines("calls") + jsonWorker.lines("calls")).map(Call.init)
        #expect(Set(calls.map(\.id)).count == calls.count, "a function was called twice")
        for run in runs where ["completed", "failed"].contains(run["state"] as? String ?? "") {
            let job = run["job"] as? String ?? ""
            if job == "boom" {
                #expect(run["state"] as? String == "failed" && run["error"] as? String == "ValueError: no good: x")
                continue
            }
            #expect(run["state"] as? String == "completed", "\(run)")
            let call = try #require(calls.first { $0.id == run["id"] as? String }, "\(job) was not called")
            let scheduled = try DaemonFixture.seconds(run["scheduledAt"])
            let late = try DaemonFixture.seconds(run["dispatchedAt"]) - scheduled
            #expect((0..<10).contains(late), "\(job) went out \(late) s late")
            // How long it lay in its queue is for a worker on a busy machine to say.
            #expect(call.at >= scheduled, "\(job) ran \(scheduled - call.at) s early")
            switch job {
            case "cron", "json": #expect(call.arguments == Self.arrived, "\(release) \(job)")
            case "once": #expect(call.arguments == "[\"once\"]")
            case "nothing": #expect(call.arguments == "[null, [null]]")
            default: #expect(call.arguments == "[]")
            }
            #expect(call.keywords == (job == "cron" ? "{\"dry\": false, \"nested\": {\"k\": [\"v\"]}}" : "{}"))
        }
        let failed = try #require(runs.first { $0["job"] as? String == "boom" && $0["state"] as? String == "failed" })
        let story = try await daemon.carillon("runs", "show", failed["id"] as? String ?? "").output
        let config = daemon.state + "/carillon.toml"
        let queues = try await daemon.objects("rq", "queues", "--config", config)
        #expect(queues.map { $0["name"] as? String } == ["default", "json"])
        #expect(queues.allSatisfy { $0["workers"] as? Int == 1 }, "\(queues)")
        let job = try #require(
            try await daemon.objects("rq", "job", failed["id"] as? String ?? "", "--config", config).first)
        #expect(job["status"] as? String == "failed" && job["description"] as? String == "tasks.boom('x')")
        #expect((job["traceback"] as? String)?.contains("ValueError: no good: x") == true)
        let none = try await daemon.carillon("rq", "job", "no-such-job", "--config", config)
        #expect(none.code == 1 && none.error.contains("no-such-job"))
        #expect(story.contains("Traceback (most recent call last):") && story.contains("tasks.py"), "\(story)")
    }

    /// 200 jobs a second and no worker: what is in the ledger stands in the queue, each once, whoever was killed when.
    @Test func everyRunStandsInItsQueueOnceThroughKills() async throws {
        let redis = try await start()
        var random = SplitMix64.announced()
        for _ in 0..<6 {
            try await daemon.start()
            try await Task.sleep(for: .milliseconds(Int.random(in: 300...1_200, using: &random)))
            await daemon.kill()
        }
        try await daemon.start()
        try await expectLedgerAndQueueAgree(redis, atLeast: 800)
    }

    /// Redis dies in the middle and comes back, with its memory or without: nothing is lost.
    @Test(arguments: [["--appendonly", "yes"], []])
    func everyRunStandsInItsQueueThroughKillsOfRedis(_ arguments: [String]) async throws {
        let redis = try await start(arguments)
        try await daemon.start()
        var random = SplitMix64.announced()
        for _ in 0..<3 {
            try await Task.sleep(for: .milliseconds(Int.random(in: 700...1_500, using: &random)))
            await redis.kill()
            try await Task.sleep(for: .milliseconds(Int.random(in: 100...1_500, using: &random)))
            try await redis.start()
        }
        try await Task.sleep(for: .milliseconds(1_000))
        try await expectLedgerAndQueueAgree(redis, atLeast: 800)
    }

    /// TLS and a password, through a proxy that cuts every connection again and again.
    @Test func everyRunStandsInItsQueueThroughCutConnections() async throws {
        let redis = try RedisFixture(password: "hidden-word", tls: true)
        try await redis.start()
        let proxy = try await CuttingProxy(to: redis.tlsPort)
        try daemon.folder.write("password", "hidden-word\n")
        try writeJobs(
            """
            url = "rediss://127.0.0.1:\(proxy.port)"
            password_file = "\(daemon.state)/password"
            ca_file = "\(redis.caFile)"
            """)
        try await daemon.start()
        for round in 0..<8 {
            try await Task.sleep(for: .milliseconds(400))
            proxy.cutAll()
            if round % 2 == 0 { proxy.cut(afterReplyBytes: 3_000) }
        }
        try await expectLedgerAndQueueAgree(redis, atLeast: 400)
        #expect(!daemon.log.contains("hidden-word"))
    }

    @Test func aWrongPasswordIsSaidAndMakesNoStorm() async throws {
        let redis = try RedisFixture(password: "hidden-word")
        try await redis.start()
        try writeJobs("url = \"redis://127.0.0.1:\(redis.port)\"\npassword = \"wrong-word\"")
        try await daemon.start()
        try await daemon.eventually("status tells") {
            try await daemon.carillon("status").output.contains("WRONGPASS")
        }
        try await Task.sleep(for: .seconds(2))
        let client = try client(redis)
        let info = try await client.send(RedisCommand("INFO", "stats")).text ?? ""
        let connections = info.split(separator: "\r\n").first { $0.hasPrefix("total_connections_received:") }
        let count = try #require(connections.flatMap { Int($0.split(separator: ":")[1]) })
        #expect(count < 12, "\(count) connections")
        #expect(!daemon.log.contains("wrong-word"))
        let ping = try await daemon.carillon("rq", "ping", "--config", daemon.state + "/carillon.toml")
        #expect(ping.code == 1 && ping.error.contains("WRONGPASS") && !ping.error.contains("wrong-word"))
    }

    // MARK: What they share

    private func start(_ arguments: [String] = []) async throws -> RedisFixture {
        let redis = try RedisFixture(arguments)
        try await redis.start()
        try writeJobs("url = \"\(redis.url)\"")
        return redis
    }

    private func writeJobs(_ redis: String) throws {
        try daemon.folder.write("carillon.toml", "[redis]\n" + redis + "\n")
        let jobs = (0..<200).map { number in
            """
            [[job]]
            name = "job-\(number)"
            every = "1s"
            spread = true
            catch_up = "all"
            rq = { function = "tasks.sync", args = [\(number)] }

            """
        }
        try daemon.folder.write("jobs.d/jobs.toml", jobs.joined())
    }

    private func client(_ redis: RedisFixture) throws -> RedisClient {
        var configuration = try RedisConfiguration(url: redis.url)
        if redis.tlsPort > 0 { configuration.tls = .init(caFile: redis.caFile) }
        return RedisClient(configuration, logger: .silent)
    }

    /// Without its file no job makes runs any more; then every run of the ledger is in the queue, and none twice.
    private func expectLedgerAndQueueAgree(_ redis: RedisFixture, atLeast least: Int) async throws {
        try FileManager.default.removeItem(atPath: daemon.state + "/jobs.d/jobs.toml")
        try await daemon.eventually("the jobs are gone") { try await daemon.objects("jobs", "list").isEmpty }
        let client = try client(redis)
        // A job's last times come into the ledger in the moment after it is gone.
        var (runs, queued): ([[String: Any]], [String]) = ([], [])
        try await daemon.eventually("ledger and queue agree") {
            queued =
                try await client.send(RedisCommand("LRANGE", "rq:queue:default", "0", "-1")).array?.compactMap(\.text)
                ?? []
            runs = try await daemon.objects("runs", "list", "--limit", "100000")
            return Set(queued) == Set(runs.compactMap { $0["id"] as? String })
                && runs.allSatisfy { $0["dispatchedAt"] is String }
        }
        let ids = runs.compactMap { $0["id"] as? String }
        #expect(ids.count >= least)
        #expect(Set(ids).count == ids.count)
        let occurrences = runs.map { "\($0["job"] ?? "") \($0["scheduledAt"] ?? "")" }
        #expect(Set(occurrences).count == occurrences.count, "an occurrence is in the ledger twice")
        #expect(Set(queued).count == queued.count, "a run stands in the queue twice")
        await client.close()
    }
}

/// A line that `tasks.sync` wrote.
private struct Call {
    /// Seconds since 1970.
    var at: Double
    var id: String
    /// As Python writes JSON.
    var arguments: String
    var keywords: String

    init(_ line: String) throws {
        let parts = line.split(separator: "\t").map(String.init)
        try #require(parts.count == 4, "not a call: \(line)")
        at = try #require(Double(parts[0]))
        (id, arguments, keywords) = (parts[1], parts[2], parts[3])
    }
}
