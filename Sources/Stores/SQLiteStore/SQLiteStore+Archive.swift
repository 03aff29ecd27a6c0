public import CarillonCore
import Foundation
import GRDB
import Synchronization

extension SQLiteStore: StoreArchive {
    public func facts() async throws -> StoreFacts {
        let id = try await note("store.id")
        let path = path
        return try await read { db in
            let applied = try String.fetchAll(db, sql: "SELECT identifier FROM grdb_migrations")
            var rows: [String: Int] = [:]
            for table in StoreTable.all {
                // An older release's file lacks some.
                guard try db.tableExists(table.name) || db.viewExists(table.name) else { continue }
                rows[table.name] = try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table.name)") ?? 0
            }
            let size = { (suffix: String) in
                (try? FileManager.default.attributesOfItem(atPath: path + suffix)[.size] as? Int64) ?? 0
            }
            return StoreFacts(
                kind: "sqlite", address: path, id: id,
                migrations: Schema.migrator.migrations.filter(applied.contains),
                missing: Schema.migrator.migrations.filter { !applied.contains($0) },
                holder: try Self.instances(db).first(where: \.isHeard)?.facts.name,
                bytes: size("") + size("-wal"), rows: rows)
        }
    }

    public func check() async throws -> [String] {
        try await read { db in
            var faults = try String.fetchAll(db, sql: "PRAGMA integrity_check(5)").filter { $0 != "ok" }
            for (question, words) in StoreTable.questions {
                let found = try Int.fetchOne(db, sql: question) ?? 0
                if found > 0 { faults.append("\(words): \(found)") }
            }
            return faults
        }
    }

    public func rows(of table: StoreTable, after key: [StoreValue]?, limit: Int) async throws -> [[StoreValue]] {
        try await read { db in
            // As bytes: a text may hold a zero byte, at which a text that is read ends.
            let names = table.columns.map { $0.kind == .text ? "CAST(\"\($0.name)\" AS BLOB)" : "\"\($0.name)\"" }
            let keys = table.columns.prefix(table.keys).map { "\"\($0.name)\"" }.joined(separator: ", ")
            let marks = Array(repeating: "?", count: table.keys).joined(separator: ", ")
            let rows = try Row.fetchCursor(
                try db.cachedStatement(
                    sql: """
                        SELECT \(names.joined(separator: ", ")) FROM \(table.name)
                        \(key == nil ? "" : "WHERE (\(keys)) > (\(marks))") ORDER BY \(keys) LIMIT ?
                        """), arguments: StatementArguments((key ?? []).map(\.bound) + [limit]))
            var found: [[StoreValue]] = []
            while let row = try rows.next() {
                found.append(
                    zip(row.databaseValues, table.columns).map { value, column in
                        let value = StoreValue(value)
                        guard column.kind == .text, case .bytes(let bytes) = value else { return value }
                        return .text(String(decoding: bytes, as: UTF8.self).replacing("\0", with: "\u{2400}"))
                    })
            }
            return found
        }
    }

    public func add(_ rows: [[StoreValue]], to table: StoreTable) async throws {
        try await write { db in
            let names = table.columns.map { "\"\($0.name)\"" }.joined(separator: ", ")
            let marks = Array(repeating: "?", count: table.columns.count).joined(separator: ", ")
            let statement = try db.cachedStatement(
                sql:
                    "INSERT OR \(table.name == "notes" ? "REPLACE" : "ABORT") INTO \(table.name) (\(names)) VALUES (\(marks))"
            )
            do {
                for row in rows { try statement.execute(arguments: StatementArguments(row.map(\.bound))) }
                // They come in the order of their numbers.
                if table.name == "jobs", case .number(let first)? = rows.first?.first {
                    try JobSearch.takeUp(from: first, db)
                }
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
                throw StoreError(.refused, "\(self.path): \(table.name) has such a row already")
            }
        }
        if table.name == "notes" { knownID.withLock { $0 = nil } }
    }

    public func backUp(to path: String) async throws {
        guard !FileManager.default.fileExists(atPath: path) else {
            throw StoreError(.refused, "\(path) is there already")
        }
        let made = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard made >= 0 else {
            throw StoreError(.refused, "\(path) cannot be made: \(String(cString: strerror(errno)))")
        }
        Foundation.close(made)
        do {
            var configuration = Configuration()
            configuration.label = "carillon.store.backup"
            configuration.readonly = true
            configuration.busyMode = .timeout(5)
            let reader = try DatabaseQueue(path: self.path, configuration: configuration)
            // Of one moment, with all that is in the log, and whoever writes goes on meanwhile.
            try await reader.writeWithoutTransaction { try $0.execute(sql: "VACUUM INTO ?", arguments: [path]) }
            try reader.close()
        } catch {
            try? FileManager.default.removeItem(atPath: path)
            throw StoreError(path: self.path, error)
        }
    }
}

extension StoreValue {
    fileprivate init(_ value: DatabaseValue) {
        self =
            switch value.storage {
            case .null: .null
            case .int64(let number): .number(number)
            case .double(let number): .number(Int64(saturating: number))
            case .string(let text): .text(text)
            case .blob(let data): .bytes(Array(data))
            }
    }

    fileprivate var bound: (any DatabaseValueConvertible)? {
        switch self {
        case .null: nil
        case .number(let number): number
        case .text(let text): text
        case .bytes(let bytes): Data(bytes)
        }
    }
}
