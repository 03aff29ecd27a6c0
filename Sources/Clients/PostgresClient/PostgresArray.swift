#if Postgres
    /// A long array of one dimension, such as for `unnest($1::bigint[])`, as the server reads it without parsing.
    ///
    /// For thousands of values; `PostgresValue.array` makes a short one of what is at hand.
    public struct PostgresArray: Sendable {
        /// Of pg_type.dat, with its number there.
        public enum Element: UInt32, Sendable {
            case boolean = 16
            case bytea = 17
            case bigint = 20
            case smallint = 21
            case integer = 23
            case text = 25
        }

        public let element: Element
        public private(set) var count = 0
        private var hasNull = false
        /// Each value's length and then itself, the most significant byte first (array_recv of arrayfuncs.c).
        private var items: [UInt8] = []

        public init(of element: Element) { self.element = element }

        /// Appends a whole number, cut off to the element's bytes; a boolean is false for 0 alone.
        public mutating func append(_ number: Int64?) {
            guard let number else { return appendNull() }
            switch element {
            case .boolean: append(UInt8(number == 0 ? 0 : 1))
            case .smallint: append(Int16(truncatingIfNeeded: number))
            case .integer: append(Int32(truncatingIfNeeded: number))
            case .bigint, .bytea, .text: append(number)
            }
        }

        /// Appends a text, or bytes that are one; the server refuses a zero byte in it.
        public mutating func append(_ text: String?) {
            guard var text else { return appendNull() }
            text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
        }

        public mutating func append(_ bytes: UnsafeRawBufferPointer) {
            count += 1
            put(Int32(clamping: bytes.count))
            items.append(contentsOf: bytes)
        }

        private mutating func append(_ number: some FixedWidthInteger) {
            count += 1
            put(Int32(number.bitWidth / 8))
            put(number)
        }

        private mutating func appendNull() {
            count += 1
            hasNull = true
            put(Int32(-1))
        }

        private mutating func put(_ number: some FixedWidthInteger) {
            withUnsafeBytes(of: number.bigEndian) { items.append(contentsOf: $0) }
        }

        var bytes: [UInt8] {
            // Dimensions, whether there is a NULL, the element's type, then length and first index of the one dimension.
            let head = [1, hasNull ? 1 : 0, element.rawValue, UInt32(clamping: count), 1]
            var bytes: [UInt8] = []
            bytes.reserveCapacity(4 * head.count + items.count)
            for number in head { withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) } }
            return bytes + items
        }
    }

    extension PostgresValue {
        public init(_ array: PostgresArray) { self = .bytes(array.bytes) }
    }
#endif
