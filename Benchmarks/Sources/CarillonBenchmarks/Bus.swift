import AMQPClient
import ArgumentParser
import BusDispatcher
import CarillonCore
import CarillonEngine
import Logging
import RabbitMQBus
import SQLiteStore
import Synchronization
import Timetable

/// Runs over a real RabbitMQ: actions out, and what workers tell into the ledger.
struct Bus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bus", abstract: "Actions into a RabbitMQ, and status messages into the ledger.")
    @Option(help: "A RabbitMQ without jobs: amqp://…") var amqp: String
    @Option(help: "Jobs, each with so many runs.") var jobs = 50
    @Option var runs = 1_000
    @Option(help: "Pairs with what the broker does alone; the median counts.") var rounds = 3

    func run() async throws {
        let address = try AMQPConfiguration(url: amqp)
        var figures: [[Double]] = [[], [], [], [], [], []]
        for round in 0..<max(1, rounds) {
            let names = (0..<jobs).map { "bench-\(round)-\($0)" }
            let rig = try Rig()
            defer { rig.remove() }
            let start = Timestamp(seconds: rig.clock.now.seconds - Int64(runs))
            try await rig.fill(try names.map { try job($0, from: start) }, cursor: start)
            let out = try await publish(rig, address, names)
            let outAlone = try await publishAlone(rig, address, names)
            try await tell(rig, address, names)
            let taken = try await take(rig, address)
            let inAlone = try await takeAlone(rig, address, names)
            for (place, figure) in [out, outAlone, out / outAlone * 100, taken, inAlone, taken / inAlone * 100]
                .enumerated()
            {
                figures[place].append(figure)
            }
        }
        let titles = [
            ("actions published and confirmed", "a second"), ("the same messages by the client alone", "a second"),
            ("the one against the other", "%"), ("status messages taken into the ledger", "a second"),
            ("the same messages by a bare consumer", "a second"), ("the one against the other", "%"),
        ]
        for (title, figures) in zip(titles, figures) { Figure(title.0, median(figures), title.1).print() }
    }

    private func job(_ name: String, from start: Timestamp) throws -> Job {
        Job(
            name: name, schedule: ScheduleText(.every("1s", anchor: start)), target: try Target(BusTarget()),
            policies: Policies(
                catchUp: .all(limit: runs, rate: 10_000), overlap: .allow, maxRuns: Int64(runs), signs: Signs()),
            origin: Origin(feed: "bench"))
    }

    private func dispatcher(_ rig: Rig, _ bus: CountingBus) -> BusDispatcher {
        BusDispatcher(bus, clock: rig.clock, logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
    }

    private func publish(_ rig: Rig, _ address: AMQPConfiguration, _ names: [String]) async throws -> Double {
        let bus = CountingBus(RabbitMQBus(address, clock: rig.clock), rig.clock)
        let count = jobs * runs
        let dispatcher = dispatcher(rig, bus)
        await dispatcher.expect(names.map { ($0, BusTarget()) })
        return try await rig.run(dispatcher) {
            while bus.confirmed.withLock({ $0.count }) < count { try await rig.clock.sleep(for: 5_000) }
            // The marks get into the ledger, too.
            try await rig.clock.sleep(for: 1_000_000)
            return bus.confirmed.withLock { $0.rate }
        }
    }

    private func publishAlone(_ rig: Rig, _ address: AMQPConfiguration, _ names: [String]) async throws -> Double {
        let publisher = try AMQPPublisher(address)
        _ = try await publisher.beat()
        let body = Array(
            #"{"jobName":"bench-0-0","runId":"6799b53b33fcc6482f29c96f","action":"run","attempt":1,"scheduledAt":"2026-12-01T00:00:00Z"}"#
                .utf8)
        let messages = (0..<jobs * runs).map { number in
            AMQPMessage(
                exchange: "scheduler.job.\(names[number % jobs])", routingKey: "action", id: "6799b53b33fcc6482f29c96f",
                contentType: "application/json", body: body)
        }
        let start = rig.clock.uptime
        for first in stride(from: 0, to: messages.count, by: 16_000) {
            let answers = try await publisher.publish(Array(messages[first..<min(first + 16_000, messages.count)]))
            guard answers.allSatisfy({ $0 == .confirmed }) else { throw ExitFailure(description: "not confirmed") }
        }
        let rate = Double(messages.count) / Double(rig.clock.uptime - start) * 1_000_000
        await publisher.close()
        return rate
    }

    /// Says of every run that it runs and that it is done, while nobody listens.
    private func tell(_ rig: Rig, _ address: AMQPConfiguration, _ names: [String]) async throws {
        let store = try SQLiteStore(path: rig.storePath)
        var words: [AMQPMessage] = []
        var last: RunID?
        while true {
            let page = try await store.activeRuns(after: last, limit: 5_000)
            guard let end = page.last else { break }
            last = end.id
            for run in page {
                for status in ["running", "completed"] {
                    words.append(
                        AMQPMessage(
                            exchange: "scheduler.job.\(run.job)", routingKey: "status", id: "",
                            contentType: "application/json",
                            body: Array(#"{"jobName":"\#(run.job)","runId":"\#(run.id)","status":"\#(status)"}"#.utf8)))
                }
            }
        }
        try await store.close()
        guard words.count == 2 * jobs * runs else {
            throw ExitFailure(description: "\(words.count / 2) runs are out, not \(jobs * runs)")
        }
        let publisher = try AMQPPublisher(address)
        _ = try await publisher.publish(words)
        await publisher.close()
    }

    private func take(_ rig: Rig, _ address: AMQPConfiguration) async throws -> Double {
        let bus = CountingBus(RabbitMQBus(address, clock: rig.clock), rig.clock)
        let count = 2 * jobs * runs
        return try await rig.run(dispatcher(rig, bus)) {
            while bus.settled.withLock({ $0.count }) < count { try await rig.clock.sleep(for: 5_000) }
            return bus.settled.withLock { $0.rate }
        }
    }

    private func takeAlone(_ rig: Rig, _ address: AMQPConfiguration, _ names: [String]) async throws -> Double {
        let publisher = try AMQPPublisher(address)
        let body = Array(#"{"jobName":"bench-0-0","runId":"6799b53b33fcc6482f29c96f","status":"completed"}"#.utf8)
        let count = 2 * jobs * runs
        _ = try await publisher.publish(
            (0..<count).map {
                AMQPMessage(
                    exchange: "scheduler.job.\(names[$0 % jobs])", routingKey: "status", id: "",
                    contentType: "application/json", body: body)
            })
        await publisher.close()
        let consumer = try AMQPConsumer(address, prefetch: 250)
        let start = rig.clock.uptime
        try await consumer.declare { broker in
            for name in names { try broker.consume("scheduler.job.\(name).status", as: name) }
        }
        var taken = 0
        while taken < count {
            let found = try await consumer.receive(limit: 500, waiting: 1_000_000).deliveries
            taken += found.count
            try await consumer.settle(found.map { ($0.tag, .accept) })
        }
        let rate = Double(count) / Double(rig.clock.uptime - start) * 1_000_000
        await consumer.close()
        return rate
    }
}

/// A bus that counts what goes through, and measures from the first to the last.
private final class CountingBus: MessageBus {
    struct Count {
        var count = 0
        /// Microseconds of uptime.
        var first: Int64?
        var last: Int64 = 0

        var rate: Double { Double(count) / Double(max(1, last - (first ?? 0))) * 1_000_000 }
    }

    let inner: RabbitMQBus
    let clock: SystemClock
    let confirmed = Mutex(Count())
    let settled = Mutex(Count())

    init(_ inner: RabbitMQBus, _ clock: SystemClock) {
        self.inner = inner
        self.clock = clock
    }

    var address: String { inner.address }

    func connect() async throws(BusError) -> any BusLine { CountingLine(inner: try await inner.connect(), bus: self) }
}

private struct CountingLine: BusLine {
    let inner: any BusLine
    let bus: CountingBus

    var blockage: String? { get async { await inner.blockage } }

    func declare(_ place: JobPlace, isSuspect: Bool) async throws(BusError) -> Bool {
        try await inner.declare(place, isSuspect: isSuspect)
    }

    func isMarked() async throws(BusError) -> Bool { try await inner.isMarked() }

    func mark() async throws(BusError) { try await inner.mark() }

    func publish(_ actions: [BusAction]) async -> [BusAnswer] {
        bus.confirmed.withLock { $0.first = $0.first ?? bus.clock.uptime }
        let answers = await inner.publish(actions)
        bus.confirmed.withLock {
            $0.count += answers.count { $0 == .confirmed }
            $0.last = bus.clock.uptime
        }
        return answers
    }

    func listen(_ take: @escaping @Sendable ([BusDelivery]) async -> Void) async throws(BusError) {
        try await inner.listen { batch in
            bus.settled.withLock { $0.first = $0.first ?? bus.clock.uptime }
            await take(batch)
        }
    }

    func settle(_ settled: [(tag: UInt64, verdict: BusVerdict)]) async throws(BusError) {
        try await inner.settle(settled)
        bus.settled.withLock {
            $0.count += settled.count
            $0.last = bus.clock.uptime
        }
    }

    func depth(of place: JobPlace) async throws(BusError) -> BusDepth? { try await inner.depth(of: place) }
    func close() async { await inner.close() }
}
