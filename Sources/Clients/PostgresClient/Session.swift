#if Postgres
    import BlockingConnection
    import Logging

    /// What one client has open, if anything: it connects when it is first needed; on the client's thread only.
    final class Session {
        private let configuration: PostgresConfiguration
        private let logger: Logger
        private var opened: Connection?

        init(_ configuration: PostgresConfiguration, logger: Logger) {
            self.configuration = configuration
            self.logger = logger
        }

        /// Closes the connection: the thread's last call.
        func end() { opened = nil }

        /// Executes one statement in a transaction of its own.
        func single(_ sql: String, _ values: [PostgresValue], _ each: Connection.Each? = nil) throws -> Int {
            let connection = try connection()
            defer { rest(connection) }
            return try connection.perform(sql, values, each)
        }

        /// Runs `begin` and the statements of `body`: all or nothing.
        func transaction<Value>(_ begin: String, _ body: (PostgresTransaction) throws -> Value) throws -> Value {
            let connection = try connection()
            defer { rest(connection) }
            try connection.run(begin + transactionSettings)
            do {
                let value = try body(PostgresTransaction(connection))
                try connection.commit()
                return value
            } catch {
                connection.rollBack()
                throw error
            }
        }

        private func connection() throws -> Connection {
            if let opened {
                if opened.isAlive { return opened }
                logger.debug("the server ended the idle connection", metadata: ["server": "\(configuration)"])
                self.opened = nil
            }
            let deadline = Deadline(seconds: configuration.connectTimeout)
            let connection = try Connection(Dialer(configuration: configuration, deadline: deadline), logger: logger)
            logger.debug("connected", metadata: ["server": "\(configuration)", "version": "\(connection.version)"])
            opened = connection
            return connection
        }

        /// Drops a connection that is lost, or was left in a transaction: it is of no use for the next call.
        private func rest(_ connection: Connection) {
            if !connection.isReusable { opened = nil }
        }

        /// What a transaction sets for itself where its session is not its own.
        private var transactionSettings: String {
            guard configuration.isPooled else { return "" }
            let time = configuration.statementTimeout * 1000
            return """
                ; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL IntervalStyle = 'postgres'; \
                SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1; SET LOCAL synchronous_commit = 'on'; SET LOCAL statement_timeout = \(time); \
                SET LOCAL idle_in_transaction_session_timeout = \(time)
                """
        }
    }
#endif
