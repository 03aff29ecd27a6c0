#if MariaDB
    public import BlockingConnection

    /// What a server answered instead of rows, or why there was no answer.
    ///
    /// No password is in it. The server's text may repeat a value, such as the one that is there already (1062).
    public struct MariaDBError: Error, Hashable, Sendable, CustomStringConvertible {
        /// `timedOut` is no byte within `readTimeout` or `writeTimeout`, and the connection is dropped; `statement` is no such
        /// table (1146) or column (1054), for instance.
        public typealias Kind = ClientErrorKind

        public var kind: Kind
        /// The server's number from 1000, or the C library's from 2000 and from 5000; 0 for the client's own errors.
        public var code: Int
        /// Five characters of the SQL standard, such as `42S02`; empty for the client's own errors.
        public var sqlState: String
        /// The server's or the library's own text, in English or the server's language.
        public var message: String
        /// `MariaDBConfiguration.address`.
        public var server: String

        public init(_ kind: Kind, _ message: String, code: Int = 0, sqlState: String = "", server: String) {
            self.kind = kind
            self.code = code
            self.sqlState = sqlState
            self.message = message
            self.server = server
        }

        /// Nothing is wrong with what was asked; the same call may succeed later.
        public var isUnavailable: Bool { kind.isUnavailable }

        public var description: String { "\(server): \(message)" + (code == 0 ? "" : " (\(code), \(sqlState))") }
    }

    extension MariaDBError {
        /// Says what a number means for a call that failed; the numbers are those of mysqld_error.h and errmsg.h.
        static func kind(of code: Int, connecting: Bool, timedOut: Bool) -> Kind {
            switch code {
            // The library has it for a connection in use as well, and for whatever it waits for.
            case 2026 where !connecting || timedOut: connecting ? .unreachable : timedOut ? .timedOut : .lost
            // Too many connections, of all users and of this one.
            case 1040, 1203, 1226: connecting ? .unreachable : .statement
            // Account, host, database, table, column, privilege, routine; passwords that are over, locked accounts.
            case 1044, 1045, 1049, 1129, 1130, 1142, 1143, 1227, 1370, 1698, 1820, 1862, 4151: .refused
            // Ways to log in that the two have not in common; TLS.
            case 1251, 1275, 2026, 2049, 2059, 2061, 5010, 5012: .refused
            // Connection killed or aborted, packets that did not come or go, shutdown.
            case 1053, 1152...1161, 1184, 1927, 4031: connecting ? .unreachable : .lost
            // The library's own: after most of them the connection is of no more use, so it counts as lost.
            case 0, 2000..<3000, 5000..<6000: connecting ? .unreachable : timedOut ? .timedOut : .lost
            default: connecting ? .refused : .statement
            }
        }
    }
#endif
