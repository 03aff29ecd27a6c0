import CarillonCore
import Testing
import Timetable

@Suite struct RunIDTests {
    private let time = Timestamp(seconds: 1_767_225_600)

    @Test func readsWhatItWrites() throws {
        let id = RunID(store: 1, job: "nightly", scheduledAt: time)
        #expect(id.description.utf8.count == 24)
        #expect(id.description.hasPrefix("6955b900"))
        #expect(RunID(id.description) == id)
        #expect(RunID(id.description.uppercased()) == id)
        let attempt = AttemptID(run: id, attempt: 3)
        #expect(attempt.description == "\(id)-3")
        #expect(AttemptID(attempt.description) == attempt)
    }

    /// W3C Trace Context, section 3.2.2: version, trace, parent, flags.
    @Test func attemptsOfARunAreOneTrace() throws {
        let id = RunID(store: 1, job: "nightly", scheduledAt: time)
        let traces = (1...3).map { AttemptID(run: id, attempt: $0).traceparent }
        for trace in traces { #expect(trace.wholeMatch(of: /00-[0-9a-f]{32}-[0-9a-f]{16}-01/) != nil, "\(trace)") }
        #expect(Set(traces.map { $0.prefix(35) }) == ["00-\(id)" + traces[0].dropFirst(27).prefix(8)])
        #expect(Set(traces).count == 3)
        #expect(traces[0] == AttemptID(run: id, attempt: 1).traceparent)
    }

    @Test(arguments: [
        "", "6955b900", "6955b90000000000000000zz", "+955b9000000000000000000", "6955b9000000000000000000a",
        "6955b900/00000000000000:0", "6955b900é00000000000000",
    ])
    func refuses(_ text: String) {
        #expect(RunID(text) == nil)
    }

    @Test(arguments: [
        "6955b9000000000000000000", "6955b9000000000000000000-", "6955b9000000000000000000-0",
        "6955b90000000000000000001-1",
    ])
    func refusesAttempt(_ text: String) {
        #expect(AttemptID(text) == nil)
    }

    @Test func differsByStoreJobTimeAndSalt() {
        let ids: Set = [
            RunID(store: 1, job: "a", scheduledAt: time), RunID(store: 2, job: "a", scheduledAt: time),
            RunID(store: 1, job: "b", scheduledAt: time), RunID(store: 1, job: "a", scheduledAt: time, salt: 1),
            RunID(store: 1, job: "a", scheduledAt: time.adding(microseconds: 1)),
        ]
        #expect(ids.count == 5)
        #expect(RunID(store: 1, job: "a", scheduledAt: time) == RunID(store: 1, job: "a", scheduledAt: time))
    }

    @Test func sortsByScheduledSecondFirst() {
        let ids = (0..<50).map { RunID(store: 1, job: "a", scheduledAt: time.adding(microseconds: $0 * 1_000_000)) }
        #expect(ids.sorted() == ids)
        #expect(ids.map(\.description).sorted() == ids.map(\.description))
        #expect(RunID(manualAt: time, random: 5) == RunID(second: 1_767_225_600, hash: 5))
    }
}
