#if MariaDB
    /// One row of a result, good until the closure that got it returns.
    ///
    /// Columns go by their place, from 0, or by their name as the statement writes it, in its upper and lower case. A
    /// column that is not there is an error of `Kind.statement`, as is a connection that ends while a long value is read.
    public struct MariaDBRow: ~Copyable {
        let columns: Columns

        /// In the order of the statement.
        public var names: [String] { columns.names }

        /// Reads a text; nil for NULL; bytes that are no UTF-8 are replaced by U+FFFD.
        ///
        /// Every type has a text: `-12.50` for a decimal, `2026-12-24 18:00:00.000000` for a datetime(6).
        public func text(_ column: Int) throws(MariaDBError) -> String? { try columns.text(column) }

        public func text(_ column: String) throws(MariaDBError) -> String? { try text(columns.index(of: column)) }

        /// Reads a whole number; nil for NULL, and for what is no whole number of 64 bits with sign.
        public func integer(_ column: Int) throws(MariaDBError) -> Int64? { try text(column).flatMap { Int64($0) } }

        public func integer(_ column: String) throws(MariaDBError) -> Int64? {
            try integer(columns.index(of: column))
        }

        /// Reads a flag; false for 0, true for every other whole number; nil for everything else.
        public func bool(_ column: Int) throws(MariaDBError) -> Bool? { try integer(column).map { $0 != 0 } }

        public func bool(_ column: String) throws(MariaDBError) -> Bool? { try bool(columns.index(of: column)) }

        /// Reads a number; nil for NULL, and for what is no number.
        public func double(_ column: Int) throws(MariaDBError) -> Double? { try text(column).flatMap { Double($0) } }

        public func double(_ column: String) throws(MariaDBError) -> Double? { try double(columns.index(of: column)) }
    }
#endif
