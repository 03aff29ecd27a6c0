/// The rules of one time zone, fixed at the moment they were read.
///
/// Two zones are equal when they were asked for by the same name and have the same rules.
public final class Zone: Sendable, Hashable {
    /// The name as asked for.
    public let name: String
    /// In order of time; never empty.
    let periods: ContiguousArray<ZonePeriod>
    let types: [ZoneType]
    /// From this second on the rules repeat every 400 years; `Int.max` when there is no such rule.
    let cycleEnd: Int
    private let starts: ContiguousArray<Int>

    /// Coordinated Universal Time, without any file.
    public static let utc = Zone(name: "UTC", table: .utc)

    init(name: String, table: ZoneTable) {
        self.name = name
        types = table.types
        periods = ZonePeriod.join(initial: table.initial, changes: table.changes, types: table.types)
        cycleEnd = table.cycleEnd
        starts = ContiguousArray(periods.map(\.start))
    }

    public static func == (left: Zone, right: Zone) -> Bool {
        left === right
            || (left.name == right.name && left.periods == right.periods && left.types == right.types
                && left.cycleEnd == right.cycleEnd)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(name)
    }

    /// Finds the index of the period an instant lies in; `seconds` must be below `cycleEnd`.
    func index(at seconds: Int) -> Int {
        var low = 0
        var high = starts.count
        while high - low > 1 {
            let middle = (low + high) >> 1
            if starts[middle] <= seconds { low = middle } else { high = middle }
        }
        return low
    }

    func type(at instant: Timestamp) -> ZoneType {
        types[periods[index(at: folded(Int(instant.seconds)))].type]
    }

    /// Answers the same moment of the 400-year cycle inside the table.
    private func folded(_ seconds: Int) -> Int {
        guard seconds >= cycleEnd else { return seconds }
        return cycleEnd - Civil.secondsPerCycle + (seconds - cycleEnd) % Civil.secondsPerCycle
    }
}
