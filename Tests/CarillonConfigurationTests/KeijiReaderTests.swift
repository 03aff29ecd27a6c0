import CarillonConfiguration
import CarillonCore
import CarillonTestSupport
import KeijiIntegration
import Testing
import Timetable

/// keiji's own `settings.conf`, and the same settings in `carillon.toml`.
@Suite struct KeijiReaderTests {
    private func read(
        _ text: String, _ environment: [String: String] = ["HOME": "/home/k"]
    ) throws -> (settings: Settings, remarks: [ConfigProblem]) {
        let folder = try TemporaryFolder()
        let path = try folder.write("settings.conf", text)
        let reading = try KeijiReader(zones: ZoneDatabase(), home: "/home/k").read(path: path)
        let reader = SettingsReader(zones: ZoneDatabase(), environment: environment)
        return (try reader.read(reading.settings, source: path), reading.remarks)
    }

    private func problems(_ text: String) throws -> String {
        let error = try #require(throws: ConfigurationError.self) { try read(text) }
        return error.description
    }

    @Test func everyKey() throws {
        let (settings, remarks) = try read(
            """
            # a workspace
            export DB_URL="postgres://keiji:s3cret@db:5432/keiji"
            TIME_ZONE = 'America/New_York'   # theirs
            ROTATE_LOGS=1
            LOG_MAX_SIZE=4096
            EDITOR=vim

            """)
        let keiji = try #require(settings.keiji)
        #expect(keiji.database == .postgres(url: "postgres://keiji:s3cret@db:5432/keiji"))
        #expect(keiji.zone == "America/New_York" && settings.timeZone == "America/New_York")
        #expect(keiji.root == "/home/k/.keiji" && keiji.largestLog == 4_096)
        #expect(settings.log.file == "/home/k/.keiji/logs/services/scheduler/scheduler.log")
        #expect(settings.log.format == .logfmt && settings.log.largest == 4_096)
        #expect(
            settings.controlBus?.pushPort == 8_005 && settings.controlBus?.pullPort == 8_006
                && settings.controlBus?.host == "127.0.0.1")
        #expect(remarks.map(\.key) == ["EDITOR"] && remarks.first?.line == 6)
    }

    @Test func whatKeijiItselfTakesWhenNothingIsSaid() throws {
        let settings = try read("DB_URL=default\n").settings
        #expect(settings.keiji?.database == .sqlite(path: nil) && settings.keiji?.zone == "Africa/Nairobi")
        #expect(settings.keiji?.largestLog == nil)
    }

    /// A unit of systemd may have no HOME, and a zone for jobs of one's own.
    @Test func itsFolderAndItsZoneAreItsOwn() throws {
        let keiji = try #require(try read("DB_URL=default\n", ["CARILLON_TIME_ZONE": "UTC"]).settings.keiji)
        #expect(keiji.root == "/home/k/.keiji" && keiji.zone == "Africa/Nairobi")
    }

    @Test func mistakesHaveTheirLine() throws {
        #expect(try problems("TIME_ZONE=UTC\n").contains("DB_URL: is missing"))
        let dsn = try problems("DB_URL=host=db password=s3cret\n")
        #expect(dsn.contains("DB_URL: expected default") && !dsn.contains("s3cret"))
        #expect(try problems("DB_URL=default\nTIME_ZONE=Mars\n").contains(":2: TIME_ZONE: "))
        #expect(try problems("DB_URL=default\nROTATE_LOGS=yes\n").contains("ROTATE_LOGS: expected 0 or 1"))
        #expect(try problems("DB_URL=default\nnonsense\n").contains(":2: expected KEY=value"))
        #expect(try problems("DB_URL=default\nLOG_MAX_SIZE=big\n").contains("LOG_MAX_SIZE: expected bytes"))
    }

    private func toml(_ text: String, _ environment: [String: String] = [:]) throws -> Settings {
        let folder = try TemporaryFolder()
        return try SettingsReader(
            zones: ZoneDatabase(), environment: environment.merging(["HOME": "/home/k"]) { one, _ in one }
        ).read(file: try folder.write("carillon.toml", text))
    }

    @Test func theSameInOurOwnFile() throws {
        let text = """
            [[feed]]
            type = "keiji"
            database = "sqlite:/var/keiji.db"
            time_zone = "Europe/Berlin"
            prefix = "k/"
            catch_up = "skip"
            logs = false
            max_log = 1000
            [control_bus]
            host = "0.0.0.0"
            token = "s3cret"
            """
        let settings = try toml(text, ["CARILLON_KEIJI_ROOT": "/srv/keiji", "CARILLON_CONTROL_BUS_PUSH_PORT": "9005"])
        let keiji = try #require(settings.keiji)
        #expect(keiji.database == .sqlite(path: "/var/keiji.db") && keiji.root == "/srv/keiji")
        #expect(keiji.prefix == "k/" && keiji.catchUp == .skip && !keiji.logs && keiji.largestLog == 1_000)
        #expect(settings.controlBus?.pushPort == 9_005 && settings.controlBus?.token == "s3cret")
    }

    @Test func aBusThatIsOpenToANetworkNeedsAToken() throws {
        let feed = "[[feed]]\ntype = \"keiji\"\n"
        let open = try #require(throws: ConfigurationError.self) {
            try toml(feed + "[control_bus]\nhost = \"0.0.0.0\"\n")
        }
        #expect(open.description.contains("bus.token: is missing"))
        let alone = try #require(throws: ConfigurationError.self) { try toml("[control_bus]\npush_port = 1\n") }
        #expect(alone.description.contains("there is no [[feed]] of type \"keiji\""))
        let from = try #require(throws: ConfigurationError.self) { try toml(feed + "[control_bus]\nfrom = \"here\"\n") }
        #expect(from.description.contains("bus.from: expected HOST:PORT"))
        #expect(try toml(feed + "[control_bus]\nfrom = \"127.0.0.1:8006\"\n").controlBus?.from == "127.0.0.1:8006")
    }
}
