package import CarillonCore
import Foundation
import GRDB
import StoreCodec

extension Row: StoredRow {
    package func text(_ column: Int) -> String? { self[column] }
    package func integer(_ column: Int) -> Int64? { self[column] }
    package func bool(_ column: Int) -> Bool? { self[column] }
    package func runID(_ column: Int) -> RunID? { (self[column] as Data?).flatMap(RunID.init(data:)) }

    /// Makes a value of the first row that a statement finds. The row is read in its place, for a copy costs as much as the
    /// question: it is gone with its cursor.
    static func first<Value>(
        _ statement: Statement, _ arguments: StatementArguments, _ make: (Row) throws -> Value
    ) throws -> Value? {
        let rows = try Row.fetchCursor(statement, arguments: arguments)
        return try withExtendedLifetime(rows) { try rows.next().map(make) }
    }
}

extension [JobID] {
    /// Writes them for SQLite's `json_each`.
    var list: String { "[" + map { String($0.number) }.joined(separator: ",") + "]" }
}

extension RunID {
    /// Reads an id from its twelve bytes; nil for another number of them.
    init?(data: Data) {
        guard let id = data.withUnsafeBytes({ RunID(bytes: $0) }) else { return nil }
        self = id
    }

    var data: Data { withUnsafeBytes(of: words) { Data($0) } }
}

extension SQLiteStore {
    /// Names the columns of a run; a file that is only read may be an older release's, which has fewer.
    static func runColumns(_ db: Database) throws -> String {
        let there = Set(try db.columns(in: "runs").map(\.name))
        return RowCodec.earlyRunColumns
            + ["cause", "arguments", "term", "machine"].map { there.contains($0) ? ", runs.\($0)" : ", NULL" }.joined()
    }
}
