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
        guard let startedAt, let endedAt else { return "" }
        let milliseconds = (endedAt.microseconds - startedAt.microseconds) / 1_000
        return milliseconds < 10_000 ? "\(milliseconds) ms" : TimeFormatter.rough(milliseconds / 1_000)
    }

    /// The object `--json` prints: the same keys for every run.
    package var json: JSONObject {
        JSONObject([
            ("id", .text(id)), ("job", .text(job)), ("scheduledAt", .time(scheduledAt)),
            ("state", .text(state.rawValue)), ("attempt", .number(Int64(attempt))), ("createdAt", .time(createdAt)),
            ("dispatchedAt", .time(dispatchedAt)), ("startedAt", .time(startedAt)), ("endedAt", .time(endedAt)),
            ("exitCode", .number(exitCode.map(Int64.init))), ("signal", .number(signal.map(Int64.init))),
            ("error", .text(error)), ("reason", .text(reason)), ("heldSince", .time(heldSince)),
            ("heldBecause", .text(heldBecause)),
            ("instance", .text(instance)),
            ("trigger", .text(trigger?.rawValue)), ("timeZone", .text(timeZone)), ("through", .time(through)),
            ("count", .number(count.map(Int64.init))),
        ])
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
