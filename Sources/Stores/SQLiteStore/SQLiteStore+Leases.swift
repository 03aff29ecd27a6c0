public import CarillonCore
import Foundation
import GRDB
import Timetable

/// One daemon holds the state directory, so a lease is never contended here; its term still fences an old process.
extension SQLiteStore {
    public func lease(instance: String, length: Int64) async throws -> Lease {
        try await write { db in
            let expiry = try Self.clock(db).adding(microseconds: length)
            let last = try Int64.fetchOne(db, sql: "SELECT coalesce(max(term), 0) FROM leases") ?? 0
            try db.execute(sql: "DELETE FROM leases")
            try db.execute(
                sql: "INSERT INTO leases (instance, term, expires_at) VALUES (?, ?, ?)",
                arguments: [instance, last + 1, expiry.microseconds])
            return Lease(instance: instance, term: last + 1, expiresAt: expiry)
        }
    }

    public func renew(_ lease: Lease, length: Int64) async throws -> Lease {
        try await write(under: lease) { db in
            var renewed = lease
            renewed.expiresAt = try Self.clock(db).adding(microseconds: length)
            try db.execute(
                sql: "UPDATE leases SET expires_at = ? WHERE instance = ?",
                arguments: [renewed.expiresAt.microseconds, lease.instance])
            return renewed
        }
    }

    public func release(_ lease: Lease) async throws {
        try await write(under: lease) { db in
            // The row stays, so that terms never repeat.
            try db.execute(sql: "UPDATE leases SET expires_at = 0 WHERE instance = ?", arguments: [lease.instance])
        }
    }

    /// Reads the store's own clock, for leases alone.
    private static func clock(_ db: Database) throws -> Timestamp {
        Timestamp(seconds: try Int64.fetchOne(db, sql: "SELECT unixepoch()") ?? 0)
    }
}
