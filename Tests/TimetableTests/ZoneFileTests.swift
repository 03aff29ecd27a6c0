import Foundation
import Testing
import Timetable

/// Zone files made by hand, cut short and damaged.
@Suite struct ZoneFileTests {
    /// A version 2 file with the given 64-bit changes, kinds and footer.
    static func file(
        version: UInt8 = 0x32, changes: [(Int, UInt8)] = [], kinds: [(Int, Bool, String)], footer: String
    ) -> Data {
        func number(_ value: Int, _ size: Int) -> [UInt8] {
            (0..<size).reversed().map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
        }
        var names: [UInt8] = []
        var types: [UInt8] = []
        for (offset, isDaylight, name) in kinds {
            types += number(offset, 4) + [isDaylight ? 1 : 0, UInt8(names.count)]
            names += Array(name.utf8) + [0]
        }
        func header(_ changes: Int, _ kinds: Int, _ names: Int) -> [UInt8] {
            Array("TZif".utf8) + [version] + Array(repeating: 0, count: 15)
                + [0, 0, 0, changes, kinds, names].flatMap { number($0, 4) }
        }
        func body(_ size: Int) -> [UInt8] {
            changes.flatMap { number($0.0, size) } + changes.map(\.1) + types + names
        }
        let narrow = header(changes.count, kinds.count, names.count) + body(4)
        if version == 0 { return Data(narrow) }
        return Data(narrow + header(changes.count, kinds.count, names.count) + body(8) + Array("\n\(footer)\n".utf8))
    }

    /// Local times at some instants under a footer rule alone.
    private func format(_ footer: String, _ instants: [String]) throws -> [String] {
        let folder = try ZoneFolder([])
        defer { folder.remove() }
        try folder.write("Test/Zone", Self.file(kinds: [(0, false, "LMT")], footer: footer))
        let zone = try ZoneDatabase(directory: folder.path).zone("Test/Zone")
        return try instants.map { zone.format(try instant($0)) }
    }

