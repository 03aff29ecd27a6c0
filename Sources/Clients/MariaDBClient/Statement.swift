#if MariaDB
    import CMariaDB
    import Glibc

    /// A prepared statement, gone from the server with the value.
    final class Statement {
        private let session: Session
        private let handle: Handle
        private let statement: UnsafeMutablePointer<MYSQL_STMT>

        init(_ sql: String, _ session: Session) throws(MariaDBError) {
            guard !session.isStreaming else {
                throw session.misuse("a statement while the rows of another are read; collect those first")
            }
            let handle = try session.handle()
            guard let statement = mysql_stmt_init(handle) else { throw session.error(of: Failure(handle, 0)) }
            self.session = session
            self.handle = handle
            self.statement = statement
            var sql = sql
            try check { sql.withUTF8 { mysql_stmt_prepare(statement, $0.baseAddress?.signed, UInt($0.count)) != 0 } }
        }

        deinit { mysql_stmt_close(statement) }

        @discardableResult
        func execute(_ values: [MariaDBValue]) throws(MariaDBError) -> Self {
            let count = Int(mysql_stmt_param_count(statement))
            guard count == values.count else {
                throw session.misuse("the statement has \(count) parameters, and \(values.count) were given")
            }
            let parameters = Parameters(values)
            try check {
                mysql_stmt_bind_param(statement, parameters.binds) != 0 || mysql_stmt_execute(statement) != 0
            }
            withExtendedLifetime(parameters) {}
            return self
        }

        /// Drops the rows, if there are any; answers how many rows changed.
        func discard() throws(MariaDBError) -> Int {
            // All bits set for a statement that answers rows.
            let changed = max(0, Int(truncatingIfNeeded: mysql_stmt_affected_rows(statement)))
            try check { mysql_stmt_free_result(statement) != 0 }
            return changed
        }

        /// Calls `each` for the rows as they come from the socket; neither side keeps them.
        ///
        /// When `each` throws, the rest of the rows is read and dropped.
        func rows(_ each: (borrowing MariaDBRow) throws -> Void) throws {
            guard let result = mysql_stmt_result_metadata(statement) else {
                throw session.misuse("the statement answers no rows")
            }
            defer { mysql_free_result(result) }
            let columns = Columns(result, of: self)
            try check { mysql_stmt_bind_result(statement, columns.binds) != 0 }
            session.isStreaming = true
            defer {
                session.isStreaming = false
                mysql_stmt_free_result(statement)
            }
            while true {
                errno = 0
                let outcome = mysql_stmt_fetch(statement)
                let number = errno
                switch outcome {
                // A long value is not in its buffer, and is fetched when it is asked for.
                case 0, MYSQL_DATA_TRUNCATED: try each(MariaDBRow(columns: columns))
                case MYSQL_NO_DATA: return
                default: throw session.error(of: Failure(statement, of: handle, number))
                }
            }
        }

        /// Fetches the whole of a value that is too long for its column's buffer.
        func fetch(_ column: Int, into buffer: UnsafeMutableRawBufferPointer) throws(MariaDBError) {
            var length: UInt = 0
            var isNull: my_bool = 0
            var isCut: my_bool = 0
            try check {
                withUnsafeMutablePointers(&length, &isNull, &isCut) { length, isNull, isCut in
                    var bind = MYSQL_BIND()
                    bind.buffer_type = MYSQL_TYPE_STRING
                    bind.buffer = buffer.baseAddress
                    bind.buffer_length = UInt(buffer.count)
                    bind.length = length
                    bind.is_null = isNull
                    bind.error = isCut
                    return mysql_stmt_fetch_column(statement, &bind, UInt32(column), 0) != 0
                }
            }
            guard length == buffer.count, isCut == 0 else {
                throw session.misuse("column \(column) has \(length) bytes, and said it had \(buffer.count)")
            }
        }

        func misuse(_ what: String) -> MariaDBError { session.misuse(what) }

        private func check(_ call: () -> Bool) throws(MariaDBError) {
            errno = 0
            let hasFailed = call()
            let number = errno
            if hasFailed { throw session.error(of: Failure(statement, of: handle, number)) }
        }
    }

    private func withUnsafeMutablePointers<A, B, C, Result>(
        _ a: inout A, _ b: inout B, _ c: inout C,
        _ body: (UnsafeMutablePointer<A>, UnsafeMutablePointer<B>, UnsafeMutablePointer<C>) -> Result
    ) -> Result { body(&a, &b, &c) }

    extension UnsafePointer<UInt8> {
        /// The same bytes as C's char.
        var signed: UnsafePointer<CChar> { UnsafeRawPointer(self).assumingMemoryBound(to: CChar.self) }
    }
#endif
