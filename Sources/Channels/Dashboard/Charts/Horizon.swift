import CarillonCore
package import CarillonEngine
package import Timetable

/// A stretch of coming time, drawn by how much of it passes: a day on which the clocks go forward has 23 hours here, and one on which
/// they go back 25.
package struct Horizon {
    let start: Timestamp
    let end: Timestamp
    let zone: Zone
    /// Microseconds of a bar.
    package let bucket: Int64
    /// Of each bar.
    package private(set) var counts: [Int]
    package static let bars = 96

    /// Draws what was counted, in parts of equal length.
    package init(_ counts: [Int], from start: Timestamp, until end: Timestamp, zone: Zone) {
        self.start = start
        self.end = end
        self.zone = zone
        bucket = max(1, (end.microseconds - start.microseconds) / Int64(max(1, counts.count)))
        self.counts = counts
    }

    package init(_ lines: [AgendaView], from start: Timestamp, until end: Timestamp, zone: Zone) {
        self.start = start
        self.end = end
        self.zone = zone
        bucket = max(1, (end.microseconds - start.microseconds) / Int64(Self.bars))
        counts = [Int](repeating: 0, count: Self.bars)
        for line in lines { Density.spread(line, over: &counts, from: start, bucket: bucket) }
    }

    var total: Int { counts.reduce(0, +) }

    /// The busiest bar: how many, and when it begins.
    var peak: (count: Int, at: Timestamp)? {
        guard let most = counts.max(), most > 0, let place = counts.firstIndex(of: most) else { return nil }
        return (most, start.adding(microseconds: Int64(place) * bucket))
    }

    // MARK: Drawing

    private static let width = 960

    private func x(_ time: Timestamp) -> Int {
        let share = Double(time.microseconds - start.microseconds) / Double(end.microseconds - start.microseconds)
        return Int((share * Double(Self.width)).rounded())
    }

    /// Bars by how many times there are, with the hours, or days, of the shown zone.
    package var density: String {
        let height = 120
        let most = Double(max(1, counts.max() ?? 1))
        var drawing = Drawing(
            width: Self.width, height: height + 30,
            words: "\(total) times from \(zone.format(start)) to \(zone.format(end))"
                + (peak.map { "; most of them, \($0.count), from \(zone.format($0.at)) on" } ?? ""))
        ruler(&drawing, height: height)
        for (place, count) in counts.enumerated() where count > 0 {
            let size = max(2, Double(count) / most * Double(height - 6))
            let time = start.adding(microseconds: Int64(place) * bucket)
            drawing.bar(
                x: place * 10 + 1, y: Double(height) - size, width: 8, height: size, "coming",
                "from \(zone.format(time)): \(count)")
        }
        return drawing.svg
    }

    /// One job: a mark for each of its times, a band for what has very many.
    func lane(_ lines: [AgendaView], _ job: String) -> String {
        var drawing = Drawing(
            width: Self.width, height: 16, words: "\(job): \(lines.reduce(0) { $0 + $1.count }) times")
        for line in lines {
            let first = x(line.at)
            let last = line.last.map(x) ?? first
            drawing.bar(
                x: min(first, Self.width - 4), y: 2, width: max(4, last - first), height: 12,
                line.count > 1 ? "band" : "coming",
                line.count > 1 ? "\(line.count) times" : self.zone(line.timeZone).format(line.at))
        }
        for change in Self.changes(in: zone, from: start, until: end) {
            drawing.line(x: x(change.at), height: 16, "change")
        }
        return drawing.svg
    }

    private func zone(_ name: String) -> Zone { name == zone.name ? zone : (try? ZoneDatabase().zone(name)) ?? zone }

    /// Marks hours, or days where the stretch is long, by the clock of the zone, and where that clock is changed.
    private func ruler(_ drawing: inout Drawing, height: Int) {
        let hour: Int64 = 3_600_000_000
        let isLong = end.microseconds - start.microseconds > 49 * hour
        var time = HourCount.hour(of: start)
        var last = Int.min
        while time < end {
            time = time.adding(microseconds: hour / 4)
            let local = zone.local(time)
            let mark = isLong ? local.day : local.hour
            guard local.minute == 0, isLong ? local.hour == 0 : local.hour % 3 == 0, time > start, mark != last else {
                continue
            }
            last = mark
            drawing.line(x: x(time), height: height + 4, "hour")
            let words =
                isLong
                ? "\(local.month)-\(local.day < 10 ? "0" : "")\(local.day)"
                : "\(local.hour < 10 ? "0" : "")\(local.hour):00"
            drawing.text(x: x(time), y: height + 16, words, anchor: "middle")
        }
        for change in Self.changes(in: zone, from: start, until: end) {
            drawing.line(x: x(change.at), height: height + 4, "change")
            drawing.text(
                x: x(change.at), y: height + 28, "\(change.before) → \(change.after)", anchor: "middle")
        }
    }

    /// Finds when the clocks of a zone are changed.
    package static func changes(in zone: Zone, from start: Timestamp, until end: Timestamp) -> [ClockChangeView] {
        zone.changes(after: start, through: end).map { ClockChangeView($0, zone) }
    }
}
