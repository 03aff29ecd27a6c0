import CarillonCore
import CarillonTestSupport
import MailNotifier
import Testing
import Timetable

/// What stands in a mail.
@Suite struct DigestTests {
    private func digest(_ notices: [Notice], failures: Int = 0) -> Digest {
        var gathered = NoticeBatch()
        for notice in notices { gathered.add(notice) }
        return Digest(gathered, host: "tower", failures: failures)
    }

    @Test func oneFailureIsToldWhole() throws {
        var one = digest([.failure("payroll", 0xabc, tail: "line 1\n\tline 2\r\nlast\u{1b}[0m\n\n")])
        #expect(one.subject == "Carillon on tower: 1 run failed (payroll)")
        #expect(
            one.text == """
                Carillon on tower: 1 run failed.

                payroll failed
                    scheduled:  2026-11-21 12:00:00 UTC
                    run:        6b0187c00000000000000abc
                    error:      exit code 3
                    output, its last lines:
                    | line 1
                    |     line 2
                    | last [0m

                More: carillon runs show RUN, carillon runs list --job JOB, carillon why JOB TIME

                """, "\(one.text)")
        #expect(one.jobs == ["payroll"])
        one.zones["payroll"] = try ZoneDatabase().zone("America/New_York")
        #expect(one.text.contains("scheduled:  2026-11-21 07:00:00 EST\n"))
    }

    @Test func failuresComeFirst() {
        let some = digest(
            [.queue("sync"), .miss("report"), .failure("payroll", tail: ""), .miss("report")], failures: 2)
        #expect(
            some.subject == "Carillon on tower: 1 run failed, 1 job missed times, 1 run queued (payroll, report, sync)")
        let text = some.text
        let places = ["tried 2 times", "payroll failed", "report missed times", "through:    2026", "sync was queued"]
            .map {
                text.firstRange(of: $0)?.lowerBound
            }
        #expect(!places.contains(nil) && places.compactMap(\.self) == places.compactMap(\.self).sorted(), "\(text)")
        #expect(text.contains("why:        nobody was scheduling at that time"))
        #expect(!text.contains("output, its last lines"))
    }

    @Test func aRunThatWaitedTooLong() {
        guard case .failed(var run) = Notice.failure("sync") else { return }
        run.held = Hold(since: Samples.noon, why: "Redis is away")
        run.reason = "its catch_up wants no more of it"
        let text = digest([.passedOver(run)]).text
        #expect(text.contains("sync was passed over\n") && text.contains("it waited: Redis is away"))
        #expect(text.contains("1 job missed times") && text.contains("why:        its catch_up wants no more of it"))
    }

    @Test func aStormIsCounted() {
        let storm = digest((0..<10_000).map { .failure("job \($0 % 4)", UInt64($0), tail: "x") } + [.miss("last")])
        #expect(
            storm.subject == "Carillon on tower: 10,000 runs failed, 1 job missed times (job 0, job 1, job 2, …)")
        let text = storm.text
        #expect(text.ranges(of: "\n    run: ").count == 80 && text.contains("\nlast missed times"))
        #expect(text.contains("    2,500 failed  job 3\n") && text.contains("… and 2,480 more of job 3.\n"))
        #expect(text.contains("9,920 more are not listed here.") && text.utf8.count < 30_000)
    }

    @Test func everyJobOfManyHasItsShare() {
        let storm = digest(
            (0..<3_000).map { .failure("noisy", UInt64($0)) } + (0..<5_000).map { .failure("job \($0)") })
        #expect(storm.text.ranges(of: "\n    run: ").count == Digest.mostListed)
        #expect(storm.text.contains("\njob 98 failed\n") && !storm.text.contains("\njob 99 failed\n"))
        #expect(storm.text.contains("\n… and 2,999 more of noisy.\n") && storm.subject.contains("8,000 runs failed"))
        #expect(storm.text.contains("… and 950 more lines of other jobs\n"))
    }

    @Test func namesWithLineBreaksStayOnTheirLine() {
        let mean = digest([.failure("a\r\nBcc: x\u{2028}y\u{1b}", error: "no\nsuch\0thing")])
        #expect(mean.subject == "Carillon on tower: 1 run failed (a  Bcc: x y )")
        #expect(mean.text.contains("\na  Bcc: x y  failed\n") && mean.text.contains("error:      no such thing\n"))
    }

    @Test func whatIsKeptIsBounded() {
        var gathered = NoticeBatch()
        let tail = String(repeating: "x", count: 100_000)
        for number in 0..<20_000 { gathered.add(.failure("job \(number % 2_000)", UInt64(number), tail: tail)) }
        gathered.append(gathered)
        #expect(gathered.count == 40_000 && gathered.groups.count == NoticeBatch.most)
        #expect(gathered.groups.reduce(0) { $0 + $1.notices.count } == NoticeBatch.most)
        guard case .failed(let run)? = gathered.groups.first?.notices.first else { return }
        #expect(run.outcome.outputTail?.count == 4_000)
    }
}
