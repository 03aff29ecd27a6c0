import CarillonConfiguration
import CarillonCore
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

/// Everything a daemon has for a keiji.
struct KeijiParts {
    let feed: KeijiFeed
    private let tables: any KeijiTables
    private let folders: KeijiFolders
    private let keiji: Settings.Keiji
    private let settings: Settings
    private let zone: Zone
    private let state: String
    private let clock = SystemClock()
    private let logger: Logger

    /// Connects to nobody yet, but for a SQLite file, which must be there. Throws `Failure`.
    init?(
        _ settings: Settings, state: String, store: any JobStore, isShadow: Bool, zones: ZoneDatabase, logger: Logger
    ) throws {
        guard let keiji = settings.keiji else { return nil }
        self.keiji = keiji
        self.settings = settings
        self.state = state
        self.logger = logger
        folders = KeijiFolders(root: keiji.root)
        zone = try zones.zone(keiji.zone)
        tables = try keiji.tables(zone: zone, logger: logger)
        feed = KeijiFeed(
            tables: tables, folders: folders, zones: zones, zone: keiji.zone, prefix: keiji.prefix,
            catchUp: keiji.catchUp, isShadow: isShadow, clock: clock, logger: logger
        ) { job in (try? await store.runs(RunQuery(job: job, states: [.failed], limit: 1)))?.first }
    }

    /// What keiji's own tools read. It stops after the engine, to tell how the last runs ended.
    func mirror(store: any JobStore) -> KeijiMirror {
        let state = state
        let log =
            keiji.logs
            ? KeijiLog(folders: folders, zone: zone, largest: keiji.largestLog) {
                RunLog.path(of: $0.id, job: $0.job, in: state)
            } : nil
        return KeijiMirror(store: store, feed: feed, tables: tables, log: log, clock: clock, logger: logger)
    }

    private func configuration(_ bus: Settings.ControlBus) throws -> ControlBusConfiguration {
        do {
            return try ControlBusConfiguration(
                host: bus.host, pushPort: Int(bus.pushPort), pullPort: Int(bus.pullPort), token: bus.token)
        } catch {
            throw Failure.input("bus: \(error)")
        }
    }

    /// Throws `Failure` when somebody else is the bus: both would carry everything out.
    func checkAlone() throws {
        guard let bus = settings.controlBus, bus.from == nil else { return }
        do {
            try ControlBus.check(try configuration(bus))
        } catch let error as ControlBus.Unusable {
            throw Failure.failed("\(error)")
        }
    }

    /// The bus, or who takes orders from another one.
    func bus(_ desk: @escaping @Sendable (Order) async -> Reply) throws -> [any Service] {
        guard let bus = settings.controlBus else { return [] }
        let feed = feed
        let carryOut: @Sendable (BusOrder) async -> String? = { await Self.carryOut($0, of: feed, desk) }
        if let from = bus.from {
            // The reader has seen that there is a port.
            let parts = from.split(separator: ":", omittingEmptySubsequences: false)
            return [
                BusPuller(
                    host: parts.dropLast().joined(separator: ":"), port: parts.last.flatMap { Int($0) } ?? 8_006,
                    clock: clock, logger: logger, carryOut: carryOut)
            ]
        }
        return [ControlBus(try configuration(bus), logger: logger, carryOut: carryOut)]
    }

    private static func carryOut(
        _ order: BusOrder, of feed: KeijiFeed, _ desk: @Sendable (Order) async -> Reply
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
            guard case .failed(let code, let why) = await desk(carried) else { continue }
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

extension Settings.Keiji {
    /// Throws `Failure`.
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

extension KeijiReader {
    /// Throws `Failure`.
    static func reading(_ path: String, zones: ZoneDatabase) throws -> (settings: Settings, remarks: [FeedProblem]) {
        do {
            return try KeijiReader(zones: zones, home: ProcessInfo.processInfo.environment["HOME"] ?? NSHomeDirectory())
                .read(path: path)
        } catch let error as ConfigurationError {
            throw Failure.input(error.description)
        }
    }
}
