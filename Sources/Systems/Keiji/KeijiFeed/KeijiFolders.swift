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

    /// Answers the path of a task's own log; nil when its slug is no name of a folder.
    public func log(of task: KeijiTask) -> String? {
        Self.isName(task.slug) ? "\(logs)/\(task.slug)/\(task.slug).log" : nil
    }

    /// Opens the folder of a task's own log, made when there is none; nil when it cannot be had.
    func logFolder(of task: KeijiTask) -> HeldFolder? {
        guard Self.isName(task.slug) else { return nil }
        try? FileManager.default.createDirectory(
            atPath: logs, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        return HeldFolder(path: logs)?.folderMade(task.slug)
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text != "." && text != ".." && !text.contains("/") && !text.utf8.contains(0)
    }

    /// Removes a task's binary, its copy beside it, and its logs. What is gone already is no matter. Throws `FeedRefusal`
    /// before anything is removed when one of them is outside keiji's folders.
    ///
    /// What was looked at is what is removed: folders are held while it goes on, and no link within keiji's is followed.
    func remove(_ task: KeijiTask) throws {
        var files: [(folder: HeldFolder, name: String)] = []
        if let executable = task.executable, !executable.isEmpty,
            let (folder, name) = try place(of: executable, in: binaries, task)
        {
            files.append((folder, name))
            // The original ran a copy.
            if name.hasSuffix(".bin") { files.append((folder, name.dropLast(4) + "_run.bin")) }
        }
        if let log = task.logPath, !log.isEmpty, let place = try place(of: log, in: logs, task) { files.append(place) }
        guard let own = log(of: task) else {
            throw FeedRefusal("task '\(task.name)' is not deleted: its slug is no name of a folder")
        }
        // What rotation left lies in the same folder.
        let folder = try place(of: own, in: logs, task)?.folder
        for name in folder?.names ?? [] where name.hasPrefix(task.slug + ".log") {
            if let folder { files.append((folder, name)) }
        }
        for file in files {
            let code = file.folder.remove(file: file.name)
            guard code == 0 else {
                throw FeedRefusal("\(file.name) cannot be removed: \(String(cString: strerror(code)))")
            }
        }
        HeldFolder(path: logs)?.remove(folder: task.slug)
    }

    /// Finds a file's folder, held, and its name; nil where there is no folder, and so nothing to remove.
    private func place(
        of path: String, in bounds: String, _ task: KeijiTask
    ) throws -> (folder: HeldFolder, name: String)? {
        guard path.hasPrefix("/") else {
            throw FeedRefusal("task '\(task.name)' is not deleted: \(path) is no absolute path")
        }
        let outside = FeedRefusal("task '\(task.name)' is not deleted: \(path) is outside \(bounds)")
        let prefixes = [bounds, Self.real(bounds) ?? bounds].map { $0 + "/" }
        guard let prefix = prefixes.first(where: path.hasPrefix) else { throw outside }
        let words = path.dropFirst(prefix.count).split(separator: "/").map(String.init)
        guard let name = words.last, words.allSatisfy(Self.isName) else { throw outside }
        guard var folder = HeldFolder(path: bounds) else { return nil }
        for word in words.dropLast() {
            guard let inner = folder.folder(word) else {
                if errno == ENOENT { return nil }
                throw outside
            }
            folder = inner
        }
        return (folder, name)
    }

    private static func real(_ path: String) -> String? {
        guard let found = realpath(path, nil) else { return nil }
        defer { free(found) }
        return String(cString: found)
    }
}
