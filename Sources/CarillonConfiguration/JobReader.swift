package import CarillonCore
package import Timetable

/// Reads a job from a table of any file, from an order or from an import: the same keys everywhere.
package struct JobReader: Sendable {
    /// Who reads what a job executes.
    package var targets: [any TargetKeys.Type]
    package var zones: ZoneDatabase
    /// The zone of a job that names none.
    package var defaultZone: String
    /// What relative paths of calendars start from.
    package var directory: String

    package init(
        targets: [any TargetKeys.Type], zones: ZoneDatabase, defaultZone: String = "UTC", directory: String = "."
    ) {
        self.targets = targets
        self.zones = zones
        self.defaultZone = defaultZone
        self.directory = directory
    }

    /// Reads a job, or every problem its table has. `place` says which one it is when it has no name.
    package func read(_ node: ConfigNode, source: String, place: String) -> Result<Job, ConfigurationError> {
        var name = place
        if case .string(let text)? = node["name"]?.value { name = Job.canonical(text) }
        var table = ConfigTable(node, source: source, job: name)
        let job = read(&table, source: source)
        table.finish()
        if table.problems.isEmpty, let job { return .success(job) }
        return .failure(ConfigurationError(table.problems))
    }

    /// Reads the keys that say when a job runs, or every problem they have; of a table that has no others.
    package func readSchedule(_ table: ConfigTable) -> Result<ScheduleText, ConfigurationError> {
        var table = table
        let schedule = readSchedule(&table, name: "")
        table.finish()
        if table.problems.isEmpty, let schedule { return .success(schedule) }
        return .failure(ConfigurationError(table.problems))
    }

    private func read(_ table: inout ConfigTable, source: String) -> Job? {
        let name = table.string("name")
        if !table.has("name") { table.complain(nil, "a job needs a name") }
        if let name, let fault = Job.fault(inName: name) { table.complain("name", fault) }
        let schedule = readSchedule(&table, name: name ?? "")
        let chosen = readTarget(&table)
        let policies = readPolicies(&table, chosen?.keys)
        let enabled = table.bool("enabled") ?? true
        let tags = table.strings("tags") ?? []
        guard let name, let schedule, let target = chosen?.target, table.problems.isEmpty else { return nil }
        return Job(
            name: name, schedule: schedule, target: target, policies: policies, enabled: enabled, tags: tags,
            origin: Origin(feed: "", source: source))
    }
}
