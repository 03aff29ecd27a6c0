import CarillonCLI
import CarillonConfiguration
import CarillonDaemon
import CarillonTestSupport
import Foundation
import Testing
import Timetable

/// Every setting that there is: a daemon whose file changes takes it, or says that it waits for a restart.
@Suite struct SettingsTests {
    private let daemon: DaemonFixture
    private let postgres: PostgresFixture

    init() throws {
        daemon = try DaemonFixture()
        postgres = try PostgresFixture()
    }

    /// A key with two values; what it cannot be without is left out with the second one.
    private struct Key {
        var name: String
        var first: String
        var second: String
        var without: [String] = []

        init(_ name: String, _ first: String, _ second: String, without: [String] = []) {
            (self.name, self.first, self.second, self.without) = (name, first, second, without)
        }
    }

    private struct Table {
        var head: String
        /// What stands before its keys where they are named.
        var prefix: String
        var keys: [Key]

        init(_ head: String, _ prefix: String, _ keys: [Key]) {
            (self.head, self.prefix, self.keys) = (head, prefix, keys)
        }

        var names: [String] { keys.map { prefix + $0.name } }
    }

    /// Keys that take effect at once.
    private static let applied: Set = ["log.level", "ledger.keep", "ledger.keep_per_job"]

    /// Either form of a secret: in the settings, or in a file of its own.
    private func secret(_ name: String, _ first: String, _ second: String, inFiles: Bool) throws -> Key {
        guard inFiles else { return Key(name, "\"\(first)\"", "\"\(second)\"") }
        let paths = try [first, second].map { try daemon.folder.write("secrets/\(UUID().uuidString)", $0) }
        return Key(name + "_file", "\"\(paths[0])\"", "\"\(paths[1])\"")
    }

