import Foundation

/// Writes a crontab's entries as a job file. cron neither catches up nor minds overlap, so neither do these jobs.
public struct CrontabWriter: Sendable {
    /// Zone for entries without `CRON_TZ`; the machine's own in cron.
    public var zone: String
    /// The user of a user crontab, when the daemon is root's.
    public var user: String?
    private var names: Set<String> = []

    public init(zone: String, user: String?) {
        self.zone = zone
        self.user = user
    }

    public mutating func write(_ crontab: Crontab, source: String) -> String {
        var text = "# From the crontab \(source).\n"
        for entry in crontab.entries { text += "\n" + write(entry) }
        for problem in crontab.problems { text += "\n# line \(problem.line) is not taken over: \(problem.message)\n" }
        return text
    }

    private mutating func write(_ entry: Crontab.Entry) -> String {
        var lines = entry.comments.map { "# \($0)" }
        if let mail = entry.mailTo { lines.append("# MAILTO=\(mail)") }
        lines.append("[[job]]")
        lines.append("name = \(quote(name(entry)))")
        lines.append("cron = \(quote(entry.schedule))")
        lines.append("time_zone = \(quote(entry.zone ?? zone))")
        var variables = entry.variables
        let shell = variables.removeValue(forKey: "SHELL")
        if let shell, shell != "/bin/sh" {
            lines.append("exec = [\(quote(shell)), \"-c\", \(quote(entry.command))]")
        } else {
            lines.append("shell = \(quote(entry.command))")
        }
        if let user = entry.user ?? user { lines.append("user = \(quote(user))") }
        if let home = variables["HOME"] { lines.append("directory = \(quote(home))") }
        if let input = entry.input { lines.append("input = \(quote(input))") }
        if !variables.isEmpty {
            let pairs = variables.sorted { $0.key < $1.key }.map { "\($0.key) = \(quote($0.value))" }
            lines.append("env = { \(pairs.joined(separator: ", ")) }")
        }
        lines.append("overlap = \"allow\"")
        lines.append("catch_up = \"skip\"")
        return lines.joined(separator: "\n") + "\n"
    }

    /// The program's own name, with the line's number where that is taken.
    private mutating func name(_ entry: Crontab.Entry) -> String {
        let skipped: Set<String> = ["cd", "test", "[", "nice", "ionice", "exec", "command", "if", "env"]
        let words = entry.command.split { " \t;&|()".contains($0) }.map(String.init)
        let word = words.first { !skipped.contains($0) && !$0.contains("=") && !$0.hasPrefix("-") } ?? "job"
        var base = (word as NSString).lastPathComponent.filter { $0.isLetter || $0.isNumber || "-_.".contains($0) }
        if base.isEmpty { base = "job" }
        if names.insert(base).inserted { return base }
        var name = "\(base)-\(entry.line)"
        while !names.insert(name).inserted { name += "x" }
        return name
    }

    /// A TOML basic string (toml.io, v1.0.0).
    private func quote(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case "\r": quoted += "\\r"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f: quoted += String(format: "\\u%04X", scalar.value)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
