#if RabbitMQ
    import BlockingConnection
    import CRabbitMQ

    /// A message on its way to an exchange. It is persistent.
    public struct AMQPMessage: Hashable, Sendable {
        public var exchange: String
        public var routingKey: String
        public var id: String
        public var contentType: String
        /// Texts beside the body.
        public var headers: [String: String]
        public var body: [UInt8]

        public init(
            exchange: String, routingKey: String, id: String, contentType: String, headers: [String: String] = [:],
            body: [UInt8]
        ) {
            self.exchange = exchange
            self.routingKey = routingKey
            self.id = id
            self.contentType = contentType
            self.headers = headers
            self.body = body
        }
    }

    /// What became of a message.
    public enum AMQPAnswer: Hashable, Sendable {
        /// The broker has it, on disk where its queue is durable.
        case confirmed
        /// It went into no queue, for this reason.
        case returned(String)
        /// The broker could not keep it.
        case nacked
        /// The broker closed the channel for a message of the batch, perhaps for this one: there is no such exchange, say.
        case refused(AMQPError)
        /// Nobody knows: it may be there or not.
        case unknown(AMQPError)
    }

    /// Publishes messages, and knows of each what became of it ("Publisher Confirms"). A connection of its own.
    public struct AMQPPublisher: Sendable {
        private let client: BlockingClient<PublishingSession, AMQPError>

        /// Starts its thread; connects when first asked to. Throws `unreachable` when the system has no thread to spare.
        public init(_ configuration: AMQPConfiguration) throws(AMQPError) {
            client = try BlockingClient(
                name: "amqp-publish",
                failure: { AMQPError($0, $1, server: configuration.address) },
                open: { PublishingSession(Session(configuration)) }, close: { $0.session.close() })
        }

        /// Publishes a batch, and waits for the broker's word on each message, in their order.
        public func publish(_ messages: [AMQPMessage]) async throws -> [AMQPAnswer] {
            try await client.call { $0.publish(messages) }
        }

        /// Connects, or gives a sign of life; a publisher without work is to do so every few seconds. Answers why the broker takes
        /// no messages, nil when it does. Throws once the connection is gone.
        public func beat() async throws -> String? { try await client.call { try $0.beat() } }

        public func close() async { await client.close() }
    }

    struct PublishingSession {
        let session: Session
        /// Of the messages on the channel, counted from 1 as the broker does.
        private var last: UInt64 = 0
        /// By their numbers: the place in the batch.
        private var unanswered: [UInt64: Int] = [:]
        /// Nil where there is none yet.
        private var answers: [AMQPAnswer?] = []
        private var messages: [AMQPMessage] = []

        private static let channel: UInt16 = 1
        /// So many messages are on their way at most.
        private static let window = 1_000

        init(_ session: Session) { self.session = session }

        mutating func beat() throws(AMQPError) -> String? {
            _ = try open()
            while try hear(waiting: 0) {}
            return session.blockage
        }

        mutating func publish(_ batch: [AMQPMessage]) -> [AMQPAnswer] {
            messages = batch
            answers = Array(repeating: nil, count: batch.count)
            do throws(AMQPError) {
                var left = Array(batch.indices)
                while !left.isEmpty {
                    try publishTogether(left)
                    left = left.filter { answers[$0] == nil }
                }
            } catch {
                for place in answers.indices where answers[place] == nil { answers[place] = .unknown(error) }
            }
            unanswered = [:]
            messages = []
            return answers.map { $0 ?? .nacked }
        }

        /// Publishes messages; when the broker closes the channel for one of those on their way, each of these by itself, and
        /// what was not sent yet has no answer.
        private mutating func publishTogether(_ places: [Int]) throws(AMQPError) {
            do throws(AMQPError) {
                try send(places)
                try listen(until: 0)
            } catch {
                guard error.kind == .statement else { throw error }
                let doubtful = unanswered.values.sorted()
                unanswered = [:]
                for place in doubtful {
                    if answers[place] == nil { try publishAlone(place) }
                }
            }
        }

        private mutating func publishAlone(_ place: Int) throws(AMQPError) {
            do throws(AMQPError) {
                try send([place])
                try listen(until: 0)
            } catch {
                guard error.kind == .statement else { throw error }
                unanswered = [:]
                answers[place] = .refused(error)
            }
        }

        private mutating func open() throws(AMQPError) -> amqp_connection_state_t {
            if !session.isOpen(Self.channel) { last = 0 }
            let session = session
            return try session.channel(Self.channel) { handle throws(AMQPError) in
                amqp_confirm_select(handle, Self.channel)
                try session.check(amqp_get_rpc_reply(handle), "ask for confirms", on: Self.channel)
            }
        }

        private mutating func send(_ places: [Int]) throws(AMQPError) {
            let handle = try open()
            for (number, place) in places.enumerated() {
                try waitForRoom()
                try publish(messages[place], on: handle)
                last += 1
                unanswered[last] = place
                if unanswered.count >= Self.window {
                    try listen(until: Self.window / 2)
                } else if number % 64 == 63 {
                    while try hear(waiting: 0) {}
                }
            }
        }

        /// Waits until the socket takes more, since the library would wait for ever. Throws `timedOut` when the broker takes none.
        private mutating func waitForRoom() throws(AMQPError) {
            if try session.hasRoom(within: 0) { return }
            let deadline = Deadline(seconds: session.configuration.patience)
            repeat {
                while try hear(waiting: 0) {}
                if let blockage = session.blockage {
                    throw session.error(.timedOut, "the broker takes no messages: \(blockage)")
                }
                if deadline.isOver {
                    throw session.fail(
                        session.error(.timedOut, "it takes nothing for \(session.configuration.patience) s"))
                }
            } while try !session.hasRoom(within: 200_000)
        }

        private func publish(_ message: AMQPMessage, on handle: amqp_connection_state_t) throws(AMQPError) {
            try message.exchange.withBytes { exchange throws(AMQPError) in
                try message.routingKey.withBytes { key throws(AMQPError) in
                    try message.id.withBytes { id throws(AMQPError) in
                        try message.contentType.withBytes { type throws(AMQPError) in
                            try message.body.withBytes { body throws(AMQPError) in
                                var properties = amqp_basic_properties_t()
                                properties._flags =
                                    Self.contentTypeFlag | Self.deliveryModeFlag | Self.messageIDFlag
                                properties.content_type = type
                                properties.delivery_mode = 2
                                properties.message_id = id
                                let headers = AMQPHeaders(message.headers)
                                if !message.headers.isEmpty {
                                    properties._flags |= Self.headersFlag
                                    properties.headers = headers.table
                                }
                                let status = amqp_basic_publish(
                                    handle, Self.channel, exchange, key, 1, 0, &properties, body)
                                _ = consume headers
                                try session.check(status, "publish")
                            }
                        }
                    }
                }
            }
        }

        // The order of the properties in AMQP 0-9-1, section 4.2.6.1, from the highest bit down.
        private static let contentTypeFlag: UInt32 = 1 << 15
        private static let headersFlag: UInt32 = 1 << 13
        private static let deliveryModeFlag: UInt32 = 1 << 12
        private static let messageIDFlag: UInt32 = 1 << 7

        /// Listens until no more than so many are without an answer. Throws `timedOut` when the broker is silent.
        private mutating func listen(until most: Int) throws(AMQPError) {
            let deadline = Deadline(seconds: session.configuration.patience)
            while unanswered.count > most {
                if try hear(waiting: 200_000) { continue }
                // The connection is well; whether these get through is known when nobody asks any more.
                if let blockage = session.blockage {
                    throw session.error(.timedOut, "the broker takes no messages: \(blockage)")
                }
                if deadline.isOver {
                    throw session.fail(
                        session.error(
                            .timedOut,
                            "no word on \(unanswered.count) messages within \(session.configuration.patience) s"))
                }
            }
        }

        /// Takes one frame in; false when none came in so many microseconds.
        private mutating func hear(waiting microseconds: Int64) throws(AMQPError) -> Bool {
            let handle = try session.connection()
            amqp_maybe_release_buffers(handle)
            var frame = amqp_frame_t()
            var limit = timeval(tv_sec: 0, tv_usec: Int(microseconds))
            let status = amqp_simple_wait_frame_noblock(handle, &frame, &limit)
            if status == AMQP_STATUS_TIMEOUT.rawValue { return false }
            try session.check(status, "listen")
            var decoded: UnsafeRawPointer?
            let method = carillon_amqp_method(&frame, &decoded)
            if try session.takes(method, decoded, on: frame.channel) { return true }
            guard let decoded else { return true }
            switch method {
            case Method.basicAck:
                let ack = decoded.assumingMemoryBound(to: amqp_basic_ack_t.self).pointee
                settle(ack.delivery_tag, isMultiple: ack.multiple != 0, .confirmed)
            case Method.basicNack:
                let nack = decoded.assumingMemoryBound(to: amqp_basic_nack_t.self).pointee
                settle(nack.delivery_tag, isMultiple: nack.multiple != 0, .nacked)
            case Method.basicReturn:
                let why = String(decoded.assumingMemoryBound(to: amqp_basic_return_t.self).pointee.reply_text)
                try readReturned(frame.channel, why, handle)
            default: break
            }
            return true
        }

        /// Notes an answer; one that was returned before is confirmed all the same.
        private mutating func settle(_ tag: UInt64, isMultiple: Bool, _ answer: AMQPAnswer) {
            let tags = isMultiple ? unanswered.keys.filter { $0 <= tag } : [tag]
            for tag in tags {
                guard let place = unanswered.removeValue(forKey: tag) else { continue }
                answers[place] = answers[place] ?? answer
            }
        }

        private mutating func readReturned(
            _ channel: UInt16, _ why: String, _ handle: amqp_connection_state_t
        ) throws(AMQPError) {
            var message = amqp_message_t()
            try session.check(amqp_read_message(handle, channel, &message, 0), "read what came back", on: channel)
            let id = String(message.properties.message_id)
            amqp_destroy_message(&message)
            for place in unanswered.values where messages[place].id == id { answers[place] = .returned(why) }
        }
    }
#endif
