#if MariaDB
    import CarillonTestSupport
    import Foundation
    import Logging
    import MariaDBClient
    import RedisClient
    import Testing

    /// A whole Frappe site in miniature under BTU Scheduler's own configuration.
    @Suite(.serialized, .timeLimit(.minutes(10))) struct FrappeTests {
        private static let tasks = """
            import os, time
            def note(task, schedule):
                with open(os.path.join(os.environ["NOTES"], "calls"), "a") as f: f.write(f"{time.time()} {schedule}\\n")
            def boom(task, schedule): raise ValueError("no good")
            """

        private let daemon: DaemonFixture
        private let site: FrappeSiteFixture
        private let redis: RedisFixture
        private let web: FrappeWeb
        private let worker: RQWorker
        private var config: String { daemon.state + "/btu_scheduler.toml" }
        private var socket: SocketClient { SocketClient(path: daemon.state + "/btu.sock") }

        init() async throws {
            daemon = try DaemonFixture()
            site = try await FrappeSiteFixture()
            redis = try RedisFixture(["--appendonly", "yes"])
            web = try FrappeWeb()
            try await redis.start()
            try await web.start()
            // What Frappe 15 uses.
            worker = try RQWorker(.v1, url: redis.url, queues: ["bench:default"], tasks: Self.tasks)
            try await site.zones(cron: "America/New_York", site: "America/New_York")
            try await site.task("TASK-0001")
            try await site.task("TASK-0002:tasks.boom")
            try daemon.folder.write(
                "btu_scheduler.toml",
                """
                name = "a site in miniature"
                full_refresh_internal_secs = 3
                time_zone_string = "America/New_York"
                startup_without_database_connections = true
                mysql_user = "\(MariaDBFixture.user)"
                mysql_password = '''\(site.server.password)'''
                mysql_host = "127.0.0.1"
                mysql_port = \(site.server.port)
                mysql_database = "\(MariaDBFixture.database)"
                rq_host = "127.0.0.1"
                rq_port = \(redis.port)
                rq_queue_prefix = "bench"
                socket_path = "\(daemon.state)/btu.sock"
                webserver_ip = "127.0.0.1"
                webserver_port = \(web.port)
                webserver_token = "\(FrappeWeb.token)"
                """)
        }

        private func calls(of schedule: String) -> [Double] {
            worker.lines("calls").compactMap { line in
                let words = line.split(separator: " ")
                return words.last.map(String.init) == schedule ? Double(words[0]) : nil
            }
        }

        private func announce(_ name: String, _ type: String = "create_task_schedule") async throws -> String {
            try await socket.ask("{\"request_type\": \"\(type)\", \"request_content\": \"\(name)\"}")
        }

        private func scheduled(_ name: String) async throws -> String? {
            try await daemon.objects("jobs", "list").first { $0["name"] as? String == name }?["schedule"] as? String
        }

        private func isEnabled(_ name: String) async throws -> Bool {
            try await daemon.objects("jobs", "list").first { $0["name"] as? String == name }?["enabled"] as? Bool
                ?? false
        }

        @Test func schedulesFollowTheTable() async throws {
            try await daemon.start("--btu", config)
            #expect(try await socket.ping() == "pong")
            // Announced, then committed 0.7 s later, as the app does.
            #expect(try await announce("TS-1").contains("It will be read when it is saved."))
            try await Task.sleep(for: .milliseconds(700))
            try await site.schedule("TS-1", cron: "* * * * * * *")
            let committed = Date().timeIntervalSince1970
            try await daemon.eventually("the worker ran it") { !calls(of: "TS-1").isEmpty }
            // How long it lay in its queue is for a worker on a busy machine to say.
            let went = try await daemon.objects("runs", "list", "--job", "TS-1", "--limit", "1000")
                .compactMap { try? DaemonFixture.seconds($0["dispatchedAt"]) }.min()
            #expect((went ?? .infinity) - committed < 5)

            // Edited, it moves.
            _ = try await announce("TS-1")
            try await site.schedule("TS-1", cron: "0 19 * * *")
            try await daemon.eventually("the new time is planned") { try await scheduled("TS-1") == "0 19 * * *" }
            try await daemon.eventually("the mirror has it") { try await mirrored().contains { $0.hasPrefix("TS-1|") } }

            // A row that does not parse is said to the user, and to whoever asks.
            try await site.schedule("TS-2", cron: "every tuesday")
            #expect(try await announce("TS-2").contains("cron_string: found 2 fields"))

            // Without any announcement: the next full reading.
            try await site.schedule("TS-3", task: "TASK-0002:tasks.boom", cron: "* * * * * * *")
            try await daemon.eventually("it failed") {
                try await daemon.objects("runs", "list", "--job", "TS-3").contains {
                    $0["state"] as? String == "failed" && $0["error"] as? String == "ValueError: no good"
                }
            }
            // Disabled, it stops; so does one that is cancelled over the socket.
            try await site.schedule("TS-3", task: "TASK-0002:tasks.boom", enabled: false, cron: "* * * * * * *")
            try await daemon.eventually("it is off") { try await !isEnabled("TS-3") }
            #expect(try await announce("TS-1", "cancel_task_schedule") == "Task schedule 'TS-1' is cancelled.")
            try await daemon.eventually(within: 2, "it is off at once") { try await !isEnabled("TS-1") }
            var trail: [[String: Any]] = []
            try await daemon.eventually("all is in the trail") {
                trail = try await daemon.objects("audit", "TS-1")
                return trail.count >= 3
            }
            #expect(trail.map { $0["action"] as? String } == ["withdraw", "announce", "announce"], "\(trail)")
            #expect(trail.first?["channel"] as? String == "Frappe's app" && trail.first?["user"] is NSNull)
            #expect(trail.first?["after"] as? String == "Task schedule 'TS-1' is cancelled.")
            // Its row still says enabled, and it stays off through a full reading.
            try await site.schedule("TS-4", cron: "0 0 1 1 *")
            try await daemon.eventually("a full reading") { try await isEnabled("TS-4") }
            #expect(try await !isEnabled("TS-1"))

            // The mirror comes back after a FLUSHALL, and follows.
            try await ask(RedisCommand("FLUSHALL"))
            try await daemon.eventually("the mirror is back") {
                try await mirrored().map { $0.split(separator: "|")[0] } == ["TS-4"]
            }
            #expect(await daemon.stop() == 0)
            #expect(!FileManager.default.fileExists(atPath: socket.path))
        }

        @Test func nothingIsLostOrDoubledWhoeverIsAway() async throws {
            for number in 0..<4 { try await site.schedule("TS-\(number)", cron: "*/2 * * * * * *") }
            try await daemon.start("--btu", config)
            try await daemon.eventually("all four run") { (0..<4).allSatisfy { !calls(of: "TS-\($0)").isEmpty } }
            let pause = Duration.seconds(4)
            await site.server.stop()
            try await Task.sleep(for: pause)
            try await site.server.start()
            await web.kill()
            try await Task.sleep(for: pause)
            let waiting = try await daemon.objects("runs", "list", "--state", "pending")
            let reasons = waiting.map { $0["heldBecause"] as? String ?? "-" }
            #expect(reasons.contains { $0.contains("connection refused") }, "\(reasons)")
            try await web.start()
            // What a worker of RQ has in its hands when Redis goes is lost to it, and RQ says so ten minutes later at the
            // earliest; so it is told to stand first, as its operator would.
            try await ask(RedisCommand("SET", "rq:suspended", "1"))
            try await daemon.eventually(within: 60, "the worker stands") { try await isWorkerStanding() }
            await redis.stop()
            try await Task.sleep(for: pause)
            try await redis.start()
            try await ask(RedisCommand("DEL", "rq:suspended"))
            await daemon.kill()
            try await Task.sleep(for: .seconds(1))
            try await daemon.start("--btu", config)
            // A busy machine's worker may never have a moment without work as long as more comes.
            for number in 0..<4 { try await site.schedule("TS-\(number)", enabled: false, cron: "*/2 * * * * * *") }
            try await daemon.eventually("they are off") { try await !isEnabled("TS-3") }
            do {
                try await daemon.eventually(within: 120, "all has ended") {
                    let active = try await daemon.objects("status").first?["active"] as? [String: Int] ?? ["": 1]
                    return active.values.allSatisfy { $0 == 0 }
                }
            } catch {
                Issue.record("the worker says:\n\(worker.log.suffix(4_000))")
                throw error
            }
            for number in 0..<4 {
                let runs = try await daemon.objects("runs", "list", "--job", "TS-\(number)", "--limit", "1000")
                    .filter { $0["state"] as? String != "skipped" }
                let ended = runs.filter { $0["state"] as? String == "completed" }
                let times = try Set(runs.map { try #require($0["scheduledAt"] as? String) })
                #expect(runs.count == ended.count, "\(runs.filter { $0["state"] as? String != "completed" })")
                #expect(times.count == runs.count)
                #expect(calls(of: "TS-\(number)").count == runs.count)
                // Every second second between the first and the last.
                let seconds = try times.map(DaemonFixture.seconds)
                let span = (seconds.max() ?? 0) - (seconds.min() ?? 0)
                #expect(Double(runs.count) == span / 2 + 1, "a time is missing")
                #expect(runs.contains { ($0["heldBecause"] as? String)?.contains("127.0.0.1") == true })
            }
        }

        /// What docs/frappe.md says of moving over: a look beside the old daemon, and never two at work.
        @Test func aShadowStandsBesideTheOldDaemonAndASecondDaemonDoesNot() async throws {
            try await daemon.start("--btu", config)
            let beside = try TemporaryFolder()
            let second = try await daemon.carillon("serve", "--btu", config, "--state-dir", beside.path + "/second")
            #expect(second.code == 1 && second.error.contains("another daemon listens there"), "\(second.error)")
            #expect(try await socket.ping() == "pong")
            #expect(await daemon.stop() == 0)
            let live = try TemporaryFolder()
            let script = try live.write(
                "old.py",
                """
                import socket, sys, time
                old = socket.socket(socket.AF_UNIX)
                old.bind(sys.argv[1])
                old.listen()
                time.sleep(60)
                """)
            let old = Process()
            old.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            old.arguments = ["python3", script, socket.path]
            try old.start()
            defer { old.terminate() }
            try await daemon.eventually("it listens") { FileManager.default.fileExists(atPath: socket.path) }
            try await site.schedule("TS-1", cron: "* * * * * * *")
            try await daemon.start("--btu", config, "--shadow")
            try await daemon.eventually("it plans") {
                try await daemon.objects("runs", "list", "--job", "TS-1").contains {
                    $0["reason"] as? String == "shadow: planned, not dispatched"
                }
            }
            #expect(try await mirrored().isEmpty)
            #expect(await daemon.stop() == 0)
            #expect(calls(of: "TS-1").isEmpty)
        }

        @Test func theNineCommandsAndNoSecretAnywhere() async throws {
            try await site.schedule("TS-1", cron: "0 19 * * *")
            try await site.schedule("TS-2", cron: "every tuesday")
            try await daemon.start("--btu", config)
            try await daemon.eventually("the mirror stands") { try await !mirrored().isEmpty }
            var said = ""
            func btu(_ arguments: String...) async throws -> String {
                let result = try await daemon.carillon(["btu"] + arguments + ["--config", config])
                #expect(result.code == 0, "\(arguments): \(result.error)")
                said += result.output + result.error
                return result.output
            }
            #expect(try await btu("test-ping").contains("answers: pong"))
            #expect(try await btu("test-pickler").contains("hello world"))
            #expect(try await btu("list-tasks").contains("TASK-0002:tasks.boom"))
            let schedules = try await btu("show-scheduled")
            #expect(schedules.contains("19:00:00 E") && schedules.contains(" UTC"))
            #expect(schedules.contains("cron_string: found 2 fields"))
            let queued = try await btu("queue-task-now", "TASK-0001")
            let job = String(queued.split(whereSeparator: \.isWhitespace).last ?? "")
            try await daemon.eventually("the worker ran it") { calls(of: "None").count == 1 }
            try await daemon.eventually("it ended") { try await btu("show-job", job).contains("finished") }
            #expect(try await btu("list-jobs").contains(job))
            #expect(try await btu("queue-job-now", job).contains("is queued on bench:default"))
            try await daemon.eventually("the worker ran it again") { calls(of: "None").count == 2 }
            let printed = try await btu("print-config", "--debug")
            #expect(printed.contains("mysql_password") && printed.contains("(set, not shown)"))
            for command in ["list-jobs", "list-tasks", "show-scheduled", "print-config", "test-ping", "test-pickler"] {
                #expect(try await !daemon.objects("btu", command, "--config", config).isEmpty)
            }
            // A wrong password and a wrong token, in errors and in the log.
            let wrong = try String(contentsOfFile: config, encoding: .utf8)
                .replacing(site.server.password, with: "wrong-s3cret").replacing("s3cret\"", with: "wrong-s3cret\"")
            let path = try daemon.folder.write("wrong.toml", wrong)
            for command in ["list-tasks", "test-ping"] {
                let result = try await daemon.carillon("btu", command, "--config", path, "--debug")
                #expect(result.code == 1)
                said += result.output + result.error
            }
            let commandLine = try String(contentsOfFile: "/proc/\(daemon.processID ?? 0)/cmdline", encoding: .utf8)
            #expect(await daemon.stop() == 0)
            for text in [said, daemon.log, commandLine] {
                #expect(!text.contains("s3cret") && !text.contains(site.server.password))
            }
        }

        private func warnings() async throws -> [String] {
            let connections = try await daemon.objects("status").first?["connections"] as? [[String: Any]] ?? []
            return connections.first { $0["name"] as? String == "frappe" }?["warnings"] as? [String] ?? []
        }

        /// `log_unreached`: nobody listens to the queue of TS-2, and at first the daemon's user may only read.
        @Test func aRunThatReachesNoWorkerHasOneRowInTheLogOfTheSite() async throws {
            try await site.makeLog()
            try await site.sql("CREATE USER reader IDENTIFIED BY 'secret'")
            try await site.sql("GRANT SELECT ON site.* TO reader")
            try await site.schedule("TS-1", cron: "0 19 * * *")
            try await site.schedule("TS-2", cron: "0 19 * * *", queue: "short")
            let imported = try await daemon.carillon("import", "btu", config)
            let settings = imported.output
                .replacing("[[feed]]\n", with: "[[feed]]\nlog_unreached = true\nstart_timeout = \"2s\"\n")
                .replacing(/user = .*\n/, with: "user = \"reader\"\nprefix = \"site-\"\n", maxReplacements: 1)
                .replacing(/password_file = .*/, with: "password = \"secret\"")
                .replacing(/token_file = .*/, with: "token = \"\(FrappeWeb.token)\"")
            try daemon.folder.write("carillon.toml", settings)
            let given = try await daemon.objects("config", "show").map { "\($0["key"] ?? "") = \($0["value"] ?? "")" }
            #expect(given.contains("feed.log_unreached = true") && given.contains("feed.start_timeout = \"2s\""))
            try await daemon.start()
            try await daemon.eventually("status says what is wrong") {
                try await warnings().contains("log_unreached: the user 'reader' may not INSERT into `tabBTU Task Log`")
            }
            #expect(try await daemon.carillon("jobs", "run", "site-TS-1", "--wait").code == 0)
            let never = try await daemon.carillon("jobs", "run", "site-TS-2", "--wait", "--json")
            #expect(never.code == 1 && never.output.contains("was never picked up"), "\(never)")
            let rows = "SELECT name, schedule, success_fail, cost_centre, result_message FROM `tabBTU Task Log`"
            #expect(try await site.texts(rows, columns: 5).isEmpty)
            #expect(await daemon.stop() == 0)
            let complaint = "runs that reach no worker are not written"
            #expect(daemon.log.split(separator: complaint).count == 2, "\(daemon.log)")

            // The next daemon may, and writes what the last one owed.
            try await site.sql("GRANT INSERT ON site.`tabBTU Task Log` TO reader")
            try await daemon.start()
            try await daemon.eventually("the row") { try await site.texts(rows, columns: 5).count == 1 }
            let row = try #require(try await site.texts(rows, columns: 5).first)
            #expect(Array(row[1...3]) == ["TS-2", "Failed", ""])
            #expect(row[4].contains("It failed: was never picked up: it did not start within 2s."), "\(row)")
            #expect(try await warnings().allSatisfy { !$0.contains("log_unreached") })
            // A third one has nothing to add but what it sees itself.
            await daemon.kill()
            try await daemon.start()
            #expect(try await daemon.carillon("jobs", "run", "site-TS-2", "--wait").code == 1)
            try await daemon.eventually("another row") { try await site.texts(rows, columns: 5).count >= 2 }
            #expect(try await site.texts(rows, columns: 5).count == 2)

            try await theResultsAreToldWithAndWithoutADaemon()
        }

        private func theResultsAreToldWithAndWithoutADaemon() async throws {
            _ = try await daemon.carillon("jobs", "add", "backup", "--every", "1h", "--", "/bin/true")
            for _ in 0..<3 { _ = try await daemon.carillon("jobs", "run", "backup", "--wait") }
            let told = try await daemon.objects("btu", "results")
            #expect(told.map { $0["schedule"] as? String } == ["TS-2", "TS-2", "TS-1"], "\(told)")
            let last = try #require(told.last)
            #expect(Set(last.keys) == ["schedule", "description", "task", "function", "queue", "run"])
            #expect(last["description"] as? String == "about TASK-0001" && last["function"] as? String == "tasks.note")
            #expect((last["run"] as? [String: Any])?["state"] as? String == "completed")
            // Few are asked for, and other jobs have the newest runs.
            #expect(try await daemon.objects("btu", "results", "--limit", "1").count == 1)
            #expect(try await daemon.objects("btu", "results", "--since", "tomorrow").isEmpty)
            for name in ["TS-1", "site-TS-1"] {
                let one = try await daemon.objects("btu", "results", name, "--since", "today")
                #expect(one.map { $0["schedule"] as? String } == ["TS-1"], "\(name)")
            }
            let other = try await daemon.carillon("btu", "results", "backup")
            #expect(other.code == 1 && other.error.contains("no schedule of a Frappe site"), "\(other)")
            let unknown = try await daemon.carillon("btu", "results", "TS-77")
            #expect(unknown.code == 1 && unknown.error.contains("there is no job 'TS-77'"), "\(unknown)")
            #expect(await daemon.stop() == 0)
            // BTU Scheduler's own file says nothing of the ledger, and does no harm.
            let table = try await daemon.carillon("btu", "results", "--config", config)
            #expect(table.code == 0 && table.lines.count == 6, "\(table)")
            #expect(table.lines[0].hasPrefix("DUE"))
            #expect(table.lines[1].contains("TS-2") && table.lines[1].hasSuffix(" failed"))
            #expect(table.lines[2].contains("was never picked up: it did not start within 2s"))
            // A terminal of 80 columns has all of it but the end of what is long.
            let screen = "script -qefc 'stty cols 80; \"$C\" btu results' /dev/null </dev/null"
            let shown = try await daemon.shell(screen).output.replacing(/\x1b\[[0-9;]*m/, with: "")
                .split(whereSeparator: \.isNewline)
            #expect(shown.count(where: { $0.contains(/\d s ago +TS-[12] .*(failed|completed)/) }) == 3, "\(shown)")
            for line in shown { #expect(line.count <= 80, "\(line)") }
        }

        @Test func aDaemonThatIsNotToStartUnconnectedDoesNot() async throws {
            let strict = try String(contentsOfFile: config, encoding: .utf8)
                .replacing("connections = true", with: "connections = false")
            let path = try daemon.folder.write("strict.toml", strict)
            await site.server.stop()
            let result = try await daemon.carillon("serve", "--btu", path)
            #expect(result.code == 1 && result.error.contains("the database of the Frappe site"), "\(result.error)")
            // The last known schedules go on while the database is away, also from the start.
            try await daemon.start("--btu", config)
            #expect(try await socket.ping() == "pong")
            #expect(await daemon.stop() == 0)
        }

        @Test func aThousandOpenConnectionsKeepNobodyFromThePing() async throws {
            try await daemon.start("--btu", config)
            let script = try daemon.folder.write(
                "crowd.py",
                """
                import resource, socket, sys
                resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
                def connection():
                    client = socket.socket(socket.AF_UNIX)
                    client.settimeout(10)
                    client.connect(sys.argv[1])
                    return client
                crowd = []
                for number in range(1000):
                    crowd.append(connection())
                    if number % 3 == 0: crowd[-1].send(b'{"request_type": "pi')
                    if number % 100 == 99:
                        asking = connection()
                        asking.send(b'{"request_type": "ping", "request_content": null}')
                        print(asking.recv(2048).decode())
                """)
            let answers = try await Program.output("/usr/bin/env", ["python3", script, socket.path])
            #expect(answers.split(separator: "\n") == Array(repeating: "pong", count: 10))
            #expect(await daemon.stop() == 0)
        }

        @discardableResult
        private func ask(_ command: RedisCommand) async throws -> RedisValue {
            let client = RedisClient(
                try RedisConfiguration(url: redis.url), logger: .silent)
            let answer = try await client.send(command)
            await client.close()
            return answer
        }

        private func isWorkerStanding() async throws -> Bool {
            for name in try await ask(RedisCommand("SMEMBERS", "rq:workers")).array?.compactMap(\.text) ?? []
            where try await ask(RedisCommand("HGET", name, "state")).text == "suspended" { return true }
            return false
        }

        private func mirrored() async throws -> [String] {
            let key = "btu_scheduler:task_execution_times"
            return try await ask(RedisCommand("ZRANGE", key, "0", "-1")).array?.compactMap(\.text) ?? []
        }
    }
#endif
