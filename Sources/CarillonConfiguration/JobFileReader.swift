package import CarillonCore
import Timetable

/// Reads the jobs of one file: `[[job]]` in TOML, a list under `job` in YAML and JSON.
package struct JobFileReader: Sendable {
    var jobs: JobReader
    /// The largest file, in bytes.
    var limit: Int

    package init(_ jobs: JobReader, limit: Int = Bounds.bytes) {
        self.jobs = jobs
        self.limit = limit
    }

    /// Reads jobs, with a problem for each bad one. `isMain` is true for `carillon.toml`, whose other keys are
    /// settings.
    package func read(path: String, isMain: Bool) -> FeedSnapshot {
        var reading = open(path: path, isMain: isMain)
        return reading.next(most: .max) ?? FeedSnapshot()
    }

    package func read(_ node: ConfigNode, path: String, isMain: Bool) -> FeedSnapshot {
        var reading = open(node, path: path, isMain: isMain)
        return reading.next(most: .max) ?? FeedSnapshot()
    }

    /// Opens the same in parts: a file may hold more jobs than is good to have at once.
    package func open(path: String, isMain: Bool) -> JobFileReading {
        do {
            let node = try ConfigDocument.read(path: path, limit: isMain ? Bounds.bytes : limit)
            return open(node, path: path, isMain: isMain)
        } catch {
            return JobFileReading(path: path, jobs: jobs, nodes: [], problems: [error])
        }
    }

    /// Refuses a file that is not to be read, and says why.
    package func refuse(_ problem: ConfigProblem, path: String) -> JobFileReading {
        JobFileReading(path: path, jobs: jobs, nodes: [], problems: [problem])
    }

    private func open(_ node: ConfigNode, path: String, isMain: Bool) -> JobFileReading {
        var reader = jobs
        var table = ConfigTable(node, source: path)
        if let zone = table.string("time_zone") {
            if (try? reader.zones.zone(zone)) == nil {
                table.complain("time_zone", "unknown time zone '\(zone)'")
            } else if !isMain {
                // The main file's zone is a setting, which the environment may have changed.
                reader.defaultZone = zone
            }
        }
        var nodes: [ConfigNode] = []
        if let list = table.value("job") {
            switch list.value {
            case .array(let found): nodes = found
            default: table.complain("job", "expected a list of jobs ([[job]] in TOML), found \(list.kind)")
            }
        }
        if !isMain { table.finish() }
        return JobFileReading(path: path, jobs: reader, nodes: nodes, problems: table.problems)
    }
}

/// A file whose text has been read, and whose jobs are read from it in parts.
package struct JobFileReading: Sendable {
    private let path: String
    private let jobs: JobReader
    private let nodes: [ConfigNode]
    /// Of the file itself; they come with its first part.
    private var problems: [ConfigProblem]?
    private var place = 0

    init(path: String, jobs: JobReader, nodes: [ConfigNode], problems: [ConfigProblem]) {
        self.path = path
        self.jobs = jobs
        self.nodes = nodes
        self.problems = problems
    }

    /// Reads at most so many jobs more; nil at the end, and at least one part before.
    package mutating func next(most: Int) -> FeedSnapshot? {
        guard problems != nil || place < nodes.count else { return nil }
        var snapshot = FeedSnapshot()
        for index in place..<min(nodes.count, most < nodes.count - place ? place + most : nodes.count) {
            let node = nodes[index]
            if case .string(let calendar)? = node["calendar"]?.value {
                snapshot.alsoRead.insert(CalendarFile.path(calendar, relativeTo: jobs.directory))
            }
            switch jobs.read(node, source: path, place: "job \(index + 1)") {
            case .success(let job):
                snapshot.jobs.append(job)
                if let warning = warning(of: job, node) { snapshot.warnings.append(warning) }
            case .failure(let error): snapshot.problems += error.problems
            }
            place = index + 1
        }
        snapshot.problems += problems ?? []
        problems = nil
        return snapshot
    }

    private func warning(of job: Job, _ node: ConfigNode) -> ConfigProblem? {
        guard case .every(let text, _) = job.schedule.rule, let interval = try? Span.parse(text), interval < 1_000_000
        else { return nil }
        return ConfigProblem(
            source: path, line: node["every"]?.line, key: "every", job: job.name,
            message: "runs more often than once a second; is that meant?")
    }
}
