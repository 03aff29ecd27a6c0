#if Mail
    /// Which SMTP server sends, and how to reach it. Times are in whole seconds, from 1.
    ///
    /// Printing it, in whatever way, shows `address` alone. Nothing is read from the environment or from `.netrc`.
    public struct MailConfiguration: Sendable, CustomStringConvertible, CustomReflectable {
        /// TLS is 1.2 or later.
        public enum Security: Hashable, Sendable, CaseIterable {
            /// Begins in the clear and must go over to TLS (RFC 3207).
            case startTLS
            /// TLS from the first byte (RFC 8314).
            case tls
            /// TLS when the server offers it. Whoever sits between can take the offer away, and read the login.
            case opportunistic
            /// In the clear.
            case none
        }

        /// A name, or an IPv4 or IPv6 address without brackets.
        public var host: String
        /// From 1 to 65535.
        public var port: Int
        public var security: Security
        /// Nil logs in nowhere.
        public var user: String?
        public var password: String?
        /// PEM; whom to trust, nobody else then. Nil for the system's certificate authorities. Read for each mail, so that
        /// a renewed one is taken up.
        public var caFile: String?
        /// Whether the certificate must be valid and be the host's. False trusts whoever answers.
        public var verify = true

        /// For the name, TCP and TLS.
        public var connectTimeout = 10
        /// From the first packet to the server's word that it has the mail. The goodbye to a server that then owes an
        /// answer may take as long again.
        public var timeout = 30

        public init(
            host: String, port: Int = 587, security: Security = .startTLS, user: String? = nil, password: String? = nil,
            caFile: String? = nil, verify: Bool = true
        ) {
            self.host = host
            self.port = port
            self.security = security
            self.user = user
            self.password = password
            self.caFile = caFile
            self.verify = verify
        }

        /// Where it is, for people: `host:port`.
        public var address: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

        public var description: String { address }
        public var customMirror: Mirror { Mirror(self, children: ["address": address]) }

        /// User and password are not in it.
        var url: String { (security == .tls ? "smtps://" : "smtp://") + address }

        /// What is wrong with it; nil when nothing is.
        ///
        /// The C library takes some marks in a host for parts of a URL, and text up to its first zero byte.
        var flaw: String? {
            if [host, user, password, caFile].contains(where: { $0?.utf8.contains(0) == true }) {
                return "there is a zero byte in a setting"
            }
            if [user, password].contains(where: { $0?.contains(where: \.isNewline) == true }) {
                return "user and password have no line breaks"
            }
            if password != nil, user == nil { return "there is a password and no user" }
            if [connectTimeout, timeout].contains(where: { !(1...86_400 ~= $0) }) {
                return "a time-out is not from 1 to 86,400 seconds"
            }
            if !(1...65_535 ~= port) { return "the port is no number from 1 to 65535" }
            let isName = host.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f && !"/?#@[]\\%".utf8.contains($0) }
            return isName && !host.isEmpty ? nil : "the host is no name and no address"
        }
    }
#endif
