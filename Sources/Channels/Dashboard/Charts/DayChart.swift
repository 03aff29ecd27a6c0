import CarillonCore
import CarillonEngine
import Timetable

/// A day behind and a day ahead, an hour each: what ended, and what is to come.
struct DayChart {
    static let hours = 24
    private static let hour: Int64 = 3_600_000_000

    private var good = [Int](repeating: 0, count: hours)
    private var bad = [Int](repeating: 0, count: hours)
    private var coming = [Int](repeating: 0, count: hours)
    private let begin: Timestamp
    private let now: Timestamp
    private let zone: Zone

    /// Takes what is to come line by line, or as it was counted, hour by hour.
    init(_ counts: [HourView], coming lines: [AgendaView], counted: [Int]? = nil, now: Timestamp, zone: Zone) {
        self.now = now
        self.zone = zone
        let here = HourCount.hour(of: now)
        begin = here.adding(microseconds: -Self.hour * Int64(Self.hours - 1))
        for count in counts {
            let place = Int((count.hour.microseconds - begin.microseconds) / Self.hour)
            guard good.indices.contains(place) else { continue }
            switch count.state {
            case .completed, .cancelled: good[place] += count.runs
            case .failed: bad[place] += count.runs
            default: break
            }
        }
        if let counted {
            coming = counted
            return
        }
        for line in lines {
            Density.spread(line, over: &coming, from: now, bucket: Self.hour)
        }
    }

    /// Where it ends, as a forecast has to be asked for.
    static func end(of now: Timestamp) -> Timestamp { now.adding(microseconds: hour * Int64(hours)) }
    static func start(of now: Timestamp) -> Timestamp {
        HourCount.hour(of: now).adding(microseconds: -hour * Int64(hours - 1))
    }

    /// The busiest coming hour: how many, and when it begins.
    var peak: (count: Int, at: Timestamp)? {
        guard let most = coming.max(), most > 0, let place = coming.firstIndex(of: most) else { return nil }
        return (most, now.adding(microseconds: Int64(place) * Self.hour))
    }

    /// One bar an hour, 24 wide; the past to the left of the middle.
    var svg: String {
        let height = 110
        let most = Double(max(1, zip(good, bad).map { $0 + $1 }.max() ?? 1, coming.max() ?? 1))
        let total = (good.reduce(0, +), bad.reduce(0, +), coming.reduce(0, +))
        var drawing = Drawing(
            width: Self.hours * 48 + 16, height: height + 18,
            words: "The last 24 hours: \(total.0) completed, \(total.1) failed. "
                + "The next 24 hours: \(total.2) times.")
        func bar(_ x: Int, _ parts: [(Int, String)], _ words: String) {
            var y = Double(height)
            for (count, look) in parts where count > 0 {
                let size = max(2, Double(count) / most * Double(height - 4))
                y -= size
                drawing.bar(x: x, y: y, width: 20, height: size, look, words)
            }
        }
        for place in 0..<Self.hours {
            let time = label(begin.adding(microseconds: Int64(place) * Self.hour))
            let words = "\(time): \(good[place]) completed, \(bad[place]) failed"
            bar(place * 24, [(bad[place], "bad"), (good[place], "good")], words)
        }
        let middle = Self.hours * 24 + 6
        drawing.line(x: middle, height: height + 4, "now")
        for place in 0..<Self.hours {
            let time = label(now.adding(microseconds: Int64(place) * Self.hour))
            bar(middle + 10 + place * 24, [(coming[place], "coming")], "\(time): \(coming[place]) to come")
        }
        drawing.text(x: 0, y: height + 16, label(begin))
        drawing.text(x: middle, y: height + 16, "now", anchor: "middle")
        drawing.text(x: Self.hours * 48 + 16, y: height + 16, label(Self.end(of: now)), anchor: "end")
        return drawing.svg
    }

    private func label(_ time: Timestamp) -> String {
        let local = zone.local(time)
        return "\(local.hour < 10 ? "0" : "")\(local.hour):\(local.minute < 10 ? "0" : "")\(local.minute) "
            + zone.offset(at: time).abbreviation
    }
}

/// Coming times, counted by stretches of equal length.
enum Density {
    /// Adds a line of an agenda; many times of one job are taken to lie evenly between the first and the last of them.
    static func spread(_ line: AgendaView, over buckets: inout [Int], from start: Timestamp, bucket: Int64) {
        func place(_ time: Timestamp) -> Int { Int((time.microseconds - start.microseconds) / bucket) }
        let first = place(line.at)
        guard line.count > 1, let last = line.last.map(place), last > first else {
            if buckets.indices.contains(first) { buckets[first] += line.count }
            return
        }
        let each = Double(line.count) / Double(last - first + 1)
        var given = 0
        for number in 0...(last - first) {
            // The parts add up to the whole.
            let upTo = number == last - first ? line.count : Int((Double(number + 1) * each).rounded())
            if buckets.indices.contains(first + number) { buckets[first + number] += upTo - given }
            given = upTo
        }
    }
}
