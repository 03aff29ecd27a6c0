import CarillonConfiguration
import CarillonTestSupport
import ExecIntegration
import Foundation
import Testing
import Timetable

/// The zone a machine keeps, whatever way it says so.
@Suite struct MachineZoneTests {
    private let folder: TemporaryFolder
    private let database = "/usr/share/zoneinfo"

    init() throws {
        folder = try TemporaryFolder()
        try folder.write("etc/x", "")
    }

    private func name(_ variable: String? = nil) -> String? {
        MachineZone(zones: ZoneDatabase(), variable: variable, root: folder.path).name
    }

    private func copy(_ zone: String) throws {
        try FileManager.default.copyItem(atPath: "\(database)/\(zone)", toPath: folder.path + "/etc/localtime")
    }

    @Test(
        arguments: [
            ("Asia/Tokyo", "Asia/Tokyo"), (":Asia/Tokyo", "Asia/Tokyo"), ("", "UTC"), ("JST-9", nil), ("Mars", nil),
            (":/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo"),
        ] as [(String, String?)])
    func theVariableGoesFirst(_ variable: String, _ zone: String?) throws {
        try copy("Europe/Paris")
        #expect(name(variable) == zone)
    }

    @Test func aLinkNamesIt() throws {
        #expect(symlink("\(database)/Europe/Oslo", folder.path + "/etc/localtime") == 0)
        #expect(name() == "Europe/Oslo")
    }

    @Test func aCopyIsFoundByWhatItHolds() throws {
        try copy("Asia/Tokyo")
        #expect(name() == "Asia/Tokyo", "Japan is the same, and nobody's name for it")
    }

    @Test func anotherNameCountsWhereItHoldsTheSame() throws {
        try copy("Asia/Tokyo")
        try folder.write("etc/timezone", "Japan\n")
        #expect(name() == "Japan")
        try folder.write("etc/timezone", "Europe/Paris\n")
        #expect(name() == "Asia/Tokyo")
    }

    @Test func withoutAFileItIsUTCAndWithAnUnknownOneNobodyKnows() throws {
        #expect(name() == "UTC")
        try folder.write("etc/localtime", "TZif2 of another planet")
        #expect(name() == nil)
    }

    @Test func aCopyOfUTCIsUTC() throws {
        try copy("Etc/UTC")
        #expect(name() == "UTC")
    }
}
