/// Where a server is and how to reach it. Times are in microseconds.
///
/// Printing it, in whatever way, shows `address` alone.
public struct RedisConfiguration: Sendable, CustomStringConvertible, CustomReflectable {
    /// Files are PEM, and are read again for each connection, so that renewed ones are taken up.
    public struct TLS: Hashable, Sendable {
        /// Whom to trust; nil for the system's certificate authorities.
        public var caFile: String?
        /// The client's own certificate, its intermediates behind it.
        public var certificateFile: String?
        public var keyFile: String?
        /// Whether the certificate must be valid and be the host's. False trusts whoever answers.
        public var verify = true
        /// The name in the certificate, when it is not the host's.
        public var serverName: String?

        public init(
            caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil, verify: Bool = true,
            serverName: String? = nil
        ) {
            self.caFile = caFile
            self.certificateFile = certificateFile
            self.keyFile = keyFile
            self.verify = verify
            self.serverName = serverName
        }
    }

    /// A name, or an IPv4 or IPv6 address without brackets; of no use beside `socketPath`.
    public var host = ""
    public var port = 6379
    /// A Unix domain socket, instead of host and port.
    public var socketPath: String?
    /// Nil is the user `default`.
    public var user: String?
    public var password: String?
    /// What `SELECT` takes, from 0.
    public var database = 0
    /// Nil speaks in the clear.
    public var tls: TLS?

    /// From the first packet to the end of the greeting: name lookup, TCP, TLS, `AUTH`, `SELECT`, `INFO`.
    public var connectTimeout: Int64 = 5_000_000
    /// Without any byte while replies are awaited; the connection is dropped then.
    public var replyTimeout: Int64 = 30_000_000
    /// What `CLIENT LIST` shows; no spaces.
    public var clientName = "carillon"
    /// Commands whose replies are awaited; what exceeds it waits. One longer batch goes alone.
    public var mostInFlight = 65_536
    /// Bytes of the commands whose replies are awaited; what exceeds it waits. One larger batch goes alone.
    public var mostBufferedBytes = 16 << 20
    /// Bytes of one reply, with 32 or so more for each element; a larger one ends the connection.
    public var largestReply = 64 << 20

    /// Takes `redis://[user[:password]@]host[:port][/db]`, `rediss://…` for TLS, and `unix:///path[?db=N]`.
    ///
    /// User, password and path are percent-decoded; an IPv6 address is in brackets. Throws `Code.badAddress` with a
    /// text that repeats nothing of the URL, since a part in the wrong place may be its password.
    public init(url: String) throws(RedisError) {
        let parts = try URLParts(url)
        switch parts.scheme {
        case "redis": try readHost(parts)
        case "rediss":
            try readHost(parts)
            tls = TLS()
        case "unix": try readPath(parts)
        default: throw URLParts.bad("it begins with none of redis://, rediss:// and unix://")
        }
        user = parts.user
        password = parts.password
    }

    /// Where it is, for people: `host:port/db`, or the path of the socket. Without user and password.
    public var address: String {
        if let socketPath { return database == 0 ? socketPath : "\(socketPath)?db=\(database)" }
        return host.contains(":") ? "[\(host)]:\(port)/\(database)" : "\(host):\(port)/\(database)"
    }

    public var description: String { address }
    public var customMirror: Mirror { Mirror(self, children: ["address": address]) }

    private mutating func readHost(_ parts: URLParts) throws(RedisError) {
        guard parts.query == nil else { throw URLParts.bad("it has a query") }
        host = try parts.host()
        port = try parts.port() ?? port
        let path = parts.path.dropFirst()
        if !path.isEmpty { database = try URLParts.database(path) }
    }

    private mutating func readPath(_ parts: URLParts) throws(RedisError) {
        guard parts.place.isEmpty else { throw URLParts.bad("a socket has a path and no host: unix:///path") }
        let path = try URLParts.decode(parts.path)
        guard path.utf8.count > 1 else { throw URLParts.bad("it has no path") }
        // sun_path of sockaddr_un has 108 bytes, its terminator included (unix(7)).
        guard path.utf8.count < 108 else { throw URLParts.bad("its path is longer than 107 bytes") }
        socketPath = path
        guard let query = parts.query else { return }
        guard query.hasPrefix("db=") else { throw URLParts.bad("its query is not db=N") }
        database = try URLParts.database(query.dropFirst(3))
    }
}
