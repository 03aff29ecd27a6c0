public import CarillonCore
import GRDB
import StoreCodec
import Timetable

extension SQLiteStore {
    public func audit(_ entry: AuditEntry, keep: Int64) async throws {
        try await write { db in
            try db.cachedStatement(
                sql: """
                    INSERT INTO audit (at, user, channel, origin, action, subject, before, after, error)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """
            ).execute(arguments: [
                entry.at.microseconds, entry.user, entry.channel, entry.from, entry.action, entry.subject, entry.before,
                entry.after, entry.error,
            ])
            try db.cachedStatement(sql: "DELETE FROM audit WHERE at < ?")
                .execute(arguments: [entry.at.adding(microseconds: -keep).microseconds])
        }
    }

    public func audits(_ query: AuditQuery) async throws -> [AuditEntry] {
        var conditions: [String] = []
        var arguments: [any DatabaseValueConvertible & Sendable] = []
        func add(_ condition: String, _ value: (any DatabaseValueConvertible & Sendable)?) {
            guard let value else { return }
            conditions.append(condition)
            arguments.append(value)
        }
        add("subject = ?", query.subject)
        add("user = ?", query.user)
        add("action = ?", query.action)
        add("at >= ?", query.since?.microseconds)
        add("at <= ?", query.until?.microseconds)
        arguments.append(query.limit)
        let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ")
        return try await read(.long) { [arguments] db in
            // A file that is only looked at may be an older release's, which kept no trail.
            guard try db.tableExists("audit") else { return [] }
            let isOld = try !db.columns(in: "audit").contains { $0.name == "origin" }
            let columns =
                isOld ? RowCodec.auditColumns.replacing("origin", with: "NULL AS origin") : RowCodec.auditColumns
            let sql = "SELECT \(columns) FROM audit \(filter) ORDER BY at DESC, id DESC LIMIT ?"
            return try Row.fetchAll(db, sql: sql, arguments: StatementArguments(arguments)).map(RowCodec.audit)
        }
    }
}
