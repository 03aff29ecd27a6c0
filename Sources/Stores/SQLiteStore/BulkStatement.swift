import CarillonCore
import GRDB
import GRDBSQLite
import StoreCodec
import Timetable

/// A prepared statement that is bound column by column, for writes of thousands of rows: a row makes no array of values.
struct BulkStatement: ~Copyable {
    private let statement: Statement
    private let raw: OpaquePointer
    private let connection: OpaquePointer?
    private var column: Int32 = 0
    /// Texts and ids of one run of the statement: SQLite would make a copy of each by itself.
    private let room: UnsafeMutableRawBufferPointer
    private var taken = 0

    init(_ db: Database, _ sql: String) throws {
        statement = try db.cachedStatement(sql: sql)
        raw = statement.sqliteStatement
        connection = db.sqliteConnection
        room = .allocate(byteCount: 8_192, alignment: 1)
    }

    deinit {
        sqlite3_clear_bindings(raw)
        room.deallocate()
    }

    /// Binds the next column; the first one follows on `run`.
    mutating func bind(_ value: Int64?) {
        column += 1
        if let value { sqlite3_bind_int64(raw, column, value) } else { sqlite3_bind_null(raw, column) }
    }

    mutating func bind(_ value: Timestamp?) { bind(value?.microseconds) }

    mutating func bind(_ value: String?) {
        column += 1
        guard var value else {
            sqlite3_bind_null(raw, column)
            return
        }
        value.withUTF8 { text in
            let (bytes, lifetime) = keep(UnsafeRawBufferPointer(text))
            // An empty text must not look like none.
            let start = (bytes.baseAddress ?? UnsafeRawPointer(room.baseAddress))?.assumingMemoryBound(to: CChar.self)
            sqlite3_bind_text(raw, column, start, Int32(bytes.count), lifetime)
        }
    }

    /// Binds bytes of UTF-8 as a text.
    mutating func bind(text: [UInt8]) {
        column += 1
        text.withUnsafeBytes {
            let (bytes, lifetime) = keep($0)
            let start = (bytes.baseAddress ?? UnsafeRawPointer(room.baseAddress))?.assumingMemoryBound(to: CChar.self)
            sqlite3_bind_text(raw, column, start, Int32(bytes.count), lifetime)
        }
    }

    mutating func bind(_ id: RunID) {
        column += 1
        withUnsafeBytes(of: id.words) {
            let (bytes, lifetime) = keep($0)
            sqlite3_bind_blob(raw, column, bytes.baseAddress, 12, lifetime)
        }
    }

    /// Keeps these bytes until the statement has run; when there is no room left, SQLite is to copy them now.
    private mutating func keep(
        _ bytes: UnsafeRawBufferPointer
    ) -> (bytes: UnsafeRawBufferPointer, lifetime: sqlite3_destructor_type?) {
        guard bytes.count <= room.count - taken else { return (bytes, Self.copied) }
        let place = UnsafeMutableRawBufferPointer(rebasing: room[taken..<taken + bytes.count])
        place.copyMemory(from: bytes)
        taken += bytes.count
        return (UnsafeRawBufferPointer(place), nil)
    }

    /// Carries the statement out with what was bound; returns how many rows changed.
    mutating func run() throws -> Int {
        column = 0
        taken = 0
        let code = sqlite3_step(raw)
        guard code == SQLITE_DONE else {
            let message = String(cString: sqlite3_errmsg(connection))
            sqlite3_reset(raw)
            throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
        }
        sqlite3_reset(raw)
        return Int(sqlite3_changes(connection))
    }

    /// Asks with what was bound whether there is a row.
    mutating func finds() throws -> Bool {
        column = 0
        taken = 0
        let code = sqlite3_step(raw)
        guard code == SQLITE_DONE || code == SQLITE_ROW else {
            let message = String(cString: sqlite3_errmsg(connection))
            sqlite3_reset(raw)
            throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
        }
        sqlite3_reset(raw)
        return code == SQLITE_ROW
    }

    /// SQLite makes a copy of what is bound, sqlite3.h.
    private static var copied: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }
}
