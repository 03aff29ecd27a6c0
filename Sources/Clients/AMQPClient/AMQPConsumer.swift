#if RabbitMQ
    import BlockingConnection
    import CRabbitMQ
    import Glibc

    /// A message from a queue, which has it until it is settled.
    public struct AMQPDelivery: Hashable, Sendable {
        /// The consumer it came to, as it was named.
        public var consumer: String
        public var tag: UInt64
        public var body: [UInt8]
        /// It was given to somebody before.
        public var isRepeated: Bool
    }

    /// What is to become of a delivery.
    public enum AMQPVerdict: Hashable, Sendable {
        case accept
        /// Nobody will ever get it again.
        case discard
        case giveBack
    }

    public enum AMQPExchangeKind: String, Sendable {
        case topic, fanout, direct
    }

    /// What came within a wait.
    public struct AMQPNews: Hashable, Sendable {
        public var deliveries: [AMQPDelivery] = []
        /// Consumers, as they were named, whose queues are gone (the extension "Consumer Cancel Notify").
        public var ended: [String] = []

        public init() {}
    }

    /// Declares exchanges and queues, and takes in what comes to them. A connection of its own; what it consumes comes over one
    /// channel, what it declares goes over another, which the broker may close without harm.
    public struct AMQPConsumer: Sendable {
        private let client: BlockingClient<ConsumingSession, AMQPError>
        private let bell: Bell

        /// Starts its thread; connects when first asked to. Of what it was given of a queue and has not settled, there are at most
        /// `prefetch`. Throws `unreachable` when the system has no thread or descriptor to spare.
        public init(_ configuration: AMQPConfiguration, prefetch: UInt16) throws(AMQPError) {
            guard let bell = Bell() else {
                throw AMQPError(.unreachable, "no descriptor to spare", server: configuration.address)
            }
            self.bell = bell
            client = try BlockingClient(
                name: "amqp-consume",
                failure: { AMQPError($0, $1, server: configuration.address) },
                open: { ConsumingSession(Session(configuration), bell: bell, prefetch: prefetch) },
                close: { $0.session.close() })
        }

        /// Waits for deliveries, for so many microseconds at most; answers at most `limit`. Other calls cut the wait short.
        public func receive(limit: Int, waiting microseconds: Int64) async throws -> AMQPNews {
            try await client.call { try $0.receive(limit, microseconds) }
        }

        /// Gives a sign of life, for who takes nothing in for a while.
        public func beat() async throws { try await call { try $0.session.beat() } }

        /// Settles deliveries: nothing is answered to that.
        public func settle(_ settled: [(tag: UInt64, verdict: AMQPVerdict)]) async throws {
            try await call { try $0.settle(settled) }
        }

        /// Carries several declarations out at once. Throws `statement` for what the broker does not like, and the connection
        /// stays well.
        public func declare<Value: Sendable>(
            _ body: @escaping @Sendable (borrowing AMQPDeclarations) throws -> Value
        ) async throws -> Value {
            try await call { session in try body(AMQPDeclarations(session: session)) }
        }

        /// Says how many messages a queue holds and how many consumers it has; nil when there is no such queue.
        public func depth(of queue: String) async throws -> (messages: Int, consumers: Int)? {
            try await call { session in
                do throws(AMQPError) {
                    return try session.declareQueue(queue, isPassive: true)
                } catch {
                    if error.isAbsence { return nil }
                    throw error
                }
            }
        }

        public func close() async {
            bell.ring()
            await client.close()
        }

        private func call<Value: Sendable>(
            _ body: @escaping @Sendable (ConsumingSession) throws -> Value
        ) async throws -> Value {
            bell.ring()
            return try await client.call { session in
                defer { session.bell.silence() }
                return try body(session)
            }
        }
    }

    /// What can be declared; each of it is durable, and there already when it is declared again.
    public struct AMQPDeclarations: ~Copyable {
        let session: ConsumingSession

        public func exchange(_ name: String, _ kind: AMQPExchangeKind) throws {
            try session.declareExchange(name, kind)
        }

        /// Answers how many messages are in the queue.
        @discardableResult
        public func queue(_ name: String) throws -> Int { try session.declareQueue(name, isPassive: false).messages }

        /// Whether there is such a queue.
        public func hasQueue(_ name: String) throws -> Bool {
            do throws(AMQPError) {
                _ = try session.declareQueue(name, isPassive: true)
                return true
            } catch {
                if error.isAbsence { return false }
                throw error
            }
        }

        public func bind(_ queue: String, to exchange: String, key: String) throws {
            try session.bind(queue, exchange, key)
        }

        /// Takes in what comes to a queue from now on, under this name. Where the broker does not allow that, the connection is
        /// lost, as all consumers are: with `carefully` it is tried on a channel of its own first, and that throws `statement`.
        public func consume(_ queue: String, as name: String, carefully: Bool = false) throws {
            if carefully { try session.tryConsuming(queue) }
            try session.consume(queue, name)
        }

        /// Takes nothing more from the queue that it consumes under this name.
        public func leave(_ name: String) throws { try session.leave(name) }

        /// Deletes a queue with all that is in it, or an exchange.
        public func deleteQueue(_ name: String) throws { try session.deleteQueue(name) }
        public func deleteExchange(_ name: String) throws { try session.deleteExchange(name) }
    }

    final class ConsumingSession {
        let session: Session
        let bell: Bell
        private let prefetch: UInt16
        /// Names of consumers: one must not be given twice, which would end the connection.
        private var names: Set<String> = []
        /// Tags that were given and are not settled, in their order.
        private var given: [UInt64] = []

        private static let consuming: UInt16 = 1
        private static let declaring: UInt16 = 2
        private static let trying: UInt16 = 3

        init(_ session: Session, bell: Bell, prefetch: UInt16) {
            self.session = session
            self.bell = bell
            self.prefetch = prefetch
        }

        private func openConsuming() throws(AMQPError) -> amqp_connection_state_t {
            let (session, prefetch) = (session, prefetch)
            return try session.channel(Self.consuming) { handle throws(AMQPError) in
                // For each consumer by itself: a limit for the whole channel costs the broker half of its throughput.
                amqp_basic_qos(handle, Self.consuming, 0, prefetch, 0)
                try session.check(amqp_get_rpc_reply(handle), "bound what comes", on: Self.consuming)
            }
        }

        private func openDeclaring() throws(AMQPError) -> amqp_connection_state_t {
            try session.channel(Self.declaring) { _ in }
        }

        private func checkDeclared(_ what: String) throws(AMQPError) {
            try session.check(amqp_get_rpc_reply(try session.connection()), what, on: Self.declaring)
        }

        func declareExchange(_ name: String, _ kind: AMQPExchangeKind) throws(AMQPError) {
            let handle = try openDeclaring()
            _ = try name.withBytes { name throws(AMQPError) in
                try kind.rawValue.withBytes { kind throws(AMQPError) in
                    amqp_exchange_declare(
                        handle, Self.declaring, name, kind, 0, 1, 0, 0, carillon_amqp_no_table())
                }
            }
            try checkDeclared("declare exchange \(name)")
        }

        func declareQueue(_ name: String, isPassive: Bool) throws(AMQPError) -> (messages: Int, consumers: Int) {
            let handle = try openDeclaring()
            let answer = try name.withBytes { name throws(AMQPError) in
                amqp_queue_declare(
                    handle, Self.declaring, name, isPassive ? 1 : 0, 1, 0, 0, carillon_amqp_no_table())
            }
            try checkDeclared("declare queue \(name)")
            return answer.map { (Int($0.pointee.message_count), Int($0.pointee.consumer_count)) } ?? (0, 0)
        }

        func bind(_ queue: String, _ exchange: String, _ key: String) throws(AMQPError) {
            let handle = try openDeclaring()
            _ = try queue.withBytes { queue throws(AMQPError) in
                try exchange.withBytes { exchange throws(AMQPError) in
                    try key.withBytes { key throws(AMQPError) in
                        amqp_queue_bind(handle, Self.declaring, queue, exchange, key, carillon_amqp_no_table())
                    }
                }
            }
            try checkDeclared("bind queue \(queue)")
        }

        func deleteQueue(_ name: String) throws(AMQPError) {
            let handle = try openDeclaring()
            _ = try name.withBytes { name throws(AMQPError) in amqp_queue_delete(handle, Self.declaring, name, 0, 0) }
            try checkDeclared("delete queue \(name)")
        }

        func deleteExchange(_ name: String) throws(AMQPError) {
            let handle = try openDeclaring()
            _ = try name.withBytes { name throws(AMQPError) in amqp_exchange_delete(handle, Self.declaring, name, 0) }
            try checkDeclared("delete exchange \(name)")
        }

        func consume(_ queue: String, _ name: String) throws(AMQPError) {
            if names.contains(name) { return }
            let handle = try openConsuming()
            _ = try queue.withBytes { queue throws(AMQPError) in
                try name.withBytes { name throws(AMQPError) in
                    amqp_basic_consume(handle, Self.consuming, queue, name, 0, 0, 0, carillon_amqp_no_table())
                }
            }
            try checkConsuming("consume queue \(queue)")
            names.insert(name)
        }

        /// Consumes a queue for a moment; what came by then goes back.
        func tryConsuming(_ queue: String) throws(AMQPError) {
            let handle = try session.channel(Self.trying) { handle throws(AMQPError) in
                amqp_basic_qos(handle, Self.trying, 0, 1, 1)
                try session.check(amqp_get_rpc_reply(handle), "bound what comes", on: Self.trying)
            }
            _ = try queue.withBytes { queue throws(AMQPError) in
                amqp_basic_consume(
                    handle, Self.trying, queue, carillon_amqp_no_bytes(), 0, 0, 0, carillon_amqp_no_table())
            }
            try session.check(amqp_get_rpc_reply(handle), "consume queue \(queue)", on: Self.trying)
            try session.closeChannel(Self.trying)
        }

        func leave(_ name: String) throws(AMQPError) {
            let handle = try openConsuming()
            _ = try name.withBytes { name throws(AMQPError) in amqp_basic_cancel(handle, Self.consuming, name) }
            names.remove(name)
            try checkConsuming("leave \(name)")
        }

        /// A channel that closes has lost all its consumers, so the connection is worth no more.
        private func checkConsuming(_ what: String) throws(AMQPError) {
            do {
                try session.check(amqp_get_rpc_reply(try session.connection()), what, on: Self.consuming)
            } catch {
                guard error.kind == .statement else { throw error }
                throw session.fail(session.error(.lost, error.message, code: error.code))
            }
        }

        /// Settles what is oldest and accepted in one word: for each by itself the broker looks through all that is older.
        func settle(_ settled: [(tag: UInt64, verdict: AMQPVerdict)]) throws(AMQPError) {
            let handle = try openConsuming()
            var verdicts = Dictionary(settled) { $1 }
            let oldest = given.prefix { verdicts[$0] == .accept }
            if let last = oldest.last {
                for tag in oldest { verdicts[tag] = nil }
                given.removeFirst(oldest.count)
                try session.check(amqp_basic_ack(handle, Self.consuming, last, 1), "settle messages")
            }
            guard !verdicts.isEmpty else { return }
            given.removeAll { verdicts[$0] != nil }
            for (tag, verdict) in verdicts.sorted(by: { $0.key < $1.key }) {
                let status =
                    switch verdict {
                    case .accept: amqp_basic_ack(handle, Self.consuming, tag, 0)
                    case .discard: amqp_basic_reject(handle, Self.consuming, tag, 0)
                    case .giveBack: amqp_basic_reject(handle, Self.consuming, tag, 1)
                    }
                try session.check(status, "settle a message")
            }
        }

        func receive(_ limit: Int, _ microseconds: Int64) throws(AMQPError) -> AMQPNews {
            _ = try openConsuming()
            var found = AMQPNews()
            try take(limit, &found)
            if found == AMQPNews() {
                try session.waitForNews(microseconds, wake: bell.descriptor)
                try take(limit, &found)
            }
            return found
        }

        /// Takes what is there.
        private func take(_ limit: Int, _ found: inout AMQPNews) throws(AMQPError) {
            let handle = try session.connection()
            // Only then: for a channel without frames it looks through those of all the others.
            if amqp_frames_enqueued(handle) == 0 { amqp_maybe_release_buffers(handle) }
            while found.deliveries.count < limit {
                var envelope = amqp_envelope_t()
                var none = timeval(tv_sec: 0, tv_usec: 0)
                let reply = amqp_consume_message(handle, &envelope, &none, 0)
                if reply.reply_type == AMQP_RESPONSE_NORMAL {
                    defer { amqp_destroy_envelope(&envelope) }
                    // What came to the channel that was closed has gone back.
                    if envelope.channel != Self.consuming { continue }
                    let body = envelope.message.body
                    given.append(envelope.delivery_tag)
                    found.deliveries.append(
                        AMQPDelivery(
                            consumer: String(envelope.consumer_tag), tag: envelope.delivery_tag,
                            body: Array(UnsafeRawBufferPointer(start: body.bytes, count: body.len)),
                            isRepeated: envelope.redelivered != 0))
                    continue
                }
                switch reply.library_error {
                case AMQP_STATUS_TIMEOUT.rawValue: return
                case AMQP_STATUS_UNEXPECTED_STATE.rawValue: try takeMethod(&found)
                default: try session.check(reply, "listen", on: Self.consuming)
                }
            }
        }

        /// Takes what is no delivery: a close, or the end of a consumer whose queue was deleted.
        private func takeMethod(_ found: inout AMQPNews) throws(AMQPError) {
            let handle = try session.connection()
            var frame = amqp_frame_t()
            try session.check(amqp_simple_wait_frame(handle, &frame), "listen")
            var decoded: UnsafeRawPointer?
            let method = carillon_amqp_method(&frame, &decoded)
            do {
                _ = try session.takes(method, decoded, on: frame.channel)
            } catch {
                // The connection is over, and nothing of it may be touched any more.
                guard error.kind == .statement else { throw error }
                guard frame.channel == Self.consuming else { return }
                throw session.fail(session.error(.lost, error.message, code: error.code))
            }
            if method == Method.basicCancel, frame.channel == Self.consuming, let decoded {
                let name = decoded.assumingMemoryBound(to: amqp_basic_cancel_t.self).pointee.consumer_tag
                names.remove(String(name))
                found.ended.append(String(name))
            }
        }
    }

    /// Wakes a thread that waits for a socket (eventfd(2)).
    final class Bell: Sendable {
        let descriptor: Int32

        init?() {
            descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
            if descriptor < 0 { return nil }
        }

        deinit { Glibc.close(descriptor) }

        func ring() { _ = eventfd_write(descriptor, 1) }

        func silence() {
            var count: eventfd_t = 0
            _ = eventfd_read(descriptor, &count)
        }
    }
#endif
