import CarillonConfiguration
import CarillonCore
import CarillonDaemon
package import CarillonEngine
import Foundation
import Timetable

/// Each order as a request, and its answer as the reply that the socket would give.
extension APIClient {
    /// Gives one order and waits for its reply. Throws `Failure` and `MissingScopes`.
    package func send(_ order: Order) async throws -> Reply {
        do {
            return try await reply(to: order)
        } catch let error as Refusal {
            return .failed(code: error.code, message: error.message)
        } catch is DecodingError {
            throw Failure.failed("\(address) answers what this release does not know; is it another release?")
        } catch let failure as Failure where failure.code == 4 && !order.isQuestion {
            throw Failure.noAnswer(failure.message + "; once it does, it may still do what was ordered")
        }
    }

    /// Entries of a page, and of a list that has no pages.
    private static let page = 1_000
    private static let most = 100_000
    /// Bytes of output at once.
    private static let part = 4 << 20

    private func reply(to order: Order) async throws -> Reply {
        switch order {
        case .jobs(let query, let asLines):
            let (views, total) = try await jobs(query)
            guard asLines else { return .jobs(views, total: total) }
            var lines = PublicJSON.Lines()
            for view in views { try lines.append(view) }
            return .lines(JobLines(count: views.count, last: views.last?.name, bytes: lines.bytes))
        case .job(let name): return .jobs([try await get(Self.path("jobs", name))])
        case .definition(let name): return try await definition(name)
        case .runs(let query): return .runs(try await runs(query))
        case .run(let id): return .runs([try await get(Self.path("runs", id))])
        case .why(let job, let time):
            return .why(try await get(Self.path("jobs", job, "why"), [("at", time)]))
        case .feeds: return .feeds(try await list("/feeds").items)
        case .instances:
            let page: Page<InstanceView> = try await list("/instances")
            return .instances(page.items, orphans: page.orphans ?? 0)
        case .audits(let query):
            let limit = min(query.limit, Self.most)
            return .audits(
                try await list(
                    "/audit",
                    [
                        ("subject", query.subject), ("user", query.user), ("action", query.action),
                        ("since", Self.text(query.since)), ("until", Self.text(query.until)), ("limit", "\(limit)"),
                    ]
                ).items)
        case .agenda(let query):
            let page: Page<AgendaView> = try await list(
                "/agenda",
                Self.each("name", query.names) + Self.each("tag", query.tags) + [
                    ("from", Self.text(query.from)), ("until", Self.text(query.until)), ("limit", "\(query.limit)"),
                ])
            return .agenda(page.items, isCut: page.isCut ?? false)
        case .forecast(let query):
            return .forecast(
                try await get(
                    "/forecast",
                    [("from", Self.text(query.from)), ("until", Self.text(query.until)), ("parts", "\(query.parts)")]))
        case .recent(let names, let limit):
            return .recent(try await list("/recent", Self.each("job", names) + [("limit", "\(limit)")]).items)
        case .hours(let from, let until):
            return .hours(
                try await list("/hours", [("from", Self.text(from)), ("until", Self.text(until))]).items)
        case .ping:
            _ = try await ask("GET", "/healthz")
            return .done("here")
        case .status: return .status(try await get("/status"))
        case .queues: return .queues(try await list("/queues").items)
        case .output(let run, let from):
            let bytes = try await ask(
                "GET", "/api/v1" + Self.path("runs", run, "log"), query: [("from", "\(from)")], first: Self.part
            ).body
            return .output(bytes.base64EncodedString(), next: from + Int64(bytes.count))
        case .put(let job, let replacing, let revision): return try await put(job, replacing, revision)
        case .delete(let name): return try await done("DELETE", Self.path("jobs", name))
        case .enable(let name, let isOn): return try await done(path: "jobs", name, isOn ? "enable" : "disable")
        case .stop(let name): return try await done(path: "jobs", name, "stop")
        case .resolve(let name): return try await done(path: "jobs", name, "resolve")
        case .skip(let name, let time, let isOn):
            return try await done(
                "POST", Self.path("jobs", name, isOn ? "skip" : "unskip"), time.map { JSONObject([("at", $0)]) })
        case .restart(let name): return try await started(Self.path("jobs", name, "restart"))
        case .start(let name, let arguments, _):
            let body = arguments.isEmpty ? nil : JSONObject([("arguments", arguments)])
            return try await started(Self.path("jobs", name, "runs"), body)
        case .retry(let run): return try await started(Self.path("runs", run, "retry"))
        case .cancel(let run): return try await done(path: "runs", run, "cancel")
        case .pause(let reason, let length, let tags):
            var entries: [(key: String, value: any Encodable)] = [("reason", reason)]
            if let length { entries.append(("for", Span.format(length))) }
            if !tags.isEmpty { entries.append(("tags", tags)) }
            return try await done("POST", "/pause", JSONObject(entries))
        case .resume(let tags):
            return try await done("POST", "/resume", tags.isEmpty ? nil : JSONObject([("tags", tags)]))
        case .acceptFeed(let name): return try await done(path: "feeds", name, "accept")
        case .drain(let name, let isOn): return try await done(path: "instances", name, isOn ? "drain" : "undrain")
        case .forgetInstance(let name): return try await done("DELETE", Self.path("instances", name))
        case .operations(let id?): return .operations([try await get(Self.path("operations", id))])
        case .operations(nil): return .operations(try await list("/operations").items)
        case .operate(let request):
            return .operations([try await carryOut("POST", "/operations", Self.body(of: request))])
        case .cancelOperation(let id): return try await done(path: "operations", id, "cancel")
        case .undo(let id): return .operations([try await carryOut("POST", Self.path("operations", id, "undo"), nil)])
        case .reload: return try await done("POST", "/reload")
        case .missed(let query):
            return .missed(
                try await list(
                    Self.path("jobs", query.job, "missed"),
                    [
                        ("from", Self.text(query.from)), ("until", Self.text(query.until)),
                        ("what", query.what.rawValue),
                    ]
                ).items)
        case .backfill(let job, let times, let rate):
            struct Answer: Decodable {
                var runs: [RunView]
                var note: String?
            }
            let body = JSONObject(
                [
                    (
                        "times",
                        times.map { time in
                            JSONObject(
                                [("at", time.at.rfc3339Microseconds)] + (time.repeats.map { [("repeats", $0)] } ?? []))
                        }
                    )
                ] + (rate.map { [("per_second", $0)] } ?? []))
            let answer: Answer = try await carryOut("POST", Self.path("jobs", job, "backfill"), body)
            return .backfilled(answer.runs, note: answer.note)
        case .tokens:
            struct Token: Decodable {
                var name: String
                var scopes: Set<String>
                var createdAt: Timestamp
                var expiresAt: Timestamp?
                var usedAt: Timestamp?
                var use: AccessToken.Use?
            }
            let tokens: [Token] = try await list("/tokens").items
            return .tokens(
                tokens.map {
                    var token = AccessToken(
                        name: $0.name, digest: "", scopes: $0.scopes, createdAt: $0.createdAt, expiresAt: $0.expiresAt,
                        use: $0.use)
                    token.usedAt = $0.usedAt
                    return token
                })
        case .addToken(let token):
            var entries: [(key: String, value: any Encodable)] = [
                ("name", token.name), ("scopes", token.scopes.sorted()), ("digest", token.digest),
            ]
            if let end = token.expiresAt {
                entries.append(("expires", Span.format(max(1, end.microseconds - token.createdAt.microseconds))))
            }
            if let use = token.use { entries.append(("use", use.rawValue)) }
            if let holder = token.holder { entries.append(("holder", holder)) }
            _ = try await ask("POST", "/api/v1/tokens", body: Array(try PublicJSON.encode(JSONObject(entries)).utf8))
            return .done("the token \(token.name) is good for \(token.scopes.sorted().joined(separator: ", "))")
        case .revokeToken(let name): return try await done("DELETE", Self.path("tokens", name))
        }
    }

