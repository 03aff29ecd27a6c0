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
        lines.append("name = \(TOMLText.quote(name(entry)))")
        lines.append("cron = \(TOMLText.quote(entry.schedule))")
        lines.append("time_zone = \(TOMLText.quote(entry.zone ?? zone))")
        var variables = entry.variables
        let shell = variables.removeValue(forKey: "SHELL")
        if let shell, shell != "/bin/sh" {
            lines.append("exec = [\(TOMLText.quote(shell)), \"-c\", \(TOMLText.quote(entry.command))]")
        } else {
            lines.append("shell = \(TOMLText.quote(entry.command))")
        }
        if let user = entry.user ?? user { lines.append("user = \(TOMLText.quote(user))") }
        if let home = variables["HOME"] { lines.append("directory = \(TOMLText.quote(home))") }
        if let input = entry.input { lines.append("input = \(TOMLText.quote(input))") }
        if !variables.isEmpty {
            let pairs = variables.sorted { $0.key < $1.key }.map { "\($0.key) = \(TOMLText.quote($0.value))" }
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
}
