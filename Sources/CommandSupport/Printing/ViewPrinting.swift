import CarillonCore
import CarillonEngine
import Timetable

extension JobView {
    /// A word for it, and its colour.
    package var state: (word: String, colour: Terminal.Colour) {
        switch off {
        case .halted: ("halted", .red)
        case .deleted: ("deleted", .yellow)
        case .disabled: ("disabled", .yellow)
        case nil: enabled ? ("enabled", .green) : ("disabled", .yellow)
        }
    }

    package var json: JSONObject {
        JSONObject([
            ("name", .text(name)), ("schedule", .text(schedule)), ("english", .text(english)),
            ("timeZone", .text(timeZone)), ("target", .text(target.summary)), ("enabled", .bool(isOn)),
            ("state", .text(problems.isEmpty ? state.word : "error")), ("off", .text(off?.words)),
            ("next", .time(next)),
            ("lastState", .text(lastRun?.state.rawValue)), ("lastScheduledAt", .time(lastRun?.scheduledAt)),
            ("origin", .text(origin)), ("tags", .list(tags.map { .text($0) })),
            ("problems", .list(problems.map { .text($0) })), ("warning", .text(doubt)),
        ])
    }
}

extension ConfigProblem {
    package var json: JSONObject {
        JSONObject([
            ("source", .text(source)), ("line", .number(line.map(Int64.init))), ("key", .text(key)),
            ("job", .text(job)), ("message", .text(message)),
        ])
    }
}

extension FeedView {
    package var json: JSONObject {
        JSONObject([
            ("name", .text(name)), ("jobs", .number(Int64(jobs))), ("readAt", .time(readAt)), ("error", .text(error)),
            ("problems", .list(problems.map { .object($0.json) })),
        ])
    }
}

extension StatusView {
    package var json: JSONObject {
        JSONObject([
            ("version", .text(version)), ("instance", .text(instance)), ("startedAt", .time(startedAt)),
            ("ready", .bool(ready)), ("jobs", .number(Int64(jobs))), ("enabled", .number(Int64(enabled))),
            (
                "active",
                .object(JSONObject(active.sorted { $0.key < $1.key }.map { ($0.key, .number(Int64($0.value))) }))
            ),
            ("nextDue", .time(nextDue)), ("due", .number(Int64(due))), ("dispatched", .number(Int64(dispatched))),
            ("latenessP50", .decimal(latenessP50)), ("latenessP99", .decimal(latenessP99)),
            ("latenessMax", .decimal(latenessMax)), ("paused", .text(paused)), ("shadow", .bool(shadow)),
            ("zones", .text(zones)), ("feeds", .list(feeds.map { .object($0.json) })),
            (
                "connections",
                .list(
                    connections.map {
                        .object(
                            JSONObject([
                                ("name", .text($0.name)), ("trouble", .text($0.trouble)),
                                ("warnings", .list($0.warnings.map { .text($0) })),
                            ]))
                    })
            ),
        ])
    }
}

extension Policies {
    /// One line for each policy that says something.
    package var words: [String] {
        var lines: [String] = []
        let line = { (label: String, text: String) in lines.append(label.padded(12) + text) }
        switch catchUp {
        case .skip: line("catch up", "skip: missed times do not run")
        case .latest: line("catch up", "latest: of missed times the last one runs")
        case .all(let limit, let rate): line("catch up", "all: up to \(limit) missed times run, \(rate) a second")
        }
        switch overlap {
        case .allow: line("overlap", "allow")
        case .skip: line("overlap", "skip: not while an earlier run is active")
        case .queue(let most): line("overlap", "queue: one at a time, \(most) may wait")
        case .replace: line("overlap", "replace: a new run ends the old one")
        }
        if let window { line("window", Span.format(window)) }
        if let timeout { line("time-out", Span.format(timeout)) }
        if retry.attempts > 1 {
            line("retry", "\(retry.attempts) tries in all, \(Span.format(retry.backoff)) before the second")
        }
        if onLost == .retry { line("when lost", "retry") }
        if onFailure == .halt { line("on failure", "halt, until `carillon jobs resolve`") }
        if let maxRuns { line("at most", "\(maxRuns) runs") }
        return lines
    }
}

extension String {
    package func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
