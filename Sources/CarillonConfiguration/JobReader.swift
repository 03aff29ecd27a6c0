import CarillonCore
import Timetable

/// Reads a job from a table of any file, from an order or from an import: the same keys everywhere.
public struct JobReader: Sendable {
    public var zones: ZoneDatabase
    /// The zone of a job that names none.
    public var defaultZone: String
    /// What relative paths of calendars start from.
    public var directory: String

    public init(zones: ZoneDatabase, defaultZone: String = "UTC", directory: String = ".") {
        self.zones = zones
        self.defaultZone = defaultZone
        self.directory = directory
    }

    /// A job, or every problem its table has. `place` says which one it is when it has no name.
    public func read(_ node: ConfigNode, source: String, place: String) -> Result<Job, ConfigurationError> {
        var name = place
        if case .string(let text)? = node["name"]?.value { name = text }
        var table = TableReader(node, source: source, job: name)
        let job = read(&table, source: source)
        table.finish()
        if table.problems.isEmpty, let job { return .success(job) }
        return .failure(ConfigurationError(table.problems))
    }

    private func read(_ table: inout TableReader, source: String) -> Job? {
        let name = table.string("name")
        if !table.has("name") { table.complain(nil, "a job needs a name") }
        if let name, let fault = Job.fault(inName: name) { table.complain("name", fault) }
        let schedule = readSchedule(&table, name: name ?? "")
        let target = readTarget(&table)
        guard let target else { return nil }
        let policies = readPolicies(&table, target: target)
        let enabled = table.bool("enabled") ?? true
        let tags = table.strings("tags") ?? []
        guard let name, let schedule, table.problems.isEmpty else { return nil }
        return Job(
            name: name, schedule: schedule, target: target, policies: policies, enabled: enabled, tags: tags,
            origin: Origin(feed: "", source: source))
    }

    private func readTarget(_ table: inout TableReader) -> Target? {
        let words = table.strings("exec")
        let line = table.string("shell")
        let environment = table.environment("env") ?? [:]
        let inherit = table.strings("inherit_env") ?? []
        let directory = table.string("directory")
        let user = table.string("user")
        let input = table.string("input")
        let codes = readSuccessCodes(&table)
        let command: ExecTarget.Command
        switch (words, line) {
        case (let words?, nil):
            if words.first?.isEmpty ?? true {
                table.complain("exec", "expected a program and its arguments: [\"/usr/bin/program\", \"argument\"]")
            }
            command = .argv(words)
        case (nil, let line?):
            if line.allSatisfy(\.isWhitespace) { table.complain("shell", "the line is empty") }
            command = .shell(line)
        case (_?, _?):
            table.complain("shell", "a job has either exec or shell, not both")
            return nil
        case (nil, nil):
            // A key of the wrong type has been complained of already.
            if !table.has("exec"), !table.has("shell") { table.complain(nil, "a job needs exec or shell") }
            return nil
        }
        if ([line ?? ""] + (words ?? [])).contains(where: { $0.contains("\0") }) {
            table.complain(words == nil ? "shell" : "exec", "must not hold a NUL character")
        }
        return .exec(
            ExecTarget(
                command, environment: environment, inheritEnvironment: inherit, directory: directory, user: user,
                input: input, successCodes: codes))
    }

    private func readSuccessCodes(_ table: inout TableReader) -> [Int32] {
        guard let found = table.value("success_codes") else { return [0] }
        guard case .array(let nodes) = found.value else {
            table.complain("success_codes", "expected a list of exit codes, found \(found.kind)")
            return [0]
        }
        return nodes.compactMap { node in
            if case .integer(let code) = node.value, (0...255).contains(code) { return Int32(code) }
            table.complain("success_codes", "an exit code is a whole number, 0 to 255", line: node.line)
            return nil
        }
    }
}
