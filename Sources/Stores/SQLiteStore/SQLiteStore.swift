public import CarillonCore
import Foundation
import GRDB
import StoreCodec
import Synchronization
import Timetable

/// The store of one machine: a SQLite file in the state directory, in WAL mode with synchronous=FULL.
///
/// One daemon per state directory: `StateLock` sees to it. Any number of readers may look at the same time.
public final class SQLiteStore: JobStore {
    public let path: String
    let database: any DatabaseReader & DatabaseWriter
    private let readers: ReadingThreads
    private let longReaders: ReadingThreads
    let codec = RowCodec()
    private let identity: FileIdentity?
    /// Drawn once and never changed, so it is read once.
    let knownID = Mutex<UInt64?>(nil)
    /// The pass of retention that is under way.
    let pruning = Mutex<PruningPass?>(nil)
    /// Copies the log into the file beside those who write, while retention fills it; nil for a store that is only read.
    let copier: DatabaseQueue?

    /// Opens, and makes or migrates, the file at `path`, which grows to at most `largest` pages of 4 KiB when given.
    ///
    /// Throws `StoreError` of code `corrupt` for a file that is no store, `full` and `unreachable` as they come.
    public init(path: String, largest: Int? = nil) throws {
        self.path = path
        var configuration = Configuration()
        configuration.label = "carillon.store"
        // Those of the threads that read, and two for what else looks at it: a backup, or a pass of retention.
        configuration.maximumReaderCount = 7
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            if !db.configuration.readonly {
                // Of a new file: what is freed can be given back to the disk, page by page.
                try db.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
                try Self.makeRoom(db)
            }
            if let largest { try db.execute(sql: "PRAGMA max_page_count = \(largest)") }
        }
        // Jobs' environments and outputs are in it: nobody else's to read. SQLite gives its other files the same mode.
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if descriptor >= 0 {
            defer { Foundation.close(descriptor) }
            var facts = stat()
            guard fstat(descriptor, &facts) == 0, [geteuid(), 0].contains(facts.st_uid) else {
                throw StoreError(
                    .refused, "\(path) belongs to somebody else, who would decide what runs: chown it, or move it away")
            }
            fchmod(descriptor, 0o600)
        }
        do {
            let pool = try DatabasePool(path: path, configuration: configuration)
            // A pool sets NORMAL when it opens, which may lose the last writes with the machine's power.
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            try Schema.migrator.migrate(pool)
            try pool.write(JobSearch.mend)
            try Self.letShrink(pool)
            database = pool
            readers = ReadingThreads(most: 3)
            longReaders = ReadingThreads(most: 2, isYielding: true)
            identity = FileIdentity(path: path)
            copier = try DatabaseQueue(path: path, configuration: configuration)
        } catch {
            throw StoreError(path: path, error)
        }
    }

    /// Makes room for a burst: what it touches stays in memory (at most 32 MiB, KiB are negative), and the log is
    /// copied into the file every 60 MiB (4 KiB pages), not every four: the same pages are written again and again.
    private static func makeRoom(_ db: Database) throws {
        try db.execute(sql: "PRAGMA cache_size = -32768")
        try db.execute(sql: "PRAGMA wal_autocheckpoint = 15000")
        try db.execute(sql: "PRAGMA journal_size_limit = 67108864")
    }

    /// Has a file that was made without it give freed pages back. That rewrites the file, so it is done to a small one, or
    /// one that is mostly free; a disk without the room for it is left as it is.
    private static func letShrink(_ pool: DatabasePool) throws {
        try pool.writeWithoutTransaction { db in
            guard try Int.fetchOne(db, sql: "PRAGMA auto_vacuum") == 0 else { return }
            let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            let free = try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
            guard pages < smallFile || free > pages / 2 else { return }
            do {
                try db.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
                try db.execute(sql: "VACUUM")
            } catch is DatabaseError {}
        }
    }

    /// Pages that are rewritten in a second or so: 100 MiB.
    private static let smallFile = 25_600

    /// Opens an existing file for looking only.
    public init(reading path: String) throws {
        self.path = path
        var configuration = Configuration()
        configuration.label = "carillon.store.reading"
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase(Schema.readOlder)
        do {
            // A queue, not a pool: the file of a daemon that is gone may have no WAL beside it.
            database = try DatabaseQueue(path: path, configuration: configuration)
            readers = ReadingThreads(most: 1)
            longReaders = readers
            identity = nil
            copier = nil
        } catch {
            throw StoreError(path: path, error)
        }
    }

    /// How something is read.
    enum Reading {
        /// By a single statement, which needs no transaction.
        case once
        case usual
        /// What may look at very many rows: however many ask for such, others are answered meanwhile.
        case long
    }

    func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        try await read(.usual, body)
    }

    func read<T: Sendable>(
        _ reading: Reading, _ body: @escaping @Sendable (Database) throws -> T
    ) async throws -> T {
        do {
            switch reading {
            case .once: return try await readers.run { [database] in try database.unsafeRead(body) }
            case .usual: return try await readers.run { [database] in try database.read(body) }
            case .long: return try await longReaders.run { [database] in try database.read(body) }
            }
        } catch {
            throw StoreError(path: path, error)
        }
    }

    /// Occupies one who reads what is long, as long as `body` takes: for tests of who waits for whom.
    package func occupy(_ body: @escaping @Sendable () -> Void) async throws { try await read(.long) { _ in body() } }

    func write<T: Sendable>(
        synchronous: Bool = true, _ body: @escaping @Sendable (Database) throws -> T
    ) async throws -> T {
        // A file that was moved away or replaced goes on taking writes that nobody will ever see.
        if let identity, FileIdentity(path: path) != identity {
            throw StoreError(.corrupt, "\(path) was replaced or removed while in use; put it back, or restart")
        }
        do {
            if synchronous { return try await database.write(body) }
            return try await database.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA synchronous = NORMAL")
                let result = Result { () throws -> T in
                    var answer: T?
                    try db.inTransaction {
                        answer = try body(db)
                        return .commit
                    }
                    guard let answer else { throw StoreError(.refused, "nothing was written") }
                    return answer
                }
                try db.execute(sql: "PRAGMA synchronous = FULL")
                return try result.get()
            }
        } catch {
            throw StoreError(path: path, error)
        }
    }

    /// Runs `body` in a transaction that only who is in force may make.
    ///
    /// One that is not `synchronous` reaches the disk with the next one that is: what it did may be lost with the machine's
    /// power, and done again.
    func write<T: Sendable>(
        under term: Term, synchronous: Bool = true, _ body: @escaping @Sendable (Database) throws -> T
    ) async throws -> T {
        try await write(synchronous: synchronous) { db in
            let known = try Row.fetchOne(
                try db.cachedStatement(sql: "SELECT term, nonce FROM instances WHERE is_in_force = 1"))
            guard let known, known[0] == term.count, known[1] == Int64(bitPattern: term.nonce) else {
                throw StoreError(.leaseLost, "another daemon took over: term \(term.count) is not in force any more")
            }
            return try body(db)
        }
    }

    /// Reads how SQLite has set up the connection that writes: for tests of what a library may change behind our back.
    package func setting(_ pragma: String) async throws -> Int64? {
        try await database.writeWithoutTransaction { try Int64.fetchOne($0, sql: "PRAGMA \(pragma)") }
    }

    public func storeID() async throws -> UInt64 {
        if let known = knownID.withLock({ $0 }) { return known }
        let id = try await drawnID()
        knownID.withLock { $0 = id }
        return id
    }

    private func drawnID() async throws -> UInt64 {
        // Readers of a store cannot write, and need not: it has its id.
        if let text = try await note("store.id"), let id = UInt64(text, radix: 16) { return id }
        return try await write { db in
            if let text = try String.fetchOne(db, sql: "SELECT value FROM notes WHERE key = 'store.id'"),
                let id = UInt64(text, radix: 16)
            {
                return id
            }
            let id = UInt64.random(in: 1...UInt64.max)
            try db.execute(
                sql: "INSERT INTO notes (key, value) VALUES ('store.id', ?)", arguments: [String(id, radix: 16)])
            return id
        }
    }

    public func note(_ key: String) async throws -> String? {
        try await read(.once) { db in
            try String.fetchOne(
                try db.cachedStatement(sql: "SELECT value FROM notes WHERE key = ?"), arguments: [key])
        }
    }

    public func notes(withPrefix prefix: String) async throws -> [String: String] {
        try await read { db in
            let rows = try Row.fetchAll(
                db, sql: "SELECT key, value FROM notes WHERE substr(key, 1, length(?1)) = ?1", arguments: [prefix])
            return Dictionary(rows.map { ($0["key"], $0["value"]) }) { first, _ in first }
        }
    }

    public func setNote(_ key: String, _ value: String?) async throws {
        try await write { db in
            if let value {
                try db.execute(
                    sql:
                        "INSERT INTO notes (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                    arguments: [key, value])
            } else {
                try db.execute(sql: "DELETE FROM notes WHERE key = ?", arguments: [key])
            }
        }
    }

    public func notesRevision() async throws -> Int64 {
        try await read(.once) { db in
            try Int64.fetchOne(try db.cachedStatement(sql: "SELECT value FROM counters WHERE name = 'notes'")) ?? 0
        }
    }

    public func counts() async throws -> StoreCounts {
        try await read(.long) { db in
            // No row of a definition is read: there may be a million.
            let jobs = try Row.fetchOne(
                db,
                sql: """
                    SELECT (SELECT count(*) FROM cursors) - (SELECT count(*) FROM jobs WHERE removed = 1) AS jobs,
                    (SELECT count(*) FROM cursors WHERE is_on = 1) AS enabled
                    """)
            var active: [String: Int] = [:]
            let rows = try Row.fetchCursor(
                db, sql: "SELECT state, count(*) AS n FROM runs WHERE state < 3 GROUP BY state")
            while let row = try rows.next() {
                if let state = RunState(number: row["state"]) { active[state.rawValue] = row["n"] }
            }
            return StoreCounts(jobs: jobs?["jobs"] ?? 0, enabled: jobs?["enabled"] ?? 0, active: active)
        }
    }

    public func space() async -> StoreSpace? {
        var disk = statvfs()
        guard statvfs(path, &disk) == 0 else { return nil }
        let taken = ["", "-wal", "-shm"].reduce(Int64(0)) { sum, suffix in
            var facts = stat()
            return stat(path + suffix, &facts) == 0 ? sum + Int64(facts.st_size) : sum
        }
        return StoreSpace(taken: taken, free: Int64(clamping: UInt64(disk.f_bavail) &* UInt64(disk.f_frsize)))
    }

    public func close() async throws {
        do {
            try copier?.close()
            try database.close()
        } catch {
            throw StoreError(path: path, error)
        }
    }
}
