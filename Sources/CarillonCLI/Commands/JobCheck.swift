import CarillonCore
import CarillonEngine
import ExecDispatcher
import Foundation
import Timetable

/// What of a good job will fail all the same, on this machine or at this time.
enum JobCheck {
    static func warnings(_ job: Job, source: String, zones: ZoneDatabase) -> [ConfigProblem] {
        var words: [(key: String, message: String)] = []
        if case .once = job.schedule.rule, let schedule = try? job.schedule.compile(job: job.name, zones: zones),
            schedule.next(after: SystemClock().now) == nil
        {
            words.append(("at", "that time has passed; the job never runs"))
        }
        if let end = job.schedule.endsAt, end < SystemClock().now {
            words.append(("ends_at", "that time has passed; the job runs no more"))
        }
        if let target = try? job.target.open(as: ExecTarget.self) { words += warnings(target) }
        return words.map { ConfigProblem(source: source, key: $0.key, job: job.name, message: $0.message) }
    }

    private static func warnings(_ target: ExecTarget) -> [(key: String, message: String)] {
        var words: [(key: String, message: String)] = []
        if let user = target.user, getpwnam(user) == nil {
            words.append(("user", "this machine has no user '\(user)'"))
        }
        var isFolder: ObjCBool = false
        if let directory = target.directory,
            !FileManager.default.fileExists(atPath: directory, isDirectory: &isFolder) || !isFolder.boolValue
        {
            words.append(("directory", "there is no directory '\(directory)'"))
        }
        if case .argv(let arguments) = target.command, let program = arguments.first, !isThere(program, target) {
            words.append(("exec", "there is no program '\(program)'"))
        }
        return words
    }

    /// Whether the child would find a program: the path itself, or in its own PATH.
    private static func isThere(_ program: String, _ target: ExecTarget) -> Bool {
        if program.contains("/") {
            let path = program.hasPrefix("/") ? program : (target.directory ?? NSHomeDirectory()) + "/" + program
            return access(path, X_OK) == 0
        }
        let path = target.environment["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return path.split(separator: ":").contains { access("\($0)/\(program)", X_OK) == 0 }
    }
}
