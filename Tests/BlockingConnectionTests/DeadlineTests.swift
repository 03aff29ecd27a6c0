import BlockingConnection
import Glibc
import Testing

@Suite(.timeLimit(.minutes(5)))
struct DeadlineTests {
    @Test func waitsForWhatComesFirst() {
        var ends: [Int32] = [-1, -1]
        pipe(&ends)
        defer { close(ends[0]) }
        let clock = ContinuousClock()
        let began = clock.now
        let deadline = Deadline(seconds: 1)
        #expect(!deadline.wait(for: POLLIN, of: ends[0]))
        #expect(.milliseconds(990) ... .seconds(60) ~= clock.now - began)
        // It is over, and does not begin anew.
        #expect(!deadline.wait(for: POLLIN, of: ends[0]))
        #expect(deadline.wait(for: POLLOUT, of: ends[1]))
        close(ends[1])
        #expect(Deadline(seconds: .max).wait(for: POLLIN, of: ends[0]))
        #expect(deadline.wait(for: POLLIN, of: -1))
    }
}
