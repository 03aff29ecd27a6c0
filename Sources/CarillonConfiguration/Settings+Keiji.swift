public import CarillonCore

extension Settings {
    /// The tasks of a keiji, in its own database.
    public struct Keiji: Sendable {
        public enum Database: Hashable, Sendable {
            /// A file; nil for `db/keiji.db` in the root.
            case sqlite(path: String?)
            /// A URL of PostgreSQL, which may hold a password.
            case postgres(url: String)
        }

        public var database = Database.sqlite(path: nil)
        public var zone = "UTC"
        /// Where keiji keeps binaries and logs: `$HOME/.keiji`.
        public var root: String
        /// Before every job's name.
        public var prefix = ""
        public var catchUp = CatchUp.latest
        /// Whether a task's output also goes to keiji's log of it.
        public var logs = true
        /// Bytes past which such a log is rotated; nil never.
        public var largestLog: Int64?

        public init(root: String) { self.root = root }
    }

    /// The TCP bus on which keiji's tools give orders.
    public struct ControlBus: Sendable {
        public var host = "127.0.0.1"
        public var pushPort: Int64 = 8005
        public var pullPort: Int64 = 8006
        /// What every order must carry; needed where the host is not this machine's own.
        public var token: String?
        /// `host:port` of a keiji bus to take orders from, in place of being one.
        public var from: String?

        public init() {}
    }
}
