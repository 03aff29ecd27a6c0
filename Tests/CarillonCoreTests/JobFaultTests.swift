import CarillonCore
import CarillonTestSupport
import Testing
import Timetable

/// What no definition may hold, and what a name is.
@Suite struct JobFaultTests {
    private static let good = Job(
        name: "a", schedule: ScheduleText(.every("1h", anchor: Timestamp(seconds: 0))),
        target: Samples.target)

    @Test func aGoodJobHasNone() { #expect(Self.good.fault == nil) }

    private static func target(named name: String) -> Target {
        Target(kind: SampleTarget.kind, summary: "", body: #"{"name":"\#(name)"}"#)
    }

    @Test(
        arguments: [
            { (job: inout Job) in job.name = "" },
            { $0.name = "a\u{1b}b" },
            { $0.name = String(repeating: "é", count: 101) },
            { $0.policies.startTimeout = .min },
            { $0.policies.timeout = -1 },
            { $0.policies.window = -1 },
            { $0.policies.retry.attempts = 0 },
            { $0.policies.retry.backoff = -1 },
            { $0.policies.maxRuns = 0 },
            { $0.policies.overlap = .queue(max: -1) },
            { $0.policies.catchUp = .all(limit: .max, rate: 10) },
            { $0.policies.catchUp = .all(limit: 10, rate: 1e-300) },
            { $0.policies.catchUp = .all(limit: 10, rate: .nan) },
            { $0.schedule.jitter = -1 },
            { $0.target = JobFaultTests.target(named: String(repeating: "x", count: Job.largest)) },
            { $0.tags = Array(repeating: String(repeating: "x", count: Job.longestTag), count: Job.largest / 100) },
            { $0.tags = ["é" + String(repeating: "x", count: Job.longestTag - 1)] },
            { $0.schedule.startsAt = Timestamp(microseconds: .min) },
            { $0.schedule.rule = .every("1h", anchor: Timestamp(microseconds: .max)) },
        ] as [@Sendable (inout Job) -> Void])
    func eachIsSaid(_ spoil: @Sendable (inout Job) -> Void) {
        var job = Self.good
        spoil(&job)
        #expect(job.fault != nil, "\(job)")
    }

    @Test func aNameHasOneSpelling() {
        let decomposed = "cafe\u{301}"
        #expect(
            Array(Job(name: decomposed, schedule: Self.good.schedule, target: Self.good.target).name.utf8).count == 5)
        #expect(Array(Job.canonical("plain").utf8) == Array("plain".utf8))
        // Bytes count after that: 200 of them fit, of which each letter was three before.
        #expect(Job.fault(inName: String(repeating: "e\u{301}", count: 100)) == nil)
        #expect(Job.fault(inName: String(repeating: "e\u{301}", count: 101)) != nil)
    }

    /// What Swift calls equal is not the same to a file system.
    @Test func textsAreWrittenByteByByte() throws {
        var texts = JobTexts()
        let spellings = ["caf\u{e9}", "cafe\u{301}", "caf\u{e9}"]
        for change in [
            { (job: inout Job, text: String) in job.tags = [text] },
            { $0.target = JobFaultTests.target(named: $1) },
            { $0.schedule.rule = .cron($1, .unix, anchor: Samples.noon) },
            { $0.schedule.exclusions = [.init(name: $1, dates: [])] },
        ] as [(inout Job, String) -> Void] {
            let digests = try spellings.map { spelling in
                var job = Self.good
                change(&job, spelling)
                return try texts.parts(of: job).digest
            }
            #expect(digests[0] != digests[1] && digests[0] == digests[2])
        }
    }

    @Test func numbersAtTheEndsOfTheRange() {
        #expect(Int64(saturating: .infinity) == .max && Int64(saturating: -.infinity) == .min)
        #expect(Int64(saturating: .nan) == 0 && Int64(saturating: 1e300) == .max && Int64(saturating: -1e300) == .min)
        #expect(Int64(saturating: 0x1p63) == .max && Int64(saturating: -0x1p63) == .min && Int64(saturating: 2.9) == 2)
    }

    @Test func oneLineMovesNoCursorAndForgesNoLine() {
        #expect("plain ü 🚀 نص".oneLine == "plain ü 🚀 نص")
        #expect("a\nb\tc\r\u{1b}]0;x\u{7}\u{7f}\u{9b}31m".oneLine == "a\\nb\\tc\\r\\u{1b}]0;x\\u{7}\\u{7f}\\u{9b}31m")
        #expect(
            "\u{202e}evil\u{2066}\u{200b}\u{2028}\u{feff}".oneLine
                == "\\u{202e}evil\\u{2066}\\u{200b}\\u{2028}\\u{feff}")
        #expect("a\n\tb\u{1b}[2J\r\n".severalLines == "a\n\tb\\u{1b}[2J\\r\n")
        // Two bytes that are one character to Swift.
        #expect("a\r\nb".oneLine == "a\\r\\nb")
    }
}
