import CarillonCore
import CarillonTestSupport
import ControlBus
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import Testing
import Timetable

/// Pulling from a bus that is somebody else's.
@Suite(.timeLimit(.minutes(5))) struct PullerTests {
    private let port: Int
    private let record = Record()
    private let clock = QuickClock()

    init() throws { port = try FreePort.find() }

    private func pulling(from port: Int, _ body: () async throws -> Void) async throws {
        let puller = BusPuller(port: port, clock: clock, logger: .recording(record), carryOut: record.carryOut)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await puller.run() }
            try await body()
            tasks.cancelAll()
        }
    }

    @Test func eachMessageIsCarriedOutAndWhatIsNoneIsSkipped() async throws {
        let bus = try await FakeBus(
            port: port,
            [
                Rig.line("stop", "a"), "", "hello", String(repeating: "x", count: 70_000), #"{"cmd":"stop"}"#,
                #"{"cmd":"disable","taskID":"unknown"}"#, #"{"cmd":"delete","taskID":"b"}"#,
            ])
        try await pulling(from: port) { () async throws in
            try await eventually("all are carried out") { record.ended.count == 3 }
            #expect(
                record.ended == [
                    BusOrder(.stop, task: "a"), BusOrder(.disable, task: "unknown"), BusOrder(.delete, task: "b"),
                ])
            #expect(record.lines.filter { $0.contains("skipped a message") }.count == 4)
            #expect(record.lines.contains { $0.contains("no task 'unknown'") })
            #expect(clock.waits == [100_000, 200_000, 400_000, 800_000])
        }
        try await bus.close()
    }

    @Test func aBusThatIsAwayIsTriedAgain() async throws {
        try await pulling(from: port) { () async throws in
            try await eventually("it is tried") { clock.waits.count >= 8 }
            #expect(
                clock.waits.prefix(8) == [
                    100_000, 200_000, 400_000, 800_000, 1_600_000, 3_200_000, 5_000_000, 5_000_000,
                ])
            let bus = try await FakeBus(port: port, [#"{"cmd":"stop","taskID":"a"}"#])
            try await eventually("it is carried out") { record.ended.count == 1 }
            try await bus.close()
            // Whom it lets go without a message is told that, perhaps; that is no news of the bus.
            func news() -> [Bool] { record.lines.filter { $0.contains("bus is") }.map { $0.contains("away") } }
            try await eventually("it is away again") { news().count == 3 }
            #expect(news() == [true, false, true])
        }
    }

    @Test func itPullsFromOurs() async throws {
        let rig = try Rig()
        try await rig.serving { () async throws in
            try await pulling(from: rig.pullPort) { () async throws in
                for number in 0..<50 { #expect(try await rig.order("stop", "\(number)") == "OK") }
                try await eventually("all are pulled") { record.ended.count == 50 }
                #expect(record.ended == rig.record.ended)
            }
        }
    }

    @Test(arguments: [true, false]) func aGracefulShutdownEndsItAtOnce(_ isListening: Bool) async throws {
        let bus = isListening ? try await FakeBus(port: port, []) : nil
        let still = ManualClock(now: Samples.noon)
        let puller = BusPuller(port: port, clock: still, logger: .recording(record), carryOut: record.carryOut)
        let group = ServiceGroup(services: [puller], logger: .recording(Record()))
        async let run: Void = group.run()
        if let bus {
            try await eventually("it waits for a message") { bus.accepted == 1 }
        } else {
            await still.untilSleeping()
        }
        await group.triggerGracefulShutdown()
        try await run
        try await bus?.close()
    }
}

/// Says one of its messages to each connection, and nothing to those after.
private final class FakeBus: Sendable {
    private let rest: Mutex<[String]>
    private let connections = Mutex<[any Channel]>([])
    private let server = Mutex<(any Channel)?>(nil)

    var accepted: Int { connections.withLock { $0.count } }

    init(port: Int, _ messages: [String]) async throws {
        rest = Mutex(messages)
        let bound = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.execute { self.serve(channel) }
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: port).get()
        server.withLock { $0 = bound }
    }

    private func serve(_ channel: any Channel) {
        connections.withLock { $0.append(channel) }
        guard let message = rest.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else { return }
        channel.writeAndFlush(ByteBuffer(string: message)).whenComplete { _ in channel.close(promise: nil) }
    }

    /// Nobody listens any more, and who waits is let go with a message that is none.
    func close() async throws {
        try await server.withLock { $0 }?.close()
        for channel in connections.withLock({ $0 }) { channel.close(promise: nil) }
    }
}

/// A clock on which nothing takes long; it remembers how long it should have.
private final class QuickClock: EngineClock {
    private let all = Mutex<[Int64]>([])

    var waits: [Int64] { all.withLock { $0 } }
    var now: Timestamp { Samples.noon }
    var uptime: Int64 { 0 }

    func sleep(for microseconds: Int64) async throws {
        all.withLock { $0.append(microseconds) }
        try await Task.sleep(for: .milliseconds(5))
    }
}
