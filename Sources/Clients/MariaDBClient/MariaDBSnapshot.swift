#if MariaDB
    /// The database as it was when `MariaDBClient.read` began; good until its closure returns, and on its thread only.
    ///
    /// It shows what InnoDB and other transactional engines held then; tables of other engines are as they are now.
    public final class MariaDBSnapshot {
        private let session: Session

        init(_ session: Session) { self.session = session }

        /// Prepares the statement with the parameters for its question marks, and calls `each` for every row.
        ///
        /// Rows come from the socket one by one, and nothing but the current one is kept. `each` should not dwell on a
        /// row, since the server waits for it, at most its `net_write_timeout`; and it cannot use the snapshot. What it
        /// throws is thrown here, after the other rows have been read and dropped. Throws `MariaDBError`.
        public func rows(
            _ sql: String, _ parameters: [MariaDBValue] = [], _ each: (borrowing MariaDBRow) throws -> Void
        ) throws {
            try Statement(sql, session).execute(parameters).rows(each)
        }

        /// Answers what `transform` makes of every row, in order; as `rows` otherwise.
        public func all<Value>(
            _ sql: String, _ parameters: [MariaDBValue] = [], _ transform: (borrowing MariaDBRow) throws -> Value
        ) throws -> [Value] {
            var values: [Value] = []
            try rows(sql, parameters) { row in values.append(try transform(row)) }
            return values
        }

        /// Answers what `transform` makes of the first row; nil when there is none.
        public func first<Value>(
            _ sql: String, _ parameters: [MariaDBValue] = [], _ transform: (borrowing MariaDBRow) throws -> Value
        ) throws -> Value? {
            var value: Value?
            try rows(sql, parameters) { row in
                if value == nil { value = try transform(row) }
            }
            return value
        }
    }
#endif
