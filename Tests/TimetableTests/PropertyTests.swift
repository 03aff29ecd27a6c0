import Testing
import Timetable

/// `next` and `previous` against a scan of every minute around changes of the clock.
@Suite struct PropertyTests {
    /// Zones with a change near each instant: hours, half-hours, a quarter, a day, forward and back.
    static let changes: [(zone: String, near: String)] = [
        ("America/New_York", "2025-03-09T07:00:00Z"), ("America/New_York", "2025-11-02T06:00:00Z"),
        ("Europe/Berlin", "2150-03-29T01:00:00Z"), ("Europe/Dublin", "2025-10-26T01:00:00Z"),
        ("Australia/Lord_Howe", "2024-10-05T15:30:00Z"), ("Australia/Lord_Howe", "2025-04-05T15:00:00Z"),
        ("Antarctica/Troll", "2025-03-30T01:00:00Z"), ("Antarctica/Troll", "2025-10-26T01:00:00Z"),
        ("America/Sao_Paulo", "2018-11-04T03:00:00Z"), ("America/Sao_Paulo", "2018-02-18T02:00:00Z"),
        ("Asia/Kathmandu", "1985-12-31T18:30:00Z"), ("Pacific/Apia", "2011-12-30T10:00:00Z"),
        ("Antarctica/Casey", "2009-10-17T18:00:00Z"), ("Antarctica/Casey", "2010-03-04T15:00:00Z"),
        ("America/St_Johns", "2006-04-02T03:31:00Z"), ("Pacific/Kwajalein", "1993-08-21T12:00:00Z"),
        ("Asia/Gaza", "2030-04-13T00:00:00Z"), ("Asia/Tokyo", "2025-01-01T00:00:00Z"),
    ]

    static let policies: [DSTPolicy] = ([nil] + DSTPolicy.Gap.allCases.map { $0 }).flatMap { gap in
        ([nil] + DSTPolicy.Overlap.allCases.map { $0 }).map { DSTPolicy(gap: gap, overlap: $0) }
    }

    @Test(arguments: changes.indices)
    func agreesWithTheScan(index: Int) throws {
        let (name, near) = Self.changes[index]
        let zone = try database.zone(name)
        let center = Int(try instant(near).seconds / 60)
        var random = SeededGenerator(seed: UInt64(index))
        for round in 0..<36 {
            let scan = MinuteScan(using: &random)
            let policy = Self.policies[round % Self.policies.count]
            let expression = try CronExpression(scan.text)
            #expect(expression.isInterval == scan.isInterval)
            let (start, length) = (center - 2000, 4000)
            let expected = scan.occurrences(from: start, length: length, in: zone, dst: policy)
            let label = "'\(scan.text)' in \(name) near \(near) with \(policy)"

            var forward: [Timestamp] = []
            var last = Timestamp(seconds: Int64(start * 60)).adding(microseconds: -1)
            let end = Timestamp(seconds: Int64((start + length) * 60))
            while let next = expression.next(after: last, in: zone, dst: policy), next < end {
                forward.append(next)
                last = next
            }
            #expect(forward == expected, "\(label): \(Self.difference(forward, expected))")

            var backward: [Timestamp] = []
            last = end
            let first = Timestamp(seconds: Int64(start * 60))
            while let previous = expression.previous(before: last, in: zone, dst: policy), previous >= first {
                backward.append(previous)
                last = previous
            }
            #expect(
                backward.reversed() == expected, "\(label), back: \(Self.difference(backward.reversed(), expected))")
        }
    }

    /// With seconds, extras and years: whatever `next` finds, `previous` finds from there, and nothing lies between.
    @Test(arguments: [
        "*/7 */13 * * * *", "30 59 23 L * *", "15 0 2 ? * FRI#2", "0,59 30 1-3 * 3,11 * 2024-2027",
        "10 */20 2 15W,LW * *",
        "5-10 0 0 29 2 *", "0 0 0 1 1 * */3", "20 30 2 * * SUNL", "0 30 2 8-14 3 +SUN", "59 59 1 L-2W,L-5 * *",
    ])
    func previousInvertsNext(text: String) throws {
        let expression = try CronExpression(text)
        for (name, near) in Self.changes {
            let zone = try database.zone(name)
            var last = try instant(near).adding(microseconds: -86_400_000_000)
            for _ in 0..<40 {
                guard let next = expression.next(after: last, in: zone) else { break }
                #expect(next > last)
                let halfway = next.adding(microseconds: (last.microseconds - next.microseconds) / 2)
                #expect(expression.next(after: halfway, in: zone) == next)
                #expect(expression.next(after: next.adding(microseconds: -1), in: zone) == next)
                #expect(expression.previous(before: next.adding(microseconds: 1), in: zone) == next)
                if let back = expression.previous(before: next, in: zone) { #expect(back <= last || back < next) }
                if let following = expression.next(after: next, in: zone) {
                    #expect(
                        expression.previous(before: following, in: zone) == next, "\(text) in \(name) at \(following)")
                }
                last = next
            }
        }
    }

    private static func difference(_ got: [Timestamp], _ expected: [Timestamp]) -> String {
        let missing = Set(expected).subtracting(got).sorted().prefix(5)
        let extra = Set(got).subtracting(expected).sorted().prefix(5)
        return "missing \(missing), too many \(extra)"
    }
}
