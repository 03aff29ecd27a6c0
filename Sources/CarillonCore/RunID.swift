import Timetable

/// Twelve bytes that name a run: the scheduled second, then a hash of store, job and scheduled time.
///
/// Written as 24 hexadecimal digits; legal as an RQ job id, a MongoDB ObjectId and an AMQP message id.
public struct RunID: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    /// The scheduled second, unsigned (to the year 2106).
    public var second: UInt32
    public var hash: UInt64

    public init(second: UInt32, hash: UInt64) {
        self.second = second
        self.hash = hash
    }

    /// The id of an occurrence. `salt` is 0, or the number of clashes met so far.
    public init(store: UInt64, job: String, scheduledAt: Timestamp, salt: UInt64 = 0) {
        let time = UInt64(bitPattern: scheduledAt.microseconds)
        self.init(
            second: UInt32(truncatingIfNeeded: scheduledAt.seconds),
            hash: StableHash.hash(
                job.utf8, seed: store ^ (time &* 0x9E37_79B9_7F4A_7C15) ^ (salt &* 0xD6E8_FEB8_6659_FD93)))
    }

    /// The id of a run somebody asked for; the caller draws the random part.
    public init(manualAt time: Timestamp, random: UInt64) {
        self.init(second: UInt32(truncatingIfNeeded: time.seconds), hash: random)
    }

    public init?(_ text: some StringProtocol) {
        guard text.utf8.count == 24, text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
            let second = UInt32(text.prefix(8), radix: 16), let hash = UInt64(text.dropFirst(8), radix: 16)
        else { return nil }
        self.init(second: second, hash: hash)
    }

    public var description: String { Self.hex(UInt64(second), digits: 8) + Self.hex(hash, digits: 16) }

    public static func < (a: RunID, b: RunID) -> Bool { (a.second, a.hash) < (b.second, b.hash) }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = RunID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "a run id has 24 hex digits")
        }
        self = id
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    private static func hex(_ value: UInt64, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: digits - text.count) + text
    }
}