    // MARK: Lists

    private struct Page<Item: Decodable>: Decodable {
        var items: [Item]
        var next: String?
        var total: Int?
        var isCut: Bool?
        var orphans: Int?
    }

    /// Reads all pages that are asked for, and how many jobs there are when that is more.
    private func jobs(_ query: JobQuery) async throws -> (views: [JobView], total: Int?) {
        guard query.order == .name || query.limit <= Self.page else {
            // By the next time there is no page after a page.
            var all = query
            (all.order, all.limit) = (.name, .max)
            let views = try await jobs(all).views.sorted {
                ($0.next ?? .distantFuture, $0.name) < ($1.next ?? .distantFuture, $1.name)
            }
            return (Array(views.prefix(query.limit)), views.count > query.limit ? views.count : nil)
        }
        let asked =
            Self.each("name", query.names) + Self.each("tag", query.tags)
            + Self.each("state", query.states.map(\.rawValue).sorted())
            + [
                ("zone", query.zone), ("target", query.target?.rawValue), ("feed", query.feed),
                ("sort", query.order == .name ? nil : query.order.rawValue), ("after", query.after),
            ]
        let (views, total): ([JobView], Int?) = try await pages("/jobs", asked, query.limit)
        return (views, views.count == query.limit ? total : nil)
    }

