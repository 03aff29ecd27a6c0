import Testing
import Timetable

@Suite struct ZoneTests {
    @Test func offsetsAndNames() throws {
        let newYork = try database.zone("America/New_York")
        let change = try instant("2026-03-08T07:00:00Z")
        #expect(newYork.format(change) == "2026-03-08 03:00:00 EDT")
        #expect(newYork.format(change.adding(microseconds: -1)) == "2026-03-08 01:59:59 EST")
        #expect(newYork.offset(at: change) == (-14_400, true, "EDT"))
        let dublin = try database.zone("Europe/Dublin").offset(at: try instant("2100-01-15T00:00:00Z"))
        #expect(dublin == (0, true, "GMT"))
        #expect(try database.zone("America/Sao_Paulo").format(change).hasSuffix(" -03"))
        let civil = try database.zone("Asia/Kathmandu").local(try instant("2026-01-03T18:15:00.000007Z"))
        #expect((civil.year, civil.month, civil.day, civil.hour, civil.minute) == (2026, 1, 4, 0, 0))
        #expect((civil.second, civil.microsecond, civil.weekday, civil.offsetSeconds) == (0, 7, 0, 20_700))
    }

    @Test func instantsOfWallTimes() throws {
        let berlin = try database.zone("Europe/Berlin")
        func instant(_ month: Int, _ day: Int, _ hour: Int, year: Int = 2026) -> String? {
            berlin.instant(of: CivilTime(year: year, month: month, day: day, hour: hour, minute: 30))?.rfc3339
        }
        #expect(instant(3, 29, 2) == nil)
        #expect(instant(3, 29, 3) == "2026-03-29T01:30:00Z")
        #expect(instant(10, 25, 2) == "2026-10-25T00:30:00Z")
        #expect(instant(10, 25, 3) == "2026-10-25T02:30:00Z")
        #expect(instant(7, 1, 12, year: 4000) == "4000-07-01T10:30:00Z")
        #expect(instant(2, 30, 0) == nil && instant(13, 1, 0) == nil && instant(1, 1, 24) == nil)
        #expect(instant(1, 1, 0, year: .max) == nil)
        #expect(
            berlin.instant(of: berlin.local(Timestamp(microseconds: 1_750_000_000_000_001)))?.microseconds
                == 1_750_000_000_000_001)
    }

    /// Moments on both sides of changes to the year 2500, as two other implementations have them.
    @Test func agreesWithOtherImplementations() throws {
        var compared = 0
        for line in try CaseFile.zoneOffsets() where line.version == database.version {
            let zone = try database.zone(line.tz)
            for row in line.rows {
                let moment = Timestamp(seconds: row.seconds)
                let got = zone.offset(at: moment)
                #expect(
                    got == (row.offset, row.isDaylight, row.abbreviation), "\(line.tz) at \(moment): expected \(row)")
                let wall = zone.local(moment)
                let back = try #require(zone.instant(of: wall))
                #expect(back == moment || zone.local(back).hour == wall.hour)
                compared += 1
            }
        }
        #expect(compared > 1000 || database.version != "2025b")
    }

    @Test func equalityIsNameAndRules() throws {
        let other = ZoneDatabase()
        #expect(try database.zone("Europe/Berlin") === database.zone("Europe/Berlin"))
        #expect(try database.zone("Europe/Berlin") == other.zone("Europe/Berlin"))
        #expect(try database.zone("Europe/Berlin") != database.zone("Europe/Paris"))
        #expect(try database.zone("US/Eastern") != database.zone("America/New_York"))
        #expect(Set([try database.zone("UTC"), .utc]).count == 1)
    }
}
