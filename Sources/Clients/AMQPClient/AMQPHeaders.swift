#if RabbitMQ
    import CRabbitMQ

    /// Headers of a message for as long as the library reads them: texts by their names, in memory of their own.
    struct AMQPHeaders: ~Copyable {
        private let entries: UnsafeMutableBufferPointer<amqp_table_entry_t>

        init(_ headers: [String: String]) {
            entries = .allocate(capacity: headers.count)
            for (place, (name, text)) in headers.sorted(by: { $0.key < $1.key }).enumerated() {
                var entry = amqp_table_entry_t()
                entry.key = Self.copy(name)
                entry.value.kind = UInt8(AMQP_FIELD_KIND_UTF8.rawValue)
                entry.value.value.bytes = Self.copy(text)
                entries.initializeElement(at: place, to: entry)
            }
        }

        deinit {
            for entry in entries {
                entry.key.bytes?.deallocate()
                entry.value.value.bytes.bytes?.deallocate()
            }
            entries.deallocate()
        }

        /// Good as long as this value is.
        var table: amqp_table_t {
            amqp_table_t(num_entries: Int32(entries.count), entries: entries.baseAddress)
        }

        private static func copy(_ text: String) -> amqp_bytes_t {
            let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
            bytes.copyBytes(from: text.utf8)
            return amqp_bytes_t(len: bytes.count, bytes: bytes.baseAddress)
        }
    }
#endif
