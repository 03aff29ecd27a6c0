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
        if let count, let through, count > 1 { parts.append("\(count) times, the last at \(through)") }
        if let error {
            parts.append(error)
        } else if let exitCode, exitCode != 0 {
            parts.append("exit code \(exitCode)")
        }
        if let reason, reason != error { parts.append(reason) }
        if let heldBecause, dispatchedAt != nil { parts.append("went out late: \(heldBecause)") }
        return parts.joined(separator: "; ")
    }

    package var length: String {
        guard let durationSeconds else { return "" }
        let milliseconds = Int64(durationSeconds * 1_000)
        return milliseconds < 10_000 ? "\(milliseconds) ms" : TimeFormatter.rough(milliseconds / 1_000)
    }

    package static func printTable(_ runs: [RunView], _ moment: TimeFormatter) {
        if runs.isEmpty { return say("no runs") }
        var table = TextTable("RUN", "JOB", "SCHEDULED", "STATE", "TOOK", "REMARK")
        for run in runs {
            table.add(
                .init(String(run.id), .grey), .init(run.job),
                .init("\(moment.absolute(run.scheduledAt, run.timeZone)) (\(moment.relative(run.scheduledAt)))"),
                .init(
                    run.attempt > 1 ? "\(run.state.rawValue) (try \(run.attempt))" : run.state.rawValue,
                    run.state.colour),
                .init(run.length), .init(run.remark))
        }
        table.print()
    }
}
