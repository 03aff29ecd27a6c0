import Foundation

/// Names for jobs that have none: their program's.
struct CrontabName {
    /// Before every name.
    let prefix: String
    /// Names that are given away.
    var taken: Set<String>

    /// Words that stand before the program that matters.
    private static let leading: Set<String> = [
        "cd", "test", "[", "nice", "ionice", "exec", "command", "if", "env", "sudo", "chronic", "timeout", "sh", "bash",
        "dash", "php", "python", "python3", "perl", "ruby", "node",
    ]
    /// Names that say nothing without the folder's.
    private static let generic: Set<String> = [
        "cron", "run", "main", "index", "job", "jobs", "task", "tasks", "script", "start", "do", "exec", "update",
    ]
    private static let genericFolders: Set<String> = [
        "bin", "sbin", "scripts", "script", "current", "app", "cron", "crons", "tasks", "usr", "local", "opt", "srv",
        "etc", "home", "var", "lib", "www", "html",
    ]

    /// Names a job after its command; a taken name gets its folder's in front, then the line's number behind.
    mutating func name(_ command: String, line: Int) -> String {
        let words = command.split { " \t;&|()".contains($0) }.map(String.init)
        let word =
            words.first { word in
                !word.contains("=") && !word.hasPrefix("-")
                    && !Self.leading.contains((word as NSString).lastPathComponent)
            } ?? "job"
        let parts = word.split(separator: "/").map(String.init)
        var base = Self.plain(parts.last ?? "")
        let folder = parts.dropLast().last { !Self.genericFolders.contains($0) }.map(Self.plain) ?? ""
        let stem = (base as NSString).deletingPathExtension
        if base.isEmpty { base = "job" }
        let long = folder.isEmpty ? base : "\(folder)-\(stem)"
        for candidate in Self.generic.contains(stem) ? [long] : [base, long] {
            if take(candidate) { return prefix + candidate }
        }
        var name = "\(long)-\(line)"
        while !take(name) { name += "x" }
        return prefix + name
    }

    private mutating func take(_ name: String) -> Bool { taken.insert(prefix + name).inserted }

    private static func plain(_ word: String) -> String {
        String(word.filter { $0.isASCII && ($0.isLetter || $0.isNumber) || "-_.".contains($0) }.prefix(80))
    }
}
