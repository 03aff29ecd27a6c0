import CarillonCore
import GRDB
import StoreCodec

/// What a query asks of jobs, as SQL.
///
/// Where few names have the parts of which its patterns are made, those alone are looked at (`job_parts` has each three
/// characters in a row of each name). Where many have, enough of them fit that going through names in their order soon finds
/// a page.
struct JobSearch {
    private var conditions = ["removed = 0"]
    private(set) var values: [any DatabaseValueConvertible & Sendable] = []
    private(set) var order: String

    /// How many names are few.
    private static let few = 10_000
    /// Of a pattern's characters so many are asked for; what fits is compared as a whole all the same.
    private static let mostParts = 32

    var filter: String { conditions.joined(separator: " AND ") }
    var arguments: StatementArguments { StatementArguments(values) }

    /// Translates; what another release wrote in a row, or nobody can read, is no error.
    init(_ query: JobQuery, _ db: Database) throws {
        order = query.order == .name ? "name" : "CASE WHEN is_on THEN next_due END NULLS LAST, name"
        if !query.names.isEmpty { try find(query.names, db) }
        for tag in query.tags { require("jobs.id IN (SELECT job_id FROM job_tags WHERE tag = ?)", tag) }
        if let zone = query.zone { require("instr(schedule, ?) > 0", JobTexts.part(ofZone: zone)) }
        if let target = query.target { require("kind = ?", target.rawValue) }
        // By name all the same: the index of feeds would have all its jobs sorted first.
        if let feed = query.feed { require("+feed = ?", feed) }
        let states = query.states.sorted { $0.rawValue < $1.rawValue }.map(Self.condition)
        if !states.isEmpty { conditions.append("(" + states.joined(separator: " OR ") + ")") }
    }

    /// Takes in the names of new jobs: those with this number, and the higher ones. In one statement, for after each one FTS5
    /// writes what it has in memory: twenty times the cost.
    static func takeUp(from id: Int64, _ db: Database) throws {
        try db.cachedStatement(sql: "INSERT INTO job_parts (rowid, name) SELECT id, name FROM jobs WHERE id >= ?")
            .execute(arguments: [id])
    }

    /// Takes in all names anew where the newest is missing: a release that knows no parts has worked with this file since.
    static func mend(_ db: Database) throws {
        let newest = "SELECT id, name FROM jobs WHERE length(name) >= 3 ORDER BY id DESC LIMIT 1"
        guard let job = try Row.fetchOne(db, sql: newest) else { return }
        let found = "SELECT 1 FROM job_parts WHERE job_parts MATCH ? AND rowid = ?"
        if try Int.fetchOne(db, sql: found, arguments: [all(of: [job[1]]), job[0] as Int64]) != nil { return }
        try db.execute(sql: "INSERT INTO job_parts (job_parts) VALUES ('delete-all')")
        try takeUp(from: 0, db)
    }

    /// Asks for more, with the one value that the condition has a place for.
    mutating func require(_ condition: String, _ value: any DatabaseValueConvertible & Sendable) {
        conditions.append(condition)
        values.append(value)
    }

    private mutating func find(_ names: [String], _ db: Database) throws {
        if let parts = Self.parts(of: names), try Self.areFew(parts, db) {
            require("jobs.id IN (SELECT rowid FROM job_parts WHERE job_parts MATCH ?)", parts)
            // Not by their index, which has all others, too.
            if order == "name" { order = "+name" }
        }
        let each = names.map { name -> String in
            guard Glob.isPattern(name) else {
                values.append(name)
                return "name = ?"
            }
            // That is found twice as fast where nobody reads a pattern.
            if let part = Glob(name).contained {
                values.append(part)
                return "instr(name, ?) > 0"
            }
            values.append(name)
            return "name GLOB ?"
        }
        conditions.append("(" + each.joined(separator: " OR ") + ")")
    }

    private static func areFew(_ parts: String, _ db: Database) throws -> Bool {
        // A file that is only read may be an older release's.
        guard try db.tableExists("job_parts") else { return false }
        let found = try Int.fetchOne(
            db.cachedStatement(
                sql: "SELECT count(*) FROM (SELECT 1 FROM job_parts WHERE job_parts MATCH ? LIMIT \(few + 1))"),
            arguments: [parts])
        return found ?? 0 <= few
    }

    /// Says in the language of FTS5 what every name that fits has; nil where that would be no help.
    private static func parts(of names: [String]) -> String? {
        guard names.count <= mostParts, names.contains(where: Glob.isPattern) else { return nil }
        let each = names.map { all(of: Glob($0).literals) }
        return each.contains("") ? nil : each.map { "(\($0))" }.joined(separator: " OR ")
    }

    private static func all(of texts: [String]) -> String {
        texts.flatMap(threes).prefix(mostParts).map { "\"\($0)\"" }.joined(separator: " AND ")
    }

    /// Each three characters in a row, for a place between quotes. FTS5 reads no further than a zero.
    private static func threes(_ text: String) -> [String] {
        let scalars = Array(text.unicodeScalars)
        guard scalars.count >= 3, !scalars.contains("\0") else { return [] }
        return (0...scalars.count - 3).map { place in
            scalars[place..<place + 3].map { $0 == "\"" ? "\"\"" : String($0) }.joined()
        }
    }

    private static func condition(_ state: JobQuery.State) -> String {
        let halted = "CASE WHEN json_valid(standing) THEN json_type(standing, '$.off.halted') END"
        return switch state {
        case .enabled: "is_on = 1"
        case .disabled: "(is_on = 0 AND \(halted) IS NULL)"
        case .halted: "\(halted) IS NOT NULL"
        case .failed: "jobs.id IN (SELECT job_id FROM cursors WHERE streak > 0)"
        case .active: "jobs.id IN (SELECT job_id FROM runs INDEXED BY runs_active WHERE state < 3)"
        }
    }
}
