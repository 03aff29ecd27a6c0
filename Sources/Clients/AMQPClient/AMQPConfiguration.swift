#if RabbitMQ
    import BlockingConnection
    import Foundation

    /// Where a broker of AMQP 0-9-1 is, and how to talk to it.
    public struct AMQPConfiguration: Hashable, Sendable {
        public struct TLS: Hashable, Sendable {
            /// Certificates to trust, PEM; the system's own when nil.
            public var caFile: String?
            /// The client's own certificate and its key, PEM; both or neither.
            public var certificateFile: String?
            public var keyFile: String?
            /// Whether the broker's certificate must be good, and be for its host.
            public var verifies = true

            public init(
                caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil, verifies: Bool = true
            ) {
                self.caFile = caFile
                self.certificateFile = certificateFile
                self.keyFile = keyFile
                self.verifies = verifies
            }
        }

        public var host: String
        public var port: Int
        public var vhost: String
        public var user: String
        public var password: String
        /// Nil for a connection in the clear.
        public var tls: TLS?
        /// Seconds for a connection and for each answer.
        public var patience = 10
        /// Seconds between signs of life; a peer that gives none for two of them is gone.
        public var heartbeat = 10

        /// Reads `amqp://user:password@host:port/vhost`, or `amqps://` for TLS, as the broker's own URI specification has it: what
        /// stands between the slashes is percent-encoded, and the default user is guest. Throws `badConfiguration`, and never
        /// repeats the address, which may hold a password.
        public init(url: String) throws(AMQPError) {
            let wrong = AMQPError(
                .badConfiguration, "expected amqp://USER@HOST:PORT/VHOST, or amqps:// for TLS", server: "")
            guard let parts = URLComponents(string: url), let scheme = parts.scheme?.lowercased(),
                scheme == "amqp" || scheme == "amqps", parts.query == nil, parts.fragment == nil
            else { throw wrong }
            host = parts.host.flatMap { $0.isEmpty ? nil : $0 } ?? "localhost"
            // An IPv6 address stands in brackets.
            if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
            tls = scheme == "amqps" ? TLS() : nil
            port = parts.port ?? (scheme == "amqps" ? 5671 : 5672)
            guard (1...65_535).contains(port) else { throw wrong }
            user = parts.user ?? "guest"
            password = parts.password ?? (parts.user == nil ? "guest" : "")
            let path = parts.percentEncodedPath
            // Without a slash it is the default one; with a slash alone the empty one, and everybody means the default by it.
            guard path.count <= 1 || !path.dropFirst().contains("/"),
                let name = String(path.dropFirst()).removingPercentEncoding
            else { throw wrong }
            vhost = name.isEmpty ? "/" : name
        }

        /// What people read: no password.
        public var address: String {
            let place = host.contains(":") ? "[\(host)]" : host
            return "\(tls == nil ? "amqp" : "amqps")://\(user)@\(place):\(port)/\(vhost == "/" ? "" : vhost)"
        }
    }
#endif
