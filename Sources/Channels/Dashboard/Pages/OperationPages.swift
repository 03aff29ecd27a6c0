import CarillonCore
import CarillonEngine
import ControlAPI
import Timetable

/// Many jobs at once, chosen by a filter: counted before, told of while it goes on, cancelled and undone.
extension Dashboard {
    var operationPages: [Endpoint] {
        [
            page("/operations", .jobsRead, "What is done with many at once.") { try await $0.operations() },
            page("/operations/{id}", .jobsRead, "One of them.") { try await $0.oneOperation() },
            button("/operations", .runsWrite, "Does something with all jobs that a filter finds.") { visit, form in
                try await visit.operate(form)
            },
            button("/operations/{id}/cancel", .runsWrite, "Ends one before it is through.") { visit, _ in
                try visit.allow(try await visit.operation().changesJobs)
                return (try await visit.said(.cancelOperation(visit.call["id"])), path("operations", visit.call["id"]))
            },
            button("/operations/{id}/undo", .runsWrite, "Takes back what one did.") { visit, _ in
                try visit.allow(try await visit.operation().changesJobs)
                guard case .operations(let views) = try await visit.ask(.undo(visit.call["id"])), let view = views.first
                else { throw Unexpected() }
                return ("it is being undone", path("operations", view.id))
            },
        ]
    }
}

extension Visit {
    /// Of more jobs than this, their number has to be typed.
    static var mostUntyped: Int { 100 }

    /// What may be done with all jobs of a list, in the order of the menu.
    static var bulkActions: [(action: BulkOperation.Action, words: String)] {
        [
            (.disable, "disable"), (.enable, "enable"), (.run, "run now"), (.stop, "stop their runs"),
            (.resolve, "resolve"),
        ]
    }

    /// Throws when whoever asks may run jobs, but not change them, and this does.
    func allow(_ changesJobs: Bool) throws {
        guard changesJobs, !may(.jobsWrite) else { return }
        var error = APIError(403, "missing-scopes", "Missing required scopes")
        error.missing = [.jobsWrite]
        throw error
    }

    func operate(_ form: Form) async throws -> (said: String, next: String) {
        guard let action = form["action"].flatMap(BulkOperation.Action.init(rawValue:)),
            Self.bulkActions.contains(where: { $0.action == action })
        else { throw APIError.bad("action: expected what is to be done", "action") }
        guard let count = form["count"].flatMap({ Int($0) }) else { throw APIError.bad("count: is missing", "count") }
        if count > Self.mostUntyped, form["typed"].flatMap({ Int($0.filter { $0 != "," && $0 != " " }) }) != count {
            throw APIError.bad("type the number of jobs, \(number(count)), to say that they are all meant", "typed")
        }
        let query = try Self.query(form["q"] ?? "", state: form["state"])
        let request = OperationRequest(action, .jobs(query), expected: count)
        try allow(request.changesJobs)
        guard case .operations(let views) = try await ask(.operate(request)), let view = views.first else {
            throw Unexpected()
        }
        return ("it goes on by itself", path("operations", view.id))
    }

    func operation() async throws -> OperationView {
        guard case .operations(let views) = try await ask(.operations(call["id"])), let view = views.first else {
            throw Unexpected()
        }
        return view
    }

    func operations() async throws -> Answer {
        guard case .operations(let views) = try await ask(.operations(nil)) else { throw Unexpected() }
        return page(
            "operations", title: "With many at once", at: "/jobs", isLive: true,
            Fields(["operations": views.map { fields(of: $0) }, "isEmpty": views.isEmpty]))
    }

    func oneOperation() async throws -> Answer {
        let view = try await operation()
        return page(
            "operation", title: title(of: view), at: "/jobs", isLive: true, Fields(["operation": fields(of: view)]))
    }

    private func title(of view: OperationView) -> String {
        view.undoes.map { "undo: \($0.action.rawValue)" } ?? view.action.rawValue
    }

    private func fields(of view: OperationView) -> Fields {
        let (look, shape) =
            switch view.state {
            case .waiting: ("waiting", "◔")
            case .running: ("running", "▶")
            case .cancelling: ("running", "◧")
            case .completed: (view.refused > 0 ? "waiting" : "good", "✓")
            case .cancelled: ("ended", "■")
            }
        let zone = moments.yours?.name ?? "UTC"
        let isOver = view.state == .completed || view.state == .cancelled
        let mayChange = may(.runsWrite) && (!view.changesJobs || may(.jobsWrite))
        var chosen: [String] = []
        if let jobs = view.jobs {
            chosen +=
                jobs.name.map { "name \($0)" } + jobs.tag.map { "tag \($0)" } + jobs.state.map { "state \($0.words)" }
            if chosen.isEmpty { chosen = ["all jobs"] }
        }
        if let runs = view.runs {
            chosen.append("runs" + (runs.job.map { " of \($0)" } ?? ""))
            chosen += runs.state.map { "state \($0.rawValue)" }
        }
        return Fields([
            "mark": Markup.mark(look, shape, view.state.rawValue), "title": title(of: view),
            "path": path("operations", view.id), "chosen": chosen.joined(separator: ", "),
            "total": view.total.map { number($0) }, "done": number(view.done), "doneCount": view.done,
            "totalCount": view.total.map { max(1, $0) }, "changed": number(view.changed),
            "unchanged": number(view.unchanged), "refused": view.refused > 0 ? number(view.refused) : nil,
            "problems": view.problems.map { Fields(["subject": $0.subject, "message": $0.message]) },
            "ranMeanwhile": view.ranMeanwhile > 0 ? number(view.ranMeanwhile) : nil, "user": view.user,
            "time": moments.time(view.orderedAt, zone), "ended": view.endedAt.map { moments.time($0, zone) },
            "mayCancel": !isOver && mayChange, "mayUndo": isOver && view.isUndoable && mayChange,
            "undoes": view.undoes.map { path("operations", $0.id) },
        ])
    }
}
