import CarillonCore
import Foundation

/// Where keiji keeps binaries and logs; nothing outside is ever removed.
public struct KeijiFolders: Sendable {
    /// `$HOME/.keiji`.
    public let root: String

    public init(root: String) { self.root = root }

    public static func standard(home: String) -> KeijiFolders { KeijiFolders(root: home + "/.keiji") }

    public var database: String { root + "/db/keiji.db" }
    public var schedulerLog: String { root + "/logs/services/scheduler/scheduler.log" }
    var binaries: String { root + "/exec/tasks" }
    var logs: String { root + "/logs/tasks" }

    /// A task's own log; nil when its slug is no name of a folder.
    public func log(of task: KeijiTask) -> String? {
        Self.isName(task.slug) ? "\(logs)/\(task.slug)/\(task.slug).log" : nil
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text != "." && text != ".." && !text.contains("/") && !text.utf8.contains(0)
    }

    /// Removes a task's binary, its copy beside it, and its logs. What is gone already is no matter. Throws `FeedRefusal`
    /// before anything is removed when one of them is outside keiji's folders.
    func remove(_ task: KeijiTask) throws {
        var files: [String] = []
        if let executable = task.executable, !executable.isEmpty {
            try check(executable, inside: binaries, of: task)
            files = [executable]
            // The original ran a copy.
            if executable.hasSuffix(".bin") { files.append(executable.dropLast(4) + "_run.bin") }
        }
        if let log = task.logPath, !log.isEmpty {
            try check(log, inside: logs, of: task)
            files.append(log)
        }
        guard let own = log(of: task) else {
            throw FeedRefusal("task '\(task.name)' is not deleted: its slug is no name of a folder")
        }
        let folder = (own as NSString).deletingLastPathComponent
        if FileManager.default.fileExists(atPath: folder) { try check(own, inside: logs, of: task) }
        for file in files where unlink(file) != 0 && errno != ENOENT && errno != ENOTDIR {
            throw FeedRefusal("\(file) cannot be removed: \(String(cString: strerror(errno)))")
        }
        // What rotation left lies in the same folder.
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        where name.hasPrefix(task.slug + ".log") { unlink(folder + "/" + name) }
        rmdir(folder)
    }

    /// A path's folder, links followed, must lie within keiji's.
    private func check(_ path: String, inside folder: String, of task: KeijiTask) throws {
        guard path.hasPrefix("/") else {
            throw FeedRefusal("task '\(task.name)' is not deleted: \(path) is no absolute path")
        }
        let parent = (path as NSString).deletingLastPathComponent
        // Where there is no folder, there is nothing to remove.
        guard access(parent, F_OK) == 0 || path.contains("..") else { return }
        guard let real = Self.real(parent), let bounds = Self.real(folder),
            real == bounds || real.hasPrefix(bounds + "/"), Self.isName((path as NSString).lastPathComponent)
        else { throw FeedRefusal("task '\(task.name)' is not deleted: \(path) is outside \(folder)") }
    }

    private static func real(_ path: String) -> String? {
        guard let found = realpath(path, nil) else { return nil }
        defer { free(found) }
        return String(cString: found)
    }
}
