#if Postgres
    import CPostgres

    /// One row of a result, good until the closure that got it returns.
    ///
    /// Columns go by their place, from 0, or by their name as the server has it, which is in lower case unless it was
    /// quoted. A column that is not there, and a value that is not what was asked for, is an error of `Kind.statement`
    /// that names the column, what was expected and the column's type.
    public struct PostgresRow: ~Copyable {
        let result: Answer
        let columns: Columns

        /// In the order of the statement.
        public var names: [String] { columns.names }

        /// Reads a text; nil for NULL.
        ///
        /// Every type has a text: `-12.50` for a numeric, `2026-12-24 18:00:00.000001+00` for a timestamptz, which is always
        /// in UTC. Its exact microseconds are the integer `(extract(epoch FROM at) * 1000000)::bigint`.
        public func text(_ column: Int) throws(PostgresError) -> String? {
            try read(column, "text") { String(decoding: $0, as: UTF8.self) }
        }

        public func text(_ column: String) throws(PostgresError) -> String? { try text(columns.index(of: column)) }

        /// Reads a whole number of 64 bits with sign, of whatever type; nil for NULL.
        public func integer(_ column: Int) throws(PostgresError) -> Int64? {
            try read(column, "a whole number") { Int64(String(decoding: $0, as: UTF8.self)) }
        }

        public func integer(_ column: String) throws(PostgresError) -> Int64? {
            try integer(columns.index(of: column))
        }

        /// Reads a boolean, `t` or `f` as it is written; nil for NULL.
        public func bool(_ column: Int) throws(PostgresError) -> Bool? {
            try read(column, "a boolean") { bytes in
                guard bytes.count == 1 else { return nil }
                return bytes[0] == UInt8(ascii: "t") ? true : bytes[0] == UInt8(ascii: "f") ? false : nil
            }
        }

        public func bool(_ column: String) throws(PostgresError) -> Bool? { try bool(columns.index(of: column)) }

        /// Reads any number, the nearest there is; nil for NULL.
        public func double(_ column: Int) throws(PostgresError) -> Double? {
            try read(column, "a number") { Double(String(decoding: $0, as: UTF8.self)) }
        }

        public func double(_ column: String) throws(PostgresError) -> Double? {
            try double(columns.index(of: column))
        }

        /// Reads a bytea; nil for NULL.
        public func bytes(_ column: Int) throws(PostgresError) -> [UInt8]? {
            try read(column, "bytes") { columns.isBytes(column) ? Self.bytes(hexadecimal: $0) : nil }
        }

        public func bytes(_ column: String) throws(PostgresError) -> [UInt8]? { try bytes(columns.index(of: column)) }

        private func read<Value>(
            _ column: Int, _ expected: String, _ make: (UnsafeBufferPointer<UInt8>) -> Value?
        ) throws(PostgresError) -> Value? {
            let place = try columns.check(column)
            if PQgetisnull(result, 0, place) != 0 { return nil }
            let start = UnsafeRawPointer(PQgetvalue(result, 0, place))?.assumingMemoryBound(to: UInt8.self)
            let text = UnsafeBufferPointer(start: start, count: Int(PQgetlength(result, 0, place)))
            guard let value = make(text) else { throw columns.mismatch(at: column, expected: expected) }
            return value
        }

        /// Reads `\x`, then two digits a byte (`bytea_output = hex`).
        private static func bytes(hexadecimal text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
            guard text.count >= 2, text.count.isMultiple(of: 2), text[0] == UInt8(ascii: "\\") else { return nil }
            let digit = { (byte: UInt8) in byte >= UInt8(ascii: "a") ? byte - 0x57 : byte - 0x30 }
            return stride(from: 2, to: text.count, by: 2).map { digit(text[$0]) << 4 | digit(text[$0 + 1]) }
        }
    }
#endif
