package import CarillonConfiguration
package import CarillonCore
package import CarillonEngine
import Foundation
package import Timetable

/// What definitions of jobs look like in a body: the keys of a job file, as JSON.
package struct JobFormat: Sendable {
    package var read: @Sendable (ConfigNode) throws -> Job
    package var write: @Sendable (Job) throws -> ConfigNode
    /// Reads the keys that say when a job runs.
    package var readSchedule: @Sendable (ConfigTable) throws -> ScheduleText
    package var zones: ZoneDatabase
    /// Whether whoever writes such a job has programs run on this machine.
    package var isProgram: @Sendable (Job) -> Bool
    /// Whether that may be written over the API at all.
    package var takesPrograms: Bool

    package init(
        read: @escaping @Sendable (ConfigNode) throws -> Job, write: @escaping @Sendable (Job) throws -> ConfigNode,
        readSchedule: @escaping @Sendable (ConfigTable) throws -> ScheduleText, zones: ZoneDatabase,
        isProgram: @escaping @Sendable (Job) -> Bool, takesPrograms: Bool
    ) {
        self.read = read
        self.write = write
        self.readSchedule = readSchedule
        self.zones = zones
        self.isProgram = isProgram
        self.takesPrograms = takesPrograms
    }
}

extension JobFormat {
    /// Reads the definition of somebody with these scopes. Throws `APIError` for one that is none, and for one that they may not give.
    package func job(_ node: ConfigNode, by scopes: Set<Scope>) throws -> Job {
        let job: Job
        do {
            job = try read(node)
        } catch let error as ConfigurationError {
            throw APIError(error.problems)
        }
        guard isProgram(job) else { return job }
        guard takesPrograms else {
            throw APIError(
                403, "no-programs",
                "jobs that run programs are not taken over the API; api.exec = true in the settings lets them")
        }
        guard scopes.contains(.execWrite) else {
            var error = APIError(403, "missing-scopes", "Missing required scopes")
            error.missing = [.execWrite]
            throw error
        }
        return job
    }
}

