package import CarillonConfiguration
package import CarillonCore
package import CarillonEngine
import Foundation
import Timetable

/// What definitions of jobs look like in a body: the keys of a job file, as JSON.
package struct JobFormat: Sendable {
    package var read: @Sendable (ConfigNode) throws -> Job
    package var write: @Sendable (Job) throws -> ConfigNode
    /// Whether whoever writes such a job has programs run on this machine.
    package var isProgram: @Sendable (Job) -> Bool
    /// Whether that may be written over the API at all.
    package var takesPrograms: Bool

    package init(
        read: @escaping @Sendable (ConfigNode) throws -> Job, write: @escaping @Sendable (Job) throws -> ConfigNode,
        isProgram: @escaping @Sendable (Job) -> Bool, takesPrograms: Bool
    ) {
        self.read = read
        self.write = write
        self.isProgram = isProgram
        self.takesPrograms = takesPrograms
    }
}

/// All that Carillon can do, under `/api/v1`: what `--json` prints is what it answers.
package struct CarillonAPI: Sendable {
    private let desk: @Sendable (Order, Caller) async -> Reply
    private let format: JobFormat

    /// Entries of a page, unless another number is asked for, and the most.
    private static let usual = 50
    private static let most = 1_000
    /// Of a list that has no pages.
    private static let mostAtOnce = 100_000

    package init(_ format: JobFormat, _ desk: @escaping @Sendable (Order, Caller) async -> Reply) {
        self.format = format
        self.desk = desk
    }

    package var endpoints: [Endpoint] { jobs + definitions + runs + daemon }

    // MARK: Asking

    private struct Unexpected: Error {}

    private func ask(_ order: Order, _ call: Call) async throws -> Reply {
        let reply = await desk(order, call.caller)
        if case .failed(let code, let message) = reply { throw APIError(code, message) }
        return reply
    }

    private static func json(_ value: some Encodable) throws -> [UInt8] { Array(try PublicJSON.encode(value).utf8) }

    private static func page(
        _ items: [some Encodable], next: String?, _ more: [(key: String, value: any Encodable)] = []
    ) throws -> Answer {
        Answer(200, try json(JSONObject([("items", items), ("next", next)] + more)))
    }

    /// Carries an order out; answers the sentence that it is answered with.
    private func done(_ order: Order, _ call: Call, status: Int = 200) async throws -> Answer {
        guard case .done(let sentence) = try await ask(order, call) else { throw Unexpected() }
        return Answer(status, try Self.json(JSONObject([("message", sentence)])))
    }

    private func started(_ order: Order, _ call: Call) async throws -> Answer {
        guard case .started(let run, let note) = try await ask(order, call) else { throw Unexpected() }
        var answer = Answer(201, try Self.json(JSONObject([("run", run), ("note", note)])))
        answer.headers = [("Location", "/api/v1/runs/\(run.id)")]
        return answer
    }

    // MARK: Jobs

    private static let name = "The name of a job."

    private var jobs: [Endpoint] {
        [
            Endpoint(
                .get, "/api/v1/jobs", .jobsRead, "Jobs in the order of their names.",
                query: [
                    .init("name", "A name, or a pattern with * and ?.", isList: true),
                    .init("tag", "With this tag.", isList: true),
                    .init("state", "enabled, disabled, halted, failed or active.", isList: true),
                    .init("sort", "By name, or by the next time (next), which has no pages."),
                    .init("after", "Jobs after the one of this name."), .limit, .cursor,
                ]
            ) { call in
                var query = JobQuery(limit: try call.limit(Self.usual, Self.most))
                query.names = call.list("name")
                query.tags = call.list("tag")
                query.states = try call.choices("state", JobQuery.State.self)
                query.order = try call.choice("sort", JobQuery.Order.self) ?? .name
                query.after = try call.cursor() ?? call.query["after"]
                guard case .jobs(let views, let total) = try await ask(.jobs(query), call) else { throw Unexpected() }
                let last = views.count < query.limit || query.order == .next ? nil : views.last
                return try Self.page(views, next: last.map { Cursor($0.name).text }, [("total", total)])
            },
            Endpoint(.get, "/api/v1/jobs/{name}", .jobsRead, "A job.") { call in
                guard case .jobs(let views, _) = try await ask(.job(call["name"]), call), let view = views.first else {
                    throw Unexpected()
                }
                return Answer(200, try Self.json(view))
            },
            Endpoint(
                .get, "/api/v1/jobs/{name}/why", .jobsRead, "Why a job ran, or did not.",
                query: [.init("at", "A time: RFC 3339, or a local one in the job's zone.")]
            ) { call in
                guard case .why(let view) = try await ask(.why(job: call["name"], time: call.query["at"]), call) else {
                    throw Unexpected()
                }
                return Answer(200, try Self.json(view))
            },
            Endpoint(.delete, "/api/v1/jobs/{name}", .jobsWrite, "Removes a job.") { call in
                // RFC 7240: whoever wants to know what became of its runs says so.
                let isTold = call.headers["prefer"]?.contains("return=representation") ?? false
                let told = try await done(.delete(call["name"]), call)
                return isTold ? told : Answer(204)
            },
            Endpoint(.post, "/api/v1/jobs/{name}/enable", .jobsWrite, "Lets a job run again.") { call in
                try await done(.enable(call["name"], true), call)
            },
            Endpoint(.post, "/api/v1/jobs/{name}/disable", .jobsWrite, "Keeps a job from running, and ends its runs.") {
                call in
                try await done(.enable(call["name"], false), call)
            },
            Endpoint(.post, "/api/v1/jobs/{name}/resolve", .jobsWrite, "Lets a job go on that halted after a failure.")
            { call in
                try await done(.resolve(call["name"]), call)
            },
            Endpoint(.post, "/api/v1/jobs/{name}/runs", .runsWrite, "Opens a run of a job now.") { call in
                var arguments: [String: String] = [:]
                if !call.body.isEmpty {
                    var table = try call.table()
                    arguments = table.environment("arguments") ?? [:]
                    table.finish()
                    if !table.problems.isEmpty { throw APIError(table.problems) }
                }
                return try await started(.start(call["name"], arguments: arguments), call)
            },
            Endpoint(.post, "/api/v1/jobs/{name}/stop", .runsWrite, "Ends a job's runs now.") { call in
                try await done(.stop(call["name"]), call)
            },
            Endpoint(.post, "/api/v1/jobs/{name}/restart", .runsWrite, "Ends a job's runs now, and opens one.") {
                call in
                try await started(.restart(call["name"]), call)
            },
        ]
    }

    // MARK: Definitions

    private var definitions: [Endpoint] {
        [
            Endpoint(.post, "/api/v1/jobs", .jobsWrite, "Adds a job: the keys of a job file, as JSON.") { call in
                let job = try job(of: call)
                _ = try await ask(.put(job, replacing: false), call)
                return try await definition(of: job.name, call, status: 201)
            },
            Endpoint(
                .get, "/api/v1/jobs/{name}/definition", .jobsWrite,
                "All of a job's definition, which may hold secrets; its ETag is the revision."
            ) { call in
                try await definition(of: call["name"], call, status: 200)
            },
            Endpoint(
                .put, "/api/v1/jobs/{name}/definition", .jobsWrite,
                "Replaces a definition, with If-Match only as long as that is the present one."
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

    private func job(of call: Call) throws -> Job {
        let job: Job
        do {
            job = try format.read(try call.node())
        } catch let error as ConfigurationError {
            throw APIError(error.problems)
        }
        guard format.isProgram(job) else { return job }
        guard format.takesPrograms else {
            throw APIError(
                403, "no-programs",
                "jobs that run programs are not taken over the API; api.exec = true in the settings lets them")
        }
        guard call.scopes.contains(.execWrite) else {
            var error = APIError(403, "missing-scopes", "Missing required scopes")
            error.missing = [.execWrite]
            throw error
        }
        return job
    }

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
                    .init("state", "pending, running, cancelling, completed, failed or cancelled.", isList: true),
                    .init("trigger", "Why it was opened.", isList: true), .since, .until, .limit, .cursor,
                ]
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
                query: [.init("job", "Of this job."), .since, .until, .limit]
            ) { call in
                var query = try self.query(call, Self.mostAtOnce)
                query.states = [.skipped]
                guard case .runs(let views) = try await ask(.runs(query), call) else { throw Unexpected() }
                return try Self.page(views, next: nil)
            },
            Endpoint(.get, "/api/v1/runs/{id}", .runsRead, "A run, or times that were skipped.") { call in
                guard case .runs(let views) = try await ask(.run(call["id"]), call), let view = views.first else {
                    throw Unexpected()
                }
                return Answer(200, try Self.json(view))
            },
            Endpoint(
                .get, "/api/v1/runs/{id}/log", .runsRead, "What a run wrote, as it wrote it.",
                query: [.init("from", "Bytes that are left out.")]
            ) { call in try await log(call) },
            Endpoint(.post, "/api/v1/runs/{id}/cancel", .runsWrite, "Has a run end.") { call in
                try await done(.cancel(call["id"]), call, status: 202)
            },
            Endpoint(
                .post, "/api/v1/runs/{id}/retry", .runsWrite, "Opens another run for the time of one that has ended."
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

    // MARK: The daemon

    private var daemon: [Endpoint] {
        [
            Endpoint(.get, "/api/v1/status", .systemRead, "How the daemon is.") { call in
                guard case .status(let view) = try await ask(.status, call) else { throw Unexpected() }
                return Answer(200, try Self.json(view))
            },
            Endpoint(.get, "/api/v1/feeds", .systemRead, "Where jobs come from, and what is wrong there.") { call in
                guard case .feeds(let views) = try await ask(.feeds, call) else { throw Unexpected() }
                return try Self.page(views, next: nil)
            },
            Endpoint(
                .post, "/api/v1/feeds/{name}/accept", .systemWrite,
                "Takes a feed as it is now, although much of it is suddenly gone."
            ) { call in try await done(.acceptFeed(call["name"]), call) },
            Endpoint(.get, "/api/v1/instances", .systemRead, "Who works with the store.") { call in
                guard case .instances(let views, let orphans) = try await ask(.instances, call) else {
                    throw Unexpected()
                }
                return try Self.page(views, next: nil, [("orphans", orphans)])
            },
            Endpoint(
                .post, "/api/v1/instances/{name}/drain", .systemWrite,
                "Has an instance give its jobs to the others, and take none."
            ) { call in try await done(.drain(call["name"], true), call) },
            Endpoint(.post, "/api/v1/instances/{name}/undrain", .systemWrite, "Has an instance take its part again.") {
                call in
                try await done(.drain(call["name"], false), call)
            },
            Endpoint(
                .delete, "/api/v1/instances/{name}", .systemWrite,
                "Forgets an instance that does not come back, with the jobs that only its files had."
            ) { call in try await done(.forgetInstance(call["name"]), call) },
            Endpoint(
                .get, "/api/v1/audit", .systemRead, "Who had Carillon do what, the newest first.",
                query: [
                    .init("subject", "A job, a run or a feed."), .init("user", "Who it was."),
                    .init("action", "What it was."),
                    .since, .until, .limit,
                ]
            ) { call in
                let query = AuditQuery(
                    subject: call.query["subject"], user: call.query["user"], action: call.query["action"],
                    since: try call.time("since"), until: try call.time("until"),
                    limit: try call.limit(Self.usual, Self.mostAtOnce))
                guard case .audits(let entries) = try await ask(.audits(query), call) else { throw Unexpected() }
                return try Self.page(entries, next: nil)
            },
            Endpoint(
                .get, "/api/v1/agenda", .jobsRead, "Times to come, of all jobs.",
                query: [
                    .init("name", "A name, or a pattern.", isList: true), .init("tag", "With this tag.", isList: true),
                    .init("from", "A time, RFC 3339; now unless it is given."), .until, .limit,
                ]
            ) { call in
                guard let until = try call.time("until") else { throw APIError.bad("until: is missing", "until") }
                let query = AgendaQuery(
                    names: call.list("name"), tags: call.list("tag"), from: try call.time("from"), until: until,
                    limit: try call.limit(Self.usual, Self.mostAtOnce))
                guard case .agenda(let views, let isCut) = try await ask(.agenda(query), call) else {
                    throw Unexpected()
                }
                return try Self.page(views, next: nil, [("isCut", isCut)])
            },
            Endpoint(.post, "/api/v1/pause", .systemWrite, "Holds all dispatching back, or that of some tags.") {
                call in
                var table = try call.table()
                let reason = table.required("reason", table.string("reason"))
                let (length, tags) = (table.span("for"), table.strings("tags") ?? [])
                table.finish()
                guard let reason, table.problems.isEmpty else { throw APIError(table.problems) }
                return try await done(.pause(reason: reason, length: length, tags: tags), call)
            },
            Endpoint(.post, "/api/v1/resume", .systemWrite, "Goes on, with everything or with some tags.") { call in
                var tags: [String] = []
                if !call.body.isEmpty {
                    var table = try call.table()
                    tags = table.strings("tags") ?? []
                    table.finish()
                    if !table.problems.isEmpty { throw APIError(table.problems) }
                }
                return try await done(.resume(tags: tags), call)
            },
        ]
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
