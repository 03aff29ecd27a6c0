import CarillonConfiguration
import CarillonCore
import CarillonEngine

extension CarillonAPI {
    /// The daemon, its feeds, and those it shares the store with.
    var daemon: [Endpoint] {
        [
            Endpoint(.get, "/api/v1/status", .systemRead, "How the daemon is.", .json(StatusView.self)) { call in
                guard case .status(let view) = try await ask(.status, call) else { throw Unexpected() }
                return Answer(200, try Self.json(view))
            },
            Endpoint(
                .get, "/api/v1/feeds", .systemRead, "Where jobs come from, and what is wrong there.",
                .json(Page<FeedView>.self)
            ) {
                call in
                guard case .feeds(let views) = try await ask(.feeds, call) else { throw Unexpected() }
                return try Self.page(views, next: nil)
            },
            Endpoint(
                .get, "/api/v1/queues", .systemRead, "What waits where workers take their runs from.",
                .json(Page<QueueView>.self)
            ) { call in
                guard case .queues(let views) = try await ask(.queues, call) else { throw Unexpected() }
                return try Self.page(views, next: nil)
            },
            Endpoint(.get, "/api/v1/instances", .systemRead, "Who works with the store.", .json(InstancesView.self)) {
                call in
                guard case .instances(let views, let orphans) = try await ask(.instances, call) else {
                    throw Unexpected()
                }
                return Answer(
                    200, try Self.json(InstancesView(items: views, orphans: orphans)))
            },
            Endpoint(
                .get, "/api/v1/audit", .systemRead, "Who had Carillon do what, the newest first.",
                query: [
                    .init("subject", "A job, a run or a feed."), .init("user", "Who it was."),
                    .init("action", "What it was."),
                    .since, .until, .longLimit,
                ], .json(Page<AuditEntry>.self)
            ) { call in
                let query = AuditQuery(
                    subject: call.query["subject"], user: call.query["user"], action: call.query["action"],
                    since: try call.time("since"), until: try call.time("until"),
                    limit: try call.limit(Self.usual, Self.mostAtOnce))
                guard case .audits(let entries) = try await ask(.audits(query), call) else { throw Unexpected() }
                return try Self.page(entries, next: nil)
            },
            Endpoint(
                .post, "/api/v1/pause", .systemWrite, "Holds all dispatching back, or that of some tags.",
                body: Endpoint.Body(
                    .object(
                        nil,
                        [
                            .init("reason", .text()), .init("for", .orNull(.text()), isRequired: false),
                            .init("tags", .orNull(.list(.text())), isRequired: false),
                        ]), example: #"{"reason":"the database moves","for":"1h","tags":["db"]}"#), .done
            ) { call in
                var table = try call.table()
                let reason = table.required("reason", table.string("reason"))
                let (length, tags) = (table.span("for"), table.strings("tags") ?? [])
                table.finish()
                guard let reason, table.problems.isEmpty else { throw APIError(table.problems) }
                return try await done(.pause(reason: reason, length: length, tags: tags), call)
            },
            Endpoint(
                .post, "/api/v1/resume", .systemWrite, "Goes on, with everything or with some tags.",
                body: Endpoint.Body(
                    .object(nil, [.init("tags", .orNull(.list(.text())), isRequired: false)]),
                    example: #"{"tags":["db"]}"#, isRequired: false), .done
            ) { call in
                var tags: [String] = []
                if !call.body.isEmpty {
                    var table = try call.table()
                    tags = table.strings("tags") ?? []
                    table.finish()
                    if !table.problems.isEmpty { throw APIError(table.problems) }
                }
                return try await done(.resume(tags: tags), call)
            },
            Endpoint(
                .post, "/api/v1/feeds/{name}/accept", .systemWrite,
                "Takes a feed as it is now, though many of its jobs are gone.", .done
            ) { call in try await done(.acceptFeed(call["name"]), call) },
            Endpoint(
                .post, "/api/v1/instances/{name}/drain", .systemWrite,
                "Has an instance give all that it has, and take nothing more.", .done
            ) { call in try await done(.drain(call["name"], true), call) },
            Endpoint(
                .post, "/api/v1/instances/{name}/undrain", .systemWrite, "Has an instance take its part again.", .done
            ) { call in try await done(.drain(call["name"], false), call) },
            Endpoint(
                .delete, "/api/v1/instances/{name}", .systemWrite,
                "Forgets an instance that does not come back, with the jobs that only its files have.", .done
            ) { call in try await done(.forgetInstance(call["name"]), call) },
            Endpoint(.post, "/api/v1/reload", .systemWrite, "Reads the settings again.", .done) { call in
                try await done(.reload, call)
            },
        ]
    }
}
