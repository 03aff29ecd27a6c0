#if Postgres
    /// Where a PostgreSQL server is and how to reach it. Times are in whole seconds, from 1.
    ///
    /// Printing it, in whatever way, shows `address` alone. Password and service files are not read; text goes as UTF-8.
    /// What is not set here libpq takes from its environment variables, such as `PGPASSWORD`.
    public struct PostgresConfiguration: Sendable, CustomStringConvertible, CustomReflectable {
        /// Files are PEM, and are read again for each connection, so that renewed ones are taken up.
        public struct TLS: Hashable, Sendable {
            /// `sslmode` of libpq (its documentation, 34.19.1).
            public enum Mode: String, Sendable {
                case disable, allow, prefer, require
                /// The certificate must be one of the authority's.
                case verifyCA = "verify-ca"
                /// It must be the host's, too.
                case verifyFull = "verify-full"
            }

            public var mode: Mode
            /// Whom to trust when the certificate is verified; nil for the system's certificate authorities.
            public var caFile: String?
            /// The client's own certificate, its intermediates behind it.
            public var certificateFile: String?
            /// Readable for its owner alone.
            public var keyFile: String?

            public init(
                _ mode: Mode = .prefer, caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil
            ) {
                self.mode = mode
                self.caFile = caFile
                self.certificateFile = certificateFile
                self.keyFile = keyFile
            }
        }

        /// A name, or an IPv4 or IPv6 address without brackets; or, with a leading slash, the folder of the server's
        /// Unix domain socket, where TLS is of no use.
        public var host: String
        /// From 1 to 65535; it is also in the name of a socket.
        public var port: Int
        public var user: String
        public var password: String?
        /// Empty for the one that is named as the user.
        public var database: String
        public var tls: TLS
        /// Whom a connection trusts that verifies the server's certificate; nil for one that does not.
        public var authorities: String? {
            let verifies = tls.mode == .verifyCA || tls.mode == .verifyFull
            return tls.caFile ?? (verifies ? Dialer.systemAuthorities : nil)
        }

        /// What `pg_stat_activity` shows.
        public var applicationName = "carillon"

        /// From the first packet until the server is ready for a statement. The look-up of a name comes on top and ends
        /// by the resolver's own time-out (resolv.conf(5)).
        public var connectTimeout = 5
        /// For one statement, its rows included; the server cancels it then (`statement_timeout`).
        ///
        /// When that has not come a second later either, the connection is dropped. A transaction that rests as long
        /// between two statements is ended by the server (`idle_in_transaction_session_timeout`).
        public var statementTimeout = 30
        /// What else the server is to be set to in a session, such as `lock_timeout`; nothing of it when `isPooled`.
        public var settings: [String: String] = [:]
        /// Whether a transaction pooler, such as pgbouncer, stands between: then nothing is set or prepared in a session,
        /// which others have too, and a statement outside of a transaction has the role's time-outs.
        public var isPooled = false

        public init(
            host: String = "127.0.0.1", port: Int = 5432, user: String, password: String? = nil, database: String = "",
            tls: TLS = TLS()
        ) {
            self.host = host
            self.port = port
            self.user = user
            self.password = password
            self.database = database
            self.tls = tls
        }

        /// Where it is, for people: `user@host:port/database`.
        public var address: String {
            let place = !isLocal && host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
            return "\(user)@\(place)" + (database.isEmpty ? "" : "/\(database)")
        }

        public var description: String { address }
        public var customMirror: Mirror { Mirror(self, children: ["address": address]) }

        /// Whether it is a socket's folder.
        var isLocal: Bool { host.hasPrefix("/") }

        /// At most 14 bytes; tells one server from another in `ps -L`.
        var threadName: String { 1...65_535 ~= port ? "postgres:\(port)" : "postgres" }

        /// What is wrong with it; nil when nothing is.
        ///
        /// The C library takes a host with a comma in it for a list of hosts, and text up to its first zero byte.
        var flaw: String? {
            if user.isEmpty { return "the user has no name" }
            var texts = [
                host, user, password, database, applicationName, tls.caFile, tls.certificateFile, tls.keyFile,
            ]
            texts += settings.values.map { Optional($0) }
            if texts.contains(where: { $0?.utf8.contains(0) == true }) { return "there is a zero byte in a setting" }
            if [connectTimeout, statementTimeout].contains(where: { !(1...86_400 ~= $0) }) {
                return "a time-out is not from 1 to 86,400 seconds"
            }
            if !(1...65_535 ~= port) { return "the port is no number from 1 to 65535" }
            if isLocal {
                // sun_path of sockaddr_un has 108 bytes, its terminator included (unix(7)).
                let isFolder = "\(host)/.s.PGSQL.\(port)".utf8.count < 108 && !host.contains(",")
                return isFolder ? nil : "the folder of the socket has a comma in it, or its path is too long"
            }
            let isName = host.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f && !",;=/[]@".utf8.contains($0) }
            return isName && !host.isEmpty ? nil : "the host is no name and no address"
        }
    }
#endif
