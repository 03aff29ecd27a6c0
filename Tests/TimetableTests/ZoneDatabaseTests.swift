import Foundation
import Testing
import Timetable

@Suite struct ZoneDatabaseTests {
    @Test func namesAndVersion() {
        #expect(database.version.hasPrefix("20"))
        let names = database.names
        #expect(names == names.sorted() && names.contains("Europe/Berlin") && names.contains("US/Eastern"))
        #expect(
            !names.contains("localtime") && !names.contains("tzdata.zi") && !names.contains { $0.hasPrefix("right/") })
    }

    @Test(arguments: [
        ("Europe/Berln", "unknown time zone 'Europe/Berln'; did you mean Europe/Berlin?"),
        ("berlin", "unknown time zone 'berlin'; did you mean Europe/Berlin?"),
        ("Tokio", "unknown time zone 'Tokio'; did you mean Asia/Tokyo?"),
        ("Xyzzy/Nowhere", "unknown time zone 'Xyzzy/Nowhere'"),
        ("America/New York", "'America/New York' cannot be the name of a time zone; did you mean America/New_York?"),
        ("../UTC/.", "'../UTC/.' cannot be the name of a time zone"),
        ("/etc/localtime", "'/etc/localtime' cannot be the name of a time zone"),
        ("", "'' cannot be the name of a time zone"),
        ("a\0b", "'a?b' cannot be the name of a time zone"),
        ("tzdata.zi", "'tzdata.zi' cannot be the name of a time zone"),
        ("leapseconds", "the file of time zone 'leapseconds' cannot be used: it does not begin with TZif"),
    ])
    func refusals(name: String, message: String) {
        #expect(failure { () throws(ScheduleError) in _ = try database.zone(name) }?.message == message)
    }

    @Test func oldNamesWorkWithoutTheirFiles() throws {
        let folder = try ZoneFolder(["America/New_York", "Asia/Kolkata"])
        defer { folder.remove() }
        let database = ZoneDatabase(directory: folder.path + "//")
        let eastern = try database.zone("US/Eastern")
        #expect(eastern.name == "US/Eastern")
        #expect(eastern.offset(at: Timestamp(seconds: 1_750_000_000)).seconds == -14_400)
        #expect(try database.zone("Asia/Calcutta").offset(at: Timestamp(seconds: 0)).seconds == 19_800)
        #expect(database.names.contains("US/Eastern") && !database.names.contains("US/Pacific"))
        #expect(failure { () throws(ScheduleError) in _ = try database.zone("US/Pacific") } != nil)
        #expect(database.version == "unknown")
        #expect(try database.zone("UTC").offset(at: Timestamp(seconds: 0)).abbreviation == "UTC")
    }

    @Test func refreshSeesWhatChanged() throws {
        let folder = try ZoneFolder(["Europe/Berlin", "Asia/Tokyo"])
        defer { folder.remove() }
        try folder.write("tzdata.zi", Data("# version 2031a\n".utf8))
        let database = ZoneDatabase(directory: folder.path)
        #expect(database.version == "2031a")
        let berlin = try database.zone("Europe/Berlin")
        let tokyo = try database.zone("Asia/Tokyo")
        #expect(!database.refresh())
        #expect(try database.zone("Europe/Berlin") === berlin)

        try folder.write("Europe/Berlin", try folder.read("Asia/Tokyo"))
        try folder.write("tzdata.zi", Data("# version 2031b1\n".utf8))
        #expect(database.refresh())
        #expect(!database.refresh())
        #expect(database.version == "2031b1")
        #expect(try database.zone("Europe/Berlin") != berlin)
        #expect(try database.zone("Asia/Tokyo") === tokyo)

        try folder.delete("Asia/Tokyo")
        #expect(database.refresh())
        #expect(failure { () throws(ScheduleError) in _ = try database.zone("Asia/Tokyo") } != nil)
    }

    @Test func releaseFromAVersionFile() throws {
        let folder = try ZoneFolder([])
        defer { folder.remove() }
        let database = ZoneDatabase(directory: folder.path)
        #expect(database.version == "unknown" && !database.refresh())
        try folder.write("+VERSION", Data("2030c\n".utf8))
        #expect(database.refresh() && database.version == "2030c")
    }

    @Test func manyThreadsShareOneDatabase() async throws {
        let database = ZoneDatabase()
        let names = ["Europe/Berlin", "Asia/Tokyo", "America/New_York", "Europe/Berlin"]
        let sums = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    _ = database.refresh()
                    return try names.map { try database.zone($0).offset(at: Timestamp(seconds: 0)).seconds }.reduce(
                        0, +)
                }
            }
            return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
        }
        #expect(sums.count == 1)
    }
}
