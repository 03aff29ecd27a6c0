import Foundation
import GRDB
public import Timetable

/// keiji's database in a SQLite file, which its own tools write too.
public struct SQLiteTables: KeijiTables {
    private let database: DatabaseQueue
    private let zone: Zone

    /// Opens the file, which must exist. Times are written in `zone`. Throws `KeijiDatabaseMissing`, and what SQLite
    /// says.
    public init(path: String, zone: Zone) throws {
        var configuration = Configuration()
        // Others hold their lock for one statement.
        configuration.busyMode = .timeout(3)
        // Made by keiji, never by its reader.
        guard FileManager.default.fileExists(atPath: path) else { throw KeijiDatabaseMissing(path: path) }
        database = try DatabaseQueue(path: path, configuration: configuration)
        self.zone = zone
    }

    public func tasks() async throws -> [KeijiTask] {
        try await database.read { db in
            try Row.fetchAll(
                db,
                // A column of SQLite may hold anything; what is asked for always comes as text.
                sql: """
                    SELECT CAST(task_id AS text), CAST(name AS text), CAST(slug AS text), CAST(type AS text),
                      CAST(schedule_info AS text), CAST(executable AS text), CAST(log_path AS text),
                      coalesce(is_error, 0) NOT IN (0, '', '0', 'false'), CAST(error_txt AS text),
                      coalesce(is_disabled, 0) NOT IN (0, '', '0', 'false'), CAST(created_at AS text)
                    FROM task_models WHERE deleted_at IS NULL ORDER BY name
                    """
            ).map { row in
                KeijiTask(
                    id: row[0] ?? "", name: row[1] ?? "", slug: row[2] ?? "", type: row[3], scheduleInfo: row[4],
                    executable: row[5], logPath: row[6], isError: row[7] ?? false, errorText: row[8],
                    isDisabled: row[9] ?? false, createdAt: row[10])
            }
        }
    }

    public func lay(_ off: KeijiOff?, onTask name: String) async throws {
        try await database.write { db in
            var (isDisabled, isError, text) = (false, false, "")
            switch off {
            case nil: break
            case .disabled: isDisabled = true
            case .error(let error): (isError, text) = (true, error)
            }
            try db.execute(
                sql: """
                    UPDATE task_models SET is_disabled = ?, is_error = ?, error_txt = ?, is_queued = 0, is_running = 0
                    WHERE name = ? AND deleted_at IS NULL
                    """, arguments: [isDisabled, isError, text, name])
        }
    }

    public func write(_ states: [String: KeijiState]) async throws {
        let zone = zone
        try await database.write { db in
            for (name, state) in states {
                try db.execute(
                    sql: """
                        UPDATE task_models SET is_running = ?, is_queued = 0, next_execution_time = ?,
                        last_execution_time = coalesce(?, last_execution_time) WHERE name = ? AND deleted_at IS NULL
                        """,
                    arguments: [
                        state.isRunning, state.nextExecution.map { $0.text(in: zone, separator: " ") },
                        state.lastExecution.map { $0.text(in: zone, separator: " ") }, name,
                    ])
            }
        }
    }

    public func delete(task name: String) async throws {
        try await database.write { db in
            try db.execute(sql: "DELETE FROM task_models WHERE name = ?", arguments: [name])
        }
    }

    public func close() async { try? database.close() }
}

/// There is no file where the database should be.
public struct KeijiDatabaseMissing: Error, CustomStringConvertible {
    public let path: String
    public var description: String { "\(path): there is no such database; keiji makes it" }
}