    /// All of a file. Nobody listens where its addresses point.
    private func tables(secretsInFiles inFiles: Bool) throws -> [Table] {
        let state = daemon.state
        return [
            Table(
                "", "",
                [
                    Key("time_zone", "\"UTC\"", "\"Asia/Tokyo\""),
                    Key("jobs_dir", "\"jobs.d\"", "\"more.d\""), Key("jobs_file_limit", "100000", "200000"),
                    Key("start_unconnected", "true", "false"),
                ]),
            Table(
                "[instance]", "instance.",
                [
                    Key("name", "\"a\"", "\"b\""), Key("lease", "\"30s\"", "\"40s\""),
                    Key("heartbeat", "\"5s\"", "\"6s\""), Key("max_jobs", "10", "20"),
                    Key("roles", "[\"scheduler\"]", "[\"scheduler\", \"api\"]"),
                ]),
            Table(
                "[store]", "store.",
                [
                    Key(
                        "url", "\"\(postgres.address)\"", "\"\(postgres.address)&application_name=b\""),
                    try secret("password", PostgresFixture.password, "b", inFiles: inFiles),
                    Key("ca_file", "\"/a\"", "\"/b\""),
                    Key("certificate_file", "\"/a\"", "\"/b\""), Key("key_file", "\"/a\"", "\"/b\""),
                    Key("pooled", "true", "false"),
                ]),
            Table(
                "[exec]", "exec.",
                [
                    Key("max_children", "5", "6"), Key("log_limit", "1000", "2000"), Key("grace", "\"1s\"", "\"2s\""),
                    Key("inherit_env", "[\"A\"]", "[\"B\"]"), Key("on_stop", "\"end\"", "\"leave\""),
                    Key("lost_after", "\"1m\"", "\"2m\""),
                ]),
            Table(
                "[redis]", "redis.",
                [
                    Key("url", "\"rediss://127.0.0.1:1/0\"", "\"rediss://127.0.0.1:1/1\""),
                    Key("user", "\"a\"", "\"b\""), try secret("password", "a", "b", inFiles: inFiles),
                    Key("queue_prefix", "\"a\"", "\"b\""), Key("ca_file", "\"/a\"", "\"/b\""),
                    Key("certificate_file", "\"/a\"", "\"/b\""), Key("key_file", "\"/a\"", "\"/b\""),
                    Key("verify", "true", "false"),
                ]),
            Table(
                "[bus]", "bus.",
                [
                    Key("url", "\"amqps://127.0.0.1:1/a\"", "\"amqps://127.0.0.1:1/b\""),
                    Key("user", "\"a\"", "\"b\""), try secret("password", "a", "b", inFiles: inFiles),
                    Key("ca_file", "\"/a\"", "\"/b\""), Key("certificate_file", "\"/a\"", "\"/b\""),
                    Key("key_file", "\"/a\"", "\"/b\""),
                    Key("verify", "true", "false"),
                ]),
            Table(
                "[log]", "log.",
                [
                    Key("level", "\"info\"", "\"debug\""), Key("format", "\"text\"", "\"json\""),
                    Key("file", "\"\(state)/a.log\"", "\"\(state)/b.log\""), Key("max_size", "100000000", "200000000"),
                    Key("keep", "1", "2"),
                ]),
            Table("[ledger]", "ledger.", [Key("keep", "\"1d\"", "\"2d\""), Key("keep_per_job", "10", "20")]),
            Table(
                "[control]", "control.",
                [Key("group", "\"\(String(cString: getgrgid(getegid()).pointee.gr_name))\"", "\"nogroup\"")]),
            Table(
                "[api]", "api.",
                [
                    Key("listen", "\"127.0.0.1:1\"", "\"127.0.0.1:2\""), Key("hosts", "[\"a\"]", "[\"b\"]"),
                    Key("insecure", "true", "false"), Key("exec", "true", "false"),
                    Key("metrics", "\"open\"", "\"token\""), Key("metrics_tags", "[\"a\"]", "[\"b\"]"),
                    Key("requests_per_second", "1", "2"), Key("socket", "\"a\"", "\"b\""),
                    Key("public_url", "\"https://a.example\"", "\"https://b.example\""),
                    Key("certificate_file", "\"/a\"", "\"/b\""),
                    Key("key_file", "\"/a\"", "\"/b\""),
                ]),
            Table(
                "[api.oidc]", "api.oidc.",
                [
                    Key("issuer", "\"https://a.example\"", "\"https://b.example\""), Key("audience", "\"a\"", "\"b\""),
                    Key("insecure", "true", "false"),
                ]),
            Table(
                "[web]", "web.",
                [
                    Key("enabled", "true", "false"), Key("client_id", "\"a\"", "\"b\""),
                    try secret("client_secret", "a", "b", inFiles: inFiles),
                ]),
            Table("[audit]", "audit.", [Key("keep", "\"1d\"", "\"2d\"")]),
            Table("[simple_scheduler]", "simple_scheduler.", [Key("silence", "\"10m\"", "\"5m\"")]),
            Table(
                "[notify.email]", "notify.email.",
                [
                    Key("from", "\"a@example.com\"", "\"b@example.com\""),
                    Key("to", "[\"a@example.com\"]", "[\"b@example.com\"]"),
                    Key("host", "\"127.0.0.1\"", "\"127.0.0.2\""), Key("port", "1", "2"), Key("user", "\"a\"", "\"b\""),
                    try secret("password", "a", "b", inFiles: inFiles), Key("security", "\"tls\"", "\"none\""),
                    Key("ca_file", "\"/a\"", "\"/b\""), Key("verify", "true", "false"),
                    Key("on", "[\"failed\"]", "[\"missed\"]"), Key("short_gaps", "false", "true"),
                ]),
            Table(
                "[control_bus]", "control_bus.",
                [
                    Key("host", "\"127.0.0.1\"", "\"localhost\""), Key("push_port", "1", "2"),
                    Key("pull_port", "3", "4"), try secret("token", "a", "b", inFiles: inFiles),
                    Key("from", "\"127.0.0.1:1\"", "\"127.0.0.1:2\""),
                ]),
            Table(
                "[[feed]]\ntype = \"keiji\"", "feed.",
                [
                    try secret(
                        "database", "postgres://a@127.0.0.1:1/a", "postgres://a@127.0.0.1:1/b", inFiles: inFiles),
                    Key("root", "\"\(state)/a\"", "\"\(state)/b\""), Key("time_zone", "\"UTC\"", "\"Asia/Tokyo\""),
                    Key("prefix", "\"a\"", "\"b\""), Key("catch_up", "\"skip\"", "\"latest\""),
                    Key("logs", "true", "false"), Key("max_log", "1000", "2000"),
                ]),
            Table(
                "[socket]", "socket.",
                [Key("path", "\"\(state)/a.sock\"", "\"\(state)/b.sock\""), Key("group", "\"root\"", "\"daemon\"")]),
            Table(
                "[[feed]]\ntype = \"frappe\"", "feed.",
                [
                    Key("host", "\"127.0.0.1\"", "\"127.0.0.2\""), Key("port", "1", "2"), Key("user", "\"a\"", "\"b\""),
                    try secret("password", "a", "b", inFiles: inFiles), Key("database", "\"a\"", "\"b\""),
                    Key("tls", "true", "false", without: ["ca_file", "verify"]), Key("ca_file", "\"/a\"", "\"/b\""),
                    Key("verify", "true", "false"), Key("refresh", "\"10s\"", "\"20s\""),
                    Key("time_zone", "\"Asia/Tokyo\"", "\"UTC\""), Key("prefix", "\"b\"", "\"a\""),
                    Key("catch_up", "\"latest\"", "\"skip\""), Key("mirror", "true", "false"),
                    Key("start_timeout", "\"1h\"", "\"2h\""), Key("log_unreached", "true", "false"),
                ]),
            Table(
                "[feed.web]", "feed.web.",
                [
                    Key("host", "\"127.0.0.1\"", "\"127.0.0.2\""), Key("port", "1", "2"),
                    Key("host_header", "\"a\"", "\"b\""), try secret("token", "a", "b", inFiles: inFiles),
                    Key("ca_file", "\"/a\"", "\"/b\""), Key("verify", "true", "false"),
                ]),
        ]
    }

