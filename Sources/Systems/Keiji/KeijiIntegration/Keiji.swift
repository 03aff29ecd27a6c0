package import CarillonConfiguration
import CarillonCore
package import CarillonDaemon
import CarillonEngine
import ControlBus
import ExecDispatcher
import Foundation
import KeijiFeed
import Logging
import ServiceLifecycle
import Timetable

#if Postgres
    import PostgresClient
#endif

/// A keiji: the tasks in its database, its logs and columns, its bus.
package enum Keiji: Integration {
    package static var sections: [any SettingsSection.Type] { [KeijiSettings.self] }

    /// Answers the parts; a SQLite file must be there.
    package static func parts(_ daemon: DaemonContext) throws -> Parts {
        guard let keiji = daemon.settings[KeijiSettings.self] else { return Parts() }
        let (store, clock, logger) = (daemon.store, daemon.clock, daemon.logger)
        let folders = KeijiFolders(root: keiji.root)
        let zone = try daemon.zones.zone(keiji.zone)
        let tables = try keiji.tables(zone: zone, logger: logger)
        let feed = KeijiFeed(
            tables: tables, folders: folders, zones: daemon.zones, zone: keiji.zone, prefix: keiji.prefix,
            catchUp: keiji.catchUp, isShadow: daemon.isShadow, clock: clock, logger: logger
        ) { job in (try? await store.runs(RunQuery(job: job, states: [.failed], limit: 1)))?.first }
        var parts = Parts()
        parts.feeds = [feed]
        // Tasks and their folders lie there.
        parts.isOfOneMachine = true
        if daemon.isShadow { return parts }
        try checkAlone(keiji)
        let state = daemon.state
        let log =
            keiji.logs
            ? KeijiLog(folders: folders, zone: zone, largest: keiji.largestLog) {
                RunLog.path(of: $0.id, job: $0.job, in: state)
            } : nil
        // What keiji's own tools read.
        let mirror = KeijiMirror(store: store, feed: feed, tables: tables, log: log, clock: clock, logger: logger)
        parts.ended = { mirror.note($0) }
        parts.outlasting = [mirror]
        if let bus = keiji.bus { parts.services = { desk in [try serve(bus, feed, clock, logger, desk)] } }
        return parts
    }

    /// Makes the bus, or who takes orders from another one.
    private static func serve(
        _ bus: KeijiSettings.Bus, _ feed: KeijiFeed, _ clock: SystemClock, _ logger: Logger,
        _ desk: @escaping OrderHandler
    ) throws -> any Service {
        let carryOut: @Sendable (BusOrder) async -> String? = { await Self.carryOut($0, of: feed, desk) }
        guard let from = bus.from else {
            return ControlBus(try configuration(bus), logger: logger, carryOut: carryOut)
        }
        // The reader has seen that there is a port.
        let parts = from.split(separator: ":", omittingEmptySubsequences: false)
        return BusPuller(
            host: parts.dropLast().joined(separator: ":"), port: parts.last.flatMap { Int($0) } ?? 8_006,
            clock: clock, logger: logger, carryOut: carryOut)
    }

    private static func configuration(_ bus: KeijiSettings.Bus) throws -> ControlBusConfiguration {
        do {
            return try ControlBusConfiguration(
                host: bus.host, pushPort: Int(bus.pushPort), pullPort: Int(bus.pullPort), token: bus.token)
        } catch {
            throw Failure.input("control_bus: \(error)")
        }
    }

    /// Throws `Failure` when somebody else is the bus: both would carry everything out.
    private static func checkAlone(_ keiji: KeijiSettings) throws {
        guard let bus = keiji.bus, bus.from == nil else { return }
        do {
            try ControlBus.check(try configuration(bus))
        } catch let error as ControlBus.Unusable {
            throw Failure.failed("\(error)")
        }
    }

    private static func carryOut(
        _ order: BusOrder, of feed: KeijiFeed, _ desk: OrderHandler
    ) async -> String? {
        let job: String
        do {
            guard let name = try await feed.job(ofTask: order.task) else {
                return "there is no task with the id \(order.task)"
            }
            job = name
        } catch {
            return "\(error)"
        }
        let orders: [Order] =
            switch order.command {
            case .stop: [.stop(job)]
            case .disable: [.enable(job, false), .stop(job)]
            case .delete: [.delete(job)]
            }
        for carried in orders {
            guard case .failed(let code, let why) = await desk(carried, Caller(channel: "keiji's bus")) else {
                continue
            }
            // A row that was never good is no job, and can be disabled and deleted all the same.
            guard code == OrderError.Code.unknown.name, let off = order.command.off else { return why }
            do {
                try await feed.keep(off, of: job)
                return nil
            } catch {
                return "\(error)"
            }
        }
        return nil
    }
}

extension BusCommand {
    /// What it lays upon a task.
    fileprivate var off: Standing.Off? {
        switch self {
        case .stop: nil
        case .disable: .disabled
        case .delete: .deleted(0)
        }
    }
}

extension KeijiSettings {
    /// Opens keiji's database. Throws `Failure`.
    func tables(zone: Zone, logger: Logger) throws -> any KeijiTables {
        switch database {
        case .sqlite(let path):
            do {
                return try SQLiteTables(path: path ?? KeijiFolders(root: root).database, zone: zone)
            } catch {
                throw Failure.failed("keiji's database: \(error)")
            }
        case .postgres(let url):
            #if Postgres
                do {
                    var configuration = try PostgresConfiguration(url: url)
                    configuration.statementTimeout = 5
                    return PostgresTables(try PostgresClient(configuration, logger: logger))
                } catch {
                    throw Failure.input("keiji's database: \(error)")
                }
            #else
                throw Failure.input("this build was made without Postgres, which keiji's database needs")
            #endif
        }
    }
}
