#if Postgres
    /// Values in the memory the library reads them from.
    final class Parameters {
        /// Nil for NULL.
        private(set) var pointers: [UnsafePointer<CChar>?] = []
        private(set) var lengths: [Int32] = []
        /// 0 for text up to a zero byte, 1 for so many bytes.
        private(set) var formats: [Int32] = []
        private var memory: [UnsafeMutablePointer<CChar>] = []

        /// Holds values; nil for text with a zero byte, which no type of PostgreSQL can hold, and for over a gigabyte.
        init?(_ values: [PostgresValue]) {
            for value in values {
                if case .bytes(let bytes) = value {
                    guard bytes.count <= 1 << 30 else { return nil }
                    bytes.withUnsafeBytes { hold($0, isText: false) }
                } else if var text = value.literal {
                    guard text.utf8.count <= 1 << 30, !text.utf8.contains(0) else { return nil }
                    text.withUTF8 { hold(UnsafeRawBufferPointer($0), isText: true) }
                } else {
                    pointers.append(nil)
                    lengths.append(0)
                    formats.append(0)
                }
            }
        }

        deinit {
            for one in memory { one.deallocate() }
        }

        var count: Int32 { Int32(clamping: pointers.count) }

        private func hold(_ bytes: UnsafeRawBufferPointer, isText: Bool) {
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
            UnsafeMutableRawBufferPointer(start: copy, count: bytes.count).copyMemory(from: bytes)
            copy[bytes.count] = 0
            memory.append(copy)
            pointers.append(UnsafePointer(copy))
            lengths.append(Int32(bytes.count))
            formats.append(isText ? 0 : 1)
        }
    }
#endif
