/// What a server answered instead of a value, or why there was no answer.
///
/// Nothing in it is secret: no password, and no part of an address that might hold one.
public struct RedisError: Error, Hashable, Sendable, CustomStringConvertible {
    public struct Code: Hashable, Sendable {
        public var name: String

        public init(name: String) { self.name = name }

        /// No connection could be made, so nothing was sent: nobody listens or answers, no such host, TLS could not agree.
        public static let unreachable = Code(name: "unreachable")
        /// No byte of a reply within `replyTimeout`.
        public static let timedOut = Code(name: "timed out")
        /// The connection ended, or the client was closed.
        public static let closed = Code(name: "closed")
        /// The server is there and does not let this client in, or the greeter does not want the server.
        public static let refused = Code(name: "refused")
        /// An error reply of the server; the connection is well.
        public static let server = Code(name: "server")
        /// Bytes that are not RESP2, replies that nobody asked for, or more than `largestReply`.
        public static let protocolError = Code(name: "protocol")
        /// A URL that makes no sense.
        public static let badAddress = Code(name: "bad address")
        /// The task that waited was cancelled; the commands may have been carried out.
        public static let cancelled = Code(name: "cancelled")
    }

    public var code: Code
    /// For `Code.server` the server's own line, such as `WRONGTYPE Operation against a key holding …`.
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }

    /// The first word of a server's error, such as `NOSCRIPT`, `OOM` or `LOADING`; empty for every other error.
    public var prefix: String { code == .server ? Self.firstWord(of: message) : "" }

    static let taskCancelled = RedisError(.cancelled, "the task was cancelled")
    static let clientClosed = RedisError(.closed, "the client is closed")

    static func firstWord(of message: String) -> String { String(message.prefix { $0 != " " }) }
}