    /// Writes the file, with the second value of one key.
    private func write(_ tables: [Table], second: (table: Int, key: Int)? = nil) throws {
        var text = ""
        for (index, table) in tables.enumerated() {
            let changed = second.flatMap { $0.table == index ? $0.key : nil }
            text += table.head + "\n"
            for (place, key) in table.keys.enumerated() {
                if let changed, table.keys[changed].without.contains(key.name) { continue }
                text += "\(key.name) = \(place == changed ? key.second : key.first)\n"
            }
        }
        try daemon.folder.write("carillon.toml", text)
    }

    private func reload() async throws {
        let answer = try await daemon.carillon("reload")
        #expect(answer.code == 0, "\(answer)")
    }

    /// What the status says of settings.
    private func named() async throws -> [String] {
        let status = try #require(try await daemon.objects("status").first)
        return try #require(status["troubles"] as? [String]).filter { $0.hasPrefix("settings") }
    }

    private func waiting(_ keys: [String]) -> [String] {
        ["settings changed since the start: \(keys.sorted().joined(separator: ", ")); restart to apply"]
    }

    private func text(_ file: String) -> String {
        (try? String(contentsOfFile: daemon.state + "/" + file, encoding: .utf8)) ?? ""
    }

    @Test(.timeLimit(.minutes(5))) func everyKeyIsAppliedOrNamed() async throws {
        try await postgres.start()
        let tables = try tables(secretsInFiles: false)
        try write(tables)
        try await daemon.start()
        for (index, table) in tables.enumerated() {
            for (place, key) in table.keys.enumerated() {
                let name = table.prefix + key.name
                let applications = { self.text("a.log").matches(of: /settings are applied keys=(\S+)/).map { $0.1 } }
                let before = applications().count
                try write(tables, second: (index, place))
                try await reload()
                if Self.applied.contains(name) {
                    #expect(try await named() == [], "\(name)")
                    try await daemon.eventually("\(name) is applied") {
                        applications().dropFirst(before).contains { $0 == name }
                    }
                } else {
                    #expect(try await named() == waiting(([key.name] + key.without).map { table.prefix + $0 }))
                }
                try write(tables)
                try await reload()
                #expect(try await named() == [], "\(name), as it was")
            }
        }
        // A feed that is gone takes its type along.
        try write(tables.filter { !$0.head.contains("frappe") && $0.prefix != "feed.web." && $0.prefix != "socket." })
        try await reload()
        #expect(try await named().first?.contains("feed.type") == true)
        try write(tables)
        // No key of the program is left out here.
        let given = Set(try await daemon.objects("config", "show").compactMap { $0["key"] as? String })
        #expect(given == Set(tables.flatMap(\.names) + ["feed.type"]))
        let secrets = Set(try self.tables(secretsInFiles: true).flatMap(\.names))
        let reader = Composition.carillon.settingsReader(zones: ZoneDatabase(), environment: [:])
        for key in try reader.read(file: daemon.state + "/carillon.toml").known where key != "job" {
            let isHere = given.union(secrets).contains { $0 == key || $0.hasPrefix(key + ".") }
            #expect(isHere, "\(key) has no case in this test")
        }
        #expect(await daemon.stop() == 0)
    }

