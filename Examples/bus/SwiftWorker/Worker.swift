#if RabbitMQ
    import AMQPClient
    import Foundation

    /// A worker in Swift: `bus-worker URL JOB…` takes the runs of these jobs, counts to three in each, and tells how it goes.
    @main struct Worker {
        struct Action: Decodable {
            var jobName, runId, action: String
            var attempt: Int
        }

        struct Word: Encodable {
            var jobName, runId: String
            var attempt: Int
            var status: String?
        }
        let publisher: AMQPPublisher
        static func main() async throws {
            let words = Array(CommandLine.arguments.dropFirst())
            guard words.count > 1 else { return print("usage: bus-worker amqp://USER:PASSWORD@HOST/ JOB…") }
            let broker = try AMQPConfiguration(url: words[0])
            let consumer = try AMQPConsumer(broker, prefetch: 10)
            let worker = Worker(publisher: try AMQPPublisher(broker))
            // Whoever comes first declares; it is the same on both sides.
            try await consumer.declare { broker in
                for name in words.dropFirst().map({ "scheduler.job.\($0)" }) {
                    try broker.exchange(name, .topic)
                    for part in ["action", "status", "heartbeat"] {
                        try broker.queue("\(name).\(part)")
                        try broker.bind("\(name).\(part)", to: name, key: part)
                    }
                    try broker.consume("\(name).action", as: name)
                }
            }
            var (news, atWork) = (AMQPNews(), [String: Task<Void, any Error>]())
            // When a queue is gone, whoever started this starts it anew.
            while news.ended.isEmpty {
                news = try await consumer.receive(limit: 10, waiting: 1_000_000)
                for message in news.deliveries {
                    try await consumer.settle([(message.tag, .accept)])
                    guard let action = try? JSONDecoder().decode(Action.self, from: Data(message.body)) else {
                        continue
                    }
                    switch action.action {
                    case "run": atWork[action.runId] = Task { try await worker.work(action) }
                    case "cancel":
                        atWork.removeValue(forKey: action.runId)?.cancel()
                        try await worker.tell(action, "cancelled")
                    default: break
                    }
                }
                _ = try await worker.publisher.beat()
            }
        }

        func work(_ action: Action) async throws {
            try await tell(action, "running")
            for number in 1...3 {
                try await Task.sleep(for: .milliseconds(100))
                print("\(action.jobName) \(action.runId) \(number)")
                try await tell(action, nil)
            }
            try await tell(action, "completed")
        }

        func tell(_ action: Action, _ status: String?) async throws {
            let word = Word(jobName: action.jobName, runId: action.runId, attempt: action.attempt, status: status)
            _ = try await publisher.publish([
                AMQPMessage(
                    exchange: "scheduler.job.\(action.jobName)", routingKey: status == nil ? "heartbeat" : "status",
                    id: action.runId, contentType: "application/json", body: Array(try JSONEncoder().encode(word)))
            ])
        }
    }
#else
    @main struct Worker {
        static func main() { print("this build knows no RabbitMQ") }
    }
#endif
