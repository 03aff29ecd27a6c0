#if MariaDB
    import CMariaDB

    /// Values in the memory the library reads them from.
    final class Parameters {
        let binds: UnsafeMutablePointer<MYSQL_BIND>
        private let count: Int
        private var memory: [UnsafeMutableRawPointer] = []

        init(_ values: [MariaDBValue]) {
            count = values.count
            binds = .allocate(capacity: max(1, count))
            binds.initialize(repeating: MYSQL_BIND(), count: max(1, count))
            memory.reserveCapacity(count)
            for (index, value) in values.enumerated() { bind(value, at: index) }
        }

        deinit {
            for one in memory { one.deallocate() }
            binds.deallocate()
        }

        /// Binds a value; a number as one: as text the server would compare it as a floating point number.
        private func bind(_ value: MariaDBValue, at index: Int) {
            switch value {
            case .null: binds[index].buffer_type = MYSQL_TYPE_NULL
            case .text(var text):
                binds[index].buffer_type = MYSQL_TYPE_STRING
                text.withUTF8 { hold(UnsafeRawBufferPointer($0), at: index) }
            case .integer(let number):
                binds[index].buffer_type = MYSQL_TYPE_LONGLONG
                withUnsafeBytes(of: number) { hold($0, at: index) }
            case .double(let number):
                binds[index].buffer_type = MYSQL_TYPE_DOUBLE
                withUnsafeBytes(of: number) { hold($0, at: index) }
            }
        }

        private func hold(_ bytes: UnsafeRawBufferPointer, at index: Int) {
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, bytes.count), alignment: 8)
            copy.copyMemory(from: bytes)
            if let start = copy.baseAddress { memory.append(start) }
            binds[index].buffer = copy.baseAddress
            // Read in place of `length`, which is nil.
            binds[index].buffer_length = UInt(bytes.count)
            binds[index].length_value = UInt(bytes.count)
        }
    }
#endif
