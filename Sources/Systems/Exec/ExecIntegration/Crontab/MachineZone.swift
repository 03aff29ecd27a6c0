import Foundation
package import Timetable

/// Which zone a machine keeps.
package struct MachineZone: Sendable {
    var zones: ZoneDatabase
    /// `TZ` of the environment.
    var variable: String?
    /// Where the machine's files lie.
    var root: String
    var database: String

    package init(
        zones: ZoneDatabase, variable: String? = ProcessInfo.processInfo.environment["TZ"], root: String = "",
        database: String = "/usr/share/zoneinfo"
    ) {
        self.zones = zones
        self.variable = variable
        self.root = root
        self.database = database
    }

    /// Its name; nil when the machine has no name for it, or more than a name can say.
    ///
    /// `TZ` first, as for the C library. Then the contents of /etc/localtime decide: a link, /etc/timezone and the whole
    /// database only offer names for them.
    package var name: String? {
        if let variable { return named(by: variable) }
        let path = root + "/etc/localtime"
        guard let rules = FileManager.default.contents(atPath: path) else { return "UTC" }
        let link = (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) ?? ""
        let text = (try? String(contentsOfFile: root + "/etc/timezone", encoding: .utf8)) ?? ""
        let covered = coveredFile(path)
        let offers = { (name: String) in
            contents(of: name) == rules && (covered == nil || real(database + "/" + name) != covered)
        }
        for case .some(let hint) in [zone(at: link), text.trimmingCharacters(in: .whitespacesAndNewlines)]
        where isKnown(hint) && offers(hint) { return hint }
        let same = zones.names.filter(offers)
        return same.min { rank($0) < rank($1) }
    }

    /// Takes a name or path, either with a colon in front; rules written out have no name. Empty means UTC (tzset(3)).
    private func named(by variable: String) -> String? {
        let text = variable.hasPrefix(":") ? String(variable.dropFirst()) : variable
        if text.isEmpty { return "UTC" }
        let name = text.hasPrefix("/") ? zone(at: text) ?? "" : text
        return isKnown(name) ? name : nil
    }

    private func zone(at path: String) -> String? {
        path.range(of: "zoneinfo/").map { String(path[$0.upperBound...]) }
    }

    private func isKnown(_ name: String) -> Bool { (try? zones.zone(name)) != nil }

    private func contents(of name: String) -> Data? { FileManager.default.contents(atPath: database + "/" + name) }

    private func real(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }

    /// Finds the file behind a path when something is mounted upon it, as in containers: then its place says nothing of
    /// what it holds.
    private func coveredFile(_ path: String) -> String? {
        guard let file = real(path) else { return nil }
        let mounts = (try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)) ?? ""
        // proc(5): the fifth field is where it is mounted.
        let isCovered = mounts.split(whereSeparator: \.isNewline).contains { line in
            line.split(separator: " ").dropFirst(4).first.map(String.init) == file
        }
        return isCovered ? file : nil
    }

    /// Ranks names for the same rules: the one that people know best comes first.
    private func rank(_ name: String) -> Rank {
        let place: Int
        if name == "UTC" {
            place = 0
        } else if tabled("zone1970.tab").contains(name) {
            place = 1
        } else if tabled("zone.tab").contains(name) {
            place = 2
        } else {
            place = name.contains("/") && !name.hasPrefix("Etc/") ? 3 : 4
        }
        return Rank(place: place, name: name)
    }

    private struct Rank: Comparable {
        var place: Int
        var name: String

        static func < (left: Rank, right: Rank) -> Bool { (left.place, left.name) < (right.place, right.name) }
    }

    /// Reads the zones of one of the database's own tables: the third field of each line.
    private func tabled(_ table: String) -> Set<String> {
        let text = (try? String(contentsOfFile: database + "/" + table, encoding: .utf8)) ?? ""
        let names = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#") }.compactMap { line in
            line.split(separator: "\t").dropFirst(2).first.map(String.init)
        }
        return Set(names)
    }
}