    @Test func footerRules() throws {
        #expect(try format("<+0330>-3:30", ["2026-01-01T00:00:00Z"]) == ["2026-01-01 03:30:00 +0330"])
        #expect(
            try format(
                "AAA-1BBB,J60/0,J300/0", ["2028-02-29T22:59:59Z", "2028-02-29T23:00:00Z", "2028-10-26T22:00:00Z"])
                == ["2028-02-29 23:59:59 AAA", "2028-03-01 01:00:00 BBB", "2028-10-26 23:00:00 AAA"])
        #expect(
            try format("AAA-1BBB-1:30,59/0,300/0", ["2028-02-28T22:59:59Z", "2028-02-28T23:00:00Z"])
                == ["2028-02-28 23:59:59 AAA", "2028-02-29 00:30:00 BBB"])
        // Godthab: the change is on the evening before the day of the rule.
        #expect(
            try format("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", ["2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z"])
                == ["2026-03-28 22:59:59 -02", "2026-03-29 00:00:00 -01"])
        #expect(
            try format("EET-2EEST,M3.4.4/50,M10.4.4/50", ["2026-03-27T23:59:59Z", "2026-03-28T00:00:00Z"])
                == ["2026-03-28 01:59:59 EET", "2026-03-28 03:00:00 EEST"])
        // Daylight time all year, as RFC 9636 writes it.
        #expect(
            try format("EST5EDT,0/0,J365/25", ["2026-01-01T04:59:59Z", "2026-01-01T05:00:00Z", "2400-07-01T00:00:00Z"])
                .allSatisfy { $0.hasSuffix("EDT") })
        #expect(try format("CET-1CEST,M3.5.0,M10.5.0/3", ["1600-07-01T00:00:00Z"]) == ["1600-07-01 01:00:00 CET"])
        #expect(try format("CET-1CEST,M3.5.0,M10.5.0/3", ["9999-07-01T00:00:00Z"]) == ["9999-07-01 02:00:00 CEST"])
        #expect(try format("", ["9999-07-01T00:00:00Z"]) == ["9999-07-01 00:00:00 LMT"])
    }

    @Test(arguments: [
        "X", "AB5", "AAA", "AAA25", "AAA-1BBB", "AAA-1BBB,M3.5.0", "AAA-1BBB,M13.1.0,M10.5.0",
        "AAA-1BBB,M3.6.0,M10.5.0",
        "AAA-1BBB,M3.5.7,M10.5.0", "AAA-1BBB,J0,J300", "AAA-1BBB,366,1", "<AAA-1", "AAA-1BBB,J1/168,J2",
        "AAA-1BBB,J1,J2x",
        "AAA-1:60",
    ])
    func badFooters(footer: String) {
        #expect(throws: ScheduleError.self) { try format(footer, ["2026-01-01T00:00:00Z"]) }
    }

    @Test func versionOneFiles() throws {
        let folder = try ZoneFolder([])
        defer { folder.remove() }
        let changes = [(-100, UInt8(1)), (1_000_000, 0)]
        try folder.write(
            "Old",
            Self.file(version: 0, changes: changes, kinds: [(3600, false, "AAA"), (7200, true, "BBB")], footer: ""))
        let zone = try ZoneDatabase(directory: folder.path).zone("Old")
        #expect(zone.offset(at: Timestamp(seconds: -101)) == (3600, false, "AAA"))
        #expect(zone.offset(at: Timestamp(seconds: 999_999)) == (7200, true, "BBB"))
        #expect(zone.offset(at: Timestamp(seconds: 1_000_000)) == (3600, false, "AAA"))
    }

    /// An hour back, then an hour forward half an hour later: which wall times exist is no longer obvious.
    @Test func changesInQuickSuccession() throws {
        let folder = try ZoneFolder([])
        defer { folder.remove() }
        let kinds = [(0, false, "AAA"), (-3600, false, "BBB"), (-7200, false, "CCC")]
        try folder.write("Odd/Once", Self.file(changes: [(36_000, 1), (37_800, 0)], kinds: kinds, footer: "AAA0"))
        try folder.write("Odd/Twice", Self.file(changes: [(36_000, 1), (37_800, 2)], kinds: kinds, footer: "CCC2"))
        let database = ZoneDatabase(directory: folder.path)
        for (name, expected) in [
            // 09:40 is shown once; 09:50 before the change back; 10:00 to 10:29 never.
            ("Odd/Once", ["1970-01-01T09:40:00Z", "1970-01-01T10:30:00Z", "1970-01-01T10:40:00Z"]),
            ("Odd/Twice", ["1970-01-01T09:40:00Z", "1970-01-01T12:15:00Z", "1970-01-01T12:40:00Z"]),
        ] {
            let schedule = Schedule(
                rule: .cron(try CronExpression("0 40,15 9,10 1 1 *")), zone: try database.zone(name),
                startsAt: Timestamp(seconds: 34_200))
            #expect(
                occurrences(schedule, after: Timestamp(seconds: 0), count: 9).filter { $0 < "1970-01-02" } == expected,
                "\(name)")
            let last = try instant(expected[1])
            #expect(schedule.previous(before: last) == (try instant(expected[0])))
        }
    }

    @Test func damagedFilesAreRefusedOrRead() throws {
        let folder = try ZoneFolder([])
        defer { folder.remove() }
        let whole = try Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/Europe/Dublin"))
        func attempt(_ data: Data) throws -> Bool {
            try folder.write("Damaged", data)
            guard let zone = try? ZoneDatabase(directory: folder.path).zone("Damaged") else { return false }
            let expression = try CronExpression("30 1 * * *")
            _ = expression.next(after: Timestamp(seconds: 1_750_000_000), in: zone)
            _ = expression.previous(before: Timestamp(seconds: 1_750_000_000), in: zone)
            _ = zone.format(.distantFuture) + zone.format(.distantPast) + zone.format(Timestamp(microseconds: .max))
            _ = zone.instant(of: zone.local(Timestamp(seconds: 0)))
            return true
        }
        for length in stride(from: 0, to: whole.count, by: 7) {
            #expect(!(try attempt(whole.prefix(length))), "\(length) bytes")
        }
        var random = SeededGenerator(seed: 5)
        for _ in 0..<600 {
            var damaged = whole
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                damaged[Int.random(in: 0..<whole.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try attempt(damaged)
        }
        for counts in [[UInt8](repeating: 0xFF, count: 24), [UInt8](repeating: 0x7F, count: 24)] {
            var damaged = whole
            damaged.replaceSubrange(20..<44, with: counts)
            #expect(!(try attempt(damaged)))
        }
    }
}
