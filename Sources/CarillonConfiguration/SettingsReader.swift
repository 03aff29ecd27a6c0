package import CarillonCore
package import Timetable

/// Reads the settings of `carillon.toml`; what the environment says of one counts more.
package struct SettingsReader: Sendable {
    private let zones: ZoneDatabase
    private let environment: [String: String]
    private let sections: [any SettingsSection.Type]
    private let stores: [any StoreDriver.Type]

    package init(
        zones: ZoneDatabase, environment: [String: String], sections: [any SettingsSection.Type],
        stores: [any StoreDriver.Type]
    ) {
        self.zones = zones
        self.environment = environment
        self.sections = sections
        self.stores = stores
    }

    /// Reads settings from the file, or from the environment alone for none. Throws `ConfigurationError`.
    package func read(file: String?) throws -> Settings {
        guard let file else { return try read(ConfigNode(.table([])), source: "environment") }
        do {
            return try read(try ConfigDocument.read(path: file), source: file)
        } catch let problem as ConfigProblem {
            throw ConfigurationError([problem])
        }
    }

    /// Reads settings from a file's text, or from another scheduler's in our own words.
    package func read(_ node: ConfigNode, source: String) throws -> Settings {
        var table = ConfigTable(node, source: source, variables: Variables(environment, prefix: Self.prefix))
        var settings = Settings()
        // The jobs in the same file are the file feed's to read.
        _ = table.value("job")
        settings.timeZone = table.zone("time_zone", in: zones) ?? settings.timeZone
        settings.jobsDirectory = table.string("jobs_dir") ?? settings.jobsDirectory
        settings.jobsFileLimit = table.integer("jobs_file_limit", in: 1024...(1 << 30)) ?? settings.jobsFileLimit
        _ = table.table("store") { readStore(&$0, &settings) }
        let isShared = stores.first { $0.canOpen(settings.store.url) }?.isRemote ?? false
        _ = table.table("instance") { readInstance(&$0, &settings.instance, isShared: isShared) }
        _ = table.table("log") { readLog(&$0, &settings.log) }
        _ = table.table("ledger") { readLedger(&$0, &settings.retention) }
        _ = table.table("audit") { settings.auditKeep = $0.span("keep") ?? settings.auditKeep }
        _ = table.table("control") { settings.controlGroup = $0.string("group") }
        settings.startsUnconnected = table.bool("start_unconnected") ?? settings.startsUnconnected
        var whole = SettingsTable(
            table, zones: zones, home: environment["HOME"] ?? "/", timeZone: settings.timeZone,
            environment: environment)
        for section in sections { read(section, from: &whole, into: &settings) }
        whole.finish()
        guard whole.table.problems.isEmpty else {
            // In the order in which they stand in the file, whoever read what.
            let problems = whole.table.problems.enumerated().sorted {
                ($0.element.line ?? .max, $0.offset) < ($1.element.line ?? .max, $1.offset)
            }
            throw ConfigurationError(problems.map(\.element))
        }
        settings.given = whole.table.given
        settings.known = whole.table.known
        settings.warnings = unread(whole.table.variables?.asked ?? [])
        if settings.instance.mostJobs > 0, !isShared {
            settings.warnings.append(
                ConfigProblem(
                    source: source, key: "instance.max_jobs",
                    message: "is not kept: one daemon has such a store, and holds every job"))
        }
        return settings
    }

    private func read<Section: SettingsSection>(
        _ type: Section.Type, from whole: inout SettingsTable, into settings: inout Settings
    ) {
        settings[type] = type.read(&whole)
    }

    private static let prefix = "CARILLON_"

    /// What the commands read themselves, and what a run is told: a program may well call `carillon`.
    private static let others: Set = [
        "CARILLON_CONFIG", "CARILLON_STATE", "CARILLON_URL", "CARILLON_CONTEXT", "CARILLON_TOKEN", "CARILLON_CA_FILE",
        "CARILLON_INSECURE", "CARILLON_CLIENT_SECRET", "CARILLON_SHIM", "CARILLON_JOB", "CARILLON_RUN_ID",
        "CARILLON_ATTEMPT",
        "CARILLON_SCHEDULED_AT", "CARILLON_MARK",
    ]

    /// Finds variables that look like settings and are none, or none of a system that is set up here.
    private func unread(_ asked: Set<String>) -> [ConfigProblem] {
        environment.keys.filter { $0.hasPrefix(Self.prefix) && !asked.contains($0) && !Self.others.contains($0) }
            .sorted().map { name in
                ConfigProblem(
                    source: name, message: "no setting that is read here" + Spelling.hint(name, among: asked.sorted()))
            }
    }

    private func readInstance(
        _ table: inout ConfigTable, _ instance: inout Settings.Instance, isShared: Bool
    ) {
        instance.name = table.string("name")
        if instance.name == "" { table.complain("name", "expected a name, or no such key for the host's name") }
        instance.lease = table.span("lease")
        if let lease = instance.lease, !Self.leases.contains(lease) {
            table.complain("lease", "expected a length of time from \"500ms\" to \"1h\"")
        }
        instance.heartbeat = table.span("heartbeat")
        let most = (instance.lease ?? Self.leases.upperBound) / 2
        if let heartbeat = instance.heartbeat, !(100_000...max(most, 100_000)).contains(heartbeat) {
            table.complain("heartbeat", "expected a length of time from \"100ms\" to half of the lease")
        }
        instance.mostJobs = table.integer("max_jobs", in: 0...Int64(Int32.max)).map(Int.init) ?? instance.mostJobs
        readRoles(&table, &instance, isShared: isShared)
    }

    private func readRoles(_ table: inout ConfigTable, _ instance: inout Settings.Instance, isShared: Bool) {
        guard let names = table.strings("roles") else { return }
        let roles = names.map(Settings.Role.init)
        let known = Settings.Role.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        if let place = roles.firstIndex(of: nil) {
            return table.complain("roles", "\"\(names[place])\" is no role; expected some of \(known)")
        }
        instance.roles = Set(roles.compactMap(\.self))
        // Nobody else would do what it leaves.
        if !isShared, !instance.roles.contains(.scheduler) {
            table.complain("roles", "expected \"scheduler\" among them: one daemon has such a store, and schedules")
        }
    }

    /// Microseconds.
    private static let leases: ClosedRange<Int64> = 500_000...3_600_000_000

    private func readStore(_ table: inout ConfigTable, _ settings: inout Settings) {
        settings.store.url = table.string("url") ?? settings.store.url
        settings.store.password = table.secret("password")
        settings.store.caFile = table.string("ca_file")
        settings.store.certificateFile = table.string("certificate_file")
        settings.store.keyFile = table.string("key_file")
        settings.store.isPooled = table.bool("pooled") ?? false
        // The address may hold a password, so it is not repeated.
        guard let driver = stores.first(where: { $0.canOpen(settings.store.url) }) else {
            let forms = stores.map { $0.form }.joined(separator: " or ")
            return table.complain("url", "expected \(forms); this build knows no other store")
        }
        if let flaw = driver.flaw(of: settings.store) { table.complain("url", flaw) }
    }

    private func readLog(_ table: inout ConfigTable, _ log: inout Settings.Log) {
        log.level = table.choice("level", Settings.LogLevel.self)
        log.format = table.choice("format", Settings.LogFormat.self)
        log.file = table.string("file")
        log.largest = table.integer("max_size", in: 1_024...(1 << 40)) ?? log.largest
        log.keep = table.integer("keep", in: 0...1_000) ?? log.keep
    }

    private func readLedger(_ table: inout ConfigTable, _ retention: inout Retention) {
        retention.age = table.span("keep") ?? retention.age
        retention.perJob = Int(table.integer("keep_per_job", in: 1...1_000_000_000) ?? Int64(retention.perJob))
    }
}
