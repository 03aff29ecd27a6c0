import CarillonCore
import CarillonEngine
import ControlAPI
import Foundation
import Timetable

/// The list of runs, and a run by itself.
extension Dashboard {
    var runsPages: [Endpoint] {
        [
            page(
                "/runs", .runsRead, "Runs and times that were skipped, the newest first.",
                query: [
                    .init("job", "Of this job."), .init("state", "In this state."),
                    .init("from", "At or after a time, RFC 3339."), .init("until", "At or before a time, RFC 3339."),
                    .init("after", "After this run: its time and its id."),
                ]
            ) { try await $0.runs() },
            page("/runs/{id}", .runsRead, "A run.") { try await $0.oneRun() },
            button("/runs/{id}/cancel", .runsWrite, "Has a run end.") { visit, _ in
                (try await visit.said(.cancel(visit.call["id"])), path("runs", visit.call["id"]))
            },
            button("/runs/{id}/retry", .runsWrite, "Opens another run for the time of one that has ended.") {
                visit, _ in
                guard case .started(let run, let note) = try await visit.ask(.retry(visit.call["id"])) else {
                    throw Unexpected()
                }
                return ("run \(run.shortID) was opened" + (note.map { ": \($0)" } ?? ""), path("runs", run.id))
            },
        ]
    }
}

extension Visit {
    private var pageLength: Int { 50 }

    func runs() async throws -> Answer {
        var query = RunQuery(job: call.query["job"].flatMap { $0.isEmpty ? nil : $0 }, limit: pageLength + 1)
        if let word = call.query["state"], !word.isEmpty {
            guard let state = RunState(rawValue: word) else {
                throw APIError.bad("state: there is no state '\(word)'", "state")
            }
            query.states = [state]
        }
        query.since = try time("from")
        query.until = try time("until")
        let place = call.query["after"].flatMap { $0.isEmpty ? nil : $0.split(separator: " ") }
        if let place {
            guard place.count == 2, let time = Timestamp(rfc3339: place[0]), let id = RunID(String(place[1])) else {
                throw APIError.bad("after: is no place in this list", "after")
            }
            query.after = RunPlace(scheduledAt: time, id: id)
            // Skips have no places; those of the page before are not shown again.
            query.until = time
        }
        let found = try await runs(query).filter { $0.id != place?.last.map(String.init) }
        let shown = found.prefix(pageLength)
        var more: String?
        if found.count >= pageLength, let last = shown.last {
            var parts = ["after=" + Form.encoded("\(last.scheduledAt.rfc3339Microseconds) \(last.id)")]
            for name in ["job", "state", "from"] {
                if let value = call.query[name], !value.isEmpty { parts.append("\(name)=" + Form.encoded(value)) }
            }
            more = "/runs?" + parts.joined(separator: "&")
        }
        return page(
            "runs", title: "Runs", at: "/runs", isLive: query.until == nil,
            Fields([
                "job": query.job, "runs": shown.map { row($0) }, "isEmpty": shown.isEmpty, "more": more,
                "states": RunState.allCases.map { state in
                    Fields(["name": state.rawValue, "word": state.rawValue, "isChosen": query.states.contains(state)])
                },
            ]))
    }

    private func time(_ name: String) throws -> Timestamp? {
        guard let text = call.query[name], !text.isEmpty else { return nil }
        guard let time = Timestamp(rfc3339: text) else {
            throw APIError.bad("\(name): expected a time such as 2026-11-22T19:00:00Z, found '\(text)'", name)
        }
        return time
    }

    // MARK: One

    /// Bytes of output that the page itself holds; the script reads on from there.
    private var mostOutput: Int { 64 << 10 }

    func oneRun() async throws -> Answer {
        guard let run = try await runView(call["id"]) else { throw Unexpected() }
        if run.state == .skipped {
            // What did not run is told of by its reasons.
            return .redirect(
                to: path("jobs", run.job, "why") + "?at=" + Form.encoded(run.scheduledAt.rfc3339Microseconds))
        }
        // What has not begun has written nothing; the script waits for it.
        let output = await output(of: run) ?? (run.state.isFinal ? nil : (text: "", next: 0, isCut: false))
        let zone = run.timeZone
        func step(_ words: String, _ time: Timestamp?) -> Fields? {
            time.map { Fields(["words": words, "full": moments.full($0, zone), "iso": $0.rfc3339]) }
        }
        let since = run.startedAt ?? run.createdAt
        return page(
            "run", title: "\(run.job), run \(run.shortID)", at: "/runs", isLive: true,
            Fields([
                "id": run.id, "shortID": run.shortID, "path": path("runs", run.id), "job": run.job,
                "jobPath": path("jobs", run.job), "mark": run.state.mark, "isOver": run.state.isFinal,
                "scheduled": moments.time(run.scheduledAt, zone),
                "why": path("jobs", run.job, "why") + "?at=" + Form.encoded(run.scheduledAt.rfc3339Microseconds),
                "trigger": run.trigger?.words, "cause": run.cause,
                "steps": [
                    step("opened", run.createdAt), step("handed over", run.dispatchedAt),
                    step("started", run.startedAt),
                    step("ended", run.endedAt),
                ].compactMap { $0 },
                "duration": run.durationSeconds.map { TimeFormatter.length($0) },
                "for": run.state.isFinal ? nil : moments.relative(since), "tries": run.attempt > 1 ? run.attempt : nil,
                "exitCode": run.exitCode.map { Int($0) }, "signal": run.signal.map { Int($0) }, "error": run.error,
                "reason": run.reason, "held": run.heldBecause, "pid": run.pid.map { Int($0) }, "instance": run.instance,
                "earlier": run.earlier.map { attempt in
                    Fields([
                        "attempt": attempt.attempt, "ended": moments.full(attempt.endedAt, zone),
                        "words": attempt.error ?? attempt.exitCode.map { "exit code \($0)" } ?? "",
                        "tail": attempt.outputTail,
                    ])
                },
                "arguments": (run.arguments ?? [:]).sorted { $0.key < $1.key }.map { name, value in
                    // What a worker is given may be a secret.
                    Fields(["name": name, "value": may(.runsWrite) ? value : "…"])
                },
                "hasArguments": !(run.arguments ?? [:]).isEmpty,
                "output": output?.text, "isCut": output?.isCut, "from": output.map { Int($0.next) },
                "tail": output == nil ? run.outputTail : nil,
                "log": "/api/v1" + path("runs", run.id, "log"), "follow": "/api/v1" + path("runs", run.id, "tail"),
                "mayCancel": !run.state.isFinal && may(.runsWrite), "mayRepeat": run.state.isFinal && may(.runsWrite),
            ]))
    }

    private func runView(_ id: String) async throws -> RunView? {
        guard case .runs(let views) = try await ask(.run(id)) else { throw Unexpected() }
        return views.first
    }

    /// The beginning of what a run wrote; nil where nothing is kept here.
    private func output(of run: RunView) async -> (text: String, next: Int64, isCut: Bool)? {
        guard run.startedAt != nil,
            case .output(let text, let next) = await dashboard.desk(.output(run: run.id, from: 0), call.caller),
            let bytes = Data(base64Encoded: text)
        else { return nil }
        var shown = bytes.prefix(mostOutput)
        // Not in the middle of a character.
        while bytes.count > shown.count, let last = shown.last, last & 0xC0 == 0x80 || last >= 0xC0 {
            shown = shown.dropLast()
        }
        let isCut = bytes.count > shown.count
        return (Plain.text(String(decoding: shown, as: UTF8.self)), isCut ? Int64(shown.count) : next, isCut)
    }
}