    private func pages<Item: Decodable>(
        _ path: String, _ asked: [(String, String?)], _ limit: Int
    ) async throws -> (items: [Item], total: Int?) {
        var items: [Item] = []
        var total: Int?
        var cursor: String?
        repeat {
            var asked = asked + [("limit", "\(min(limit - items.count, Self.page))")]
            if let cursor { asked = asked.filter { $0.0 != "after" } + [("cursor", cursor)] }
            let page: Page<Item> = try await list(path, asked)
            items += page.items
            total = total ?? page.total
            cursor = page.next
        } while cursor != nil && items.count < limit
        return (items, total)
    }

    /// Runs and skips together, newest first, as `QueryService` has them.
    private func runs(_ query: RunQuery) async throws -> [RunView] {
        let states = query.states.subtracting([.skipped])
        let asked = [
            ("job", query.job), ("since", Self.text(query.since)), ("until", Self.text(query.until)),
        ]
        var views: [RunView] = []
        var refusal: Refusal?
        if query.states.isEmpty || !states.isEmpty {
            do {
                views = try await pages(
                    "/runs",
                    asked + Self.each("state", states.map(\.rawValue))
                        + Self.each("trigger", query.triggers.map(\.rawValue)),
                    query.limit
                ).items
            } catch let error as Refusal where error.status == 404 {
                refusal = error
            }
        }
        if query.triggers.isEmpty, query.states.isEmpty || query.states.contains(.skipped) {
            do {
                views += try await list("/skips", asked + [("limit", "\(min(query.limit, Self.most))")]).items
            } catch let error as Refusal where error.status == 404 {
                refusal = error
            }
        }
        // A job that is gone may have left one of both.
        if views.isEmpty, let refusal { throw refusal }
        views.sort { ($0.scheduledAt, $0.createdAt, $0.id) > ($1.scheduledAt, $1.createdAt, $1.id) }
        views = Array(views.prefix(query.limit))
        guard views.count > QueryService.mostShortened else { return views }
        for place in views.indices { views[place].shortID = views[place].id }
        return views
    }

    // MARK: Definitions

    private func definition(_ name: String) async throws -> Reply {
        let answer = try await ask("GET", "/api/v1" + Self.path("jobs", name, "definition"))
        let tag = answer.headers["etag"] ?? ""
        guard let revision = Int64(tag.filter { $0 != "\"" }) else {
            throw Failure.failed("\(address) gives no revision of \(name)")
        }
        let reader = JobReader(
            targets: Composition.current.targets, zones: ZoneDatabase(), defaultZone: "UTC", directory: "/")
        do {
            let node = try ConfigDocument.read(
                String(decoding: answer.body, as: UTF8.self), format: .json, path: address.base)
            var job = try reader.read(node, source: address.base, place: name).get()
            // Whose it is stands in no definition.
            if let view: JobView = try? await get(Self.path("jobs", name)) { job.origin = view.origin }
            return .definition(job, revision: revision)
        } catch let error as ConfigProblem {
            throw Failure.failed(error.description)
        } catch let error as ConfigurationError {
            throw Failure.failed(error.description)
        }
    }

