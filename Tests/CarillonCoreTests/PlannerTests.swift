import CarillonCore
import CarillonTestSupport
import Testing
import Timetable

/// An hourly job, planned at half past twelve; its cursor stands at seven.
@Suite struct PlannerTests {
    private static let zones = ZoneDatabase()
    private static let hour: Int64 = 3_600_000_000

    private static func at(_ hour: Int64, _ minute: Int64 = 0, _ second: Int64 = 0) -> Timestamp {
        Timestamp(seconds: 1_767_225_600 + hour * 3_600 + minute * 60 + second)
    }

    private static let half = at(12, 30)

    private struct Case {
        var policies = Policies(overlap: .allow)
        var text = ScheduleText(.every("1h", anchor: Timestamp(seconds: 0)))
        var cursor = PlannerTests.at(7)
        var now = PlannerTests.half
        var live = PlannerTests.half
        var activity = Planner.Activity.none
        var opened: Int64 = 0
        var skipping: [Timestamp] = []
        var bootedAt: Timestamp?
        var gaps = [Gap(after: .distantPast, through: PlannerTests.half, reason: .downtime)]

        func stored(_ schedule: Schedule) -> StoredJob {
            var job = Job(name: "a", schedule: text, target: Samples.target, policies: policies)
            if !skipping.isEmpty { job.standing = Standing(skipping: skipping) }
            return StoredJob(
                id: JobID(1), job: job,
                revision: 3, cursor: cursor, nextDue: Planner.nextDue(of: schedule, after: cursor), opened: opened)
        }

        func plan() throws -> JobAdvance? {
            let schedule = try #require(try text.compile(job: "a", zones: zones))
            return Planner(
                storeID: 9, instance: "i", now: now, live: live, gaps: gaps, bootedAt: bootedAt
            ).plan(stored(schedule), schedule: schedule, activity: activity)
        }
    }

    /// Skips as `after-through reason`, in hours and minutes.
    private static func words(_ skips: [Skip]) -> [String] {
        skips.map { "\(clock($0.after))-\(clock($0.through)) \($0.reason)" }
    }

    private static func clock(_ time: Timestamp) -> String { String(time.rfc3339.dropFirst(11).prefix(5)) }

    private static func times(_ advance: JobAdvance?) -> [String] { advance?.runs.map { clock($0.scheduledAt) } ?? [] }

    @Test func nothingIsDue() throws {
        #expect(try Case(cursor: Self.at(12)).plan() == nil)
    }

    @Test func catchesUpNone() throws {
        let advance = try #require(try Case(policies: Policies(catchUp: .skip, overlap: .allow)).plan())
        #expect(advance.runs.isEmpty)
        #expect(Self.words(advance.skips) == ["07:00-12:00 downtime"])
        #expect(advance.from == Self.at(7) && advance.to == Self.at(12) && advance.nextDue == Self.at(13))
    }

    @Test func catchesUpTheLatest() throws {
        let advance = try #require(try Case().plan())
        #expect(Self.times(advance) == ["12:00"])
        #expect(advance.runs.first?.trigger == .catchUp)
        #expect(Self.words(advance.skips) == ["07:00-11:00 downtime"])
    }

