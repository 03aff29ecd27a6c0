/// A zone as data: its kinds of local time and the moments it changes between them.
struct ZoneTable: Hashable, Sendable {
    struct Change: Hashable, Sendable {
        var at: Int
        var type: Int
    }

    var types: [ZoneType]
    /// The kind before the first change.
    var initial: Int
    /// In strictly ascending order of time.
    var changes: [Change]
    /// From this second on the changes repeat every 400 years; `Int.max` when they do not.
    var cycleEnd = Int.max

    static let utc = ZoneTable(
        types: [ZoneType(offset: 0, isDaylight: false, abbreviation: "UTC")], initial: 0, changes: [])

    /// Goes on after the last change by a rule, for one whole cycle of the calendar.
    mutating func extend(by rule: PosixRule) {
        guard let daylight = rule.daylight else {
            // The last change already leads to the rule's only kind, except in a file that has no changes at all.
            if changes.isEmpty { (types, initial) = ([rule.standard], 0) }
            return
        }
        let last = changes.last?.at ?? .min
        let lastYear = changes.isEmpty ? 0 : Civil.date(days: Civil.floorDivide(last, Civil.secondsPerDay)).year
        // No schedule reaches back further, and the end of the cycle stays after the last year of any schedule.
        let firstYear = max(lastYear, 1800)
        let kinds = (standard: types.count, daylight: types.count + 1)
        types += [rule.standard, daylight.type]
        if changes.isEmpty { initial = kinds.standard }
        var events: [Change] = []
        for year in firstYear...(firstYear + 402) {
            events.append(Change(at: rule.startOfDaylight(in: year, daylight), type: kinds.daylight))
            events.append(Change(at: rule.endOfDaylight(in: year, daylight), type: kinds.standard))
        }
        // A rule whose daylight time ends as it begins again means daylight time all year: the beginning comes last.
        events.sort { ($0.at, $0.type) < ($1.at, $1.type) }
        for event in events where event.at > last {
            if let previous = changes.last, previous.at == event.at { changes.removeLast() }
            changes.append(event)
        }
        cycleEnd = Civil.days(year: firstYear + 402, month: 1, day: 1) * Civil.secondsPerDay
    }
}
