import CarillonCore
import CarillonEngine
import ControlAPI
import Timetable

/// The daemon itself: instances, feeds, connections, who may do what and who did what.
extension Dashboard {
    var systemPages: [Endpoint] {
        [
            page("/system", .systemRead, "The daemon, and all that it works with.") { try await $0.system() },
            button("/system/pause", .systemWrite, "Holds all dispatching back.") { visit, form in
                guard let reason = form["reason"] else { throw APIError.bad("reason: is missing", "reason") }
                return (try await visit.said(.pause(reason: reason)), "/system")
            },
            button("/system/resume", .systemWrite, "Goes on.") { visit, form in
                (try await visit.said(.resume()), form["to"] == "now" ? "/" : "/system")
            },
            button("/system/tokens/{name}/revoke", .systemWrite, "Lets a token be good for nothing.") { visit, _ in
                let words = try await visit.said(.revokeToken(visit.call["name"]))
                await visit.dashboard.gate.forget()
                return (words, "/system#tokens")
            },
            button("/system/feeds/{name}/accept", .systemWrite, "Takes a feed as it is.") { visit, _ in
                (try await visit.said(.acceptFeed(visit.call["name"])), "/system#feeds")
            },
        ]
    }
}

extension Visit {
    func system() async throws -> Answer {
        let status = try await status()
        guard case .audits(let audits) = try await ask(.audits(AuditQuery(limit: 30))) else { throw Unexpected() }
        let (instances, orphans) = try await instances()
        // Servers are asked for it.
        let queues = try await dashboard.glances.value("the queues", fresh: 2_000_000, isCounted: false) {
            guard case .queues(let views) = try await ask(.queues) else { throw Unexpected() }
            return views
        }
        let zone = moments.yours?.name ?? "UTC"
        // Whose tokens are whose is for those who may end them.
        var tokens: [AccessToken] = []
        if may(.systemWrite) {
            guard case .tokens(let all) = try await ask(.tokens) else { throw Unexpected() }
            tokens = all.filter { $0.use != .link }
        }
        return page(
            "system", title: "System", at: "/system", isLive: true,
            Fields([
                "isWell": status.troubles.isEmpty, "troubles": status.troubles, "version": status.version,
                "instance": status.instance, "pid": Int(status.pid), "started": moments.time(status.startedAt, zone),
                "state": status.stateDirectory, "configuration": status.configuration, "tzdata": status.tzdata,
                "term": status.term, "dispatched": number(status.dispatched), "isShadow": status.shadow,
                "p50": status.latenessP50Seconds.map { TimeFormatter.length($0) },
                "p99": status.latenessP99Seconds.map { TimeFormatter.length($0) },
                "longest": status.latenessMaxSeconds.map { TimeFormatter.length($0) },
                "paused": status.paused, "pausedUntil": status.pausedUntil.map { moments.time($0, zone) },
                "pausedTags": status.pausedTags.map { Fields(["tag": $0.tag, "reason": $0.reason]) },
                "mayPause": may(.systemWrite) && status.paused == nil,
                "mayResume": may(.systemWrite) && status.paused != nil,
                "instances": instances.map { line($0) }, "orphans": orphans > 0 ? number(orphans) : nil,
                "feeds": status.feeds.map { feed in
                    Fields([
                        "name": feed.name, "path": path("system", "feeds", feed.name, "accept"),
                        "jobs": number(feed.jobs), "read": feed.readAt.map { moments.time($0, zone) },
                        "problems": feed.problems.map(\.description), "error": feed.error, "waits": feed.waits,
                        "isWell": feed.error == nil && feed.problems.isEmpty,
                        "mayAccept": feed.error != nil && may(.systemWrite),
                    ])
                },
                "connections": status.connections.map { connection in
                    Fields([
                        "name": connection.name, "trouble": connection.trouble, "warnings": connection.warnings,
                        "isWell": connection.trouble == nil,
                    ])
                },
                "queues": queues.map { queue in
                    Fields([
                        "name": queue.name, "target": queue.target, "jobs": number(queue.jobs),
                        "workers": number(queue.workers), "isHeard": queue.workers > 0,
                        "path": search("target", queue.target),
                    ])
                },
                "hasQueues": !queues.isEmpty, "hasConnections": !status.connections.isEmpty,
                "tokens": tokens.map { line($0, zone) },
                "hasTokens": !tokens.isEmpty, "audits": audits.map { line($0, zone) }, "hasAudits": !audits.isEmpty,
            ]))
    }

    private func line(_ instance: InstanceView) -> Fields {
        let (look, shape) =
            switch instance.state {
            case .inForce: ("good", "✓")
            case .silent: ("bad", "✕")
            case .leaving: ("waiting", "◧")
            case .gone: ("off", "○")
            }
        return Fields([
            "mark": Markup.mark(look, shape, instance.state.words), "name": instance.name,
            "host": instance.host, "roles": instance.roles.joined(separator: ", "), "jobs": number(instance.jobs),
            "shares": instance.shares, "term": instance.term, "build": instance.build,
        ])
    }

    private func line(_ token: AccessToken, _ zone: String) -> Fields {
        Fields([
            "name": token.holder ?? token.name, "isSession": token.use == .session,
            "path": path("system", "tokens", token.name, "revoke"),
            "scopes": Set(token.scopes) == Set(Scope.all.map(\.rawValue))
                ? "everything" : token.scopes.sorted().joined(separator: ", "),
            "expires": token.expiresAt.map { moments.time($0, zone) },
            "used": token.usedAt.map { moments.relative($0) },
            "isOwn": token.name == call.session,
        ])
    }

    private func line(_ entry: AuditEntry, _ zone: String) -> Fields {
        Fields([
            "time": moments.time(entry.at, zone), "user": entry.user ?? "somebody", "channel": entry.channel,
            "action": entry.action, "subject": entry.subject, "error": entry.error, "from": entry.from,
        ])
    }
}

extension InstanceView.State {
    /// What a person reads.
    var words: String {
        switch self {
        case .inForce: "in force"
        case .silent: "silent"
        case .leaving: "leaving"
        case .gone: "gone"
        }
    }
}
