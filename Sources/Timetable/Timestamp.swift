/// An instant: microseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
///
/// Encoded as a single 64-bit integer.
public struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Since 1970-01-01T00:00:00Z, negative before it.
    public var microseconds: Int64

    /// 0001-01-01T00:00:00Z, before anything that is scheduled.
    public static let distantPast = Timestamp(seconds: -62_135_596_800)
    /// 9999-12-31T23:59:59.999999Z, the last instant RFC 3339 can write.
    public static let distantFuture = Timestamp(microseconds: 253_402_300_799_999_999)

    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// Makes the instant at a whole second, clamped to the range of microseconds.
    public init(seconds: Int64) {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        microseconds = overflow ? (seconds < 0 ? .min : .max) : product
    }

    /// Whole seconds since 1970, rounded down.
    public var seconds: Int64 {
        Int64(Civil.floorDivide(Int(microseconds), 1_000_000))
    }

    /// Microseconds since the whole second below, 0 to 999,999.
    var fraction: Int {
        // The whole second below the very first instant is out of range; its distance is not.
        Int(microseconds) &- Int(seconds) &* 1_000_000
    }

    public var description: String { rfc3339 }

    /// Answers the instant moved by a span, clamped at the ends of the range.
    public func adding(microseconds span: Int64) -> Timestamp {
        let (sum, overflow) = microseconds.addingReportingOverflow(span)
        return Timestamp(microseconds: overflow ? (span < 0 ? .min : .max) : sum)
    }

    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.microseconds < right.microseconds
    }
}

extension Timestamp: Codable {
    /// Reads microseconds, as stores keep them, or RFC 3339, as programs are shown it.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do {
            microseconds = try container.decode(Int64.self)
        } catch DecodingError.typeMismatch {
            guard let time = Timestamp(rfc3339: try container.decode(String.self)) else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "no time by RFC 3339")
            }
            self = time
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(microseconds)
    }
}
