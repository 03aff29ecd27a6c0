import Timetable

/// A store whose contents can be carried to another: rows of plain values, the same whatever keeps them.
public protocol StoreArchive: JobStore {
    /// Says what it is and how much is in it.
    func facts() async throws -> StoreFacts

    /// Looks for what is wrong in it, and what is missing to work with it; answers a sentence for each, and none when all is
    /// well.
    func check() async throws -> [String]

    /// Reads rows in the order of the table's key, after one of that key, at most `limit`.
    func rows(of table: StoreTable, after key: [StoreValue]?, limit: Int) async throws -> [[StoreValue]]

    /// Adds rows to a store that nobody else writes to, and replaces notes. Throws `refused` for another row that is there.
    func add(_ rows: [[StoreValue]], to table: StoreTable) async throws

    /// Copies everything into a file that is not there yet, beside whoever writes. Throws `StoreError`.
    func backUp(to path: String) async throws
}

/// What a store tells of itself.
public struct StoreFacts: Sendable, Codable {
    /// `sqlite` or `postgres`.
    public var kind: String
    /// Where it is, without a password.
    public var address: String
    /// Nil where no daemon has drawn one yet.
    public var id: String?
    /// What changed the tables, in order: the names of migrations.
    public var migrations: [String]
    /// Those that this build would carry out when it opens the store.
    public var missing: [String]
    /// The instance that works with it, as far as its lease says.
    public var holder: String?
    public var bytes: Int64
    /// How many rows each table has.
    public var rows: [String: Int]

    public init(
        kind: String, address: String, id: String?, migrations: [String], missing: [String], holder: String?,
        bytes: Int64, rows: [String: Int]
    ) {
        self.kind = kind
        self.address = address
        self.id = id
        self.migrations = migrations
        self.missing = missing
        self.holder = holder
        self.bytes = bytes
        self.rows = rows
    }
}

/// A value of a row.
public enum StoreValue: Hashable, Sendable {
    case null
    case number(Int64)
    case text(String)
    case bytes([UInt8])
}

/// A table that every store has, and its columns.
public struct StoreTable: Hashable, Sendable {
    /// What a column holds; a flag is the number 0 or 1.
    public enum Kind: Hashable, Sendable {
        case number, flag, text, bytes
    }

    public struct Column: Hashable, Sendable {
        public var name: String
        public var kind: Kind
    }

    public var name: String
    public var columns: [Column]
    /// How many of the first columns name a row; their order is the order of rows.
    public var keys: Int

    init(_ name: String, keys: Int = 1, _ columns: [(Kind, String)]) {
        self.name = name
        self.keys = keys
        self.columns = columns.flatMap { kind, names in
            names.split(separator: " ").map { Column(name: String($0), kind: kind) }
        }
    }

    /// All that is carried from store to store. A lease is of one store alone.
    public static let all = [
        StoreTable("notes", [(.text, "key value")]),
        StoreTable(
            "jobs",
            [
                (.number, "id"), (.text, "name feed source schedule kind summary target policies tags standing"),
                (.flag, "enabled removed"), (.number, "digest"),
            ]),
        StoreTable(
            "cursors",
            [
                (.number, "job_id"), (.flag, "is_on is_changing"),
                (.number, "revision cursor next_due opened streak"),
            ]),
        StoreTable(
            "changing",
            [
                (.number, "job_id revision changed_at"), (.text, "schedule kind summary target policies tags standing"),
                (.flag, "enabled removed"),
            ]),
        StoreTable("revisions", keys: 2, [(.number, "job_id revision"), (.text, "definition")]),
        StoreTable(
            "runs",
            [
                (.bytes, "id"), (.number, "job_id revision"), (.text, "trigger"),
                (
                    .number,
                    """
                    scheduled_at manual not_before state attempt created_at dispatched_at started_at ended_at heartbeat_at \
                    exit_code signal held_since held_until term
                    """
                ), (.text, "instance process error output_tail reason earlier held_why cause arguments machine"),
            ]),
        StoreTable(
            "skips",
            [(.number, "id job_id revision after through recorded_at"), (.text, "reason detail")]),
        StoreTable("audit", [(.number, "id at"), (.text, "user channel origin action subject before after error")]),
        StoreTable("hours", keys: 2, [(.number, "hour state runs took")]),
        StoreTable("job_tags", keys: 2, [(.text, "tag"), (.number, "job_id")]),
    ]
}

/// A digest of rows, one after the other: equal for equal rows in equal order.
public struct RowDigest: Hashable, Sendable {
    public private(set) var rows = 0
    public private(set) var value: UInt64 = 0

    public init() {}

    public mutating func add(_ row: [StoreValue]) {
        var bytes: [UInt8] = []
        for value in row {
            // Each with its kind and length, so that no two rows are written alike.
            switch value {
            case .null: bytes.append(0)
            case .number(let number):
                bytes.append(1)
                Self.append(UInt64(bitPattern: number), to: &bytes)
            case .text(let text):
                bytes.append(2)
                Self.append(UInt64(text.utf8.count), to: &bytes)
                bytes += text.utf8
            case .bytes(let raw):
                bytes.append(3)
                Self.append(UInt64(raw.count), to: &bytes)
                bytes += raw
            }
        }
        value = StableHash.hash(bytes, seed: value)
        rows += 1
    }

    private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }
}

extension StoreTable {
    /// What must not be there, in words and as a question that every store understands; each answers a number of rows.
    public static let questions = [
        (
            "SELECT count(*) FROM jobs WHERE NOT EXISTS (SELECT 1 FROM cursors WHERE cursors.job_id = jobs.id)",
            "jobs without a cursor"
        ),
        (
            "SELECT count(*) FROM cursors WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.id = cursors.job_id)",
            "cursors without a job"
        ),
        (
            """
            SELECT count(*) FROM (SELECT DISTINCT job_id FROM runs) AS seen
            WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.id = seen.job_id)
            """,
            "jobs that are gone and have runs"
        ),
        (
            """
            SELECT count(*) FROM (SELECT 1 FROM runs WHERE state >= 3 AND ended_at IS NULL LIMIT 1000) AS seen
            """, "runs that have ended at no time"
        ),
    ]
}