    /// Of seven to twelve, nine and twelve are to be skipped: that is why they did not run, whatever else happened.
    @Test func skipsWhatAnOrderSaid() throws {
        let skipping = [Self.at(9), Self.at(12)]
        var missed = Case(policies: Policies(catchUp: .skip, overlap: .allow))
        missed.skipping = skipping
        let none = try #require(try missed.plan())
        #expect(
            Self.words(none.skips) == [
                "07:00-08:00 downtime", "08:00-09:00 ordered", "09:00-11:00 downtime", "11:00-12:00 ordered",
            ])
        #expect(none.to == Self.at(12) && none.nextDue == Self.at(13))
        missed.policies.catchUp = .all(limit: 9, rate: 0)
        let all = try #require(try missed.plan())
        #expect(Self.times(all) == ["08:00", "10:00", "11:00"])
        #expect(Self.words(all.skips) == ["08:00-09:00 ordered", "11:00-12:00 ordered"])
        // One that is due, with nothing missed.
        var due = Case(cursor: Self.at(11), now: Self.at(12), live: Self.at(7), gaps: [])
        #expect(Self.times(try due.plan()) == ["12:00"])
        due.skipping = skipping
        let skipped = try #require(try due.plan())
        #expect(skipped.runs.isEmpty && Self.words(skipped.skips) == ["11:00-12:00 ordered"])
        // A time that is none of its schedule is none that is skipped.
        due.skipping = [Self.at(11, 59)]
        #expect(Self.times(try due.plan()) == ["12:00"])
    }

    @Test func catchesUpTheNewestAtARate() throws {
        let advance = try #require(
            try Case(policies: Policies(catchUp: .all(limit: 3, rate: 0.5), overlap: .allow)).plan())
        #expect(Self.times(advance) == ["10:00", "11:00", "12:00"])
        #expect(advance.runs.map { $0.notBefore.seconds - Self.half.seconds } == [0, 2, 4])
        #expect(Self.words(advance.skips) == ["07:00-09:00 downtime"])
    }

    @Test func whatWasAskedForWaitsForEachOther() throws {
        let advance = try Case(policies: Policies(catchUp: .all(limit: 3, rate: 10), overlap: .skip)).plan()
        #expect(Self.times(advance) == ["10:00", "11:00", "12:00"])
    }

    @Test func timesThatPassedInTheLastMinuteAreNotMissed() throws {
        for (minute, second, trigger) in [(Int64(0), Int64(59), Trigger.schedule), (1, 1, .catchUp)] {
            let advance = try Case(
                policies: Policies(overlap: .allow), cursor: Self.at(11), now: Self.at(12, minute, second),
                live: Self.at(6)
            ).plan()
            #expect(advance?.runs.map(\.trigger) == [trigger])
        }
    }

    @Test func aWindowEndsCatchUp() throws {
        let policies = Policies(catchUp: .all(limit: 9, rate: 10), window: 2 * Self.hour, overlap: .allow)
        let advance = try #require(try Case(policies: policies).plan())
        #expect(Self.times(advance) == ["11:00", "12:00"])
        #expect(Self.words(advance.skips) == ["07:00-09:00 downtime", "09:00-10:00 window"])
        let narrow = try #require(try Case(policies: Policies(window: 60_000_000, overlap: .allow)).plan())
        #expect(narrow.runs.isEmpty && narrow.skips.last?.reason == .window)
    }

    @Test(arguments: [
        (Overlap.allow, 1, 0, 1), (.replace, 1, 0, 1), (.skip, 0, 0, 1), (.skip, 1, 0, 0), (.skip, 1, 1, 0),
        (.queue(max: 0), 0, 0, 1), (.queue(max: 0), 1, 0, 0), (.queue(max: 2), 2, 1, 1), (.queue(max: 2), 3, 2, 0),
    ])
    func overlap(_ overlap: Overlap, active: Int, waiting: Int, runs: Int) throws {
        let advance = try #require(
            try Case(
                policies: Policies(overlap: overlap), cursor: Self.at(11), now: Self.at(12), live: Self.at(6),
                activity: Planner.Activity(active: active, waiting: waiting)
            ).plan())
        #expect(advance.runs.count == runs)
        #expect(Self.words(advance.skips) == (runs == 0 ? ["11:00-12:00 overlap"] : []))
    }

    @Test func excludedTimesAreSkippedUnderTheirCalendar() throws {
        var text = ScheduleText(.cron("0 12 * * *", .unix, anchor: Timestamp(seconds: 0)))
        text.exclusions = [ScheduleText.Calendar(name: "holidays", dates: ["2026-01-01"])]
        let advance = try #require(try Case(text: text).plan())
        #expect(advance.runs.isEmpty)
        #expect(Self.words(advance.skips) == ["07:00-12:00 calendar"])
        #expect(advance.skips.first?.detail == "holidays")
        #expect(advance.nextDue == Self.at(36))
    }

    @Test func jitterDelaysAndDoesNotMove() throws {
        var text = ScheduleText(.every("1h", anchor: Timestamp(seconds: 0)))
        text.jitter = 600_000_000
        let run = try #require(
            try Case(text: text, cursor: Self.at(11), now: Self.at(12), live: Self.at(6)).plan()?.runs.first)
        #expect(run.scheduledAt == Self.at(12))
        #expect(run.notBefore > Self.at(12) && run.notBefore < Self.at(12, 10))
        #expect(run.id == RunID(store: 9, job: "a", scheduledAt: Self.at(12)))
    }

    @Test func aGapThatLeavesTimesOutIsRecorded() throws {
        var text = ScheduleText(.cron("30 2 * * *", .unix, anchor: Timestamp(seconds: 0)), zone: "Europe/Berlin")
        text.dst = DSTPolicy(gap: .skip)
        let before = try #require(Timestamp(rfc3339: "2026-03-28T01:30:00Z"))
        let after = try #require(Timestamp(rfc3339: "2026-03-30T00:30:00Z"))
        let advance = try #require(try Case(text: text, cursor: before, now: after, live: Self.at(0)).plan())
        #expect(advance.runs.map(\.scheduledAt) == [after])
        #expect(advance.skips.map(\.reason) == [.gap])
        #expect(advance.skips.first?.after == before)
    }

    @Test func opensNoMoreRunsThanItMay() throws {
        let policies = Policies(catchUp: .all(limit: 9, rate: 10), overlap: .allow, maxRuns: 5)
        let last = try #require(try Case(policies: policies, opened: 3).plan())
        #expect(Self.times(last) == ["08:00", "09:00"])
        #expect(last.to == Self.at(9))
        // The store counts; runs that were there already are not counted twice.
        #expect(last.nextDue == Self.at(10))
        let done = try #require(try Case(policies: policies, opened: 5).plan())
        #expect(done.runs.isEmpty && done.skips.isEmpty && done.nextDue == nil)
    }

    @Test func runsOnceForABoot() throws {
        let text = ScheduleText(.cron("@reboot", .unix, anchor: Timestamp(seconds: 0)))
        let advance = try #require(try Case(text: text, bootedAt: Self.at(12)).plan())
        #expect(advance.runs.map(\.trigger) == [.boot] && advance.to == Self.at(12))
        #expect(advance.nextDue == .distantFuture)
        #expect(try Case(text: text, cursor: Self.at(12), bootedAt: Self.at(12)).plan() == nil)
        #expect(try Case(text: text).plan() == nil)
    }

    /// A job of every second, looked at after so many seconds.
    private static func frozen(_ seconds: Int64, _ policies: Policies, active: Int = 0) throws -> JobAdvance {
        var text = ScheduleText(.every("1s", anchor: Timestamp(seconds: 0)))
        text.zone = "UTC"
        return try #require(
            try Case(
                policies: policies, text: text, cursor: at(12), now: at(12, 0, seconds).adding(microseconds: 400_000),
                live: at(6), activity: Planner.Activity(active: active, waiting: 0),
                gaps: [Gap(after: .distantPast, through: at(6), reason: .downtime)]
            ).plan())
    }

    @Test(
        arguments: [Overlap.allow, .skip, .queue(max: 1), .replace], [CatchUp.skip, .latest, .all(limit: 6, rate: 2)])
    func ofSeveralThatAreDueTheNewestRunsAndTheOthersAreMissed(_ overlap: Overlap, _ catchUp: CatchUp) throws {
        let advance = try Self.frozen(20, Policies(catchUp: catchUp, overlap: overlap))
        let caughtUp: Int64 =
            switch catchUp {
            case .skip: 0
            case .latest: 1
            case .all: 6
            }
        #expect(advance.runs.map(\.scheduledAt) == (20 - caughtUp...20).map { Self.at(12, 0, $0) })
        #expect(advance.runs.map(\.trigger) == Array(repeating: .catchUp, count: Int(caughtUp)) + [.schedule])
        #expect(advance.skips.map(\.reason) == [.stall])
        #expect(advance.skips.map(\.after) == [Self.at(12)])
        #expect(advance.skips.map(\.through) == [Self.at(12, 0, 19 - caughtUp)])
        #expect(advance.to == Self.at(12, 0, 20) && advance.nextDue == Self.at(12, 0, 21))
    }

    @Test func anOverlapIsOneWithWhatWasActiveBefore() throws {
        let advance = try Self.frozen(20, Policies(catchUp: .skip, overlap: .skip), active: 1)
        #expect(advance.runs.isEmpty)
        #expect(advance.skips.map(\.reason) == [.stall, .overlap])
        #expect(advance.skips.map(\.through) == [Self.at(12, 0, 19), Self.at(12, 0, 20)])
    }

    @Test func aTimeAMinuteAgoIsMissed() throws {
        let policies = Policies(catchUp: .skip, overlap: .allow)
        for (second, runs) in [(Int64(59), 1), (61, 0)] {
            let advance = try Case(
                policies: policies, cursor: Self.at(11), now: Self.at(12, 0, second), live: Self.at(6), gaps: []
            ).plan()
            #expect(advance?.runs.count == runs)
            #expect(advance?.skips.map(\.reason) == (runs == 0 ? [.stall] : []))
        }
    }

    @Test func eachGapGivesItsReason() throws {
        let gaps = [
            Gap(after: .distantPast, through: Self.at(8), reason: .downtime),
            Gap(after: Self.at(9, 30), through: Self.at(11, 30), reason: .clock),
        ]
        let advance = try #require(
            try Case(policies: Policies(catchUp: .skip, overlap: .allow), live: Self.at(8), gaps: gaps).plan())
        #expect(
            Self.words(advance.skips) == [
                "07:00-08:00 downtime", "08:00-09:00 stall", "09:00-11:00 clock", "11:00-12:00 stall",
            ])
    }

    /// The first of two tells; where it begins and ends the reason changes.
    @Test func ofTwoGapsTheFirstTells() throws {
        let gaps = [
            Gap(after: Self.at(8, 30), through: Self.at(10, 30), reason: .paused, detail: "x"),
            Gap(after: .distantPast, through: Self.half, reason: .downtime),
        ]
        let advance = try #require(
            try Case(policies: Policies(catchUp: .skip, overlap: .allow), live: Self.half, gaps: gaps).plan())
        #expect(Self.words(advance.skips) == ["07:00-08:00 downtime", "08:00-10:00 paused", "10:00-12:00 downtime"])
    }

    @Test func skipsAllThereWas() throws {
        let schedule = try #require(try Case().text.compile(job: "a", zones: Self.zones))
        let planner = Planner(storeID: 9, instance: "i", now: Self.half, live: Self.half)
        let skip = try #require(planner.skipAll(Case().stored(schedule), schedule: schedule, reason: .disabled))
        #expect(Self.words([skip]) == ["07:00-12:00 disabled"])
        #expect(
            planner.skipAll(Case(cursor: Self.at(12)).stored(schedule), schedule: schedule, reason: .disabled) == nil)
        let done = Case(policies: Policies(maxRuns: 2), opened: 2).stored(schedule)
        #expect(planner.skipAll(done, schedule: schedule, reason: .disabled) == nil)
    }
}
