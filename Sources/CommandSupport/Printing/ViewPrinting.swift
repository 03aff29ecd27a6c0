import CarillonCore
import CarillonEngine
import Timetable

extension JobView.State {
    package var colour: Terminal.Colour {
        switch self {
        case .enabled: .green
        case .disabled, .deleted: .yellow
        case .halted: .red
        }
    }
}

extension PolicyView {
    /// One line for each policy that says something.
    package var words: [String] {
        var lines: [String] = []
        let line = { (label: String, text: String) in lines.append(label.padded(12) + text) }
        let span = { (seconds: Double) in Span.format(Int64(seconds * 1_000_000)) }
        switch catchUp {
        case "skip": line("catch up", "skip: missed times do not run")
        case "latest": line("catch up", "latest: of missed times the last one runs")
        default:
            line(
                "catch up", "\(catchUp): up to \(catchUpLimit ?? 0) missed times run, \(catchUpPerSecond ?? 0) a second"
            )
        }
        switch overlap {
        case "skip": line("overlap", "skip: not while an earlier run is active")
        case "queue": line("overlap", "queue: one at a time, \(overlapQueue ?? 0) may wait")
        case "replace": line("overlap", "replace: a new run ends the old one")
        default: line("overlap", overlap)
        }
        if let host { line("host", "\(host) alone") }
        if let windowSeconds { line("window", span(windowSeconds)) }
        if let timeoutSeconds { line("time-out", span(timeoutSeconds)) }
        if let startTimeoutSeconds { line("start", "within \(span(startTimeoutSeconds)) of its dispatch") }
        if let heartbeatTimeoutSeconds { line("heartbeat", "at least every \(span(heartbeatTimeoutSeconds))") }
        if retry.attempts > 1 {
            line("retry", "\(retry.attempts) tries in all, \(span(retry.backoffSeconds)) before the second")
        }
        if onLost == .retry { line("when lost", "retry") }
        if onFailure == .halt { line("on failure", "halt, until `carillon jobs resolve`") }
        if let maxRuns { line("at most", "\(maxRuns) runs") }
        if let maxQueue { line("at most", "\(Counted.number(maxQueue)) pending") }
        if let cancelTimeoutSeconds { line("cancel", "confirmed within \(span(cancelTimeoutSeconds))") }
        if let maxRepublications { line("silence", "goes out again \(maxRepublications) times at most") }
        return lines
    }
}
