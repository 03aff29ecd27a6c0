#if MariaDB
    import CMariaDB
    import Glibc

    /// What the library says about a call that failed, taken before anything else is called.
    struct Failure {
        let code: Int
        let sqlState: String
        var message: String
        /// The library has no number of its own for it, but the system call's is still there.
        let timedOut: Bool

        /// Takes a connection's failure; `number` is errno(3) as the call left it.
        init(_ handle: Handle, _ number: Int32) {
            self.init(mysql_errno(handle), mysql_sqlstate(handle), mysql_error(handle), number)
        }

        /// Takes a statement's failure; some are noted at the connection alone: a row that is too large, for instance.
        init(_ statement: UnsafeMutablePointer<MYSQL_STMT>, of handle: Handle, _ number: Int32) {
            if mysql_stmt_errno(statement) == 0 {
                self.init(handle, number)
            } else {
                self.init(
                    mysql_stmt_errno(statement), mysql_stmt_sqlstate(statement), mysql_stmt_error(statement), number)
            }
        }

        private init(
            _ code: UInt32, _ sqlState: UnsafePointer<CChar>, _ message: UnsafePointer<CChar>, _ number: Int32
        ) {
            self.code = Int(code)
            self.sqlState = String(cString: sqlState)
            let text = String(cString: message)
            self.message = text.isEmpty ? "the connection failed, and the library does not say why" : text
            timedOut = number == ETIMEDOUT && (code == 0 || code >= 2000)
        }

        func error(at configuration: MariaDBConfiguration, connecting: Bool) -> MariaDBError {
            MariaDBError(
                MariaDBError.kind(of: code, connecting: connecting, timedOut: timedOut), message, code: code,
                sqlState: sqlState, server: configuration.address)
        }
    }
#endif
