import CarillonConfiguration
import CarillonCore
import CarillonEngine

/// What is done with many jobs or runs at once.
extension CarillonAPI {
    var operations: [Endpoint] {
        [
            Endpoint(
                .get, "/api/v1/operations", .jobsRead, "Operations on many jobs or runs, the newest first.",
                .json(Page<OperationView>.self)
            ) { call in
                guard case .operations(let views) = try await ask(.operations(), call) else { throw Unexpected() }
                return try Self.page(views, next: nil)
            },
            Endpoint(
                .get, "/api/v1/operations/{id}", .jobsRead, "How far an operation is.", .json(OperationView.self)
            ) { call in try await one(.operations(call["id"]), call, status: 200) },
            Endpoint(
                .post, "/api/v1/operations", .runsWrite,
                "Does something with all jobs or runs of a filter; with jobs:write it may be enable, disable and resolve.",
                body: Endpoint.Body(
                    .object(
                        nil,
                        [
                            .init("action", .words(Self.orderable.map(\.rawValue))),
                            .init("jobs", .orNull(Self.jobFilter), isRequired: false),
                            .init("runs", .orNull(Self.runFilter), isRequired: false),
                            .init("per_second", .orNull(.number), isRequired: false),
                            .init("expect", .orNull(.whole(from: 0)), isRequired: false),
                        ]),
                    example: #"{"action":"disable","jobs":{"name":["rep*"],"state":["enabled"]},"expect":1}"#),
                .operation
            ) { call in
                let request = try request(of: call)
                try allow(request.changesJobs, call)
                return try await one(.operate(request), call, status: 202)
            },
            Endpoint(
                .post, "/api/v1/operations/{id}/cancel", .runsWrite,
                "Has an operation end early; what it did stays.", .json(DoneView.self, status: 202)
            ) { call in
                let view = try await operation(call)
                try allow(view.changesJobs, call)
                return try await done(.cancelOperation(view.id), call, status: 202)
            },
            Endpoint(
                .post, "/api/v1/operations/{id}/undo", .runsWrite,
                "Takes back what an operation did, and no more: another operation does that.", .operation
            ) { call in
                let view = try await operation(call)
                try allow(view.changesJobs, call)
                return try await one(.undo(view.id), call, status: 202)
            },
        ]
    }

    private static let orderable = BulkOperation.Action.allCases.filter { $0 != .undo }

    private static let jobFilter = Schema.object(
        nil,
        [
            .init("name", .orNull(.list(.text())), isRequired: false),
            .init("tag", .orNull(.list(.text())), isRequired: false),
            .init("state", .orNull(.list(.words(JobQuery.State.allCases.map(\.rawValue)))), isRequired: false),
            .init("zone", .orNull(.text()), isRequired: false), .init("target", .orNull(.text()), isRequired: false),
            .init("feed", .orNull(.text()), isRequired: false),
        ])

    private static let runFilter = Schema.object(
        nil,
        [
            .init("job", .orNull(.text()), isRequired: false),
            .init("state", .orNull(.list(.words(RunState.allCases.map(\.rawValue)))), isRequired: false),
            .init("trigger", .orNull(.list(.words(Trigger.allCases.map(\.rawValue)))), isRequired: false),
            .init("since", .orNull(.time), isRequired: false), .init("until", .orNull(.time), isRequired: false),
        ])

    private func one(_ order: Order, _ call: Call, status: Int) async throws -> Answer {
        guard case .operations(let views) = try await ask(order, call), let view = views.first else {
            throw Unexpected()
        }
        var answer = Answer(status, try Self.json(view))
        if status == 202 { answer.headers = [("Location", "/api/v1/operations/\(view.id)")] }
        return answer
    }

    /// Reads the one that the path names.
    private func operation(_ call: Call) async throws -> OperationView {
        guard case .operations(let views) = try await ask(.operations(call["id"]), call), let view = views.first else {
            throw Unexpected()
        }
        return view
    }

    /// Throws when whoever calls may run jobs, but not change them, and this does.
    private func allow(_ changesJobs: Bool, _ call: Call) throws {
        guard changesJobs, !call.scopes.contains(.jobsWrite) else { return }
        var error = APIError(403, "missing-scopes", "Missing required scopes")
        error.missing = [.jobsWrite]
        throw error
    }

    private func request(of call: Call) throws -> OperationRequest {
        var table = try call.table()
        let action = table.required("action", table.choice("action", BulkOperation.Action.self))
        let jobs = table.table("jobs") { inner in
            JobQuery(
                names: inner.strings("name") ?? [], tags: inner.strings("tag") ?? [],
                states: inner.choices("state", JobQuery.State.self), zone: inner.string("zone"),
                target: inner.string("target").map { Target.Kind(rawValue: $0) }, feed: inner.string("feed"))
        }
        let runs = table.table("runs") { inner in
            RunQuery(
                job: inner.string("job"), states: inner.choices("state", RunState.self), since: inner.time("since"),
                until: inner.time("until"), triggers: inner.choices("trigger", Trigger.self))
        }
        let rate = table.number("per_second", in: 0.000_1...1_000)
        let expected = table.integer("expect", in: 0...Int64(Int32.max)).map { Int($0) }
        if table.has("jobs") == table.has("runs") {
            table.complain("jobs", "expected either jobs or runs, which say what it is about")
        }
        if jobs == JobQuery(), expected == nil {
            table.complain("expect", "all jobs are meant: say how many there are")
        }
        table.finish()
        let choice = jobs.map { BulkOperation.Choice.jobs($0) } ?? runs.map { .runs($0) }
        guard let action, let choice, table.problems.isEmpty else { throw APIError(table.problems) }
        return OperationRequest(action, choice, perSecond: rate, expected: expected)
    }
}

extension Endpoint.Success {
    fileprivate static let operation = Self(
        202, "It goes on by itself.", .of(OperationView.self),
        headers: [.init("Location", "How far it is.", .text(format: "uri-reference"))])
}

extension ConfigTable {
    /// Reads a list of words; complains of any other.
    fileprivate mutating func choices<Word: RawRepresentable<String> & CaseIterable & Hashable>(
        _ key: String, _ type: Word.Type
    ) -> Set<Word> {
        var found: Set<Word> = []
        for text in strings(key) ?? [] {
            if let word = Word(rawValue: text) {
                found.insert(word)
            } else {
                complain(
                    key, "expected some of \(type.allCases.map(\.rawValue).joined(separator: ", ")), found '\(text)'")
            }
        }
        return found
    }
}
