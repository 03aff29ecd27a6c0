import BTUSocket
package import CarillonConfiguration
import CarillonCore
package import CarillonDaemon
import CarillonEngine
import FrappeDispatcher
import FrappeFeed
import FrappeLog
import FrappeMirror
import FrappeSite
import Logging
import RQDispatcher
import RQIntegration
import RedisClient
import ServiceLifecycle
import Timetable

#if MariaDB
    import MariaDBClient
#endif

/// A Frappe site: its schedules, its workers, its app's socket.
package enum Frappe: Integration {
    package static var sections: [any SettingsSection.Type] { [FrappeSettings.self] }

    package static func parts(_ daemon: DaemonContext) throws -> Parts {
        guard let site = daemon.settings[FrappeSettings.self] else { return Parts() }
        if !daemon.isShadow { try checkAlone(site) }
        let redis = daemon.settings[RedisSettings.self] ?? RedisSettings()
        let (clock, logger) = (daemon.clock, daemon.logger)
        let tables = try site.tables(logger: logger)
        let feed = FrappeFeed(
            tables: tables,
            // A word to the user must not wait long.
            few: try site.tables(patience: 2, logger: logger), zones: daemon.zones, prefix: site.prefix,
            catchUp: site.catchUp, startTimeout: site.startTimeout, refresh: site.refresh, clock: clock,
            logger: logger)
        let log = try site.logsUnreached && !daemon.isShadow ? unreached(site, feed, daemon) : nil
        // What is out is told apart from the other dispatcher's.
        let rq = RQDispatcher(
            try redis.configuration(identity: daemon.mark + ".frappe"), clock: clock, logger: logger)
        let dispatcher = FrappeDispatcher(
            site: FrappeSite(site.web.configuration), rq: rq, clock: clock, logger: logger
        ) { await log?.warnings() ?? [] }
        var parts = Parts()
        if let log {
            parts.ended = { log.note($0) }
            parts.outlasting = [log]
        }
        parts.feeds = [feed]
        parts.dispatchers = [dispatcher]
        parts.check = {
            do {
                try await tables.check()
            } catch {
                throw Failure.failed("the database of the Frappe site: \(error)")
            }
            try await redis.withInspector { _ = try await $0.ping() }
        }
        // In shadow neither the app nor other tools are to think that this is the scheduler.
        if !daemon.isShadow {
            let server = try site.mirror ? redis.configuration(identity: "").redis : nil
            parts.services = { _ in
                var services: [any Service] = []
                if let socket = site.socket {
                    // Who saves a schedule does not wait for the ledger.
                    let trail = AuditQueue(
                        AuditTrail(store: daemon.store, keep: daemon.settings.auditKeep, logger: logger))
                    services.append(trail)
                    services.append(
                        BTUSocket(path: socket.path, group: socket.group, logger: logger) { request in
                            await answer(request, feed, dispatcher, trail, clock)
                        })
                }
                if let server {
                    services.append(
                        FrappeMirror(
                            store: daemon.store, feed: feed.name, prefix: site.prefix,
                            server: RedisClient(server, logger: logger), refresh: site.refresh, clock: clock,
                            logger: logger))
                }
                return services
            }
        }
        return parts
    }

    private static func unreached(
        _ site: FrappeSettings, _ feed: FrappeFeed, _ daemon: DaemonContext
    ) throws -> UnreachedLog {
        UnreachedLog(
            store: daemon.store, feed: feed.name, table: try site.log(logger: daemon.logger), zones: daemon.zones,
            clock: daemon.clock, logger: daemon.logger)
    }

    /// Characters of a name that stand in the trail; whoever sends more has no schedule of that name.
    private static let longestName = 200

    /// Does what the app asks, and answers what its user is to read.
    private static func answer(
        _ request: BTURequest, _ feed: FrappeFeed, _ dispatcher: FrappeDispatcher, _ trail: AuditQueue,
        _ clock: SystemClock
    ) async -> String {
        let (action, name, answer): (String, String, String)
        switch request {
        case .ping: return "pong"
        case .create(let schedule):
            (action, name) = ("announce", schedule)
            answer = await feed.created(schedule) { await dispatcher.doubt(of: $0) }
        case .cancel(let schedule):
            (action, name) = ("withdraw", schedule)
            answer = await feed.cancelled(schedule)
        }
        trail.note(
            AuditEntry(
                at: clock.now, user: nil, channel: "Frappe's app", action: action,
                subject: String(feed.job(of: name).prefix(Self.longestName)), after: answer))
        return answer
    }

    /// Throws `Failure` when another daemon serves the app: both would run everything.
    private static func checkAlone(_ site: FrappeSettings) throws {
        guard let socket = site.socket else { return }
        do {
            try BTUSocket.check(path: socket.path)
        } catch {
            throw Failure.failed("\(error)")
        }
    }
}

extension FrappeSettings {
    /// Opens a connection of its own; `patience` is how many seconds it waits for an answer. Throws `Failure`.
    func tables(patience: Int? = nil, logger: Logger) throws -> any FrappeTables {
        #if MariaDB
            MariaDBTables(try client(patience: patience, logger: logger), fallback: zone)
        #else
            throw Self.noMariaDB
        #endif
    }

    /// Opens a connection of its own to the log of the site's app. Throws `Failure`.
    func log(logger: Logger) throws -> any LogTable {
        #if MariaDB
            MariaDBLogTable(try client(patience: 5, logger: logger), fallback: zone)
        #else
            throw Self.noMariaDB
        #endif
    }

    #if MariaDB
        private func client(patience: Int?, logger: Logger) throws -> MariaDBClient {
            var configuration = MariaDBConfiguration(
                host: host, port: Int(port), user: user, password: password, database: database)
            if tls { configuration.tls = .init(caFile: caFile, verify: verifies) }
            if let patience {
                configuration.connectTimeout = patience
                configuration.readTimeout = patience
                configuration.writeTimeout = patience
            }
            do {
                return try MariaDBClient(configuration, logger: logger)
            } catch {
                throw Failure.failed("\(error)")
            }
        }
    #else
        private static let noMariaDB = Failure.input(
            "this build was made without MariaDB, which a Frappe site needs")
    #endif
}

extension FrappeSettings.Web {
    var configuration: FrappeSiteConfiguration {
        var configuration = FrappeSiteConfiguration(
            host: host, port: Int(port), hostHeader: hostHeader, token: token)
        configuration.caFile = caFile
        configuration.verifies = verifies
        return configuration
    }
}
