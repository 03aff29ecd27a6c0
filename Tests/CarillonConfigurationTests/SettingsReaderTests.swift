import CarillonConfiguration
import CarillonCore
import CarillonTestSupport
import ExecIntegration
import MailIntegration
import Testing
import Timetable

@Suite struct SettingsReaderTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func read(_ toml: String, _ environment: [String: String] = [:]) throws -> Settings {
        let file = try folder.write("carillon.toml", toml)
        return try SettingsReader(zones: ZoneDatabase(), environment: environment).read(file: file)
    }

    @Test func settingsAndDefaults() throws {
        let settings = try read(
            """
            time_zone = "Europe/Berlin"
            [store]
            url = "sqlite:/var/x.db"
            [exec]
            max_children = 7
            grace = "3s"
            on_stop = "leave"
            [log]
            level = "debug"
            format = "json"
            [ledger]
            keep = "30d"
            keep_per_job = 10
            [[job]]
            name = "anything"
            """)
        #expect(settings.timeZone == "Europe/Berlin")
        #expect(settings.store.url == "sqlite:/var/x.db")
        #expect(settings.exec.most == 7)
        #expect(settings.exec.grace == 3_000_000)
        #expect(settings.exec.onStop == .leave)
        #expect(settings.log.format == .json)
        #expect(settings.retention.age == 30 * 86_400_000_000)
        #expect(Settings().store.url == "sqlite:carillon.db")
    }

    @Test func aLengthOfTimeHasAUnitThereToo() throws {
        let error = try #require(throws: ConfigurationError.self) {
            try read("[exec]\ngrace = 10\n[ledger]\nkeep = \"90\"\n")
        }
        #expect(error.problems.map(\.key) == ["exec.grace", "ledger.keep"] && error.problems.map(\.line) == [2, 4])
        #expect(throws: ConfigurationError.self) { try read("", ["CARILLON_EXEC_GRACE": "10"]) }
        #expect(try read("", ["CARILLON_EXEC_GRACE": "0"]).exec.grace == 0)
    }

    @Test func jobFilesHaveALimit() throws {
        #expect(try read("").jobsFileLimit == 16 << 20)
        #expect(try read("jobs_file_limit = 2048").jobsFileLimit == 2_048)
        #expect(try read("", ["CARILLON_JOBS_FILE_LIMIT": "4096"]).jobsFileLimit == 4_096)
        #expect(throws: ConfigurationError.self) { try read("jobs_file_limit = 0") }
    }

    @Test func whatAnInstanceIsToDoIsRead() throws {
        #expect(try read("").instance.roles == [.scheduler, .custodian, .api])
        #expect(try read("").instance.mostJobs == 0)
        let settings = try read("[instance]\nmax_jobs = 10\nroles = [\"scheduler\", \"api\"]")
        #expect(settings.instance.roles == [.scheduler, .api])
        #expect(settings.instance.mostJobs == 10)
        #expect(settings.warnings.map(\.key) == ["instance.max_jobs"])
        #expect(try read("", ["CARILLON_INSTANCE_MAX_JOBS": "7"]).instance.mostJobs == 7)
    }

    @Test func theEnvironmentHasTheLastWord() throws {
        let settings = try read(
            "time_zone = \"Europe/Berlin\"\n[exec]\nmax_children = 7\n",
            ["CARILLON_TIME_ZONE": "Asia/Tokyo", "CARILLON_EXEC_MAX_CHILDREN": "9", "CARILLON_LOG_LEVEL": "error"])
        #expect(settings.timeZone == "Asia/Tokyo")
        #expect(settings.exec.most == 9)
        #expect(settings.log.level == .error)
    }

    @Test(arguments: [
        ("time_zone = \"Mars/Base\"", 1, "time_zone"),
        ("[store]\nurl = \"mysql://user:secret@h/d\"", 2, "store.url"),
        ("[exec]\nmax_children = 0", 2, "exec.max_children"),
        ("instance = \"a\"", 1, "instance"),
        ("[instance]\nname = \"\"", 2, "instance.name"),
        ("[instance]\nlease = \"100ms\"", 2, "instance.lease"),
        ("[instance]\nlease = \"5s\"\nheartbeat = \"3s\"", 3, "instance.heartbeat"),
        ("[instance]\nmax_jobs = -1", 2, "instance.max_jobs"),
        ("[instance]\nroles = [\"scheduler\", \"cook\"]", 2, "instance.roles"),
        ("[instance]\nroles = [\"custodian\"]", 2, "instance.roles"),
        ("[exec]\nmax_chidlren = 4", 2, "exec.max_chidlren"),
        ("[log]\nlevel = \"loud\"", 2, "log.level"),
        ("[log]\nformat = 1", 2, "log.format"),
        ("[ledger]\nkeep = \"for ever\"", 2, "ledger.keep"),
        ("exec = 5", 1, "exec"),
        ("unknown = 1", 1, "unknown"),
    ])
    func mistakesNameFileLineAndKey(_ toml: String, _ line: Int, _ key: String) throws {
        let error = try #require(throws: ConfigurationError.self) { try read(toml) }
        let problem = error.problems[0]
        #expect(problem.line == line)
        #expect(problem.key == key)
        #expect(problem.source == folder.path + "/carillon.toml")
        #expect(!problem.description.contains("secret"))
    }

    /// Of a file that is right.
    @Test(arguments: [
        ("CARILLON_EXEC_MAX_CHILDREN", "many", "expected a whole number, found text"),
        ("CARILLON_EXEC_MAX_CHILDREN", "0", "0 is out of range; expected 1 to 100000"),
        ("CARILLON_LOG_LEVEL", "loud", "\"loud\" is none of"),
        ("CARILLON_TIME_ZONE", "Mars/Base", "Mars/Base"),
        ("CARILLON_START_UNCONNECTED", "maybe", "expected true or false, found text"),
        ("CARILLON_EXEC_GRACE", "10", "10 has no unit"),
        ("CARILLON_STORE_URL", "mysql://user:secret@h/d", "expected sqlite:PATH"),
        ("CARILLON_REDIS_CA_FILE", "/ca.pem", "belongs to TLS"),
    ])
    func aVariableThatIsWrongIsNamed(_ name: String, _ text: String, _ message: String) throws {
        let toml = "[exec]\nmax_children = 5\ngrace = \"1s\"\n[log]\nlevel = \"info\"\n"
        let error = try #require(throws: ConfigurationError.self) { try read(toml, [name: text]) }
        #expect(error.problems.count == 1)
        #expect(error.description.hasPrefix("\(name): ") && error.description.contains(message), "\(error)")
        #expect(!error.description.contains("secret") && !error.description.contains("carillon.toml"))
    }

    @Test func aVariableThatNobodyReadsIsAWarning() throws {
        let warnings = try read(
            "",
            [
                "CARILLON_EXEC_MAX_CHILDRN": "5", "CARILLON_FRAPPE_PASSWORD": "secret",
                "CARILLON_NOTIFY_EMAIL_HOTS": "h",
                "CARILLON_STATE": "/s", "CARILLON_RUN_ID": "1", "CARILLON_JOB": "a", "OTHER": "1",
                "CARILLON_EXEC_GRACE": "1s",
            ]
        ).warnings
        #expect(
            warnings.map(\.description) == [
                "CARILLON_EXEC_MAX_CHILDRN: no setting that is read here; did you mean CARILLON_EXEC_MAX_CHILDREN?",
                "CARILLON_FRAPPE_PASSWORD: no setting that is read here",
                "CARILLON_NOTIFY_EMAIL_HOTS: no setting that is read here; did you mean CARILLON_NOTIFY_EMAIL_HOST?",
            ])
    }

    /// Their keys have the same names.
    @Test func twoFeedsThatTakeEachOthersValuesHaveChanged() throws {
        func settings(_ frappe: String, _ keiji: String) throws -> Settings {
            try read(
                """
                [[feed]]
                type = "frappe"
                user = "a"
                database = "a"
                prefix = "\(frappe)"
                web = { token = "a" }
                [[feed]]
                type = "keiji"
                prefix = "\(keiji)"
                """)
        }
        #expect(try settings("a", "b").changes(since: settings("b", "a")) == ["feed.prefix"])
        #expect(try settings("a", "b").changes(since: settings("a", "b")) == [])
    }

    @Test func aTableMayStandInTheEnvironmentAlone() throws {
        let settings = try read(
            "",
            [
                "CARILLON_NOTIFY_EMAIL_HOST": "mail", "CARILLON_NOTIFY_EMAIL_FROM": "a@b",
                "CARILLON_NOTIFY_EMAIL_TO": "c@d,e@f", "CARILLON_NOTIFY_EMAIL_PORT": "25",
            ])
        #expect(settings.email?.host == "mail" && settings.email?.to == ["c@d", "e@f"] && settings.email?.port == 25)
        #expect(settings.warnings.isEmpty)
        // What it lacks is said of the environment, where the rest of it stands.
        let error = try #require(throws: ConfigurationError.self) {
            try SettingsReader(zones: ZoneDatabase(), environment: ["CARILLON_NOTIFY_EMAIL_HOST": "mail"]).read(
                file: nil)
        }
        #expect(error.problems.map(\.key) == ["notify.email.from", "notify.email.to"])
    }
}
