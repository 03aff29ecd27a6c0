import BusIntegration
import CarillonConfiguration
import CarillonCore
import CarillonDaemon
import CarillonTestSupport
import Testing
import Timetable

/// Simple Scheduler's own settings, in its `.env` and in the environment.
@Suite struct SimpleSchedulerReaderTests {
    private static let url = "SIMPLE_SCHEDULER_MESSAGEBUS_CONNECTION_STRING"
    private static let bus = url + "=amqp://mq\n"

    /// What is read, and problems and remarks as `LINE KEY: MESSAGE`; `-` stands for no line.
    private struct Reading {
        var settings: Settings?
        var problems: [String] = []
        var remarks: [String] = []

        var busURL: String? { settings?[BusSettings.self]?.url }
    }

    private func read(_ text: String, _ environment: [String: String] = [:]) throws -> Reading {
        let folder = try TemporaryFolder()
        let path = try folder.write(".env", text)
        var reading = Reading()
        func shown(_ problem: ConfigProblem) -> String {
            let key = problem.source == path ? problem.key ?? "" : problem.source
            let short = key.replacing("SIMPLE_SCHEDULER_", with: "_")
            return "\(problem.line.map(String.init) ?? "-") \(short): \(problem.message)"
        }
        do {
            let found = try SimpleSchedulerReader(environment: environment).read(path: path)
            reading.remarks = found.remarks.map(shown)
            let reader = SettingsReader(zones: ZoneDatabase(), environment: [:])
            reading.settings = try reader.read(found.settings, source: path)
        } catch let error as ConfigurationError {
            reading.problems = error.problems.map(shown)
        }
        return reading
    }

    @Test func itsBusIsOurs() throws {
        let reading = try read(
            """
            # the scheduler's
            SIMPLE_SCHEDULER_MESSAGEBUS_TYPE=rabbitmq
            SIMPLE_SCHEDULER_MESSAGEBUS_CONNECTION_STRING=amqp://guest:s3cret@mq:5672/jobs
            SIMPLE_SCHEDULER_MAX_JOBS=0
            SIMPLE_SCHEDULER_DB_TYPE=
            POSTGRES_PASSWORD=somebody else's

            """)
        #expect(reading.problems == [] && reading.remarks == [])
        #expect(reading.busURL == "amqp://guest:s3cret@mq:5672/jobs")
        #expect(reading.settings?.store.url == "sqlite:carillon.db")
        let given = reading.settings?.given.first { $0.key == "bus.url" }
        #expect(given?.line == 3 && given?.value.contains("s3cret") == false)
    }

    @Test func theEnvironmentCountsMore() throws {
        let broken = "SIMPLE_SCHEDULER_MESSAGEBUS_TYPE=kafka\n\(Self.url)=$NOWHERE\n"
        let variables = ["SIMPLE_SCHEDULER_MESSAGEBUS_TYPE": "rabbitmq", Self.url: "amqps://other"]
        #expect(try read(broken, variables).busURL == "amqps://other")
        // Empty is not there, whatever the file says.
        let reading = try read(Self.bus, [Self.url: ""])
        #expect(reading.busURL == BusSettings().url)
        let remark = "is not there; the bus is sought at \(BusSettings().url)"
        #expect(reading.remarks == ["- _MESSAGEBUS_CONNECTION_STRING: \(remark)"])
        #expect(try read("", ["CARILLON_BUS_URL": "amqp://mq"]).remarks == [])
    }

    /// A store's path shows best what is read.
    private static let store = bus + "SIMPLE_SCHEDULER_DB_TYPE=sqlite\n"

