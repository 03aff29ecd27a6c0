#if RabbitMQ
    public import AMQPClient
    import BlockingConnection
    public import BusDispatcher
    public import CarillonCore

    /// A broker of RabbitMQ, with the exchanges and queues of Simple Scheduler.
    public struct RabbitMQBus: MessageBus {
        private let configuration: AMQPConfiguration
        private let clock: any EngineClock
        private let mark: String
        private let most: Int

        /// Of what workers tell, at most so many messages are on their way into the ledger. The mark is a queue of this name, in
        /// which there is never anything; each ledger has its own.
        public init(
            _ configuration: AMQPConfiguration, clock: any EngineClock, mark: String = "scheduler.job.carillon-mark",
            most: Int = 5_000
        ) {
            self.mark = mark
            self.configuration = configuration
            self.clock = clock
            self.most = most
        }

        public var address: String { configuration.address }

        public func connect() async throws(BusError) -> any BusLine {
            let line = try RabbitMQLine(configuration, clock, mark, most: most)
            do {
                try await line.open()
            } catch {
                await line.close()
                throw error
            }
            return line
        }
    }

    /// Two connections: what goes out is not to wait for what is declared or comes in.
    private actor RabbitMQLine: BusLine {
        private nonisolated let publisher: AMQPPublisher
        private nonisolated let consumer: AMQPConsumer
        private nonisolated let clock: any EngineClock
        private let markName: String
        private let most: Int
        /// What was given and is not settled.
        private var unsettled = 0
        private(set) var blockage: String?
        /// What the publisher's connection broke by.
        private var failure: BusError?
        /// Jobs whose workers are listened to.
        private var heard: Set<String> = []

        /// Microseconds between two looks whether the publisher's connection lives.
        private static let pause: Int64 = 500_000
        private static let breath: Int64 = 50_000
        private static let longestWait: Int64 = 2_000_000
        private static let batch = 500
        /// Of one queue; the broker keeps the rest.
        private static let prefetch: UInt16 = 250

        init(
            _ configuration: AMQPConfiguration, _ clock: any EngineClock, _ mark: String, most: Int
        ) throws(BusError) {
            self.clock = clock
            markName = mark
            self.most = most
            do {
                publisher = try AMQPPublisher(configuration)
                consumer = try AMQPConsumer(configuration, prefetch: Self.prefetch)
            } catch {
                throw BusError(error)
            }
        }

        func open() async throws(BusError) {
            try await attempt {
                _ = try await consumer.receive(limit: 1, waiting: 0)
                blockage = try await publisher.beat()
            }
        }

        private func attempt<Value: Sendable>(_ body: () async throws -> Value) async throws(BusError) -> Value {
            do {
                return try await body()
            } catch let error as AMQPError {
                throw BusError(error)
            } catch let error as BusError {
                throw error
            } catch {
                throw BusError("\(error)", isLost: true)
            }
        }

        func isMarked() async throws(BusError) -> Bool {
            try await attempt { try await consumer.depth(of: markName) != nil }
        }

        func mark() async throws(BusError) {
            let name = markName
            try await attempt { try await consumer.declare { broker in _ = try broker.queue(name) } }
        }

        func declare(_ place: JobPlace, isSuspect: Bool) async throws(BusError) -> Bool {
            let name = place.name
            let isHeard = heard.contains(place.job)
            let isNew = try await attempt {
                try await consumer.declare { broker in
                    var isNew = false
                    switch place.topology {
                    case .queues:
                        isNew = try !broker.hasQueue("\(name).action")
                        try broker.exchange(name, .topic)
                        for part in ["action", "status", "heartbeat"] {
                            try broker.queue("\(name).\(part)")
                            try broker.bind("\(name).\(part)", to: name, key: part)
                        }
                    case .exchanges:
                        for part in ["action", "status", "heartbeat"] {
                            try broker.exchange("\(name).\(part)", .fanout)
                        }
                        for part in ["status", "heartbeat"] {
                            try broker.queue("\(name).\(part)")
                            try broker.bind("\(name).\(part)", to: "\(name).\(part)", key: "")
                        }
                    }
                    if !isHeard {
                        try broker.consume(
                            "\(name).status", as: Consumer.status.rawValue + place.job, carefully: isSuspect)
                        try broker.consume(
                            "\(name).heartbeat", as: Consumer.heartbeat.rawValue + place.job, carefully: isSuspect)
                    }
                    return isNew
                }
            }
            guard isHeard, !heard.contains(place.job) else {
                heard.insert(place.job)
                return isNew
            }
            // One of its queues was deleted meanwhile.
            return try await declare(place, isSuspect: isSuspect) || isNew
        }

        func publish(_ actions: [BusAction]) async -> [BusAnswer] {
            let messages = actions.map { action in
                let name = action.place.name
                return switch action.place.topology {
                case .queues:
                    AMQPMessage(
                        exchange: name, routingKey: "action", id: action.id, contentType: "application/json",
                        headers: ["traceparent": action.traceparent], body: action.body)
                case .exchanges:
                    AMQPMessage(
                        exchange: "\(name).action", routingKey: "", id: action.id, contentType: "application/json",
                        headers: ["traceparent": action.traceparent], body: action.body)
                }
            }
            if let blockage { return actions.map { _ in .lost("the broker takes no messages: \(blockage)") } }
            do {
                let answers = try await publisher.publish(messages)
                // Perhaps the broker has just said that it takes none.
                if case .unknown? = answers.last, let found = try? await publisher.beat() { blockage = found }
                return zip(actions, answers).map { action, answer in
                    switch answer {
                    case .confirmed: .confirmed
                    case .returned(let why):
                        switch action.place.topology {
                        case .queues: .missing(why)
                        case .exchanges: .refused("no worker has bound a queue to \(action.place.name).action")
                        }
                    case .nacked: .refused("the broker could not keep its message")
                    case .refused(let error):
                        error.code == 404 ? .missing(error.message) : .refused(error.message)
                    case .unknown(let error): .lost(error.message)
                    }
                }
            } catch {
                return actions.map { _ in .lost("\(error)") }
            }
        }

        func listen(_ take: @escaping @Sendable ([BusDelivery]) async -> Void) async throws(BusError) {
            try await attempt {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await self.receive(take) }
                    group.addTask { try await self.beat() }
                    defer { group.cancelAll() }
                    do {
                        try await group.next()
                    } catch {
                        throw failure ?? error
                    }
                }
            }
        }

        private func receive(_ take: @Sendable ([BusDelivery]) async -> Void) async throws {
            while !Task.isCancelled {
                let room = most - unsettled
                if room <= 0 {
                    // The ledger is slow, or away: what it has not taken is not to fill the memory.
                    try await consumer.beat()
                    try await clock.sleep(for: Self.breath)
                    continue
                }
                let found = try await consumer.receive(limit: min(Self.batch, room), waiting: Self.longestWait)
                unsettled += found.deliveries.count
                var deliveries = found.deliveries.compactMap(Self.delivery)
                for name in found.ended {
                    guard let (_, job) = Consumer.read(name) else { continue }
                    try await stopHearing(job)
                    deliveries.append(BusDelivery(job: job, kind: .unheard, tag: 0, body: []))
                }
                if !deliveries.isEmpty { await take(deliveries) }
            }
        }

        /// Looks after the publisher: who publishes nothing hears nothing, not even that it may not.
        private func beat() async throws {
            do {
                while true {
                    try await clock.sleep(for: Self.pause)
                    blockage = try await publisher.beat()
                }
            } catch {
                // Whoever receives is not to wait any longer.
                failure = (error as? AMQPError).map(BusError.init)
                await consumer.close()
                throw error
            }
        }

        /// Listens to a job no more of which one queue is gone: to both or none.
        private func stopHearing(_ job: String) async throws {
            guard heard.remove(job) != nil else { return }
            try await consumer.declare { broker in
                for consumer in Consumer.allCases { try broker.leave(consumer.rawValue + job) }
            }
        }

        private static func delivery(_ found: AMQPDelivery) -> BusDelivery? {
            Consumer.read(found.consumer).map { consumer, job in
                BusDelivery(
                    job: job, kind: consumer == .status ? .status : .heartbeat, tag: found.tag, body: found.body,
                    isRepeated: found.isRepeated)
            }
        }

        private static func verdict(_ verdict: BusVerdict) -> AMQPVerdict {
            switch verdict {
            case .accept: .accept
            case .discard: .discard
            case .giveBack: .giveBack
            }
        }

        func settle(_ settled: [(tag: UInt64, verdict: BusVerdict)]) async throws(BusError) {
            unsettled -= settled.count
            try await attempt {
                try await consumer.settle(settled.map { ($0.tag, Self.verdict($0.verdict)) })
            }
        }

        func depth(of place: JobPlace) async throws(BusError) -> BusDepth? {
            // Workers of the other topology have queues of their own, under names that nobody knows.
            guard place.topology == .queues else { return nil }
            return try await attempt {
                try await consumer.depth(of: "\(place.name).action").map {
                    BusDepth(waiting: $0.messages, workers: $0.consumers)
                }
            }
        }

        func close() async {
            await publisher.close()
            await consumer.close()
        }

        /// The name of a consumer says whose it is.
        private enum Consumer: String, CaseIterable {
            case status = "status "
            case heartbeat = "heartbeat "

            static func read(_ name: String) -> (consumer: Self, job: String)? {
                allCases.first { name.hasPrefix($0.rawValue) }.map { ($0, String(name.dropFirst($0.rawValue.count))) }
            }
        }
    }

    extension BusError {
        init(_ error: AMQPError) {
            self.init(error.message, isLost: error.kind != .statement)
        }
    }
#endif
