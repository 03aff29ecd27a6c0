#if Mail
    /// Why a mail was not sent. No password is in it; the server's own words may be.
    public struct MailError: Error, Hashable, Sendable, CustomStringConvertible {
        public struct Kind: Hashable, Sendable {
            public var name: String

            public init(name: String) { self.name = name }

            /// No connection could be made, or it ended too soon: nobody listens, no such host.
            public static let unreachable = Kind(name: "unreachable")
            /// No end within the configuration's time-outs. The server may have taken the mail.
            public static let timedOut = Kind(name: "timed out")
            /// The server is there and will not have it later either: login, TLS, sender, recipients (5yz of RFC 5321).
            public static let refused = Kind(name: "refused")
            /// The server asks to try again later (4yz of RFC 5321).
            public static let putOff = Kind(name: "put off")
            /// The task was cancelled. The server may have taken the mail.
            public static let cancelled = Kind(name: "cancelled")
            /// The client was closed.
            public static let closed = Kind(name: "closed")
            /// A configuration or a message that makes no sense.
            public static let badConfiguration = Kind(name: "bad configuration")
        }

        public var kind: Kind
        /// A sentence without its full stop.
        public var message: String
        /// `MailConfiguration.address`.
        public var server: String

        public init(_ kind: Kind, _ message: String, server: String) {
            self.kind = kind
            self.message = message
            self.server = server
        }

        public var description: String { "\(server): \(message)" }
    }
#endif
