#if Postgres
    import BlockingConnection
    import CPostgres
    import Glibc
    import Logging

    /// One connection to a server and the statements it has prepared there; closed with the value.
    final class Connection {
        typealias Each = (borrowing PostgresRow) throws -> Void

        /// Before one more all are forgotten.
        private static let mostStatements = 200

        private let configuration: PostgresConfiguration
        private let logger: Logger
        private let handle: Handle
        private let notices: Notices
        private var isBroken = false
        /// The server's names of the statements.
        private var prepared: [String: String] = [:]
        /// Whether the rows of a statement are on their way: the connection takes no other then.
        private var isStreaming = false

        init(_ dialer: Dialer, logger: Logger) throws(PostgresError) {
            configuration = dialer.configuration
            self.logger = logger
            notices = Notices(logger)
            handle = try dialer.dial(notices)
        }

        deinit { PQfinish(handle) }

        /// 150018 for 15.18.
        var version: Int32 { PQserverVersion(handle) }

        /// Whether it is well, and in no transaction.
        var isReusable: Bool { !isBroken && PQtransactionStatus(handle) == PQTRANS_IDLE }

        /// Reads what came while nothing was asked; its end comes so.
        var isAlive: Bool {
            var one = pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
            while poll(&one, 1, 0) != 0 {
                guard PQconsumeInput(handle) != 0, PQisBusy(handle) == 0 else { return false }
            }
            return PQstatus(handle) == CONNECTION_OK
        }

        // MARK: Statements

        /// Carries one statement out, prepared once in a connection; calls `each` for its rows as they come, and answers
        /// how many it changed, or answered.
        ///
        /// When `each` throws, the rest of the rows is read and dropped.
        func perform(_ sql: String, _ values: [PostgresValue], _ each: Each? = nil) throws -> Int {
            guard !isStreaming else {
                throw misuse("a statement while the rows of another are read; collect those first")
            }
            guard let parameters = Parameters(values), !sql.utf8.contains(0) else {
                throw misuse("there is a zero byte in a text, or more than a gigabyte")
            }
            let name = configuration.isPooled ? nil : try name(of: sql)
            return try ask(each) {
                let (count, pointers, lengths, formats) =
                    (parameters.count, parameters.pointers, parameters.lengths, parameters.formats)
                let sent =
                    if let name {
                        PQsendQueryPrepared($0, name, count, pointers, lengths, formats, 0)
                    } else {
                        PQsendQueryParams($0, sql, count, nil, pointers, lengths, formats, 0)
                    }
                return sent != 0 && PQsetSingleRowMode($0) != 0
            }
        }

        /// Runs statements without parameters and rows.
        func run(_ sql: String, until deadline: Deadline? = nil) throws {
            try ask(until: deadline) { PQsendQuery($0, sql) != 0 }
        }

        func commit() throws {
            // The server takes it for a ROLLBACK when a statement has failed, and calls that a success.
            guard isBroken || PQtransactionStatus(handle) == PQTRANS_INTRANS else {
                throw PostgresError(
                    .statement, "a statement of the transaction failed, so that all of it is rolled back",
                    sqlState: "25P02", server: configuration.address)
            }
            try run("COMMIT")
        }

        /// Rolls back; what cannot be is not reusable, and the server rolls it back as the connection ends.
        func rollBack() {
            if PQtransactionStatus(handle) != PQTRANS_IDLE { _ = try? run("ROLLBACK") }
        }

        private func name(of sql: String) throws -> String {
            if let name = prepared[sql] { return name }
            if prepared.count == Self.mostStatements {
                try run("DEALLOCATE ALL")
                prepared = [:]
            }
            let name = "c\(prepared.count)"
            try ask { PQsendPrepare($0, name, sql, 0, nil) != 0 }
            prepared[sql] = name
            return name
        }

        /// Sends what `send` says and reads all that is answered; then throws the first error of it.
        @discardableResult
        private func ask(_ each: Each? = nil, until deadline: Deadline? = nil, _ send: (Handle) -> Bool) throws -> Int {
            guard !isBroken else {
                throw PostgresError(.lost, "the connection was lost before", server: configuration.address)
            }
            // A second more than the server has.
            let deadline = deadline ?? Deadline(seconds: configuration.statementTimeout + 1)
            guard send(handle) else {
                if PQstatus(handle) == CONNECTION_BAD { throw broken(.lost) }
                throw misuse(PostgresError.text(of: handle))
            }
            isStreaming = true
            defer { isStreaming = false }
            do {
                return try answer(Exchange(handle: handle, deadline: deadline), each)
            } catch let failure as Exchange.Failure {
                throw broken(failure)
            }
        }

        private func answer(_ exchange: Exchange, _ each: Each?) throws -> Int {
            try exchange.flush()
            var columns: Columns?
            var changed = 0
            var failure: (any Error)?
            while let answer = try exchange.next() {
                defer { PQclear(answer) }
                switch PQresultStatus(answer) {
                case PGRES_SINGLE_TUPLE:
                    guard let each, failure == nil else { continue }
                    let its = columns ?? Columns(answer, server: configuration.address)
                    columns = its
                    do { try each(PostgresRow(result: answer, columns: its)) } catch { failure = error }
                case PGRES_COMMAND_OK, PGRES_TUPLES_OK: changed = Int(String(cString: PQcmdTuples(answer))) ?? 0
                case PGRES_EMPTY_QUERY: break
                case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
                    isBroken = true
                    throw misuse("COPY is not for this client")
                default:
                    let error = failed(answer)
                    failure = failure ?? error
                    if error.kind == .lost { throw error }
                }
            }
            if let failure { throw failure }
            return changed
        }

        // MARK: Errors

        /// Makes the server's error, which may be the connection's last.
        private func failed(_ answer: Answer) -> PostgresError {
            let error = PostgresError(answer, at: configuration)
            // A prepared statement that is gone, or whose table is another now: all of them go with the connection. So does a
            // standby, where the next one may find the server that took over.
            if error.kind == .lost || ["0A000", "25006", "26000"].contains(error.sqlState) { lose(error) }
            return error
        }

        private func broken(_ failure: Exchange.Failure) -> PostgresError {
            let error = PostgresError(failure, handle, at: configuration)
            lose(error)
            return error
        }

        private func lose(_ error: PostgresError) {
            isBroken = true
            logger.debug("the connection is of no more use", metadata: ["error": "\(error)"])
        }

        /// Makes an error of whoever calls.
        private func misuse(_ what: String) -> PostgresError {
            PostgresError(.statement, what, server: configuration.address)
        }
    }
#endif
