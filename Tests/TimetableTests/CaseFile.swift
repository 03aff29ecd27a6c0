import Foundation
import Testing
import Timetable

/// One line of the files in `Cases`.
struct CaseLine: Decodable, CustomStringConvertible {
    var expr: String
    var tz: String?
    var dialect: Dialect?
    var anchor: String?
    var after: String?
    var next: [String]?
    var match: [String]?
    var nomatch: [String]?
    var tags: [String]?
    var equivalent: String?
    var quartzExpr: String?
    var recommended: String?

    enum CodingKeys: String, CodingKey {
        case expr, tz, dialect, anchor, after, next, match, nomatch, tags, equivalent, recommended
        case quartzExpr = "quartz_expr"
    }

    var description: String {
        "\(expr.debugDescription) \(dialect?.rawValue ?? "unix") in \(tz ?? "-") after \(after ?? "-")"
    }
}

/// The offsets of one zone at some moments, under one release of the database.
struct ZoneLine: Decodable {
    struct Row: Decodable {
        var seconds: Int64
        var offset: Int
        var isDaylight: Bool
        var abbreviation: String

        init(from decoder: any Decoder) throws {
            var values = try decoder.unkeyedContainer()
            seconds = try values.decode(Int64.self)
            offset = try values.decode(Int.self)
            isDaylight = try values.decode(Int.self) != 0
            abbreviation = try values.decode(String.self)
        }
    }

    var tz: String
    var version: String
    var rows: [Row]
}

enum CaseFile {
    static let names = [
        "btu6", "cron5", "croner_accept_reject", "croner_vectors", "debian_truth", "every", "ext_lw", "golden_dst",
        "invalid", "nicknames", "published_vectors", "valid_edge", "year7",
    ]

    static func lines(_ name: String) throws -> [CaseLine] {
        try decode(name)
    }

    static func zoneOffsets() throws -> [ZoneLine] {
        try decode("zone_offsets")
    }

    private static func decode<Line: Decodable>(_ name: String) throws -> [Line] {
        let url = try #require(
            Bundle.module.url(forResource: name, withExtension: "jsonl", subdirectory: "Cases"))
        return try String(decoding: Data(contentsOf: url), as: UTF8.self).split(separator: "\n").map {
            try JSONDecoder().decode(Line.self, from: Data($0.utf8))
        }
    }
}
