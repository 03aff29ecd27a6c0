#if RabbitMQ
    public import BlockingConnection

    /// What a broker refused, or why there was no answer. No password is in it.
    public struct AMQPError: Error, Hashable, Sendable, CustomStringConvertible {
        /// `statement` is a channel that the broker closed: no such exchange (404), another kind of it (406). After `lost` and
        /// `timedOut` the connection is unusable, and what was published without a confirm may be there or not.
        public typealias Kind = ClientErrorKind

        public var kind: Kind
        /// The code of AMQP 0-9-1 (section 4.2.5 of the specification, "reply codes"); nil when it is not the broker that says it.
        public var code: Int?
        /// The broker's or the library's own text.
        public var message: String
        /// `AMQPConfiguration.address`.
        public var server: String

        public init(_ kind: Kind, _ message: String, code: Int? = nil, server: String) {
            self.kind = kind
            self.code = code
            self.message = message
            self.server = server
        }

        /// What was asked for is not there. A cluster answers with the same code where the machine is down that has it.
        var isAbsence: Bool { code == 404 && !message.contains("home node") }

        public var description: String { (server.isEmpty ? "" : "\(server): ") + message }
    }
#endif
