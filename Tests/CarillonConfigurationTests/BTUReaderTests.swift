import CarillonConfiguration
import CarillonCore
import CarillonTestSupport
import FrappeIntegration
import MailIntegration
import RQIntegration
import Testing
import Timetable

/// BTU Scheduler's own file.
struct BTUReaderTests {
    private static let sample = """
        # This is the TOML configuration file for the BTU Scheduler Daemon
        name = "BTU Scheduler Daemon"
        full_refresh_internal_secs = 90
        scheduler_polling_interval=60

        mysql_user = "root"
        mysql_password = "some_password"
        mysql_host = "localhost"
        mysql_port = 3313
        mysql_database = "foo"

        rq_host = "127.0.0.1"
        rq_port = 11000

        socket_path = "/tmp/btu_scheduler.sock"
        webserver_ip = "127.0.0.1"
        webserver_port = 8000
        webserver_token = "token abcdef123456789:abcdef123456789"

        """

    /// What the file says, and the settings it comes to.
    private struct Reading {
        var node: ConfigNode
        var settings: Settings
        var label: String?
        var remarks: [ConfigProblem]
    }

    private func read(_ text: String) throws -> Reading {
        let folder = try TemporaryFolder()
        let path = try folder.write("btu.conf", text)
        let reading = try BTUReader(zones: ZoneDatabase()).read(path: path)
        let reader = SettingsReader(zones: ZoneDatabase(), environment: [:])
        return Reading(
            node: reading.settings, settings: try reader.read(reading.settings, source: path), label: reading.label,
            remarks: reading.remarks)
    }

    private func problems(_ text: String) throws -> [String] {
        do {
            _ = try read(text)
            return []
        } catch let error as ConfigurationError {
            return error.problems.map { "\($0.line.map(String.init) ?? "-") \($0.key ?? "-"): \($0.message)" }
        }
    }

    @Test func theSampleStartsAsItStands() throws {
        let reading = try read(Self.sample)
        let settings = reading.settings
        let frappe = try #require(settings.frappe)
        #expect(reading.label == "BTU Scheduler Daemon")
        #expect(frappe.refresh == 90_000_000 && frappe.host == "localhost" && frappe.port == 3313)
        #expect(frappe.user == "root" && frappe.password == "some_password" && frappe.database == "foo")
        #expect(settings.redis.url == "redis://127.0.0.1:11000/0" && settings.redis.queuePrefix == "")
        #expect(settings.socket?.path == "/tmp/btu_scheduler.sock" && settings.socket?.group == nil)
        #expect(frappe.web.host == "127.0.0.1" && frappe.web.port == 8000 && frappe.web.hostHeader == nil)
        #expect(frappe.web.token == "token abcdef123456789:abcdef123456789")
        #expect(settings.timeZone == "UTC" && settings.log.level == .info && !settings.startsUnconnected)
        #expect(settings.email == nil && frappe.mirror)
        #expect(reading.remarks.map(\.key) == ["scheduler_polling_interval"])
    }

    @Test func everyKeyHasItsMeaning() throws {
        let reading = try read(
            Self.sample + """
                environment_name = "production"
                full_refresh_interval_secs = 30
                time_zone_string = "America/New_York"
                tracing_level = "Warn"
                startup_without_database_connections = true
                socket_file_group_owner = "frappe"
                webserver_host_header = "erp.example.com"
                rq_queue_prefix = "home-frappe-bench"
                email_address_from = "btu@example.com"
                email_host_name = "mail.example.com"
                email_host_port = 465
                email_account_name = "btu"
                email_account_password = "pw"
                email_addresses = ["ops@example.com", "cfo@example.com"]
                email_on_level = "INFO"
                email_when_queuing = true
                """)
        let settings = reading.settings
        #expect(reading.label == "BTU Scheduler Daemon, production")
        #expect(settings.frappe?.refresh == 30_000_000 && settings.frappe?.zone == "America/New_York")
        #expect(settings.timeZone == "America/New_York" && settings.log.level == .warning && settings.startsUnconnected)
        #expect(settings.socket?.group == "frappe" && settings.frappe?.web.hostHeader == "erp.example.com")
        #expect(settings.redis.queuePrefix == "home-frappe-bench")
        let email = try #require(settings.email)
        #expect(email.from == "btu@example.com" && email.to == ["ops@example.com", "cfo@example.com"])
        #expect(email.host == "mail.example.com" && email.port == 465 && email.security == .tls)
        #expect(email.user == "btu" && email.password == "pw" && email.on == [.failed, .missed, .queued])
        #expect(
            try read(
                Self.sample
                    + "email_addresses = \"a@b.c, d@e.f\"\nemail_address_from = \"x@y.z\"\nemail_host_name = \"h\""
            )
            .settings.email?.to == ["a@b.c", "d@e.f"])
    }

    @Test func anUnknownKeyIsARemarkThatNamesIt() throws {
        let remarks = try read(Self.sample + "mysql_pasword = \"x\"\n").remarks
        #expect(remarks.last?.key == "mysql_pasword" && remarks.last?.line == 19)
        #expect(remarks.last?.message == "unknown key; did you mean mysql_password?")
    }

    /// It was bound as it stood, from where the daemon was started.
    @Test func aRelativeSocketIsTaken() throws {
        let settings = try read(Self.sample.replacing("/tmp/btu_scheduler.sock", with: "btu.sock")).settings
        let path = try #require(settings.socket?.path)
        #expect(path.hasPrefix("/") && path.hasSuffix("/btu.sock"))
    }

    @Test func missingAndMistypedKeysAreNamedWithTheirLines() throws {
        #expect(
            try problems("name = \"x\"").map { $0.split(separator: " ")[1] }.sorted() == [
                "mysql_database:", "mysql_host:", "mysql_password:", "mysql_user:", "rq_host:", "rq_port:",
                "socket_path:",
                "webserver_ip:", "webserver_port:", "webserver_token:",
            ])
        let text = Self.sample.replacing("rq_port = 11000", with: "rq_port = \"11000\"")
        #expect(try problems(text) == ["13 rq_port: expected a whole number, found text"])
        #expect(try problems(Self.sample + "time_zone_string = \"Nowhere/Land\"").count == 1)
        #expect(
            try problems(Self.sample + "tracing_level = \"LOUD\"") == [
                "19 tracing_level: \"LOUD\" is none of TRACE, DEBUG, INFO, WARN, ERROR"
            ])
        #expect(
            try problems(Self.sample + "email_host_name = \"h\"").map { $0.split(separator: " ")[1] } == [
                "email_address_from:", "email_addresses:",
            ])
        #expect(try problems("name = ").count == 1)
    }
}

