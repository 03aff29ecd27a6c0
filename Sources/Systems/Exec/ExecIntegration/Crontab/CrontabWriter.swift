import CarillonConfiguration
import CarillonCore
import Foundation
package import Timetable

/// Writes a crontab's entries as a job file. cron neither catches up nor minds overlap, so neither do these jobs.
package struct CrontabWriter: Sendable {
    /// Zone for entries without `CRON_TZ`; the machine's own in cron.
    package var zone: String
    /// The user of a user crontab, when the daemon is root's.
    package var user: String?
    /// Entries that a job file does not take, with why; filled by `write`.
    package private(set) var problems: [(line: Int, message: String)] = []
    /// How many jobs were written.
    package private(set) var count = 0
    private var names: CrontabName
    private let reader: JobFileReader

    /// Begins a file; `taken` are names of jobs that are there already, `prefix` stands before every name.
    package init(
        zone: String, user: String?, prefix: String = "", taken: Set<String> = [], zones: ZoneDatabase = ZoneDatabase()
    ) {
        self.zone = zone
        self.user = user
        names = CrontabName(prefix: prefix, taken: taken)
        reader = JobFileReader(JobReader(targets: [ExecKeys.self], zones: zones))
    }

    package mutating func write(_ crontab: Crontab, source: String) -> String {
        var text = "# From the crontab \(TOMLText.comment(source)).\n"
        problems = crontab.problems
        for entry in crontab.entries {
            let job = write(entry)
            if let fault = fault(in: job) {
                problems.append((entry.line, fault))
            } else {
                text += "\n" + job
                count += 1
            }
        }
        problems.sort { $0.line < $1.line }
        for problem in problems {
            text += "\n# line \(problem.line) is not taken over: \(TOMLText.comment(problem.message))\n"
        }
        return text
    }

    /// Says what stands against a job that was written; nil when it reads as it should.
    private func fault(in text: String) -> String? {
        do throws(ConfigProblem) {
            let node = try ConfigDocument.read(text, format: .toml, path: "")
            return reader.read(node, path: "", isMain: false).problems.first.map { problem in
                (problem.key.map { "\($0): " } ?? "") + problem.message
            }
        } catch {
            return error.message
        }
    }

    private mutating func write(_ entry: Crontab.Entry) -> String {
        var lines = entry.comments.map { "# \(TOMLText.comment($0))" }
        if let mail = entry.mailTo { lines.append("# MAILTO=\(TOMLText.comment(mail))") }
        lines.append("[[job]]")
        lines.append("name = \(TOMLText.quote(names.name(entry.command, line: entry.line)))")
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
            let pairs = variables.sorted { $0.key < $1.key }.map {
                "\(TOMLText.quote($0.key)) = \(TOMLText.quote($0.value))"
            }
            lines.append("env = { \(pairs.joined(separator: ", ")) }")
        }
        lines.append("overlap = \"allow\"")
        lines.append("catch_up = \"skip\"")
        return lines.joined(separator: "\n") + "\n"
    }
}
