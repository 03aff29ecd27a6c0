import CarillonConfiguration
package import CarillonCore
import ExecDispatcher
import Timetable

/// Writes keiji's tasks as a job file, for those who leave its database behind.
package struct KeijiWriter: Sendable {
    package let text: String

    /// Writes `jobs`, those of a reading of the feed; a task that is off keeps that, and says why.
    package init(_ jobs: [Job], problems: [ConfigProblem], source: String) {
        var lines = ["# The tasks of keiji in \(Self.comment(source))."]
        for job in jobs { lines += [""] + Self.lines(job) }
        for problem in problems { lines += ["", "# \(Self.comment(problem.description)): not taken over"] }
        text = lines.joined(separator: "\n") + "\n"
    }

    private static func lines(_ job: Job) -> [String] {
        var lines: [String] = []
        if let off = job.standing?.off { lines.append("# \(comment(off.words))") }
        lines += ["[[job]]", "name = \(TOMLText.quote(job.name))"]
        switch job.schedule.rule {
        case .every(let text, let anchor):
            lines.append("every = \(TOMLText.quote(text))")
            lines.append("anchor = \(TOMLText.quote(anchor.rfc3339))")
        case .dayAndTime(let text): lines.append("day_time = \(TOMLText.quote(text))")
        case .cron, .once, .manual: lines.append("# \(comment(job.schedule.summary))")
        }
        lines.append("time_zone = \(TOMLText.quote(job.schedule.zone))")
        if let target = try? job.target.open(as: ExecTarget.self) {
            lines.append("exec = \(TOMLText.list(target.arguments))")
        }
        lines.append("on_failure = \"halt\"")
        if job.standing?.off != nil { lines.append("enabled = false") }
        return lines
    }

    /// Makes a comment, which is one line.
    private static func comment(_ text: String) -> String {
        TOMLText.comment(text.split(whereSeparator: \.isNewline).joined(separator: " "))
    }
}
