import CarillonCore
public import Timetable

/// Reads the settings of `carillon.toml`; what the environment says of one counts more.
public struct SettingsReader: Sendable {
    var zones: ZoneDatabase
    let environment: [String: String]
    /// The daemon's own.
    let home: String

    public init(zones: ZoneDatabase, environment: [String: String]) {
        self.zones = zones
        self.environment = environment
        home = environment["HOME"] ?? "/"
    }

    /// Settings from the file, or from the environment alone when there is none. Throws `ConfigurationError`.
    public func read(file: String?) throws -> Settings {
        guard let file else { return try read(ConfigNode(.table([])), source: "environment") }
        do {
            return try read(try ConfigDocument.read(path: file), source: file)
        } catch let problem as FeedProblem {
            throw ConfigurationError([problem])
        }
    }

    package func read(_ node: ConfigNode, source: String) throws -> Settings {
        var table = TableReader(node, source: source, variables: Variables(environment, prefix: Self.prefix))
        var settings = Settings()
        // The jobs in the same file are the file feed's to read.
        _ = table.value("job")
        settings.timeZone = table.string("time_zone") ?? settings.timeZone
        do {
            _ = try zones.zone(settings.timeZone)
        } catch {
            table.complain("time_zone", error.message)
        }
        settings.instance = table.string("instance")
        settings.jobsDirectory = table.string("jobs_dir") ?? settings.jobsDirectory
        settings.jobsFileLimit = table.integer("jobs_file_limit", in: 1024...(1 << 30)) ?? settings.jobsFileLimit
        _ = table.table("store") { readStore(&$0, &settings) }
        _ = table.table("exec") { readExec(&$0, &settings.exec) }
        _ = table.table("redis") { readRedis(&$0, &settings.redis) }
        _ = table.table("log") { readLog(&$0, &settings.log) }
        _ = table.table("ledger") { readLedger(&$0, &settings.retention) }
        settings.startsUnconnected = table.bool("start_unconnected") ?? settings.startsUnconnected
        readFeeds(&table, &settings)
        settings.socket = table.table("socket") { table in
            var socket = Settings.Socket()
            readSocket(&table, &socket)
            return socket
        }
        if settings.socket != nil, settings.frappe == nil {
            table.complain("socket", "is for a Frappe site, and there is no [[feed]] of type \"frappe\"")
        }
        settings.controlBus = table.table("control_bus") { readControlBus(&$0) }
        if settings.controlBus != nil, settings.keiji == nil {
            table.complain("control_bus", "is for a keiji, and there is no [[feed]] of type \"keiji\"")
        }
        _ = table.table("notify") { notify in settings.email = notify.table("email") { readEmail(&$0) } }
        table.finish()
        guard table.problems.isEmpty else { throw ConfigurationError(table.problems) }
        settings.warnings = unread(table.variables?.asked ?? [])
        return settings
    }

    private static let prefix = "CARILLON_"

    /// What the commands read themselves, and what a run is told: a program may well call `carillon`.
    private static let others: Set = [
        "CARILLON_CONFIG", "CARILLON_STATE", "CARILLON_SHIM", "CARILLON_JOB", "CARILLON_RUN_ID", "CARILLON_ATTEMPT",
        "CARILLON_SCHEDULED_AT", "CARILLON_MARK",
    ]

    /// Variables that look like settings and are none, or none of a system that is set up here.
    private func unread(_ asked: Set<String>) -> [FeedProblem] {
        environment.keys.filter { $0.hasPrefix(Self.prefix) && !asked.contains($0) && !Self.others.contains($0) }
            .sorted().map { name in
                FeedProblem(
                    source: name, message: "no setting that is read here" + Spelling.hint(name, among: asked.sorted()))
            }
    }

    private func readStore(_ table: inout TableReader, _ settings: inout Settings) {
        guard let url = table.string("url") else { return }
        settings.storeURL = url
        if !url.hasPrefix("sqlite:") || url == "sqlite:" {
            // The address may hold a password, so it is not repeated.
            table.complain("url", "expected sqlite:PATH; this build knows no other store")
        }
    }

    private func readExec(_ table: inout TableReader, _ exec: inout Settings.Exec) {
        exec.most = table.integer("max_children", in: 1...100_000)
        exec.logLimit = table.integer("log_limit", in: 0...(1 << 40)) ?? exec.logLimit
        exec.grace = table.span("grace") ?? exec.grace
        exec.inheritEnvironment = table.strings("inherit_env") ?? []
        exec.onStop = table.choice("on_stop", Settings.OnStop.self) ?? exec.onStop
    }

    private func readLog(_ table: inout TableReader, _ log: inout Settings.Log) {
        log.level = table.choice("level", Settings.LogLevel.self)
        log.format = table.choice("format", Settings.LogFormat.self)
        log.file = table.string("file")
        log.largest = table.integer("max_size", in: 1024...(1 << 40)) ?? log.largest
        log.keep = table.integer("keep", in: 0...1_000) ?? log.keep
    }

    private func readLedger(_ table: inout TableReader, _ retention: inout Retention) {
        retention.age = table.span("keep") ?? retention.age
        retention.perJob = Int(table.integer("keep_per_job", in: 1...1_000_000_000) ?? Int64(retention.perJob))
    }
}
