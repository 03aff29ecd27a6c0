#if MariaDB
    import BlockingConnection
    import CMariaDB
    import Glibc
    import Logging

    /// The connection of one client, opened when it is first needed; on the client's thread only.
    final class Session {
        /// Once in a process, before anything else of the library; 0 for done.
        private static let library = carillon_mariadb_begin()

        let configuration: MariaDBConfiguration
        private let logger: Logger
        private var opened: Handle?
        private var isBroken = false
        /// Whether the rows of a statement are on their way: the connection takes no other then.
        var isStreaming = false

        init(_ configuration: MariaDBConfiguration, logger: Logger) {
            self.configuration = configuration
            self.logger = logger
            _ = Self.library
            mysql_thread_init()
        }

        /// Ends the session: the thread's last call.
        func end() {
            drop()
            mysql_thread_end()
        }

        // MARK: Transactions

        func read<Value>(_ body: (MariaDBSnapshot) throws -> Value) throws -> Value {
            try transaction(begin: "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", commits: false) {
                try body(MariaDBSnapshot(self))
            }
        }

        /// Carries the statement out for each element of `batch`; answers how many rows changed.
        func execute(_ sql: String, batch: [[MariaDBValue]]) throws -> Int {
            try transaction(begin: "START TRANSACTION", commits: true) {
                let statement = try Statement(sql, self)
                return try batch.reduce(0) { try $0 + statement.execute($1).discard() }
            }
        }

        func execute(_ sql: String, _ parameters: [MariaDBValue]) throws -> Int {
            try use()
            defer { if isBroken { drop() } }
            return try Statement(sql, self).execute(parameters).discard()
        }

        private func transaction<Value>(
            begin: String, commits: Bool, _ body: () throws -> Value
        ) throws -> Value {
            try use()
            defer { if isBroken { drop() } }
            try run(begin)
            do {
                let value = try body()
                if commits { try run("COMMIT") } else { rollBack() }
                return value
            } catch {
                rollBack()
                throw error
            }
        }

        /// Rolls back; what cannot be rolled back is dropped, and the server rolls it back then.
        private func rollBack() {
            if (try? run("ROLLBACK")) == nil { isBroken = true }
        }

        // MARK: Connection

        /// Connects unless it is connected.
        private func use() throws(MariaDBError) {
            if let opened, !isQuiet(opened) {
                logger.debug("the server ended the idle connection", metadata: ["server": "\(configuration)"])
                drop()
            }
            guard opened == nil else { return }
            let handle = try Dialer(configuration: configuration).dial()
            opened = handle
            let version = String(cString: mysql_get_server_info(handle))
            logger.debug("connected", metadata: ["server": "\(configuration)", "version": "\(version)"])
        }

        /// Answers the connection of a call that runs.
        func handle() throws(MariaDBError) -> Handle {
            guard let opened, !isBroken else {
                throw MariaDBError(.lost, "the connection was lost before", server: configuration.address)
            }
            return opened
        }

        func run(_ statement: String) throws(MariaDBError) {
            let handle = try handle()
            errno = 0
            let failed = mysql_query(handle, statement) != 0
            let number = errno
            if failed { throw error(of: Failure(handle, number)) }
        }

        /// Whether nothing came while nothing was asked: its end comes so, and a notice of it.
        private func isQuiet(_ handle: Handle) -> Bool {
            var one = pollfd(fd: mysql_get_socket(handle), events: Int16(POLLIN), revents: 0)
            return poll(&one, 1, 0) == 0
        }

        private func drop() {
            isBroken = false
            isStreaming = false
            guard let handle = opened else { return }
            opened = nil
            mysql_close(handle)
        }

        // MARK: Errors

        /// Makes the error of a call, which may be the connection's last.
        func error(of failure: Failure) -> MariaDBError {
            var failure = failure
            if failure.timedOut {
                failure.message = "no answer within \(configuration.readTimeout) s: \(failure.message)"
            }
            let error = failure.error(at: configuration, connecting: false)
            guard error.isUnavailable, !isBroken else { return error }
            isBroken = true
            logger.debug("the connection is lost", metadata: ["error": "\(error)"])
            // What the library still has to say goodbye to must not wait for an answer.
            if let opened, mysql_get_socket(opened) >= 0 { shutdown(mysql_get_socket(opened), Int32(SHUT_RDWR)) }
            return error
        }

        /// Makes an error of whoever calls.
        func misuse(_ what: String) -> MariaDBError {
            MariaDBError(.statement, what, server: configuration.address)
        }
    }
#endif
