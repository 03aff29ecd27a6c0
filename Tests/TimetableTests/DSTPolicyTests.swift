import Testing
import Timetable

/// Every combination of policy and class, in New York in 2025.
@Suite struct DSTPolicyTests {
    static let combinations: [(DSTPolicy.Gap?, DSTPolicy.Overlap?)] = PropertyTests.policies.map {
        ($0.gap, $0.overlap)
    }

    @Test(arguments: combinations)
    func fixed(gap: DSTPolicy.Gap?, overlap: DSTPolicy.Overlap?) throws {
        let policy = DSTPolicy(gap: gap, overlap: overlap)
        let march = try cron("30 2 * * *", "America/New_York", dst: policy)
        let bridged = occurrences(march, after: try instant("2025-03-08T12:00:00Z"), count: 1)
        #expect(bridged == [gap == .skip ? "2025-03-10T06:30:00Z" : "2025-03-09T07:00:00Z"])
        let november = try cron("30 1 * * *", "America/New_York", dst: policy)
        let repeated = occurrences(november, after: try instant("2025-11-01T12:00:00Z"), count: 3)
        #expect(repeated.filter { $0 < "2025-11-03" } == passes(overlap ?? .first))
    }

    @Test(arguments: combinations)
    func interval(gap: DSTPolicy.Gap?, overlap: DSTPolicy.Overlap?) throws {
        let policy = DSTPolicy(gap: gap, overlap: overlap)
        let march = try cron("*/30 2 * * *", "America/New_York", dst: policy)
        let bridged = occurrences(march, after: try instant("2025-03-08T12:00:00Z"), count: 1)
        #expect(bridged == [gap == .run ? "2025-03-09T07:00:00Z" : "2025-03-10T06:00:00Z"])
        let november = try cron("30/30 * 2 11 *", "America/New_York", dst: policy)
        let repeated = occurrences(november, after: try instant("2025-11-02T05:00:00Z"), count: 2)
        #expect(repeated.filter { $0 < "2025-11-02T07" } == passes(overlap ?? .both))
    }

    /// The passes of 01:30 on the second of November.
    private func passes(_ overlap: DSTPolicy.Overlap) -> [String] {
        let both = ["2025-11-02T05:30:00Z", "2025-11-02T06:30:00Z"]
        return overlap == .both ? both : [both[overlap == .first ? 0 : 1]]
    }

    @Test func droppedLocalTimes() throws {
        let apia = try cron("0 9 30 * *", "Pacific/Apia")
        let (before, change, later) = (
            try instant("2011-12-29T12:00:00Z"), try instant("2011-12-30T10:00:00Z"),
            try instant("2012-01-05T00:00:00Z")
        )
        #expect(apia.droppedLocalTimes(after: before, through: later))
        #expect(apia.droppedLocalTimes(after: before, through: change))
        #expect(!apia.droppedLocalTimes(after: change, through: later))
        #expect(!apia.droppedLocalTimes(after: before, through: change.adding(microseconds: -1)))
        #expect(!(try cron("0 9 29 * *", "Pacific/Apia")).droppedLocalTimes(after: before, through: later))
        #expect(!(try cron("* 9 30 * *", "Pacific/Apia")).droppedLocalTimes(after: before, through: later))

        let (start, end) = (try instant("2025-03-08T00:00:00Z"), try instant("2025-03-10T00:00:00Z"))
        let bridged = try cron("30 2 * * *", "America/New_York")
        let skipped = try cron("30 2 * * *", "America/New_York", dst: .init(gap: .skip))
        #expect(!bridged.droppedLocalTimes(after: start, through: end))
        #expect(skipped.droppedLocalTimes(after: start, through: end))
        var late = skipped
        late.startsAt = end
        #expect(!late.droppedLocalTimes(after: start, through: end))
        #expect(!Schedule(rule: .reboot, zone: skipped.zone).droppedLocalTimes(after: start, through: end))
        #expect(!skipped.droppedLocalTimes(after: .distantPast, through: .distantPast))
    }
}
