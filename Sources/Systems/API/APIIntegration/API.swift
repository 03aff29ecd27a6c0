import APIClient
import AsyncHTTPClient
package import CarillonConfiguration
import CarillonCore
package import CarillonDaemon
import CarillonEngine
import ControlAPI
import Dashboard
import ExecDispatcher
import Foundation
import Logging
import NIOCore
import ServiceLifecycle
import SimpleSchedulerAPI
import Timetable

/// The API over HTTP.
package enum API: Integration {
    package static var sections: [any SettingsSection.Type] { [APISettings.self, WebSettings.self] }

    package static func parts(_ daemon: DaemonContext) throws -> Parts {
        var parts = Parts()
        guard let settings = daemon.settings[APISettings.self], let address = settings.address else { return parts }
        let secret =
            settings.provider == nil && address.isLoopback ? try LocalToken.secret(in: daemon.state) : nil
        let log = EventLog(life: UInt64.random(in: 1...UInt64.max))
        parts.changed = { log.note($0) }
        parts.adjust = { $0.watchedTags = Set(settings.metricsTags) }
        parts.interfaces = { desk in
            try await Self.refuseWhereNobodyIsKnown(address, settings, daemon.store)
            // Keys come from where the provider says, and from nowhere else.
            let client = settings.provider.map { _ in
                HTTPClient(
                    eventLoopGroupProvider: .singleton,
                    configuration: .init(
                        redirectConfiguration: .disallow, timeout: .init(connect: .seconds(5), read: .seconds(5))))
            }
            let provider = settings.provider.flatMap { provider in
                client.map {
                    OpenIDProvider(
                        issuer: provider.issuer, audience: provider.audience, $0, daemon.clock, daemon.logger)
                }
            }
            let gate = Gate(AccessTokens(in: daemon.store), local: secret, provider, rate: settings.rate, daemon.clock)
            let format = format(daemon, settings)
            var endpoints = APIDescription.adding(
                at: settings.publicURL,
                to: Endpoint.ofDaemon(desk) + CarillonAPI(format, desk).endpoints
                    + LiveAPI(log, daemon.clock, desk).endpoints
                    + SimpleSchedulerAPI(daemon.store, daemon.clock, desk).endpoints
                    + [.metrics(daemon.metrics, isOpen: settings.metrics == .open)])
            var side: WebSide?
            var served: [any Service] = []
            let web = daemon.settings[WebSettings.self] ?? WebSettings()
            if web.isEnabled {
                let dashboard = try Dashboard(
                    desk, daemon.clock, format, gate, cookie(settings), login(web, settings, provider, daemon),
                    publicURL: settings.publicURL, isTLS: settings.tls != nil)
                endpoints += dashboard.endpoints
                side = dashboard.side
                served.append(PagesAtHand(dashboard: dashboard))
            }
            let server = APIServer(
                address, tls: settings.tls, hosts: HostList(settings.hosts), endpoints, gate, daemon.clock,
                daemon.logger, web: side
            ) { [state = daemon.state] port in
                // Which listener the local token is for: nobody else is to be shown it.
                try? Data("\(address.host):\(port)\n".utf8).write(to: URL(fileURLWithPath: state + "/api-address"))
            }
            served.append(Served(server: server, client: client))
            if daemon.store.isShared {
                served.append(
                    OthersWatch(log, daemon.store, daemon.clock, daemon.logger))
            }
            if let path = settings.socket {
                let path = path.hasPrefix("/") ? path : daemon.state + "/" + path
                served.append(
                    APIServer(
                        ListenAddress(path: path), hosts: HostList(settings.hosts), endpoints, gate, daemon.clock,
                        daemon.logger, web: side))
            }
            return served
        }
        return parts
    }

    /// Whether others can reach it while nobody could prove who they are. Throws `Failure`.
    private static func refuseWhereNobodyIsKnown(
        _ address: ListenAddress, _ settings: APISettings, _ store: any JobStore
    ) async throws {
        // Simple Scheduler's own file, which answers to any name, is served as it stands.
        guard !address.isLoopback, settings.provider == nil, !settings.hosts.contains("*") else { return }
        // A store that does not answer yet may have some.
        guard let tokens = try? await AccessTokens(in: store).all(), tokens.isEmpty else { return }
        throw Failure.input(
            "api.listen: \(address) can be reached from elsewhere, and nobody could prove who they are: name a provider by "
                + "api.oidc.issuer, or listen on 127.0.0.1 first and make a token by `carillon token create`")
    }

    /// How browsers show whose session they have: over TLS, its proxy's among it, or to this machine, unless somebody has said that
    /// others reach it in the clear.
    private static func cookie(_ settings: APISettings) -> SessionCookie {
        let isPublicTLS = settings.publicURL?.hasPrefix("https://") ?? false
        return SessionCookie(isSecure: settings.tls != nil || isPublicTLS || !settings.isInsecure)
    }

    private static func login(
        _ web: WebSettings, _ settings: APISettings, _ provider: OpenIDProvider<SystemClock>?, _ daemon: DaemonContext
    ) -> (any BrowserLogin)? {
        guard let provider, let client = web.clientID, let named = settings.provider else { return nil }
        return WebLogin(
            issuer: named.issuer, .init(id: client, secret: web.clientSecret), insecure: named.isInsecure, provider,
            daemon.clock)
    }

    /// Definitions in the keys of job files.
    private static func format(_ daemon: DaemonContext, _ settings: APISettings) -> JobFormat {
        let targets = daemon.composition.targets
        let reader = JobReader(
            targets: targets, zones: daemon.zones, defaultZone: daemon.settings.timeZone, directory: daemon.jobsFolder)
        // Whose errors would tell what is in any file of this machine.
        let ofFile = APIError.bad(
            "calendar: names a file of the daemon's machine; give the dates by exclude", "calendar")
        return JobFormat(
            read: { node in
                if node["calendar"] != nil { throw ofFile }
                var job = try reader.read(node, source: "body", place: "body").get()
                job.origin = .orders
                return job
            }, write: { try JobWriter(targets: targets).table($0) },
            readSchedule: { table in
                if table.has("calendar") { throw ofFile }
                return try reader.readSchedule(table).get()
            }, zones: daemon.zones,
            isProgram: { $0.target.kind == ExecTarget.kind }, takesPrograms: settings.takesPrograms)
    }

    /// The server, and what it asks others with.
    private struct Served: Service {
        let server: APIServer<SystemClock>
        let client: HTTPClient?

        func run() async throws {
            do {
                try await server.run()
            } catch {
                try await client?.shutdown()
                throw error
            }
            try await client?.shutdown()
        }
    }
}

/// A token for whoever may read the state directory, where nobody else gives any.
enum LocalToken {
    static func path(in state: String) -> String { state + "/api-token" }

    /// Reads it, or draws it at the first start. Throws `Failure`.
    static func secret(in state: String) throws -> String {
        let path = path(in: state)
        if let text = try? String(contentsOfFile: path, encoding: .utf8) {
            let secret = text.trimmingCharacters(in: .whitespacesAndNewlines)
            if secret.hasPrefix(TokenSecret.prefix) { return secret }
        }
        let secret = TokenSecret.draw()
        // Written beside it and moved, so that nobody reads half of it.
        let draft = path + ".new"
        unlink(draft)
        let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Failure.failed("\(draft) cannot be made: \(String(cString: strerror(errno)))") }
        defer { close(file) }
        let bytes = Array((secret + "\n").utf8)
        guard write(file, bytes, bytes.count) == bytes.count, rename(draft, path) == 0 else {
            throw Failure.failed("\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        return secret
    }
}
