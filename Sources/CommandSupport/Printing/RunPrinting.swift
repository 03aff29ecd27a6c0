import CarillonCore
package import CarillonEngine
import Foundation
import Timetable

extension RunState {
    package var colour: Terminal.Colour {
        switch self {
        case .completed: .green
        case .failed: .red
        case .running, .cancelling: .blue
        case .pending: .grey
        case .cancelled, .skipped: .yellow
        }
    }
}

extension RunView {
    /// What one column says of how it went.
    package var remark: String {
        var parts: [String] = []
        if let error {
            parts.append(error)
        } else if let exitCode, exitCode != 0 {
            parts.append("exit code \(exitCode)")
        }
        if let reason, reason != error { parts.append(reason) }
        if let heldBecause, dispatchedAt != nil { parts.append("went out late: \(heldBecause)") }
        return parts.joined(separator: "; ")
    }

    /// What opened it, unless its time simply came.
    private var origin: String? {
        let word: String
        switch trigger {
        case .catchUp: word = "caught up"
        case .backfill: word = "backfilled"
        case .manual: word = "by hand"
        default: return nil
        }
        return word + ((repeats.map { "repeats \($0.prefix(12))" } ?? cause).map { ": \($0)" } ?? "")
    }

    /// The same, and what opened it; a stretch of skipped times tells how many there were.
    package func remark(_ moment: TimeFormatter) -> String {
        guard let count, let through, count > 1 else {
            return [remark, origin ?? ""].filter { !$0.isEmpty }.joined(separator: "; ")
        }
        return "\(Counted.number(count)) times, the last at \(moment.short(through, timeZone)); \(remark)"
    }

    /// How it ended, as the end of a sentence.
    package var ending: String {
        let took = length.isEmpty ? "" : " after \(length)"
        return switch state {
        case .completed: "completed\(took)"
        case .failed: "failed\(took): \(remark)"
        default: "was \(state.rawValue)\(took)\(remark.isEmpty ? "" : ": \(remark)")"
        }
    }

    package var length: String {
        durationSeconds.map(TimeFormatter.length) ?? ""
    }

    package static func printTable(_ runs: [RunView], _ moment: TimeFormatter) {
        if runs.isEmpty { return say("no runs") }
        var table = TextTable(
            .fixed("RUN"), "JOB", .fixed("SCHEDULED"), .fixed("STATE"), .fixed("TOOK"), .first("REMARK"))
        for run in runs {
            table.add(
                .init(run.shortID, .grey), .init(run.job), .init(moment.cell(run.scheduledAt, run.timeZone)),
                .init(
                    run.attempt > 1 ? "\(run.state.rawValue) (try \(run.attempt))" : run.state.rawValue,
                    run.state.colour),
                .init(run.length), .init(run.remark(moment)))
        }
        table.print()
    }
}
