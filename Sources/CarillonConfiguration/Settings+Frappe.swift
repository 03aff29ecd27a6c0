public import CarillonCore

extension Settings {
    /// A Frappe site: its database, which is the feed, and its web server, which makes the pickles.
    public struct Frappe: Sendable {
        public var host = "localhost"
        public var port: Int64 = 3306
        public var user = ""
        public var password = ""
        public var database = ""
        /// TLS to the database.
        public var tls = false
        public var caFile: String?
        public var verifies = true
        /// Microseconds between two full readings.
        public var refresh: Int64 = 90_000_000
        /// The zone of a site that names none.
        public var zone = "UTC"
        /// Before every job's name.
        public var prefix = ""
        public var catchUp = CatchUp.latest
        /// Whether upcoming runs stand in Redis under `btu_scheduler:task_execution_times` for other tools.
        public var mirror = true
        public var web = Web()

        public init() {}
    }

    /// A Frappe site's web server.
    public struct Web: Sendable {
        public var host = "127.0.0.1"
        /// 443 means https.
        public var port: Int64 = 443
        public var hostHeader: String?
        /// The whole value of `Authorization:`.
        public var token = ""
        public var caFile: String?
        public var verifies = true
    }

    public struct Socket: Sendable {
        public var path = Socket.standardPath
        /// The daemon's own when nil.
        public var group: String?

        public static let standardPath = "/tmp/btu_scheduler.sock"

        public init(path: String = Socket.standardPath, group: String? = nil) {
            self.path = path
            self.group = group
        }
    }

    /// What is told by mail, and through which server.
    public struct Email: Sendable {
        public enum Occasion: String, Sendable, CaseIterable { case failed, missed, queued }
        public enum Security: String, Sendable, CaseIterable {
            /// Begins in the clear and must go over to TLS.
            case starttls
            /// TLS from the first byte.
            case tls
            /// TLS when the server offers it.
            case opportunistic
            case none
        }

        public var from = ""
        public var to: [String] = []
        public var host = ""
        public var port: Int64 = 587
        public var user: String?
        public var password: String?
        public var security = Security.starttls
        public var caFile: String?
        public var verifies = true
        public var on: Set<Occasion> = [.failed, .missed]
        /// Whether times missed within less than a minute are told too.
        public var tellsShortGaps = false

        public init() {}

        /// What a port is by custom: 465 TLS (RFC 8314), 587 STARTTLS, others whatever the server offers.
        static func security(ofPort port: Int64) -> Security {
            switch port {
            case 465: .tls
            case 587: .starttls
            default: .opportunistic
            }
        }
    }
}