/// All that Carillon can do, under `/api/v1`: what `--json` prints is what it answers.
package struct CarillonAPI: Sendable {
    private let desk: @Sendable (Order, Caller) async -> Reply
    let format: JobFormat

    /// Entries of a page, unless another number is asked for, and the most.
    static let usual = 50
    static let most = 1_000
    /// Of a list that has no pages.
    static let mostAtOnce = 100_000

    package init(_ format: JobFormat, _ desk: @escaping @Sendable (Order, Caller) async -> Reply) {
        self.format = format
        self.desk = desk
    }

    package var endpoints: [Endpoint] { jobs + definitions + runs + times + operations + daemon + tokens }

    // MARK: Asking

    struct Unexpected: Error {}

    func ask(_ order: Order, _ call: Call) async throws -> Reply {
        let reply = await desk(order, call.caller)
        if case .failed(let code, let message) = reply { throw APIError(code, message) }
        return reply
    }

    static func json(_ value: some Encodable) throws -> [UInt8] { Array(try PublicJSON.encode(value).utf8) }

    static func page<Item: Codable & Sendable>(_ items: [Item], next: String?) throws -> Answer {
        Answer(200, try json(Page(items: items, next: next)))
    }

    /// Carries an order out; answers the sentence that it is answered with.
    func done(_ order: Order, _ call: Call, status: Int = 200) async throws -> Answer {
        guard case .done(let sentence) = try await ask(order, call) else { throw Unexpected() }
        return Answer(status, try Self.json(DoneView(message: sentence)))
    }

    func started(_ order: Order, _ call: Call) async throws -> Answer {
        let (status, run, note): (Int, RunView, String?) =
            switch try await ask(order, call) {
            case .started(let run, let note): (201, run, note)
            case .repeated(let run): (200, run, nil)
            default: throw Unexpected()
            }
        var answer = Answer(status, try Self.json(StartedView(run: run, note: note)))
        answer.headers = [("Location", "/api/v1/runs/\(run.id)")]
        return answer
    }

    // MARK: Jobs

    private static let name = "The name of a job."

    private func skipping(_ word: String, _ summary: String, _ isOn: Bool) -> Endpoint {
        Endpoint(
            .post, "/api/v1/jobs/{name}/\(word)", .jobsWrite, summary,
            body: Endpoint.Body(
                .object(nil, [.init("at", .orNull(.text()), isRequired: false)]),
                example: #"{"at":"2100-01-01 19:00"}"#, isRequired: false), .done
        ) { call in
            var time: String?
            if !call.body.isEmpty {
                var table = try call.table()
                time = table.string("at")
                table.finish()
                if !table.problems.isEmpty { throw APIError(table.problems) }
            }
            return try await done(.skip(call["name"], at: time, isOn), call)
        }
    }

    private var jobs: [Endpoint] {
        [
            Endpoint(
                .get, "/api/v1/jobs", .jobsRead, "Jobs in the order of their names.",
                query: [
                    .init("name", "A name, or a pattern with * and ?.", isList: true),
                    .init("tag", "With this tag.", isList: true),
                    .choices("state", "In this state.", JobQuery.State.self),
                    .init("zone", "Whose times are of this zone, an IANA name."),
                    .init("target", "With a target of this kind."), .init("feed", "Of this feed."),
                    .choice("sort", "By name, or by the next time, which has no pages.", JobQuery.Order.self),
                    .init("after", "Jobs after the one of this name."), .limit, .cursor,
                ], .json(JobsView.self)
            ) { call in
                var query = JobQuery(limit: try call.limit(Self.usual, Self.most))
                query.names = call.list("name")
                query.tags = call.list("tag")
                query.states = try call.choices("state", JobQuery.State.self)
                query.zone = call.query["zone"]
                query.target = call.query["target"].map { Target.Kind(rawValue: $0) }
                query.feed = call.query["feed"]
                query.order = try call.choice("sort", JobQuery.Order.self) ?? .name
                query.after = try call.cursor() ?? call.query["after"]
                guard case .jobs(let views, let total) = try await ask(.jobs(query), call) else { throw Unexpected() }
                let last = views.count < query.limit || query.order == .next ? nil : views.last
                return Answer(
                    200,
                    try Self.json(JobsView(items: views, next: last.map { Cursor($0.name).text }, total: total)))
            },
            Endpoint(.get, "/api/v1/jobs/{name}", .jobsRead, "A job.", .json(JobView.self)) { call in
                guard case .jobs(let views, _) = try await ask(.job(call["name"]), call), let view = views.first else {
                    throw Unexpected()
                }
                return Answer(200, try Self.json(view))
            },
            Endpoint(
                .get, "/api/v1/jobs/{name}/why", .jobsRead, "Why a job ran, or did not.",
                query: [.init("at", "A time: RFC 3339, or a local one in the job's zone.")], .json(WhyView.self)
            ) { call in
                guard case .why(let view) = try await ask(.why(job: call["name"], time: call.query["at"]), call) else {
                    throw Unexpected()
                }
                return Answer(200, try Self.json(view))
            },
            Endpoint(
                .delete, "/api/v1/jobs/{name}", .jobsWrite, "Removes a job.",
                headers: [.init("Prefer", "return=representation, to be told what became of its runs.")], .empty, .done
            ) { call in
                // RFC 7240.
                let isTold = call.headers["prefer"]?.contains("return=representation") ?? false
                let told = try await done(.delete(call["name"]), call)
                return isTold ? told : Answer(204)
            },
            Endpoint(.post, "/api/v1/jobs/{name}/enable", .jobsWrite, "Lets a job run again.", .done) { call in
                try await done(.enable(call["name"], true), call)
            },
            Endpoint(
                .post, "/api/v1/jobs/{name}/disable", .jobsWrite, "Keeps a job from running, and ends its runs.", .done
            ) {
                call in
                try await done(.enable(call["name"], false), call)
            },
            Endpoint(
                .post, "/api/v1/jobs/{name}/resolve", .jobsWrite, "Lets a job go on that halted after a failure.", .done
            ) { call in
                try await done(.resolve(call["name"]), call)
            },
            skipping("skip", "Has a job skip a time that is to come: the one that is given, else its next.", true),
            skipping("unskip", "Takes back that a job skips a time to come.", false),
            Endpoint(
                .post, "/api/v1/jobs/{name}/runs", .runsWrite, "Opens a run of a job now.",
                headers: [
                    .init("Idempotency-Key", "Whoever asks again under the same one is answered the same run.", .text())
                ],
                body: Endpoint.Body(
                    .object(nil, [.init("arguments", .orNull(.map(.text())), isRequired: false)]),
                    example: #"{"arguments":{"month":"2026-11"}}"#, isRequired: false), .started, .repeated
            ) { call in
                var arguments: [String: String] = [:]
                if !call.body.isEmpty {
                    var table = try call.table()
                    arguments = table.environment("arguments") ?? [:]
                    table.finish()
                    if !table.problems.isEmpty { throw APIError(table.problems) }
                }
                return try await started(
                    .start(call["name"], arguments: arguments, key: call.headers["idempotency-key"]), call)
            },
            Endpoint(.post, "/api/v1/jobs/{name}/stop", .runsWrite, "Ends a job's runs now.", .done) { call in
                try await done(.stop(call["name"]), call)
            },
            Endpoint(
                .post, "/api/v1/jobs/{name}/restart", .runsWrite, "Ends a job's runs now, and opens one.", .started
            ) {
                call in
                try await started(.restart(call["name"]), call)
            },
        ]
    }

    // MARK: Definitions

    private var definitions: [Endpoint] {
        [
            Endpoint(
                .post, "/api/v1/jobs", .jobsWrite, "Adds a job: the keys of a job file, as JSON.",
                body: .definition, .definition(201)
            ) { call in
                let job = try job(of: call)
                _ = try await ask(.put(job, replacing: false), call)
                return try await definition(of: job.name, call, status: 201)
            },
            Endpoint(
                .get, "/api/v1/jobs/{name}/definition", .jobsWrite,
                "All of a job's definition, which may hold secrets; its ETag is the revision.", .definition(200)
            ) { call in
                try await definition(of: call["name"], call, status: 200)
            },
            Endpoint(
                .put, "/api/v1/jobs/{name}/definition", .jobsWrite,
                "Replaces a definition, with If-Match only as long as that is the present one.",
                headers: [.init("If-Match", "The ETag of the one that is to be replaced.")], body: .definition,
                .definition(200)
            ) { call in
                let job = try job(of: call)
                guard job.name == Job.canonical(call["name"]) else {
                    throw APIError.bad("name: is '\(job.name)' here and '\(call["name"])' in the path", "name")
                }
                let tag = call.headers["if-match"]
                let revision = tag.flatMap { Int64($0.trimming { $0 == "\"" }) }
                if let tag, revision == nil {
                    throw APIError(412, "changed", "If-Match: there never was a revision \(tag)")
                }
                do {
                    _ = try await ask(.put(job, replacing: true, revision: revision), call)
                } catch let error as APIError where error.message.contains("changed meanwhile") {
                    throw APIError(412, "changed", error.message)
                }
                return try await definition(of: job.name, call, status: 200)
            },
        ]
    }

    private func job(of call: Call) throws -> Job { try format.job(try call.node(), by: call.scopes) }

    private func definition(of name: String, _ call: Call, status: Int) async throws -> Answer {
        guard case .definition(let job, let revision) = try await ask(.definition(name), call) else {
            throw Unexpected()
        }
        let table: ConfigNode
        do {
            table = try format.write(job)
        } catch let error as TargetFault {
            throw APIError(409, "refused", "\(job.name) belongs to \(job.origin): \(error.message)")
        }
        var answer = Answer(status, try Self.json(table))
        answer.headers = [("ETag", "\"\(revision)\"")]
        return answer
    }

    // MARK: Runs

    private var runs: [Endpoint] {
        [
            Endpoint(
                .get, "/api/v1/runs", .runsRead, "Runs, the newest first.",
                query: [
                    .init("job", "Of this job."),
                    .choices("state", "In this state.", RunState.self),
                    .choices("trigger", "Why it was opened.", Trigger.self), .since, .until, .limit, .cursor,
                ], .json(Page<RunView>.self)
            ) { call in
                var query = try self.query(call)
                let states = try call.choices("state", RunState.self)
                query.states = states.isEmpty ? Set(RunState.allCases.filter { $0 != .skipped }) : states
                query.triggers = try call.choices("trigger", Trigger.self)
                query.after = try call.runCursor()
                guard case .runs(let views) = try await ask(.runs(query), call) else { throw Unexpected() }
                let last = views.count < query.limit ? nil : views.last
                return try Self.page(views, next: last.map { Cursor("\($0.scheduledAt.microseconds) \($0.id)").text })
            },
            Endpoint(
                .get, "/api/v1/skips", .runsRead, "Scheduled times that did not run, and why, the newest first.",
                query: [.init("job", "Of this job."), .since, .until, .longLimit], .json(Page<RunView>.self)
            ) { call in
                var query = try self.query(call, Self.mostAtOnce)
                query.states = [.skipped]
                guard case .runs(let views) = try await ask(.runs(query), call) else { throw Unexpected() }
                return try Self.page(views, next: nil)
            },
            Endpoint(.get, "/api/v1/runs/{id}", .runsRead, "A run, or times that were skipped.", .json(RunView.self)) {
                call in
                guard case .runs(let views) = try await ask(.run(call["id"]), call), let view = views.first else {
                    throw Unexpected()
                }
                return Answer(200, try Self.json(view))
            },
            Endpoint(
                .get, "/api/v1/runs/{id}/log", .runsRead, "What a run wrote, as it wrote it.",
                query: [.init("from", "Bytes that are left out.", .whole(from: 0))],
                Endpoint.Success(200, "What it wrote.", type: "text/plain; charset=utf-8")
            ) { call in try await log(call) },
            Endpoint(.post, "/api/v1/runs/{id}/cancel", .runsWrite, "Has a run end.", .json(DoneView.self, status: 202))
            {
                call in
                try await done(.cancel(call["id"]), call, status: 202)
            },
            Endpoint(
                .post, "/api/v1/runs/{id}/retry", .runsWrite, "Opens another run for the time of one that has ended.",
                .started
            ) { call in
                try await started(.retry(call["id"]), call)
            },
        ]
    }

    private func query(_ call: Call, _ most: Int = most) throws -> RunQuery {
        RunQuery(
            job: call.query["job"], since: try call.time("since"), until: try call.time("until"),
            limit: try call.limit(Self.usual, most))
    }

    private func log(_ call: Call) async throws -> Answer {
        let from = try call.number("from", in: 0...Int64.max) ?? 0
        @Sendable func part(_ offset: Int64) async throws -> (bytes: [UInt8], next: Int64) {
            guard case .output(let text, let next) = try await ask(.output(run: call["id"], from: offset), call) else {
                throw Unexpected()
            }
            return (Data(base64Encoded: text).map { Array($0) } ?? [], next)
        }
        // The first part tells whether there is such a run.
        let first = try await part(from)
        var answer = Answer(200)
        answer.type = "text/plain; charset=utf-8"
        answer.body = .parts { LogParts(first: first, part) }
        return answer
    }
}

/// What a run wrote, part by part.
private struct LogParts: AsyncIteratorProtocol, Sendable {
    typealias Part = (bytes: [UInt8], next: Int64)
    private let part: @Sendable (Int64) async throws -> Part
    private var ahead: Part

    init(first: Part, _ part: @escaping @Sendable (Int64) async throws -> Part) {
        ahead = first
        self.part = part
    }

    mutating func next() async throws -> [UInt8]? {
        if ahead.bytes.isEmpty { return nil }
        let bytes = ahead.bytes
        ahead = try await part(ahead.next)
        return bytes
    }
}
