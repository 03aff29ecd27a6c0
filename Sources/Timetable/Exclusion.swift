/// Days on which a schedule does not run, under a name: a list of dates or a calendar file.
public struct Exclusion: Hashable, Sendable {
    /// What a skipped run is recorded under.
    public var name: String
    /// Days since 1970-01-01 in the schedule's zone, ascending, each once.
    public let dates: [Int]

    /// Reads a calendar file: one ISO date a line; blank lines and `#` comments are left out.
    ///
    /// Throws for anything else, with the number of the line.
    public init(name: String, parsing text: String) throws(ScheduleError) {
        var dates: [Int] = []
        // A carriage return and a newline are one Character, so lines are cut from the bytes.
        let lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let word = Self.trimmed(line.prefix { $0 != 0x23 })
            if word.isEmpty { continue }
            guard let date = Self.date(word) else {
                throw ScheduleError(
                    // Not what stands there: the file may be one that whoever reads this may not read.
                    "line \(index + 1) of calendar '\(name)' is not a date like 2026-12-25")
            }
            dates.append(date)
        }
        self.init(name: name, days: dates)
    }

    /// Takes dates like `2026-12-25`; throws for one that is not.
    public init(name: String, dates: [String]) throws(ScheduleError) {
        var days: [Int] = []
        for text in dates {
            guard let day = Self.date(Self.trimmed(text.utf8[...])) else {
                throw ScheduleError(
                    "calendar '\(name)': \(ScheduleError.quoted(text.utf8)) is not a date like 2026-12-25")
            }
            days.append(day)
        }
        self.init(name: name, days: days)
    }

    /// Whether the day, counted from 1970-01-01, is among the dates.
    public func contains(day: Int) -> Bool {
        var low = 0
        var high = dates.count
        while low < high {
            let middle = (low + high) >> 1
            if dates[middle] < day { low = middle + 1 } else { high = middle }
        }
        return low < dates.count && dates[low] == day
    }

    private init(name: String, days: [Int]) {
        self.name = name
        dates = Set(days).sorted()
    }

    private static func date(_ text: Substring.UTF8View) -> Int? {
        var scanner = TextScanner(text)
        guard let day = scanner.date(), scanner.isAtEnd else { return nil }
        return day
    }

    private static func trimmed(_ text: Substring.UTF8View) -> Substring.UTF8View {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
        let start = text.drop(while: isBlank)
        guard let last = start.lastIndex(where: { !isBlank($0) }) else { return start.prefix(0) }
        return start[...last]
    }
}
