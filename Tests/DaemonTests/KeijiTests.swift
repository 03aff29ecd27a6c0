#if Postgres
    import CarillonTestSupport
    import Foundation
    import Testing

    /// A keiji's database and binaries under the real daemon, with orders over its bus.
    @Suite(.serialized, .timeLimit(.minutes(5))) struct KeijiTests {
        private let home: TemporaryFolder
        private let daemon: DaemonFixture
        private let pushPort = KeijiPorts.push()

        init() throws {
            home = try TemporaryFolder()
            daemon = try DaemonFixture()
        }

        private var root: String { home.path + "/.keiji" }

        /// A binary as keiji builds one: it notes its process group and goes on.
        private func binary(_ name: String, _ script: String) throws -> String {
            let path = try home.write(
                ".keiji/exec/tasks/\(name).bin", "#!/bin/sh\n[ \"$1\" = --run ] || exit 9\n" + script)
            chmod(path, 0o755)
            return path
        }

        private func notes(_ name: String) -> [String] {
            let text = (try? String(contentsOfFile: home.path + "/" + name, encoding: .utf8)) ?? ""
            return text.split(separator: "\n").map(String.init)
        }

        /// The daemon's own file, with ports of its own; what `--keiji` reads is in the configuration's tests.
        private func config(_ database: KeijiDatabase) throws -> String {
            try daemon.folder.write(
                "carillon.toml",
                """
                time_zone = "America/New_York"
                [exec]
                grace = "1s"
                [[feed]]
                type = "keiji"
                database = "\(database.url)"
                root = "\(root)"
                [control_bus]
                push_port = \(pushPort)
                pull_port = \(pushPort + 1)
                """)
        }

        private func order(_ command: String, _ id: String) async throws -> String {
            try await Program.output(
                "/usr/bin/env",
                [
                    "python3", "-c",
                    """
                    import socket, sys
                    bus = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=20)
                    bus.sendall(sys.argv[2].encode() + b"\\n")
                    print(bus.makefile().read(), end="")
                    """, "\(pushPort)", #"{"cmd":"\#(command)","taskID":"\#(id)"}"#,
                ])
        }

        private func job(_ name: String) async throws -> [String: Any]? {
            try await daemon.objects("jobs", "list").first { $0["name"] as? String == name }
        }

        @Test(arguments: KeijiDatabase.Kind.allCases)
        func tasksRunFailHangAndObey(_ kind: KeijiDatabase.Kind) async throws {
            let database = try await KeijiDatabase(kind, in: home)
            let second = #"{"units":"seconds","interval":"1"}"#
            let ids = Dictionary(
                uniqueKeysWithValues: ["ticks", "fails", "hangs", "gone", "broken", "friday"].map {
                    ($0, UUID().uuidString.lowercased())
                })
            func add(_ name: String, _ info: String, type: String = "HMS", _ path: String) async throws {
                // What a SIGKILL of the original leaves behind.
                try await database.add(
                    name, id: ids[name] ?? "", type: type, info: info, executable: path, isRunning: true)
            }
            try await add("ticks", second, binary("ticks", "echo tick; date +%s.%N >> \(home.path)/ticks\n"))
            try await add("fails", second, binary("fails", "echo partly; echo 'no good' >&2; exit 3\n"))
            try await add(
                "hangs", second,
                binary("hangs", "trap '' TERM; echo $$ >> \(home.path)/hangs; sleep 600 & wait; wait\n"))
            try await add("gone", second, root + "/exec/tasks/gone.bin")
            try await add("broken", #"{"units":"weeks","interval":1}"#, binary("broken", "true\n"))
            try await add(
                "friday", #"{"day":"Friday","time":"10:00PM"}"#, type: "DayTime", binary("friday", "true\n"))
            try await daemon.start("--config", try config(database))

            // Each on its own interval, whatever the others do.
            try await daemon.eventually("it ticks") { notes("ticks").count >= 4 }
            let times = notes("ticks").compactMap(Double.init)
            for (early, late) in zip(times, times.dropFirst()) { #expect(abs(late - early - 1) < 0.9, "\(times)") }
            try await daemon.eventually("keiji's tools see what is") {
                let running = try await database.text("is_running", of: "hangs")
                let failed = try await database.text("is_error", of: "fails")
                let missing = try await database.text("is_error", of: "gone")
                let broken = try await database.text("is_error", of: "broken")
                return running == "true" && failed == "true" && missing == "true" && broken == "true"
            }
            #expect(try await database.text("error_txt", of: "fails") == "partly\nno good\nexit code 3")
            #expect(try await database.text("error_txt", of: "gone")?.contains("gone.bin") == true)
            #expect(try await database.text("error_txt", of: "broken")?.contains("units") == true)
            #expect(try await database.text("last_execution_time", of: "ticks") != nil)
            #expect(try await database.text("next_execution_time", of: "friday") != nil)
            #expect(try await database.text("is_running", of: "friday") == "false")
            #expect(notes("hangs").count == 1, "it overlapped itself")
            #expect(try await job("fails")?["state"] as? String == "halted")
            let listed = try await job("broken")
            #expect(listed == nil, "what has never been good is no job")
            let feeds = try await daemon.objects("feeds", "list")
            let problems = feeds.flatMap { $0["problems"] as? [[String: Any]] ?? [] }
            #expect(problems.map { $0["job"] as? String } == ["broken"])
            let runs = try await daemon.objects("runs", "list", "--job", "fails", "--state", "failed").count
            #expect(runs == 1, "a task that failed was picked up again")
            let log = root + "/logs/tasks/fails/fails.log"
            try await daemon.eventually("its log is keiji's") {
                let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
                return text.contains("level=ERROR msg=partly") && text.contains(#"msg="no good""#)
            }

            // Resolved in the database, as keiji's own command does it; it fails again.
            try await database.sql(
                "UPDATE task_models SET is_error = \(kind == .sqlite ? "0" : "false"), error_txt = '' WHERE name = 'fails'"
            )
            try await daemon.eventually("it is picked up again") {
                try await daemon.objects("runs", "list", "--job", "fails", "--state", "failed").count == 2
            }
            // And by our own command.
            try await daemon.eventually("the database has it") {
                try await database.text("is_error", of: "fails") == "true"
            }
            #expect(try await daemon.carillon("jobs", "resolve", "fails").code == 0)
            try await daemon.eventually("once more") {
                try await daemon.objects("runs", "list", "--job", "fails", "--state", "failed").count == 3
            }

            // Stop: the group is gone, and the next run comes one interval later.
            let group = try #require(Int32(notes("hangs").first ?? ""))
            let before = Date().timeIntervalSince1970
            #expect(try await order("stop", ids["hangs"] ?? "") == "OK")
            #expect(kill(-group, 0) == -1 && errno == ESRCH, "something of it still runs")
            try await daemon.eventually("it runs again") { notes("hangs").count == 2 }
            #expect(Date().timeIntervalSince1970 - before >= 1)
            // Disable: the same, and it stays off.
            #expect(try await order("disable", ids["hangs"] ?? "") == "OK")
            #expect(try await database.text("is_disabled", of: "hangs") == "true")
            let second2 = try #require(Int32(notes("hangs").last ?? ""))
            #expect(kill(-second2, 0) == -1 && errno == ESRCH)
            // Delete: gone from disk and database, and the others tick on.
            #expect(try await order("delete", ids["ticks"] ?? "") == "OK")
            #expect(try await database.text("name", of: "ticks") == nil)
            #expect(!FileManager.default.fileExists(atPath: root + "/exec/tasks/ticks.bin"))
            try await daemon.eventually("what its last run said is gone, too") {
                !FileManager.default.fileExists(atPath: root + "/logs/tasks/ticks")
            }
            #expect(try await job("ticks") == nil)
            #expect(try await order("stop", "nobody").hasPrefix("ERROR: there is no task"))
            // A row that was never good is no job, and a row all the same.
            #expect(try await order("stop", ids["broken"] ?? "").hasPrefix("ERROR: job 'broken' has never been good"))
            #expect(try await order("disable", ids["broken"] ?? "") == "OK")
            #expect(try await database.text("is_disabled", of: "broken") == "true")
            #expect(try await order("delete", ids["broken"] ?? "") == "OK")
            #expect(try await database.text("name", of: "broken") == nil)
            #expect(!FileManager.default.fileExists(atPath: root + "/exec/tasks/broken.bin"))
            #expect(try await job("hangs")?["state"] as? String == "disabled")
            #expect(await daemon.stop() == 0)
            #expect(try await database.text("is_running", of: "hangs") == "false")
        }
    }

    /// What `--keiji` makes of keiji's own settings, and an import for good.
    @Suite(.timeLimit(.minutes(5))) struct KeijiCommandTests {
        @Test func itsTasksBecomeAJobFile() async throws {
            let daemon = try DaemonFixture()
            let home = daemon.folder
            let database = try await KeijiDatabase(.sqlite, in: home)
            let info = #"{"units":"minutes","interval":5}"#
            try await database.add("backup", id: "1", info: info, executable: "/k/backup.bin")
            try await database.add(
                "friday", id: "2", type: "DayTime", info: #"{"day":"Friday","time":"10:00PM"}"#,
                executable: "/k/friday.bin")
            try await database.add("odd", id: "3", info: "{}", executable: "/k/odd.bin")
            try await database.sql("UPDATE task_models SET is_disabled = 1 WHERE name = 'friday'")
            let settings = try home.write("keiji/settings.conf", "DB_URL=default\nTIME_ZONE=Europe/Berlin\n")
            let imported = try await daemon.carillon("import", "keiji", settings)
            #expect(imported.code == 2 && imported.error.contains("job 'odd': schedule_info"), "\(imported)")
            let file = try home.write("imported.toml", imported.output)
            #expect(try await daemon.carillon("validate", file).code == 0, "\(imported.output)")
            #expect(
                imported.output.contains("every = \"5m\"") && imported.output.contains("[\"/k/backup.bin\", \"--run\"]")
            )
            #expect(imported.output.contains("# disabled by an order\n[[job]]\nname = \"friday\""))
        }

        @Test func whatIsWrongWithItsSettingsIsSaid() async throws {
            let daemon = try DaemonFixture()
            let settings = try daemon.folder.write("settings.conf", "DB_URL=default\nTIME_ZONE=Mars\n")
            let broken = try await daemon.carillon("serve", "--keiji", settings)
            #expect(broken.code == 2 && broken.error.contains("settings.conf:2: TIME_ZONE"), "\(broken)")
            let good = try daemon.folder.write("good.conf", "DB_URL=default\n")
            let missing = try await daemon.carillon("serve", "--keiji", good)
            #expect(missing.code == 1 && missing.error.contains("there is no such database"), "\(missing)")
            let both = try await daemon.carillon("serve", "--keiji", good, "--btu", good)
            #expect(both.code == 2 && both.error.contains("give one of them"))
        }
    }

    /// Two neighbouring ports for a bus.
    private enum KeijiPorts {
        static func push() -> Int { Int.random(in: 7_000..<14_000) * 2 }
    }
#endif
