import BTUSocket
import CarillonConfiguration
import CarillonCore
import CarillonEngine
import FrappeDispatcher
import FrappeFeed
import FrappeMirror
import FrappeSite
import Logging
import RQDispatcher
import RedisClient
import ServiceLifecycle
import Timetable

#if MariaDB
    import MariaDBClient
#endif

/// Everything a daemon has for a Frappe site.
struct FrappeParts {
    let feed: FrappeFeed
    let dispatcher: FrappeDispatcher
    private let tables: any FrappeTables
    private let settings: Settings
    private let site: Settings.Frappe
    private let clock = SystemClock()
    private let logger: Logger

    /// Connects to nobody yet. Throws `Failure` for settings that cannot be, and for a build without MariaDB.
    init?(_ settings: Settings, storeID: String, zones: ZoneDatabase, logger: Logger) throws {
        guard let site = settings.frappe else { return nil }
        self.settings = settings
        self.site = site
        self.logger = logger
        tables = try site.tables(logger: logger)
        // A word to the user must not wait long.
        let few = try site.tables(patience: 2, logger: logger)
        feed = FrappeFeed(
            tables: tables, few: few, zones: zones, prefix: site.prefix, catchUp: site.catchUp, refresh: site.refresh,
            clock: clock, logger: logger)
        // What is out is told apart from the other dispatcher's.
        let rq = RQDispatcher(try settings.redis.rq(identity: storeID + ".frappe"), clock: clock, logger: logger)
        dispatcher = FrappeDispatcher(site: FrappeSite(site.web.configuration), rq: rq, clock: clock, logger: logger)
    }

    /// What a daemon that is not to start unconnected must reach. Throws `Failure`.
    func check() async throws {
        do {
            try await tables.check()
        } catch {
            throw Failure.failed("the database of the Frappe site: \(error)")
        }
        try await RQ.withDesk(settings) { _ = try await $0.ping() }
    }

    /// Throws `Failure` when another daemon serves the app: both would run everything.
    func checkAlone() throws {
        guard let socket = settings.socket else { return }
        do {
            try BTUSocket.check(path: socket.path)
        } catch {
            throw Failure.failed("\(error)")
        }
    }

    /// The app's socket, and what other tools read in Redis; in shadow neither.
    func services(store: any JobStore, isShadow: Bool) throws -> [any Service] {
        if isShadow { return [] }
        var services: [any Service] = []
        if let socket = settings.socket {
            let (feed, dispatcher) = (feed, dispatcher)
            services.append(
                BTUSocket(path: socket.path, group: socket.group, logger: logger) { request in
                    switch request {
                    case .ping: "pong"
                    case .create(let name): await feed.created(name) { await dispatcher.doubt(of: $0) }
                    case .cancel(let name): await feed.cancelled(name)
                    }
                })
        }
        if site.mirror {
            let redis = try settings.redis.rq(identity: "").redis
            services.append(
                FrappeMirror(
                    store: store, feed: feed.name, prefix: site.prefix, server: RedisClient(redis, logger: logger),
                    refresh: site.refresh, clock: clock, logger: logger))
        }
        return services
    }
}

extension Settings.Frappe {
    /// A connection of its own; `patience` is how many seconds it waits for an answer. Throws `Failure`.
    func tables(patience: Int? = nil, logger: Logger) throws -> any FrappeTables {
        #if MariaDB
            var configuration = MariaDBConfiguration(
                host: host, port: Int(port), user: user, password: password, database: database)
            if tls { configuration.tls = .init(caFile: caFile, verify: verifies) }
            if let patience {
                configuration.connectTimeout = patience
                configuration.readTimeout = patience
                configuration.writeTimeout = patience
            }
            do {
                return MariaDBTables(try MariaDBClient(configuration, logger: logger), fallback: zone)
            } catch {
                throw Failure.failed("\(error)")
            }
        #else
            throw Failure.input("this build was made without MariaDB, which a Frappe site needs")
        #endif
    }
}

extension Settings.Web {
    var configuration: FrappeSiteConfiguration {
        var configuration = FrappeSiteConfiguration(
            host: host, port: Int(port), hostHeader: hostHeader, token: token)
        configuration.caFile = caFile
        configuration.verifies = verifies
        return configuration
    }
}
