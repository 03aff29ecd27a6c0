import BlockingConnection
import Glibc
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5)))
struct BlockingConnectionTests {
    /// Not Sendable, as C handles are.
    final class Counter {
        var value = 0
    }

    /// A call that waits in the kernel until the test lets it go.
    struct Gate {
        let reader: Int32
        let writer: Int32

        init() {
            var ends: [Int32] = [-1, -1]
            pipe(&ends)
            reader = ends[0]
            writer = ends[1]
        }

        func pass() {
            var byte: UInt8 = 0
            _ = read(reader, &byte, 1)
        }

        func open() { _ = write(writer, [1], 1) }

        func remove() {
            close(reader)
            close(writer)
        }
    }

    @Test func callsRunInOrderOnOneThreadOfTheirOwn() async throws {
        let connection = try BlockingConnection(name: "test") { Counter() }
        var threads: Set<pthread_t> = []
        for expected in 1...100 {
            let (value, thread) = try await connection.call { counter in
                counter.value += 1
                return (counter.value, pthread_self())
            }
            #expect(value == expected)
            threads.insert(thread)
        }
        #expect(threads.count == 1)
        connection.close()
    }

    @Test func manyCallersAreServedOneAtATime() async throws {
        let connection = try BlockingConnection(name: "test") { Counter() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<1000 {
                group.addTask { try await connection.call { $0.value += 1 } }
            }
            try await group.waitForAll()
        }
        #expect(try await connection.call { $0.value } == 1000)
        connection.close()
    }

    @Test func severalThreadsShareTheCalls() async throws {
        let gate = Gate()
        let log = Ended()
        let connection = try BlockingConnection(
            name: "test", threads: 4, open: { Counter() }, close: { log.add($0.value) })
        let arrived = Ended()
        let calls = (0..<4).map { number in
            Task {
                try await connection.call { counter in
                    counter.value += 1
                    arrived.add(number)
                    // Each of them holds its thread until all four are there.
                    gate.pass()
                }
            }
        }
        while arrived.values.count < 4 { await Task.yield() }
        let late = Task { try await connection.call { $0.value += 1 } }
        for _ in 0..<4 { gate.open() }
        for call in calls { try await call.value }
        try await late.value
        #expect(log.values.isEmpty)
        connection.close()
        await connection.closed()
        #expect(log.values.sorted() == [1, 1, 1, 2])
        await #expect(throws: ConnectionClosed()) { try await connection.call { $0.value } }
        gate.remove()
    }

    @Test func errorsReachTheCaller() async throws {
        struct Refused: Error, Equatable {}
        let connection = try BlockingConnection(name: "test") { Counter() }
        await #expect(throws: Refused()) { try await connection.call { _ in throw Refused() } }
        #expect(try await connection.call { $0.value } == 0)
        connection.close()
    }

    @Test func callsAfterCloseFailAtOnce() async throws {
        let connection = try BlockingConnection(name: "test") { Counter() }
        connection.close()
        await #expect(throws: ConnectionClosed()) { try await connection.call { $0.value } }
        await connection.closed()
        await #expect(throws: ConnectionClosed()) { try await connection.call { $0.value } }
        connection.close()
    }

    @Test func closeFailsWhoeverWaitsBehindACallThatHangs() async throws {
        let gate = Gate()
        let (entered, enter) = AsyncStream.makeStream(of: Void.self)
        let connection = try BlockingConnection(name: "test") { Counter() }
        let hanging = Task {
            try await connection.call { counter in
                enter.finish()
                gate.pass()
                return counter.value
            }
        }
        for await _ in entered {}
        let waiting = Task { try await connection.call { $0.value } }
        // Whether it has queued by now or comes too late, it must fail while the first call still hangs.
        connection.close()
        await #expect(throws: ConnectionClosed()) { try await waiting.value }
        await #expect(throws: ConnectionClosed()) { try await connection.call { $0.value } }
        gate.open()
        #expect(try await hanging.value == 0)
        await connection.closed()
        gate.remove()
    }

    @Test func theResourceEndsOnItsThreadAfterTheLastCall() async throws {
        let log = Ended()
        let connection = try BlockingConnection(name: "test", open: { Counter() }, close: { log.add($0.value) })
        try await connection.call { $0.value = 7 }
        connection.close()
        await connection.closed()
        #expect(log.values == [7])
    }

    @Test func aConnectionNobodyHoldsEndsItsThread() async throws {
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        do {
            let connection = try BlockingConnection(name: "test", open: { Counter() }, close: { _ in end.finish() })
            _ = try await connection.call { $0.value }
        }
        for await _ in ended {}
    }

    final class Ended: Sendable {
        private let list = Mutex<[Int]>([])
        var values: [Int] { list.withLock { $0 } }
        func add(_ value: Int) { list.withLock { $0.append(value) } }
    }
}