extension BTUReaderTests {
    /// What is written says the same when it is read.
    @Test func theImportedFileSaysTheSame() throws {
        let folder = try TemporaryFolder()
        let reading = try read(
            Self.sample.replacing("some_password", with: "it's \\\"s3cret\\\"") + """
                socket_file_group_owner = "frappe"
                webserver_host_header = "erp.example.com"
                rq_queue_prefix = "bench"
                time_zone_string = "America/New_York"
                email_address_from = "a@b.c"
                email_host_name = "mail"
                email_addresses = ["d@e.f"]
                email_account_password = "pw"
                """)
        let writer = TOMLWriter(
            reading.node,
            secrets: [
                "feed.password": "mysql_password", "feed.web.token": "webserver_token",
                "notify.email.password": "email_password",
            ], in: folder.path)
        #expect(!writer.text.contains("s3cret") && !writer.text.contains("abcdef") && !writer.text.contains("pw"))
        for secret in writer.secrets {
            try folder.write(String(secret.path.dropFirst(folder.path.count + 1)), secret.text)
        }
        let path = try folder.write("carillon.toml", writer.text)
        let settings = try SettingsReader(zones: ZoneDatabase(), environment: [:]).read(file: path)
        let (frappe, before) = (try #require(settings.frappe), try #require(reading.settings.frappe))
        #expect(frappe.host == before.host && frappe.port == before.port && frappe.user == before.user)
        #expect(frappe.password == "it's \"s3cret\"" && frappe.database == before.database)
        #expect(frappe.refresh == before.refresh && frappe.zone == "America/New_York")
        #expect(frappe.web.host == before.web.host && frappe.web.port == before.web.port)
        #expect(frappe.web.token == before.web.token && frappe.web.hostHeader == "erp.example.com")
        #expect(settings.redis.url == reading.settings.redis.url && settings.redis.queuePrefix == "bench")
        #expect(settings.socket?.path == "/tmp/btu_scheduler.sock" && settings.socket?.group == "frappe")
        #expect(settings.email?.to == ["d@e.f"] && settings.email?.password == "pw")
        #expect(settings.email?.on == [.failed, .missed] && settings.startsUnconnected == false)
    }

    @Test func aFeedOfCarillonsOwnFileIsReadAndItsMistakesNamed() throws {
        let folder = try TemporaryFolder()
        let reader = SettingsReader(
            zones: ZoneDatabase(),
            environment: ["CARILLON_FRAPPE_PASSWORD": "from outside", "CARILLON_FRAPPE_WEB_PORT": "8000"])
        let good = """
            [[feed]]
            type = "frappe"
            user = "frappe"
            database = "site"
            catch_up = "skip"
            prefix = "erp/"
            mirror = false
            web = { token = "token a:b" }
            """
        let frappe = try #require(try reader.read(file: try folder.write("good.toml", good)).frappe)
        #expect(frappe.password == "from outside" && frappe.web.port == 8000 && frappe.web.token == "token a:b")
        #expect(frappe.catchUp == .skip && frappe.prefix == "erp/" && !frappe.mirror && frappe.refresh == 90_000_000)
        let bad = good.replacing("user =", with: "usr =").replacing("prefix = \"erp/\"", with: "ca_file = \"x\"")
        let error = #expect(throws: ConfigurationError.self) {
            try reader.read(
                file: try folder.write("bad.toml", bad + "\n[[feed]]\ntype = \"btu\"\n[socket]\npath = \"x\"\n"))
        }
        #expect(
            Set(error?.problems.compactMap(\.key) ?? []) == [
                "feed.user", "feed.usr", "feed.ca_file", "feed.type", "socket.path",
            ])
    }
}
