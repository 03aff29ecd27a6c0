#if MongoDB
    /// Twelve bytes that name a document, as most drivers draw them; ordered as the server orders them.
    public struct ObjectID: Hashable, Sendable, Comparable, CustomStringConvertible {
        private let high: UInt64
        private let low: UInt32

        /// All twelve bytes zero.
        public static let zero = ObjectID(high: 0, low: 0)

        private init(high: UInt64, low: UInt32) {
            self.high = high
            self.low = low
        }

        /// Takes twelve bytes; nil for another number of them.
        public init?(bytes: some Collection<UInt8>) {
            guard bytes.count == 12 else { return nil }
            high = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
            low = bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt32($1) }
        }

        /// Takes 24 hexadecimal digits; nil for anything else.
        public init?(_ text: some StringProtocol) {
            let digits = text.utf8
            guard digits.count == 24,
                digits.allSatisfy({
                    UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
                        || UInt8(ascii: "a")...UInt8(ascii: "f") ~= $0 | 0x20
                }),
                let high = UInt64(text.prefix(16), radix: 16), let low = UInt32(text.dropFirst(16), radix: 16)
            else { return nil }
            self.init(high: high, low: low)
        }

        public var bytes: [UInt8] {
            (0..<8).map { UInt8(truncatingIfNeeded: high >> (56 - 8 * $0)) }
                + (0..<4).map { UInt8(truncatingIfNeeded: low >> (24 - 8 * $0)) }
        }

        /// 24 hexadecimal digits in lower case.
        public var description: String {
            let (front, back) = (String(high, radix: 16), String(low, radix: 16))
            return String(repeating: "0", count: 16 - front.count) + front
                + String(repeating: "0", count: 8 - back.count) + back
        }

        public static func < (one: ObjectID, other: ObjectID) -> Bool { (one.high, one.low) < (other.high, other.low) }
    }
#endif
