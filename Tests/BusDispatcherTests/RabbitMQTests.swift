#if RabbitMQ
    import AMQPClient
    import BusDispatcher
    import CarillonCore
    import CarillonEngine
    import CarillonTestSupport
    import Logging
    import RabbitMQBus
    import Testing
    import Timetable

    /// The same over a real broker, with an independent worker.
    @Suite(.serialized, .timeLimit(.minutes(5))) struct RabbitMQTests {
        /// One virtual host of a broker, and a worker on it.
        struct Fixture: DispatcherFixture {
            let url: String
            let worker: BusWorker
            let topology: BusTarget.Topology

            var remembers: Bool { false }

            func makeDispatcher(capacity: Int) async throws -> BusDispatcher {
                let bus = RabbitMQBus(try AMQPConfiguration(url: url), clock: SystemClock())
                return BusDispatcher(bus, clock: SystemClock(), logger: .silent)
            }

            func prepare(_ dispatcher: BusDispatcher, for job: String) async {
                let jobs = [(job: job, target: BusTarget(topology: topology))]
                await dispatcher.expect(jobs)
                while await dispatcher.doubts(of: jobs) != [nil] { try? await Task.sleep(for: .milliseconds(10)) }
                try? await worker.untilListening()
            }

            func target(_ behaviour: DispatcherBehaviour) -> BusTarget { BusTarget(topology: topology) }

            func arguments(_ behaviour: DispatcherBehaviour) -> [String: String]? {
                let word =
                    switch behaviour {
                    case .succeeds: "completes"
                    case .fails: "fails"
                    // Nobody has force over a worker on a bus; what defies would never end.
                    case .waits, .defies: "never-ends"
                    }
                return ["behaviour": word]
            }

            func ready(_ attempt: AttemptID) async {
                while await starts(of: attempt) == 0 { try? await Task.sleep(for: .milliseconds(10)) }
            }

            func starts(of attempt: AttemptID) async -> Int {
                let actions = (try? worker.actions()) ?? []
                return actions.count { $0.messageID == attempt.sentName && $0.action == "run" }
            }

            func lose(_ attempt: AttemptID) async throws -> Bool { false }
        }

        @Test(arguments: BusWorker.Topology.allCases)
        func conforms(_ topology: BusWorker.Topology) async throws {
            let broker = try RabbitMQFixture()
            try await broker.start()
            for (number, rule) in DispatcherConformance.allCases.enumerated() {
                _ = try await broker.ctl(["add_vhost", "v\(number)"])
                _ = try await broker.ctl(["set_permissions", "-p", "v\(number)", "guest", ".*", ".*", ".*"])
                let url = "amqp://guest:guest@127.0.0.1:\(broker.port)/v\(number)"
                let worker = try BusWorker(url: url, topology: topology, jobs: ["a job/of conformance"])
                defer { worker.kill() }
                try await rule.run(
                    Fixture(url: url, worker: worker, topology: topology == .queues ? .queues : .exchanges))
            }
        }

        @Test func encryptedAndKnown() async throws {
            let broker = try RabbitMQFixture(clientCertificates: true)
            try await broker.start()
            let made = try #require(broker.certificates)
            var configuration = try AMQPConfiguration(url: "amqps://guest:guest@localhost:\(broker.tlsPort)/")
            configuration.tls = .init(
                caFile: made.caFile, certificateFile: made.certificateFile, keyFile: made.keyFile)
            let line = try await RabbitMQBus(configuration, clock: SystemClock()).connect()
            #expect(try await line.declare(JobPlace(job: "a", topology: .queues), isSuspect: false))
            await line.close()
            // Without the authority, without a certificate of our own, with a wrong password.
            for spoil: (inout AMQPConfiguration) -> Void in [
                { $0.tls?.caFile = nil }, { $0.tls = .init(caFile: made.caFile) }, { $0.password = "wrong" },
            ] {
                var other = configuration
                spoil(&other)
                await #expect(throws: BusError.self) {
                    let line = try await RabbitMQBus(other, clock: SystemClock()).connect()
                    await line.close()
                }
            }
        }

        /// A broker that is there and does not like a declaration closes a channel; the others run on.
        @Test func aDeclarationThatTheBrokerDoesNotLikeHarmsNobody() async throws {
            let broker = try RabbitMQFixture()
            try await broker.start()
            let configuration = try AMQPConfiguration(url: broker.url)
            let consumer = try AMQPConsumer(configuration, prefetch: 10)
            try await consumer.declare { try $0.exchange("scheduler.job.bad", .fanout) }
            let line = try await RabbitMQBus(configuration, clock: SystemClock()).connect()
            let good = JobPlace(job: "good", topology: .queues)
            #expect(try await line.declare(good, isSuspect: false))
            let error = await #expect(throws: BusError.self) {
                _ = try await line.declare(JobPlace(job: "bad", topology: .queues), isSuspect: false)
            }
            #expect(error?.isLost == false)
            #expect(error?.message.contains("inequivalent arg 'type'") == true)
            let action = BusAction(place: good, id: "1", traceparent: "t", body: Array("{}".utf8))
            var missing = action
            missing.place.job = "gone"
            #expect(await line.publish([action]) == [.confirmed])
            guard case .missing? = await line.publish([missing]).first else {
                Issue.record("it went somewhere")
                return
            }
            // The channel is there again.
            #expect(await line.publish([action, action]) == [.confirmed, .confirmed])
            #expect(try await line.depth(of: good) == BusDepth(waiting: 3, workers: 0))
            let unheard = JobPlace(job: "unheard", topology: .exchanges)
            #expect(try await line.declare(unheard, isSuspect: false) == false)
            #expect(
                await line.publish([BusAction(place: unheard, id: "2", traceparent: "t", body: [])])
                    == [.refused("no worker has bound a queue to scheduler.job.unheard.action")])
            await line.close()
            await consumer.close()
        }

        /// What the ledger has not taken in stays with the broker, however much it is.
        @Test func whatIsNotSettledIsBounded() async throws {
            let broker = try RabbitMQFixture()
            try await broker.start()
            let configuration = try AMQPConfiguration(url: broker.url)
            let line = try await RabbitMQBus(configuration, clock: SystemClock(), most: 100).connect()
            #expect(try await line.declare(JobPlace(job: "a", topology: .queues), isSuspect: false))
            let publisher = try AMQPPublisher(configuration)
            let word = AMQPMessage(
                exchange: "scheduler.job.a", routingKey: "status", id: "1", contentType: "application/json",
                body: Array("{}".utf8))
            _ = try await publisher.publish(Array(repeating: word, count: 450))
            let (batches, give) = AsyncStream.makeStream(of: [BusDelivery].self)
            let listening = Task { try await line.listen { give.yield($0) } }
            var (tags, left): ([UInt64], Int) = ([], 450)
            for await batch in batches {
                tags += batch.map(\.tag)
                #expect(tags.count <= 100)
                guard tags.count == min(100, left) else { continue }
                left -= tags.count
                try await line.settle(tags.map { ($0, .accept) })
                tags = []
                if left == 0 { break }
            }
            #expect(left == 0)
            listening.cancel()
            await line.close()
            await publisher.close()
        }

        /// A queue that may not be consumed breaks the line of all once, and never again.
        @Test(arguments: ["status", "heartbeat"])
        func aQueueThatMayNotBeConsumedHarmsTheOthersOnce(_ part: String) async throws {
            let broker = try RabbitMQFixture()
            try await broker.start()
            let reads = #"^(?!scheduler\.job\.bad\.\#(part)$).*"#
            _ = try await broker.ctl(["set_permissions", "guest", ".*", ".*", reads])
            let bus = RabbitMQBus(try AMQPConfiguration(url: broker.url), clock: SystemClock())
            let dispatcher = BusDispatcher(bus, clock: SystemClock(), logger: .silent)
            let probe = DispatcherProbe(dispatcher)
            let jobs = ["bad", "good"].map { (job: $0, target: BusTarget()) }
            _ = await dispatcher.adopt([])
            await dispatcher.expect(jobs)
            try await eventually("the good one is ready, the bad one says why") {
                let doubts = await dispatcher.doubts(of: jobs)
                return doubts[1] == nil && doubts[0]?.contains("ACCESS_REFUSED") ?? false
            }
            #expect(await dispatcher.health().trouble == nil)
            func lines() async throws -> String { try await broker.ctl(["-q", "list_connections", "name"]) }
            let before = try await lines()
            let bad = Dispatch(
                attempt: AttemptID(run: RunID(second: 1, hash: 1), attempt: 1), job: "bad", target: BusTarget(),
                scheduledAt: Timestamp(seconds: 1))
            for _ in 0..<5 {
                guard case .unavailable? = await dispatcher.dispatch([bad]).first else {
                    Issue.record("it went out")
                    break
                }
                try await eventually("it was tried again") {
                    await dispatcher.doubts(of: jobs)[0]?.contains("ACCESS_REFUSED") ?? false
                }
            }
            #expect(try await lines() == before, "the line was lost again")
            _ = try await broker.ctl(["set_permissions", "guest", ".*", ".*", ".*"])
            try await eventually("it goes out once the broker allows it") {
                await dispatcher.dispatch([bad]) == [.accepted]
            }
            await dispatcher.shutdown()
            await probe.ended()
        }

        /// Somebody deletes queues of a job under a line that lives: nobody else notices.
        @Test func deletedQueuesAreMadeAnew() async throws {
            let broker = try RabbitMQFixture()
            try await broker.start()
            let configuration = try AMQPConfiguration(url: broker.url)
            let consumer = try AMQPConsumer(configuration, prefetch: 10)
            let publisher = try AMQPPublisher(configuration)
            let dispatcher = BusDispatcher(
                RabbitMQBus(configuration, clock: SystemClock()), clock: SystemClock(), logger: .silent)
            let probe = DispatcherProbe(dispatcher)
            let jobs = ["a", "b"].map { (job: $0, target: BusTarget()) }
            _ = await dispatcher.adopt([])
            await dispatcher.expect(jobs)
            try await eventually("it is ready") { await dispatcher.doubts(of: jobs) == [nil, nil] }
            func dispatch(_ number: UInt64, _ job: String) -> Dispatch<BusTarget> {
                Dispatch(
                    attempt: AttemptID(run: RunID(second: 1, hash: number), attempt: 1), job: job, target: BusTarget(),
                    scheduledAt: Timestamp(seconds: 1))
            }
            func tell(_ dispatch: Dispatch<BusTarget>) async throws -> [AMQPAnswer] {
                let text = #"{"jobName":"\#(dispatch.job)","runId":"\#(dispatch.attempt.run)","status":"completed"}"#
                return try await publisher.publish([
                    AMQPMessage(
                        exchange: "scheduler.job.\(dispatch.job)", routingKey: "status", id: "1",
                        contentType: "application/json", body: Array(text.utf8))
                ])
            }
            let waits = dispatch(1, "a")
            #expect(await dispatcher.dispatch([waits]) == [.accepted])
            try await consumer.declare { try $0.deleteQueue("scheduler.job.a.action") }
            // The next one finds it out, and what waited there goes out again, too.
            try await eventually("it goes out") { await dispatcher.dispatch([dispatch(2, "a")]) == [.accepted] }
            #expect(
                await probe.event(of: waits.attempt)?.what
                    == .forgotten("what waited for its workers is gone from the bus"))
            #expect(await dispatcher.dispatch([waits]) == [.accepted])
            try await consumer.declare { try $0.deleteQueue("scheduler.job.a.status") }
            try await eventually("it is there again") {
                try await consumer.depth(of: "scheduler.job.a.status")?.consumers == 1
            }
            let other = dispatch(3, "b")
            #expect(await dispatcher.dispatch([other]) == [.accepted])
            for one in [waits, other] {
                #expect(try await tell(one) == [.confirmed])
                #expect(await probe.end(of: one.attempt) == .succeeded(Outcome()))
            }
            #expect(await dispatcher.health() == DispatcherHealth())
            await dispatcher.shutdown()
            await probe.ended()
            await consumer.close()
            await publisher.close()
        }

        /// A broker low on memory takes nothing, and says so.
        @Test func aBrokerThatBlocksIsWaitedFor() async throws {
            let broker = try RabbitMQFixture()
            try await broker.start()
            let dispatcher = BusDispatcher(
                RabbitMQBus(try AMQPConfiguration(url: broker.url), clock: SystemClock()), clock: SystemClock(),
                logger: .silent)
            let probe = DispatcherProbe(dispatcher)
            let jobs = [(job: "a", target: BusTarget())]
            _ = await dispatcher.adopt([])
            await dispatcher.expect(jobs)
            try await eventually("it is ready") { await dispatcher.doubts(of: jobs) == [nil] }
            func dispatch(_ number: UInt64) -> Dispatch<BusTarget> {
                Dispatch(
                    attempt: AttemptID(run: RunID(second: 1, hash: number), attempt: 1), job: "a", target: BusTarget(),
                    scheduledAt: Timestamp(seconds: 1))
            }
            #expect(await dispatcher.dispatch([dispatch(1)]) == [.accepted])
            _ = try await broker.ctl(["set_vm_memory_high_watermark", "0.0000001"])
            // A broker tells of it when somebody publishes; this is to be another message each time.
            var last: UInt64 = 1
            try await eventually("it is said") {
                last += 1
                _ = await dispatcher.dispatch([dispatch(last)])
                return await dispatcher.health().trouble?.contains("takes no messages") ?? false
            }
            _ = try await broker.ctl(["set_vm_memory_high_watermark", "0.4"])
            try await eventually(within: 30, "it goes out") {
                await [.accepted, .known].contains(dispatcher.dispatch([dispatch(1_000_000)]).first)
            }
            try await eventually("all is well") { await dispatcher.health().trouble == nil }
            await dispatcher.shutdown()
            await probe.ended()
        }
    }
#endif
