/// What the clients of servers share that stand on a `BlockingConnection`: a session of their own on each of its threads, and
/// the connection's failures as errors of their own.
public struct BlockingClient<Session, Failure: Error>: Sendable {
    private let connection: BlockingConnection<Session>
    private let failure: @Sendable (ClientErrorKind, String) -> Failure

    /// Starts so many threads, on each of which `open` makes a session and `close` ends it; their name has at most 15 bytes;
    /// `failure` makes the client's error. Throws it as `unreachable` when the system has no thread to spare.
    public init(
        name: String, threads: Int = 1, failure: @escaping @Sendable (ClientErrorKind, String) -> Failure,
        open: @escaping @Sendable () -> Session, close: @escaping @Sendable (inout Session) -> Void
    ) throws(Failure) {
        self.failure = failure
        do {
            connection = try BlockingConnection(name: name, threads: threads, open: open, close: close)
        } catch {
            throw failure(.unreachable, "\(error)")
        }
    }

    /// Runs `body` on a thread that is free, after the calls before it. Throws what it throws, and the client's error as `closed`
    /// after `close`.
    public func call<Value: Sendable>(
        _ body: @escaping @Sendable (inout Session) throws -> Value
    ) async throws -> Value {
        do {
            return try await connection.call(body)
        } catch is ConnectionClosed {
            throw failure(.closed, "the client is closed")
        }
    }

    /// Refuses further calls at once, also those that wait; returns when those that run have ended and so have the sessions.
    public func close() async {
        connection.close()
        await connection.closed()
    }
}

/// What went wrong between a client and its server, whatever the two speak.
public struct ClientErrorKind: Hashable, Sendable {
    public var name: String

    public init(name: String) { self.name = name }

    /// No connection could be made: nobody listens or answers, no such host, no room for another connection.
    public static let unreachable = ClientErrorKind(name: "unreachable")
    /// The connection ended in a call; what the call was to change may have been changed.
    public static let lost = ClientErrorKind(name: "lost")
    /// No answer in time; each client says what that means for what was asked.
    public static let timedOut = ClientErrorKind(name: "timed out")
    /// The server is there and does not let this user do it: credentials, database, rights, TLS.
    public static let refused = ClientErrorKind(name: "refused")
    /// What was asked failed, and the connection is well.
    public static let statement = ClientErrorKind(name: "statement")
    /// The client was closed.
    public static let closed = ClientErrorKind(name: "closed")
    /// A configuration that makes no sense.
    public static let badConfiguration = ClientErrorKind(name: "bad configuration")

    /// Nothing is wrong with what was asked; the same call may succeed later.
    public var isUnavailable: Bool { [.unreachable, .lost, .timedOut].contains(self) }
}
