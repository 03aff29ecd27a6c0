extension ZoneDatabase {
    /// Every name that can be asked for, sorted; read from the folder each time.
    public var names: [String] {
        var found: Set<String> = []
        collect(folder: "", into: &found)
        for alias in ZoneAliases.names {
            if let target = ZoneAliases.target(of: alias), found.contains(target) { found.insert(alias) }
        }
        return found.sorted()
    }

    private func collect(folder: String, into found: inout Set<String>) {
        for entry in DiskFile.list(directory + (folder.isEmpty ? "" : "/" + folder)) {
            let name = folder.isEmpty ? entry.name : folder + "/" + entry.name
            guard Self.isSafe(name), !Self.notZones.contains(name) else { continue }
            if entry.isFolder {
                // Zone names have three parts at the most; a link to a parent folder must not lead round for ever.
                if name.utf8.filter({ $0 == 0x2F }).count < 3 { collect(folder: name, into: &found) }
            } else if DiskFile.read(directory + "/" + name, limit: 4)?.bytes == TZif.magic {
                found.insert(name)
            }
        }
    }

    /// Copies of the database in other notations, and names for the machine's own zone.
    private static let notZones: Set<String> = ["posix", "right", "localtime", "posixrules"]

    /// Makes the error for a name nobody knows, with up to three names that come near.
    func unknown(_ name: String) -> ScheduleError {
        ScheduleError("unknown time zone '\(name)'\(hint(for: name))")
    }

    func hint(for name: String) -> String {
        let near = Self.near(name, among: names)
        return near.isEmpty ? "" : "; did you mean \(near.joined(separator: ", "))?"
    }

    private static func near(_ name: String, among names: [String]) -> [String] {
        guard name.utf8.count > 2 else { return [] }
        let wanted = Array(name.lowercased().utf8.prefix(64))
        let scored = names.compactMap { candidate -> (score: Int, name: String)? in
            let whole = Array(candidate.lowercased().utf8)
            let last = Array(whole.split(separator: 0x2F).last ?? [])
            let score = min(distance(wanted, whole), distance(wanted, last))
            return score <= min(max(1, wanted.count / 4), 3) ? (score, candidate) : nil
        }
        guard let best = scored.map(\.score).min() else { return [] }
        return scored.filter { $0.score == best }.map(\.name).prefix(3).map { $0 }
    }

    /// Counts the bytes to insert, delete, replace or swap with a neighbour to turn one word into the other, as far as that
    /// matters: words whose lengths differ by more than three are far apart.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        if abs(left.count - right.count) > 3 { return 4 }
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for (row, byte) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var best = min(last[column] + (byte == other ? 0 : 1), last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, byte == right[column - 1], left[row - 1] == other {
                    best = min(best, beforeLast[column - 1] + 1)
                }
                current.append(best)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}
