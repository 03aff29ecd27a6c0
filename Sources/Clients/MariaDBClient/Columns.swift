#if MariaDB
    import CMariaDB

    /// The columns of a result, and the memory in which the library puts one row.
    ///
    /// All are bound as text: the library writes numbers, dates and times as the server would, so that there is one way
    /// for every type, now and later, and no number loses a digit. What callers want most is text anyway.
    final class Columns {
        /// Bytes of a value that is copied with its row; a longer one is fetched alone when it is asked for.
        private static let longest = 1024

        let names: [String]
        let binds: UnsafeMutablePointer<MYSQL_BIND>
        private let statement: Statement
        private let indices: [String: Int]
        private let lengths: UnsafeMutablePointer<UInt>
        private let nulls: UnsafeMutablePointer<my_bool>
        private let cuts: UnsafeMutablePointer<my_bool>
        private let memory: UnsafeMutableRawPointer

        init(_ result: UnsafeMutablePointer<MYSQL_RES>, of statement: Statement) {
            self.statement = statement
            let count = Int(mysql_num_fields(result))
            let fields = UnsafeBufferPointer(start: mysql_fetch_fields(result), count: count)
            names = fields.map {
                String(
                    decoding: UnsafeRawBufferPointer(start: $0.name, count: Int($0.name_length)), as: UTF8.self)
            }
            // Of two columns of one name the first has it.
            indices = Dictionary(zip(names, names.indices)) { first, _ in first }
            let sizes = fields.map { Int(min(max($0.length, 64), UInt(Self.longest))) }
            binds = .allocate(capacity: count)
            binds.initialize(repeating: MYSQL_BIND(), count: count)
            lengths = .allocate(capacity: count)
            lengths.initialize(repeating: 0, count: count)
            nulls = .allocate(capacity: count)
            nulls.initialize(repeating: 0, count: count)
            cuts = .allocate(capacity: count)
            cuts.initialize(repeating: 0, count: count)
            memory = .allocate(byteCount: sizes.reduce(0, +), alignment: 16)
            var start = memory
            for (index, size) in sizes.enumerated() {
                binds[index].buffer_type = MYSQL_TYPE_STRING
                binds[index].buffer = start
                binds[index].buffer_length = UInt(size)
                binds[index].length = lengths + index
                binds[index].is_null = nulls + index
                binds[index].error = cuts + index
                start += size
            }
        }

        deinit {
            binds.deallocate()
            lengths.deallocate()
            nulls.deallocate()
            cuts.deallocate()
            memory.deallocate()
        }

        func index(of name: String) throws(MariaDBError) -> Int {
            guard let index = indices[name] else { throw statement.misuse("the result has no column \(name)") }
            return index
        }

        /// Reads a text; nil for NULL; what is no UTF-8 is replaced by U+FFFD.
        func text(_ index: Int) throws(MariaDBError) -> String? {
            guard names.indices.contains(index) else {
                throw statement.misuse("the result has \(names.count) columns, and none at \(index)")
            }
            if nulls[index] != 0 { return nil }
            let length = Int(lengths[index])
            if length <= binds[index].buffer_length {
                return String(
                    decoding: UnsafeRawBufferPointer(start: binds[index].buffer, count: length), as: UTF8.self)
            }
            let whole = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 16)
            defer { whole.deallocate() }
            try statement.fetch(index, into: whole)
            return String(decoding: whole, as: UTF8.self)
        }
    }
#endif
