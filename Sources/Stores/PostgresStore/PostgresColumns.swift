#if Postgres
    package import CarillonCore
    import PostgresClient
    import StoreCodec
    import Timetable

    /// Rows for one statement, column by column: each column is an array, and the statement unnests them.
    struct PostgresColumns: Sendable {
        private var arrays: [PostgresArray]
        private var column = 0
        /// Rows that are whole.
        private(set) var count = 0

        init(_ shape: Shape) { arrays = shape.columns.map { PostgresArray(of: $0.element) } }

        /// The parameters of `Shape.rows`.
        var values: [PostgresValue] { arrays.map { PostgresValue($0) } }

        /// Binds the next column; the first one follows on `end`.
        mutating func bind(_ number: Int64?) {
            arrays[column].append(number)
            column += 1
        }

        mutating func bind(_ number: Int32) { bind(Int64(number)) }

        mutating func bind(_ time: Timestamp?) { bind(time?.microseconds) }

        mutating func bind(_ flag: Bool) { bind(flag ? 1 : 0 as Int64) }

        mutating func bind(_ text: String?) {
            arrays[column].append(text.map(Self.storable))
            column += 1
        }

        /// Binds bytes of UTF-8 as a text: of canonical JSON, in which a zero byte is escaped.
        mutating func bind(text: [UInt8]) {
            text.withUnsafeBytes { arrays[column].append($0) }
            column += 1
        }

        mutating func bind(_ id: RunID) {
            withUnsafeBytes(of: id.words) { arrays[column].append($0) }
            column += 1
        }

        /// Ends a row.
        mutating func end() {
            column = 0
            count += 1
        }

        /// Puts the sign for a zero in place of each zero byte: what a program has written may hold one, and no text of
        /// PostgreSQL can.
        static func storable(_ text: String) -> String {
            guard text.utf8.contains(0) else { return text }
            var scalars = String.UnicodeScalarView()
            for scalar in text.unicodeScalars { scalars.append(scalar == "\0" ? "\u{2400}" : scalar) }
            return String(scalars)
        }
    }

    extension PostgresColumns {
        /// The names and types of columns.
        struct Shape: Sendable {
            var columns: [(name: String, element: PostgresArray.Element)]

            init(columns: [(name: String, element: PostgresArray.Element)]) { self.columns = columns }

            init(_ columns: KeyValuePairs<String, PostgresArray.Element>) {
                self.columns = columns.map { ($0.key, $0.value) }
            }

            var names: String { columns.map(\.name).joined(separator: ", ") }

            /// Makes a source of rows out of the parameters from this one on.
            func rows(_ alias: String, from first: Int) -> String {
                let parameters = columns.enumerated().map { "$\(first + $0.offset)::\($0.element.element)[]" }
                return "unnest(\(parameters.joined(separator: ", "))) AS \(alias) (\(names))"
            }
        }
    }

    extension PostgresValue {
        /// A text as the store can hold it.
        init(storable text: String?) { self.init(text.map(PostgresColumns.storable)) }

        init(_ time: Timestamp?) { self.init(time?.microseconds) }

        init(_ id: RunID) { self = withUnsafeBytes(of: id.words) { .bytes(Array($0)) } }

        /// Numbers of jobs, as `integer[]`.
        init(_ jobs: some Sequence<JobID>) {
            var array = PostgresArray(of: .integer)
            for job in jobs { array.append(Int64(job.number)) }
            self.init(array)
        }
    }

    extension PostgresRow: StoredRow {
        package func runID(_ column: Int) throws -> RunID? { try bytes(column)?.withUnsafeBytes { RunID(bytes: $0) } }
    }
#endif
