#if Postgres
    /// A transaction that is open until the closure that got it returns, and on its client's thread only.
    ///
    /// After an error of the server the other statements fail with 25P02, and nothing of the transaction stays. Every
    /// method throws `PostgresError`.
    public final class PostgresTransaction {
        /// What it sees of others that commit meanwhile (PostgreSQL's documentation, 13.2).
        public enum Isolation: String, Sendable {
            /// Each statement sees what was there when it began.
            case readCommitted = "READ COMMITTED"
            /// All see what was there when the first began; a row that changed meanwhile cannot be changed
            /// (`PostgresError.isConflict`).
            case repeatableRead = "REPEATABLE READ"
            /// As if one transaction came after the other; any statement, and the end, may be a conflict.
            case serializable = "SERIALIZABLE"
        }

        private let connection: Connection

        init(_ connection: Connection) { self.connection = connection }

        /// Executes as `PostgresClient.execute` does.
        @discardableResult
        public func execute(_ sql: String, _ parameters: [PostgresValue] = []) throws -> Int {
            try connection.perform(sql, parameters)
        }

        /// Carries the statement out with the parameters for `$1`, `$2` and so on, and calls `each` for every row.
        ///
        /// Rows come from the socket one by one, and nothing but the current one is kept. `each` should not dwell on a
        /// row, since all of them must come within the statement's time-out; and it cannot use the transaction. What it
        /// throws is thrown here, after the other rows have been read and dropped.
        public func rows(
            _ sql: String, _ parameters: [PostgresValue] = [], _ each: (borrowing PostgresRow) throws -> Void
        ) throws {
            try withoutActuallyEscaping(each) { each in _ = try connection.perform(sql, parameters, each) }
        }

        /// Answers what `transform` makes of every row, in order; as `rows` otherwise.
        public func all<Value>(
            _ sql: String, _ parameters: [PostgresValue] = [], _ transform: (borrowing PostgresRow) throws -> Value
        ) throws -> [Value] {
            var values: [Value] = []
            try rows(sql, parameters) { row in values.append(try transform(row)) }
            return values
        }

        /// Answers what `transform` makes of the first row; nil when there is none.
        public func first<Value>(
            _ sql: String, _ parameters: [PostgresValue] = [], _ transform: (borrowing PostgresRow) throws -> Value
        ) throws -> Value? {
            var value: Value?
            try rows(sql, parameters) { row in
                if value == nil { value = try transform(row) }
            }
            return value
        }
    }
#endif
