#if RabbitMQ
    import CarillonTestSupport
    import Foundation
    import Testing

    /// Simple Scheduler's promises over a real RabbitMQ, with an independent worker.
    @Suite(.serialized, .timeLimit(.minutes(8))) struct BusTests {
        private let daemon: DaemonFixture
        private let broker: RabbitMQFixture

        init() async throws {
            daemon = try DaemonFixture()
            // Not while every other test starts its daemons.
            try await daemon.place()
            broker = try RabbitMQFixture()
            try await broker.start()
        }

        private func job(_ name: String, _ topology: BusWorker.Topology, _ keys: String) -> String {
            """
            [[job]]
            name = "\(name)"
            bus = { topology = "\(topology)" }
            \(keys)

            """
        }

        private func states(_ job: String, trigger: String? = nil) async throws -> [String: Int] {
            let runs = try await daemon.objects("runs", "list", "--job", job, "--limit", "5000")
            let wanted = runs.filter { trigger == nil || $0["trigger"] as? String == trigger }
            return Dictionary(grouping: wanted) { $0["state"] as? String ?? "" }.mapValues(\.count)
        }

        /// Every way in which a run can go, in both topologies at once, with rubbish among the messages.
        @Test func theWholeLifeOfARun() async throws {
            let keys = [
                ("completes", "every = \"1s\""),
                ("fails", "every = \"1s\"\nretry = { attempts = 2, backoff = \"100ms\" }"),
                ("silent", "every = \"1d\"\nheartbeat_timeout = \"1s\""),
                ("never-starts", "every = \"1d\"\nstart_timeout = \"1s\""),
                ("never-ends", "every = \"1d\"\ntimeout = \"1s\"\nheartbeat_timeout = \"30s\""),
                ("defies", "every = \"1d\"\ntimeout = \"1s\"\ncancel_timeout = \"1s\""),
                ("slow", "every = \"1s\"\noverlap = { queue = 100 }\nmax_queue = 2"),
            ]
            var text = "[bus]\nurl = \"\(broker.url)\"\n"
            var workers: [BusWorker] = []
            for topology in BusWorker.Topology.allCases {
                let names = keys.map { "\($0.0)-\(topology)" }
                for (name, (_, keys)) in zip(names, keys) { text += job(name, topology, keys) }
                workers.append(try BusWorker(url: broker.url, topology: topology, jobs: names))
            }
            try daemon.folder.write("carillon.toml", text)
            try await daemon.start()
            for worker in workers { try await worker.untilListening() }
            for topology in BusWorker.Topology.allCases {
                for name in ["silent", "never-starts", "never-ends", "defies"] {
                    #expect(
                        try await daemon.carillon("jobs", "run", "\(name)-\(topology)", "--arg", "who=me").code == 0)
                }
                try await rubbish("completes-\(topology)", topology)
            }
            for topology in BusWorker.Topology.allCases {
                try await daemon.eventually(within: 60, "all has come about (\(topology))") {
                    let completed = try await states("completes-\(topology)")["completed"] ?? 0
                    let failed = try await states("fails-\(topology)")["failed"] ?? 0
                    let silent = try await states("silent-\(topology)", trigger: "manual")
                    let cancelled = try await ["never-starts", "never-ends", "defies"].asyncMap {
                        try await states("\($0)-\(topology)", trigger: "manual")
                    }
                    let slow = try await states("slow-\(topology)")
                    return completed >= 3 && failed >= 2 && silent == ["completed": 1]
                        && cancelled.allSatisfy { $0 == ["cancelled": 1] } && slow["skipped"] ?? 0 >= 1
                }
                let silent = try #require(try await daemon.objects("runs", "list", "--job", "silent-\(topology)").first)
                #expect(silent["attempt"] as? Int == 2)
                #expect(silent["arguments"] as? [String: String] == ["who": "me"])
                for (name, why) in [
                    ("never-starts", "was never picked up: it did not start within 1s"),
                    ("never-ends", "timed out after 1s"), ("defies", "timed out after 1s"),
                ] {
                    let run = try #require(
                        try await daemon.objects("runs", "list", "--job", "\(name)-\(topology)").first)
                    #expect(run["error"] as? String == why)
                    let reason = run["reason"] as? String
                    #expect(reason == (name == "defies" ? "\(why); not confirmed within 1s" : why))
                }
                let failed = try await daemon.objects("runs", "list", "--job", "fails-\(topology)", "--state", "failed")
                #expect(failed.allSatisfy { $0["attempt"] as? Int == 2 })
            }
            // No double, everything persistent, and nothing is left in a queue.
            for worker in workers {
                let runs = try worker.actions().filter { $0.action == "run" }
                #expect(Set(runs.map(\.messageID)).count == runs.count)
                #expect(
                    runs.allSatisfy {
                        $0.isPersistent && $0.contentType == "application/json" && $0.traceparent?.count == 55
                    })
                #expect(runs.allSatisfy { $0.messageID == ($0.attempt == 1 ? $0.runID : "\($0.runID)-\($0.attempt)") })
            }
            let status = try await daemon.carillon("status", "--json")
            #expect(status.output.contains("put aside of what workers told: "))
            for name in keys.map(\.0) {
                for part in ["status", "heartbeat"] {
                    for topology in BusWorker.Topology.allCases {
                        try await eventually("\(name)-\(topology).\(part) is empty") {
                            try await broker.depth(of: "scheduler.job.\(name)-\(topology).\(part)") == 0
                        }
                    }
                }
            }
            let queues = try await daemon.objects("bus", "queues")
            #expect(queues.count == 2 * keys.count)
            #expect(queues.contains { $0["workers"] as? Int == 1 && $0["topology"] as? String == "queues" })
            #expect(try await daemon.carillon("bus", "ping").output == "\(Self.shown(broker)) answers\n")
            try daemon.folder.write("old.env", "SIMPLE_SCHEDULER_MESSAGEBUS_CONNECTION_STRING=\(broker.url)\n")
            let byFile = try await daemon.carillon("bus", "ping", "--simple-scheduler", daemon.state + "/old.env")
            #expect(byFile.output == "\(Self.shown(broker)) answers\n", "\(byFile)")
            #expect(await daemon.stop() == 0)
        }

        private static func shown(_ broker: RabbitMQFixture) -> String { "amqp://guest@127.0.0.1:\(broker.port)/" }

        /// Two hundred and fifty messages that make no sense, or come too late.
        private func rubbish(_ job: String, _ topology: BusWorker.Topology) async throws {
            let program = """
                import json, pika, sys
                url, job, topology = sys.argv[1:]
                channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
                name = "scheduler.job." + job
                words = [b"", b"{", b"[]", b"\\xff\\xfe", b"null", json.dumps({"jobName": job}).encode(),
                         json.dumps({"jobName": job, "runId": "f" * 24, "status": "completed"}).encode(),
                         json.dumps({"jobName": "x", "runId": "f" * 24, "status": "running"}).encode(),
                         json.dumps({"jobName": job, "runId": 7, "status": "running"}).encode(),
                         b"{" * 10000]
                for number in range(250):
                    kind = "status" if number % 2 else "heartbeat"
                    exchange, key = (name, kind) if topology == "queues" else (name + "." + kind, "")
                    channel.basic_publish(exchange, key, words[number % len(words)])
                """
            let path = try daemon.folder.write("rubbish.py", program)
            let done = try await daemon.shell("/usr/bin/python3 \(path) \(broker.url) \(job) \(topology)")
            #expect(done.code == 0, "\(done)")
        }

        /// Broker and daemon are killed, alone and together, while runs are due all the time.
        @Test func nothingIsLostWhateverDies() async throws {
            let names = (0..<10).map { "completes-\($0)" }
            let keys = "every = \"1s\"\ncatch_up = { all = 1000 }\nheartbeat_timeout = \"5s\"\nstart_timeout = \"30s\""
            try daemon.folder.write(
                "carillon.toml",
                "[bus]\nurl = \"\(broker.url)\"\n" + names.map { job($0, .queues, keys) }.joined())
            try await daemon.start()
            let worker = try BusWorker(url: broker.url, jobs: names)
            try await worker.untilListening()
            try await daemon.eventually("it runs") { try await states(names[0])["completed"] ?? 0 >= 2 }
            await broker.kill()
            try await Task.sleep(for: .seconds(2))
            try await broker.restart()
            try await daemon.eventually(within: 60, "it runs again") { try await ended(names) >= 60 }
            await daemon.kill()
            try await daemon.start()
            await daemon.kill()
            await broker.kill()
            try await broker.restart()
            try await daemon.start()
            let before = try await ended(names)
            try await daemon.eventually(within: 60, "it runs once more") { try await ended(names) >= before + 50 }
            #expect(try await daemon.carillon("jobs", "disable", "completes-*").code == 0)
            try await daemon.eventually(within: 60, "all have ended") {
                for name in names {
                    let states = try await states(name)
                    if states["pending"] ?? 0 > 0 || states["running"] ?? 0 > 0 { return false }
                }
                return true
            }
            let actions = try worker.actions().filter { $0.action == "run" }
            let known = Set(actions.map(\.runID))
            for name in names {
                let runs = try await daemon.objects("runs", "list", "--job", name, "--limit", "5000")
                for run in runs where run["state"] as? String != "skipped" {
                    #expect(known.contains(run["id"] as? String ?? ""), "no message of \(run)")
                    #expect(run["state"] as? String == "completed", "\(run)")
                }
            }
            #expect(await daemon.stop() == 0)
        }

        private func ended(_ names: [String]) async throws -> Int {
            var sum = 0
            for name in names { sum += try await states(name)["completed"] ?? 0 }
            return sum
        }
    }

    extension Sequence {
        fileprivate func asyncMap<Value>(_ body: (Element) async throws -> Value) async throws -> [Value] {
            var values: [Value] = []
            for element in self { values.append(try await body(element)) }
            return values
        }
    }
#endif