    @Test(arguments: [
        ("KEY=/a", "/a"),
        ("  export \t KEY = /a  \t", "/a"),
        ("KEY: /a", "/a"),
        ("KEY=/a # the old one", "/a"),
        ("KEY=/a\t# the old # one", "/a"),
        ("KEY=/a=b:c#d", "/a=b:c#d"),
        ("KEY='/a' # the old one", "/a"),
        (#"KEY='/$X\n'"#, #"/$X\n"#),
        (#"KEY="/a\n\"b\"\\n""#, "/a\n\"b\"\\n"),
        (#"KEY="/\$X$x$""#, "/$X$x$"),
        (#"KEY=/\$X$x\n$"#, #"/$X$x\n$"#),
        ("WORD=w\nKEY=/${WORD}$WORD-$WORDS${x}", "/ww-s${x}"),
        ("KEY=/${HOST}", "/outside"),
        ("HOST=inside\nKEY=\"/${HOST}\"", "/inside"),
        ("KEY=/a\nKEY=/b", "/b"),
        ("KEY=/a\r\nOTHER=b\r\n", "/a"),
        ("OTHER=\"\n-----BEGIN-----\nabc\n\"\nlower.case_1='\n'\nKEY=/a", "/a"),
    ])
    func theFormIsThatOfGodotenv(_ text: String, _ path: String) throws {
        let lines = Self.store + text.replacing("KEY", with: "SIMPLE_SCHEDULER_DB_CONNECTION_STRING")
        let reading = try read("\u{feff}" + lines, ["HOST": "outside", "WORDS": "s"])
        #expect(reading.settings?.store.url == "sqlite:" + path, "\(reading)")
    }

    @Test func aReferenceToNothingIsRefused() throws {
        let fault =
            "refers with $ to what neither a line above nor the environment says; a dollar is \\$, or stands in single "
            + "quotes"
        let reading = try read("THEIRS=$NOWHERE\n\(Self.url)=amqp://u:s3cret$WORD@mq\nWORD=w\n")
        #expect(reading.problems == ["2 _MESSAGEBUS_CONNECTION_STRING: \(fault)"])
        #expect(
            try read("WORD=$NOWHERE\n\(Self.url)=amqp://$WORD\n").problems
                == ["2 _MESSAGEBUS_CONNECTION_STRING: \(fault)"])
    }

    @Test func referencesDoNotGrowWithoutEnd() throws {
        let doubled = (1...60).map { "A\($0)=$A\($0 - 1)$A\($0 - 1)\n" }.joined()
        let reading = try read("A0=amqp://mq\n" + doubled + "\(Self.url)=$A60\n")
        #expect(reading.problems.count == 1)
    }

    @Test(arguments: [
        ("s3cret", "1 : expected KEY=value"),
        ("export s3cret", "1 : expected KEY=value"),
        ("=s3cret", "1 : expected KEY=value"),
        ("A KEY=s3cret", "1 : expected KEY=value"),
        ("A-KEY=s3cret", "1 : expected KEY=value"),
        ("KEY='s3cret", "1 KEY: nothing closes the quote"),
        ("KEY=\"s3cret\\\"", "1 KEY: nothing closes the quote"),
        ("KEY='s3cret' s3cret", "1 KEY: expected nothing but a comment after the closing quote"),
        ("KEY='\n\n's3cret", "3 KEY: expected nothing but a comment after the closing quote"),
        ("_MESSAGEBUS_TYPE=s3cret", "1 _MESSAGEBUS_TYPE: expected rabbitmq; no other bus is served"),
        ("_MAX_JOBS=s3cret", "1 _MAX_JOBS: expected a whole number; 0 is no limit"),
        ("_MAX_JOBS=-1", "1 _MAX_JOBS: expected a whole number; 0 is no limit"),
        ("_CLEANUP_INTERVAL=5s3cret", "1 _CLEANUP_INTERVAL: expected whole milliseconds, such as 5000"),
        ("_CACHE_REFRESH_INTERVAL=1.5", "1 _CACHE_REFRESH_INTERVAL: expected whole milliseconds, such as 5000"),
        ("_HEARTBEAT_INTERVAL=-5", "1 _HEARTBEAT_INTERVAL: expected whole milliseconds, such as 5000"),
        ("_HEARTBEAT_TIMEOUT=s3cret", "1 _HEARTBEAT_TIMEOUT: expected whole milliseconds, such as 5000"),
    ])
    func aMistakeHasItsLine(_ text: String, _ problem: String) throws {
        let text = text.hasPrefix("_") ? "SIMPLE_SCHEDULER" + text : text
        let reading = try read(text + "\n" + Self.bus)
        #expect(reading.problems == [problem])
        #expect(!"\(reading.problems)".contains("s3cret"))
    }

    @Test(arguments: ["s3cret", "http://u:s3cret@mq"])
    func aBusOfAnotherKindIsRefused(_ url: String) throws {
        let wrong = "expected amqp://USER:PASSWORD@HOST:PORT/VHOST, or amqps:// for TLS"
        #expect(try read("\(Self.url)=\(url)").problems == ["1 _MESSAGEBUS_CONNECTION_STRING: \(wrong)"])
        #expect(try read("", [Self.url: url]).problems == ["- _MESSAGEBUS_CONNECTION_STRING: \(wrong)"])
    }

    #if RabbitMQ
        @Test(arguments: ["amqp://u:s3cret@mq:99999/", "amqp://u:s3cret@mq/a/b", "amqp://u:s3cret@mq/?a=b"])
        func anUnreadableAddressIsRefused(_ url: String) throws {
            let problems = try read("\(Self.url)=\(url)").problems
            let start = "1 _MESSAGEBUS_CONNECTION_STRING: expected"
            #expect(problems.count == 1 && problems.first?.hasPrefix(start) == true)
            #expect(!"\(problems)".contains("s3cret"))
        }
    #endif

    @Test(arguments: [
        ("jobs.db", "sqlite:jobs.db"),
        ("/var/jobs.db", "sqlite:/var/jobs.db"),
        ("sqlite:jobs.db", "sqlite:jobs.db"),
        ("sqlite:/var/jobs.db", "sqlite:/var/jobs.db"),
        ("sqlite:///var/jobs.db", "sqlite:/var/jobs.db"),
    ])
    func itsSQLiteIsOurs(_ address: String, _ url: String) throws {
        #expect(try read(Self.store + "SIMPLE_SCHEDULER_DB_CONNECTION_STRING=\(address)").settings?.store.url == url)
    }

    /// The first line is the bus's, and `…` what to do instead.
    @Test(arguments: [
        ("_DB_TYPE=mongodb\n_DB_NAME=s3cret", "- _DB_CONNECTION_STRING: is missing; …"),
        ("_DB_TYPE=s3cret", "2 _DB_TYPE: expected mongodb, sqlite or postgres; …"),
        ("_DB_TYPE=sqlite", "- _DB_CONNECTION_STRING: is missing; …"),
        ("_DB_TYPE=postgres\n_DB_CONNECTION_STRING=", "3 _DB_CONNECTION_STRING: is missing; …"),
        ("_DB_CONNECTION_STRING=s3cret", "2 _DB_CONNECTION_STRING: needs SIMPLE_SCHEDULER_DB_TYPE; …"),
        ("_DB_TYPE=sqlite\n_DB_CONNECTION_STRING=sqlite:", "3 _DB_CONNECTION_STRING: expected a path, or sqlite:PATH"),
        (
            "_DB_TYPE=sqlite\n_DB_CONNECTION_STRING=sqlite://s3cret/x",
            "3 _DB_CONNECTION_STRING: expected a path, or sqlite:PATH"
        ),
        (
            "_DB_TYPE=sqlite\n_DB_CONNECTION_STRING=mongodb://s3cret",
            "3 _DB_CONNECTION_STRING: expected a path, or sqlite:PATH"
        ),
    ])
    func anotherStoreIsRefused(_ text: String, _ problem: String) throws {
        let text = Self.bus + text.replacing("_DB_", with: "SIMPLE_SCHEDULER_DB_")
        let without = "leave SIMPLE_SCHEDULER_DB_* away to keep jobs in the state directory"
        #expect(try read(text).problems == [problem.replacing("…", with: without)])
    }

    /// Whether there is such a store is for the settings to say, about the line it comes from.
    @Test func itsPostgresIsTheStore() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(
            ".env",
            "SIMPLE_SCHEDULER_DB_TYPE=postgres\nSIMPLE_SCHEDULER_DB_CONNECTION_STRING=postgres://u:s3cret@db/jobs\n")
        let settings = try SimpleSchedulerReader(environment: [:]).read(path: path).settings
        let url = settings["store"]?["url"]
        guard case .string("postgres://u:s3cret@db/jobs")? = url?.value else {
            Issue.record("\(settings)")
            return
        }
        #expect(url?.line == 2)
    }

    /// The name of a database goes into the address, and nobody logs in elsewhere for it.
    @Test(arguments: [
        ("mongodb://localhost:27017", "jobs", "mongodb://localhost:27017/jobs"),
        ("mongodb://localhost/", "jobs", "mongodb://localhost/jobs"),
        ("mongodb://a,b:1/?replicaSet=x", "jobs", "mongodb://a,b:1/jobs?replicaSet=x"),
        ("mongodb://localhost/mine", "", "mongodb://localhost/mine"),
        ("mongodb://localhost/mine", "mine", "mongodb://localhost/mine"),
        ("mongodb://localhost/mine", "jobs", "mongodb://localhost/jobs"),
        ("mongodb://u:p%40@h/mine", "jobs", "mongodb://u:p%40@h/jobs?authSource=mine"),
        ("mongodb://u:p@h", "jobs", "mongodb://u:p@h/jobs?authSource=admin"),
        ("mongodb://u:p@h/mine?tls=true", "jobs", "mongodb://u:p@h/jobs?tls=true&authSource=mine"),
        ("mongodb://u:p@h/mine?AuthSource=other", "jobs", "mongodb://u:p@h/jobs?AuthSource=other"),
        (
            "mongodb://u:p@h/?authMechanism=SCRAM-SHA-256", "jobs",
            "mongodb://u:p@h/jobs?authMechanism=SCRAM-SHA-256&authSource=admin"
        ),
        ("mongodb://u@h/?authMechanism=MONGODB-X509", "jobs", "mongodb://u@h/jobs?authMechanism=MONGODB-X509"),
        (
            "mongodb+srv://u:p@cluster.example.com", "jobs",
            "mongodb+srv://u:p@cluster.example.com/jobs?authSource=admin"
        ),
        ("mongodb://h", "a b#ü", ""),
        ("mongodb://h", "a#ü", "mongodb://h/a%23%C3%BC"),
    ])
    func itsMongoDBIsTheStore(_ address: String, _ name: String, _ url: String) throws {
        let text = """
            SIMPLE_SCHEDULER_DB_TYPE=mongodb
            SIMPLE_SCHEDULER_DB_CONNECTION_STRING='\(address)'
            SIMPLE_SCHEDULER_DB_NAME='\(name)'

            """
        let folder = try TemporaryFolder()
        let path = try folder.write(".env", text)
        if url.isEmpty {
            let problems = try read(text).problems
            #expect(problems.count == 1 && problems[0].hasPrefix("3 _DB_NAME: expected the name of a database"))
            return
        }
        let settings = try SimpleSchedulerReader(environment: [:]).read(path: path).settings
        guard case .string(let found)? = settings["store"]?["url"]?.value else {
            Issue.record("\(settings)")
            return
        }
        #expect(found == url && settings["store"]?["url"]?.line == 2)
    }

    #if MongoDB
        @Test(arguments: [
            ("s3cret", "jobs", "2 _DB_CONNECTION_STRING: "), ("http://u:s3cret@h", "jobs", "2 _DB_CONNECTION_STRING: "),
            ("mongodb://u:s3cret@", "jobs", "2 _DB_CONNECTION_STRING: "),
            ("mongodb://u:s3cret@h/?s3cret=1", "jobs", "2 _DB_CONNECTION_STRING: "),
            ("mongodb://u:s3cret@h/?tls=s3cret", "jobs", "2 _DB_CONNECTION_STRING: "),
            ("mongodb://u:s3cret@h", "", "3 _DB_NAME: is missing"),
            ("mongodb://u:s3cret@h", "s3cret/x", "3 _DB_NAME: expected the name of a database"),
            ("mongodb://u:s3cret@h:port", "jobs", "2 _DB_CONNECTION_STRING: "),
        ])
        func anotherMongoDBIsRefused(_ address: String, _ name: String, _ problem: String) throws {
            let problems = try read(
                """
                SIMPLE_SCHEDULER_DB_TYPE=mongodb
                SIMPLE_SCHEDULER_DB_CONNECTION_STRING='\(address)'
                SIMPLE_SCHEDULER_DB_NAME='\(name)'

                """
            ).problems
            #expect(problems.count == 1 && problems[0].hasPrefix(problem), "\(problems)")
            #expect(!"\(problems)".contains("s3cret"))
        }
    #endif

    /// The files that Simple Scheduler's services come with, each by itself.
    @Test(arguments: [
        """
        SIMPLE_SCHEDULER_MAX_JOBS=0
        SIMPLE_SCHEDULER_DB_TYPE=mongodb
        SIMPLE_SCHEDULER_MESSAGEBUS_TYPE=rabbitmq
        SIMPLE_SCHEDULER_DB_CONNECTION_STRING=mongodb://localhost:27017
        SIMPLE_SCHEDULER_DB_NAME=simpleScheduler
        SIMPLE_SCHEDULER_MESSAGEBUS_CONNECTION_STRING=amqp://guest:guest@localhost:5672/
        SIMPLE_SCHEDULER_CLEANUP_INTERVAL=60000
        SIMPLE_SCHEDULER_CACHE_REFRESH_INTERVAL=300000
        SIMPLE_SCHEDULER_HEARTBEAT_INTERVAL=1000
        """,
        """
        SIMPLE_SCHEDULER_DB_TYPE=mongodb
        SIMPLE_SCHEDULER_DB_CONNECTION_STRING=mongodb://localhost:27017
        SIMPLE_SCHEDULER_DB_NAME=simpleScheduler
        SIMPLE_SCHEDULER_CLEANUP_INTERVAL=60000
        SIMPLE_SCHEDULER_HEARTBEAT_TIMEOUT=3000
        """,
        """
        SIMPLE_SCHEDULER_API_URL=:8081
        SIMPLE_SCHEDULER_DB_TYPE=mongodb
        SIMPLE_SCHEDULER_MESSAGEBUS_TYPE=rabbitmq
        SIMPLE_SCHEDULER_DB_CONNECTION_STRING=mongodb://localhost:27017
        SIMPLE_SCHEDULER_DB_NAME=simpleScheduler
        SIMPLE_SCHEDULER_MESSAGEBUS_CONNECTION_STRING=amqp://guest:guest@localhost:5672/
        SIMPLE_SCHEDULER_OIDC_ISSUER=http://localhost:8080/realms/simple-scheduler
        """,
    ])
    func eachServicesOwnFileIsRead(_ text: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(".env", text + "\n")
        let found = try SimpleSchedulerReader(environment: [:]).read(path: path)
        guard case .string(let url)? = found.settings["store"]?["url"]?.value else {
            Issue.record("\(found.settings)")
            return
        }
        #expect(url == "mongodb://localhost:27017/simpleScheduler")
        #expect(!found.remarks.contains { $0.message.contains("unknown") || $0.key?.hasSuffix("DB_NAME") == true })
    }

    /// Of whoever may still schedule the original writes down no more than that it looks for jobs.
    @Test(arguments: [
        ("_CACHE_REFRESH_INTERVAL=300000\n", "600000ms"),
        ("_CACHE_REFRESH_INTERVAL=1000\nSIMPLE_SCHEDULER_HEARTBEAT_INTERVAL=60000\n", "120000ms"),
        ("_CACHE_REFRESH_INTERVAL=0\n", "2ms"),
    ])
    func itMustHaveBeenSilentFor(_ line: String, _ silence: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(
            ".env",
            Self.bus + "SIMPLE_SCHEDULER_DB_TYPE=mongodb\nSIMPLE_SCHEDULER_DB_CONNECTION_STRING=mongodb://h/jobs\n"
                + "SIMPLE_SCHEDULER\(line)")
        let settings = try SimpleSchedulerReader(environment: [:]).read(path: path).settings
        guard case .string(let found)? = settings["simple_scheduler"]?["silence"]?.value else {
            Issue.record("\(settings)")
            return
        }
        #expect(found == silence)
    }

    @Test func whatIsNotNeededIsRemarked() throws {
        let lines = """
            _MAX_JOBS=5
            _DB_NAME=jobs
            _CLEANUP_INTERVAL=5000
            _CACHE_REFRESH_INTERVAL=5000
            _HEARTBEAT_INTERVAL=5000
            _HEARTBEAT_TIMEOUT=5000
            _API_URL=:8080
            _OIDC_ISSUER=http://localhost:8080/realms/simple-scheduler
            _MAX_JOB=5
            """
        let text = lines.split(separator: "\n").map { "SIMPLE_SCHEDULER\($0)\n" }.joined()
        let reading = try read(
            text + Self.bus,
            ["SIMPLE_SCHEDULER_API_URI": ":80", "SIMPLE_SCHEDULER_OIDC_ISSUER": "http://localhost:1", "SIMPLE": "x"])
        #expect(reading.problems == [])
        let remarks: [String] = [
            "2 _DB_NAME: is not needed: jobs are kept in the state directory",
            "3 _CLEANUP_INTERVAL: is not needed: nothing is polled; "
                + "the time-outs of each run are kept to the second",
            "4 _CACHE_REFRESH_INTERVAL: is not needed: nothing is polled; a changed job counts at once",
            "5 _HEARTBEAT_INTERVAL: counts as 2500: one that is silent for 5000 is taken to be gone",
            "7 _API_URL: is served without TLS: tokens can be read on the way where somebody is between",
            "9 _MAX_JOB: unknown key; did you mean SIMPLE_SCHEDULER_MAX_JOBS?",
            "- _API_URI: no setting that is read here; did you mean SIMPLE_SCHEDULER_API_URL?",
        ]
        #expect(reading.remarks == remarks)
    }

    /// The interval is the beat, and who is silent for the time-out is gone, or for four beats.
    @Test(
        arguments: [
            ("_HEARTBEAT_INTERVAL=5000\n", 5_000_000, 20_000_000), ("_HEARTBEAT_TIMEOUT=60000\n", nil, 60_000_000),
            ("_HEARTBEAT_INTERVAL=1\n", 100_000, 500_000),
            ("_HEARTBEAT_INTERVAL=60000\nSIMPLE_SCHEDULER_HEARTBEAT_TIMEOUT=300000\n", 60_000_000, 300_000_000),
            ("_HEARTBEAT_INTERVAL=99999999999\n", 1_800_000_000, 3_600_000_000),
        ] as [(String, Int64?, Int64)])
    func instancesShareAsItSays(_ line: String, beat: Int64?, lease: Int64) throws {
        let reading = try read("SIMPLE_SCHEDULER" + line + "SIMPLE_SCHEDULER_MAX_JOBS=7\n" + Self.bus, [:])
        #expect(reading.problems == [])
        let instance = try #require(reading.settings?.instance)
        #expect(instance.heartbeat == beat && instance.lease == lease && instance.mostJobs == 7)
    }

    @Test func allMistakesAreSaidAtOnce() throws {
        let reading = try read(
            """
            SIMPLE_SCHEDULER_MAX_JOBS=many
            nonsense
            SIMPLE_SCHEDULER_DB_TYPE=mangodb
            X='
            SIMPLE_SCHEDULER_MESSAGEBUS_TYPE=kafka
            """, ["SIMPLE_SCHEDULER_CLEANUP_INTERVAL": "soon"])
        #expect(
            reading.problems.map { $0.split(separator: ":")[0] } == [
                "1 _MAX_JOBS", "2 ", "3 _DB_TYPE", "4 X", "5 _MESSAGEBUS_TYPE", "- _CLEANUP_INTERVAL",
            ])
    }

    @Test func aCommandEndsWithTwo() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(".env", "nonsense\n")
        let failure = #expect(throws: Failure.self) { try SimpleSchedulerReader.reading(path) }
        #expect(failure?.code == 2 && failure?.message == "\(path):1: expected KEY=value")
        let missing = #expect(throws: Failure.self) { try SimpleSchedulerReader.reading(path + "x") }
        #expect(missing?.code == 2 && missing?.message == "\(path)x: cannot be read: no such file")
    }
}
