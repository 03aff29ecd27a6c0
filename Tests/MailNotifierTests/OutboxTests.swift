import CarillonCore
import CarillonTestSupport
import MailNotifier
import Testing

/// When a mail is due. Times in seconds of the outbox's count.
@Suite struct OutboxTests {
    private var outbox = DigestQueue()

    private mutating func add(at second: Int64) -> Bool { outbox.add(.failure("payroll"), at: second * 1_000_000) }
    private var due: Int64? { outbox.due.map { $0 / 1_000_000 } }

    @Test mutating func theFirstSecondsAreGathered() {
        #expect(due == nil)
        #expect(add(at: 100) && due == 103)
        #expect(!add(at: 102) && due == 103)
        #expect(outbox.take().count == 2 && due == nil)
    }

    @Test mutating func aMinuteLiesBetweenTwoMails() {
        _ = add(at: 0)
        _ = outbox.take()
        outbox.sent(at: 3_000_000)
        #expect(add(at: 4) && due == 63)
        _ = outbox.take()
        outbox.sent(at: 63_000_000)
        // After a quiet hour the first is told soon again.
        #expect(add(at: 3_663) && due == 3_666)
    }

    @Test mutating func whatFailedWaitsAndKeepsItsPlace() {
        _ = add(at: 0)
        let taken = outbox.take()
        _ = outbox.add(.failure("sync"), at: 1_000_000)
        outbox.failed(taken, at: 10_000_000)
        #expect(due == 70 && outbox.failures == 1 && outbox.count == 2)
        let again = outbox.take()
        #expect(again.groups.map(\.job) == ["payroll", "sync"])
        outbox.failed(again, at: 70_000_000)
        #expect(due == 190)
        _ = outbox.take()
        outbox.sent(at: 190_000_000)
        #expect(outbox.failures == 0 && add(at: 195) && due == 250)
    }
}
