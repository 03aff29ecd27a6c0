#if MariaDB
    /// Where a MariaDB server is and how to reach it. Times are in whole seconds, from 1.
    ///
    /// Printing it, in whatever way, shows `address` alone. Nothing is read from option files; text goes as utf8mb4.
    public struct MariaDBConfiguration: Sendable, CustomStringConvertible, CustomReflectable {
        /// Files are PEM, and are read again for each connection, so that renewed ones are taken up.
        ///
        /// A server that speaks no TLS is refused. TLS is 1.2 or 1.3.
        public struct TLS: Hashable, Sendable {
            /// Whom to trust; nil for the system's certificate authorities.
            public var caFile: String?
            /// The client's own certificate, its intermediates behind it.
            public var certificateFile: String?
            public var keyFile: String?
            /// Whether the certificate must be valid and be the host's. False trusts whoever answers.
            public var verify = true

            public init(
                caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil, verify: Bool = true
            ) {
                self.caFile = caFile
                self.certificateFile = certificateFile
                self.keyFile = keyFile
                self.verify = verify
            }
        }

        /// A name, or an IPv4 or IPv6 address without brackets; `localhost` too is reached by TCP.
        public var host: String
        /// From 1 to 65535.
        public var port: Int
        /// A Unix domain socket, instead of host and port; TLS is of no use there.
        public var socketPath: String?
        public var user: String
        public var password: String?
        /// Empty for none.
        public var database: String
        /// Nil speaks in the clear.
        public var tls: TLS?

        /// For TCP and the server's first word, and for each answer of a TLS handshake. The look-up of a name comes
        /// before and ends by the resolver's own time-out (resolv.conf(5)).
        public var connectTimeout = 5
        /// Without any byte while the server's answer is awaited; the connection is dropped then.
        public var readTimeout = 15
        /// Without the server taking any byte; the connection is dropped then.
        public var writeTimeout = 15
        /// Bytes of one row; a larger one ends the connection.
        public var largestRow = 64 << 20

        public init(
            host: String = "127.0.0.1", port: Int = 3306, user: String, password: String? = nil, database: String = "",
            tls: TLS? = nil
        ) {
            self.host = host
            self.port = port
            self.user = user
            self.password = password
            self.database = database
            self.tls = tls
        }

        /// Where it is, for people: `user@host:port/database`, or `user@path?db=database` with a socket.
        public var address: String {
            if let socketPath { return "\(user)@\(socketPath)" + (database.isEmpty ? "" : "?db=\(database)") }
            let place = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
            return "\(user)@\(place)" + (database.isEmpty ? "" : "/\(database)")
        }

        public var description: String { address }
        public var customMirror: Mirror { Mirror(self, children: ["address": address]) }

        /// At most 13 bytes; tells one server from another in `ps -L`.
        var threadName: String { socketPath == nil && 1...65_535 ~= port ? "mariadb:\(port)" : "mariadb" }

        /// What is wrong with it; nil when nothing is.
        ///
        /// The C library takes a host with some marks in it for a list of hosts or for options, and text up to its
        /// first zero byte.
        var flaw: String? {
            if user.isEmpty { return "the user has no name" }
            let texts = [host, socketPath, user, password, database, tls?.caFile, tls?.certificateFile, tls?.keyFile]
            if texts.contains(where: { $0?.utf8.contains(0) == true }) { return "there is a zero byte in a setting" }
            if [connectTimeout, readTimeout, writeTimeout].contains(where: { !(1...86_400 ~= $0) }) {
                return "a time-out is not from 1 to 86,400 seconds"
            }
            if let socketPath {
                // sun_path of sockaddr_un has 108 bytes, its terminator included (unix(7)).
                return 1..<108 ~= socketPath.utf8.count
                    ? nil : "the path of the socket is empty or longer than 107 bytes"
            }
            if !(1...65_535 ~= port) { return "the port is no number from 1 to 65535" }
            let isName = host.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f && !",;=/[]@".utf8.contains($0) }
            return isName && !host.isEmpty ? nil : "the host is no name and no address"
        }
    }
#endif
