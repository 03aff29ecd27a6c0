import CarillonCore
import Timetable

/// What a mail says of one notice.
struct NoticeText {
    /// Of a program's output or a traceback.
    private static let mostLines = 20
    private static let widest = 500

    private let notice: Notice
    private let zone: Zone?

    init(_ notice: Notice, zone: Zone?) {
        self.notice = notice
        self.zone = zone
    }

    var lines: [String] {
        let job = MailText.plain(notice.job[...])
        switch notice {
        case .failed(let run): return [job + " failed"] + failed(run)
        case .passedOver(let run):
            return [
                job + " was passed over", field("scheduled", time(run.scheduledAt)), field("run", "\(run.id)"),
            ] + [run.reason, run.held.map { "it waited: \($0.why)" }].compactMap { $0.map { field("why", $0) } }
        case .missed(let skip):
            return [
                job + " missed times", field("after", time(skip.after)), field("through", time(skip.through)),
                field("why", skip.reason.words + (skip.detail.map { ": \($0)" } ?? "")),
            ]
        case .queued(let attempt, _, let at):
            return [job + " was queued", field("at", time(at)), field("run", attempt.sentName)]
        }
    }

    private func failed(_ run: Run) -> [String] {
        var lines = [field("scheduled", time(run.scheduledAt)), field("run", "\(run.id)")]
        if run.attempt > 1 { lines.append(field("tries", "\(run.attempt)")) }
        if let started = run.startedAt { lines.append(field("started", time(started))) }
        if let ended = run.endedAt { lines.append(field("ended", time(ended))) }
        if let error = run.outcome.error ?? run.outcome.exitCode.map({ "exit code \($0)" }) {
            lines.append(field("error", error))
        }
        if let reason = run.reason, reason != run.outcome.error { lines.append(field("why", reason)) }
        if let tail = run.outcome.outputTail {
            // A line break of Windows is one character of its own.
            var output = tail.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            while output.last?.allSatisfy(\.isWhitespace) == true { output.removeLast() }
            if !output.isEmpty { lines.append("    output, its last lines:") }
            lines += output.suffix(Self.mostLines).map { "    | " + MailText.plain(indented($0.prefix(Self.widest))) }
        }
        return lines
    }

    /// Replaces tabs, which have no width that a reader and a mail agree on.
    private func indented(_ line: Substring) -> Substring { line.replacing("\t", with: "    ")[...] }

    private func field(_ name: String, _ value: String) -> String {
        let pad = String(repeating: " ", count: max(1, 11 - name.count))
        return "    \(name):\(pad)\(MailText.plain(value.prefix(Self.widest)))"
    }

    private func time(_ instant: Timestamp) -> String {
        if let zone { return zone.format(instant) }
        return instant.rfc3339.prefix(19).replacing("T", with: " ") + " UTC"
    }
}