    @Test(.timeLimit(.minutes(5))) func aFileOfASecretIsNamedAndSoIsWhatItSays() async throws {
        try await postgres.start()
        let tables = try tables(secretsInFiles: true)
        try write(tables)
        try await daemon.start()
        for (index, table) in tables.enumerated() {
            for (place, key) in table.keys.enumerated() where key.first.contains("/secrets/") {
                let name = table.prefix + key.name
                try write(tables, second: (index, place))
                try await reload()
                #expect(try await named() == waiting([name]))
                try write(tables)
                try await reload()
                #expect(try await named() == [], "\(name), as it was")
                // The settings stay as they are, so only whoever is told has a look.
                let file = String(key.first.dropFirst(daemon.state.utf8.count + 2).dropLast())
                let secret = text(file)
                try daemon.folder.write(file, secret + "c")
                #expect(kill(try #require(daemon.processID), SIGHUP) == 0)
                try await daemon.eventually("\(name) is named") { try await named() == waiting([name]) }
                try daemon.folder.write(file, secret)
                try await reload()
                #expect(try await named() == [], "\(name) says what it said")
            }
        }
        #expect(await daemon.stop() == 0)
    }

    @Test(.timeLimit(.minutes(5))) func aLevelAndARetentionCountAtOnce() async throws {
        let log = "[log]\nfile = \"\(daemon.state)/a.log\"\n"
        try daemon.folder.write("carillon.toml", log)
        try await daemon.start()
        try daemon.folder.write("carillon.toml", log + "level = \"warning\"\n[ledger]\nkeep_per_job = 1\n")
        try await reload()
        #expect(try await daemon.carillon("jobs", "add", "a", "--shell", "true").code == 0)
        for _ in 0..<3 { #expect(try await daemon.carillon("jobs", "run", "a", "--wait").code == 0) }
        // Retention counts already, and may have looked.
        #expect((1...3).contains(try await daemon.objects("runs", "list").count))
        try daemon.folder.write("carillon.toml", log + "[ledger]\nkeep_per_job = 1\n")
        try await reload()
        #expect(try await daemon.carillon("pause", "x").code == 0)
        try await daemon.eventually("the order is in the log") { text("a.log").contains("action=pause") }
        #expect(!text("a.log").contains("action=add"))
        // The ledger is looked through every minute.
        try await daemon.eventually(within: 100, "one run is kept") {
            try await daemon.objects("runs", "list").count == 1
        }
        #expect(await daemon.stop() == 0)
    }

    /// Though nothing is logged that could show that it is gone.
    @Test(.timeLimit(.minutes(5))) func aLogThatWasMovedAwayIsOpenedAnew() async throws {
        let log = daemon.state + "/a.log"
        try daemon.folder.write("carillon.toml", "[log]\nfile = \"\(log)\"\n")
        try await daemon.start()
        for (number, order) in ["SIGUSR1", "SIGHUP", "reload"].enumerated() {
            try FileManager.default.moveItem(atPath: log, toPath: "\(log).\(number)")
            switch order {
            case "SIGUSR1": #expect(kill(try #require(daemon.processID), SIGUSR1) == 0)
            case "SIGHUP": #expect(kill(try #require(daemon.processID), SIGHUP) == 0)
            default: try await reload()
            }
            try await daemon.eventually("there is a new one after \(order)") {
                FileManager.default.fileExists(atPath: log)
            }
            #expect(text("a.log.\(number)").isEmpty == (number > 0))
        }
        #expect(await daemon.stop() == 0)
    }
}