    private func put(_ job: Job, _ replacing: Bool, _ revision: Int64?) async throws -> Reply {
        let table: ConfigNode
        do {
            table = try JobWriter(targets: Composition.current.targets).table(job)
        } catch {
            throw Failure.failed("\(job.name): \(error.message)")
        }
        let body = Array(try PublicJSON.encode(table).utf8)
        guard replacing else {
            _ = try await ask("POST", "/api/v1/jobs", body: body)
            return .done("\(job.name) is added")
        }
        _ = try await ask(
            "PUT", "/api/v1" + Self.path("jobs", job.name, "definition"),
            headers: revision.map { [("If-Match", "\"\($0)\"")] } ?? [], body: body)
        return .done("\(job.name) is changed")
    }

    private static func body(of request: OperationRequest) -> JSONObject {
        func some(_ entries: [(key: String, value: (any Encodable)?)]) -> [(key: String, value: any Encodable)] {
            entries.compactMap { key, value in value.map { (key, $0) } }
        }
        func words(_ texts: [String]) -> (any Encodable)? { texts.isEmpty ? nil : texts }
        let choice: (String, any Encodable) =
            switch request.choice {
            case .jobs(let query):
                (
                    "jobs",
                    JSONObject(
                        some([
                            ("name", words(query.names)), ("tag", words(query.tags)),
                            ("state", words(query.states.map(\.rawValue).sorted())), ("zone", query.zone),
                            ("target", query.target?.rawValue), ("feed", query.feed),
                        ]))
                )
            case .runs(let query):
                (
                    "runs",
                    JSONObject(
                        some([
                            ("job", query.job), ("state", words(query.states.map(\.rawValue).sorted())),
                            ("trigger", words(query.triggers.map(\.rawValue).sorted())),
                            ("since", text(query.since)), ("until", text(query.until)),
                        ]))
                )
            }
        return JSONObject(
            [("action", request.action.rawValue), choice]
                + some([("per_second", request.perSecond), ("expect", request.expected)]))
    }

    // MARK: One answer

    private static func path(_ parts: String...) -> String {
        parts.map { "/" + $0.percentEncoded }.joined()
    }

    /// A parameter that may be repeated.
    private static func each(_ name: String, _ values: [String]) -> [(String, String?)] { values.map { (name, $0) } }

    private static func text(_ time: Timestamp?) -> String? { time?.rfc3339Microseconds }

    private func get<Value: Decodable>(_ path: String, _ query: [(String, String?)] = []) async throws -> Value {
        let given = query.compactMap { name, value in value.map { (name: name, value: $0) } }
        return try JSONDecoder().decode(
            Value.self, from: try await ask("GET", "/api/v1" + path, query: given).body)
    }

    private func list<Item: Decodable>(
        _ path: String, _ query: [(String, String?)] = []
    ) async throws -> Page<Item> { try await get(path, query) }

    private func carryOut<Value: Decodable>(
        _ method: String, _ path: String, _ body: JSONObject?
    ) async throws -> Value {
        let bytes = try body.map { Array(try PublicJSON.encode($0).utf8) }
        // A job that is removed leaves a sentence, if one is asked for (RFC 7240).
        let answer = try await ask(
            method, "/api/v1" + path, headers: [("Prefer", "return=representation")], body: bytes)
        return try JSONDecoder().decode(Value.self, from: answer.body)
    }

    private struct Done: Decodable { var message: String }

    private func done(_ method: String, _ path: String, _ body: JSONObject? = nil) async throws -> Reply {
        let done: Done = try await carryOut(method, path, body)
        return .done(done.message)
    }

    private func done(path kind: String, _ name: String, _ verb: String) async throws -> Reply {
        try await done("POST", Self.path(kind, name, verb))
    }

    private struct Started: Decodable {
        var run: RunView
        var note: String?
    }

    private func started(_ path: String, _ body: JSONObject? = nil) async throws -> Reply {
        let started: Started = try await carryOut("POST", path, body)
        return .started(started.run, note: started.note)
    }
}
