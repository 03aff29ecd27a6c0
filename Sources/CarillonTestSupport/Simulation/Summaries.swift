import CarillonCore
import CarillonEngine
import Timetable

extension EngineEvent {
    /// A line of the trace.
    var summary: String {
        switch self {
        case .definitions(let asked, let jobs):
            "definitions of \(asked.map(\.number)): "
                + jobs.map { "\($0.definition.job.name)@\($0.cursor)" }.joined(separator: ", ")
        case .ahead(_, let jobs):
            "read ahead: " + jobs.map { "\($0.definition.job.name)@\($0.cursor)" }.joined(separator: ", ")
        case .opened(let batch, let opened):
            "opened " + batch.map(\.summary).joined(separator: ", ")
                + "; new \(opened.new.map(\.id)), refused \(opened.refused.map(\.number))"
        case .openFailed(let batch, let why): "open failed for \(batch.map(\.id.number)): \(why)"
        case .adopted(let runs, _, _): "found \(runs.map { "\($0.id) \($0.state)" })"
        case .results(_, let attempts, let results): "results " + zip(attempts, results).map { "\($0) \($1)" }.joined()
        case .told(let events): "told \(events.map { "\($0.attempt) \($0.what)" })"
        case .saved(let versions): "saved \(versions.keys.sorted())"
        case .changed(let cursors), .rewound(let cursors):
            "cursors " + cursors.map { "\($0.id.number) next \($0.nextDue.map(\.description) ?? "-")" }.joined()
        default: "\(self)"
        }
    }
}

extension EngineEffect {
    var summary: String {
        switch self {
        case .open(let batch): "open " + batch.map(\.summary).joined(separator: ", ")
        case .dispatch(_, let batch):
            "dispatch "
                + batch.map { "\($0.attempt) of \($0.definition.job.name) at \($0.scheduledAt)" }.joined(
                    separator: ", ")
        case .report(let run, _): "report \(run.id) \(run.state)"
        default: "\(self)"
        }
    }
}

extension JobAdvance {
    var summary: String {
        "job \(id.number) rev \(revision) (\(from), \(to)] runs \(runs.map { "\($0.scheduledAt)" }) skips "
            + "\(skips.map(\.summary))"
    }
}

extension Skip {
    var summary: String { "(\(after), \(through)] \(reason)" }
}

extension Job {
    var summary: String {
        "\(schedule.summary) \(schedule.zone) \(enabled ? "" : "disabled ")\(policies.overlap) \(policies.catchUp) "
            + "starts \(schedule.startsAt.map(\.description) ?? "-") ends \(schedule.endsAt.map(\.description) ?? "-")"
    }
}
