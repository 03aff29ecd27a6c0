import CarillonCore
import Timetable

/// Reads the jobs of one file: `[[job]]` in TOML, a list under `job` in YAML and JSON.
public struct JobFileReader: Sendable {
    var jobs: JobReader

    public init(_ jobs: JobReader) { self.jobs = jobs }

    /// Good jobs, and a problem for each of the others. `isMain` is true for `carillon.toml`, whose other keys are settings.
    public func read(path: String, isMain: Bool) -> FeedSnapshot {
        do {
            return read(try ConfigDocument.read(path: path), path: path, isMain: isMain)
        } catch {
            return FeedSnapshot(problems: [error])
        }
    }

    public func read(_ node: ConfigNode, path: String, isMain: Bool) -> FeedSnapshot {
        var snapshot = FeedSnapshot()
        var reader = jobs
        var table = TableReader(node, source: path)
        if let zone = table.string("time_zone") {
            if (try? reader.zones.zone(zone)) == nil {
                table.complain("time_zone", "unknown time zone '\(zone)'")
            } else if !isMain {
                // The main file's zone is a setting, which the environment may have changed.
                reader.defaultZone = zone
            }
        }
        if let list = table.value("job") {
            switch list.value {
            case .array(let nodes):
                for (index, node) in nodes.enumerated() {
                    switch reader.read(node, source: path, place: "job \(index + 1)") {
                    case .success(let job): snapshot.jobs.append(job)
                    case .failure(let error): snapshot.problems += error.problems
                    }
                }
            default: table.complain("job", "expected a list of jobs ([[job]] in TOML), found \(list.kind)")
            }
        }
        if !isMain { table.finish() }
        snapshot.problems += table.problems
        return snapshot
    }
}
