public import Timetable

/// Twelve bytes that name a run: the scheduled second, then a hash of store, job and scheduled time.
///
/// Written as 24 hexadecimal digits; legal as the id of a job or a message wherever runs go.
public struct RunID: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    /// The scheduled second, unsigned (to the year 2106).
    public var second: UInt32
    public var hash: UInt64

    public init(second: UInt32, hash: UInt64) {
        self.second = second
        self.hash = hash
    }

    /// Makes the id of an occurrence. `salt` is 0, or the number of clashes met so far.
    public init(store: UInt64, job: String, scheduledAt: Timestamp, salt: UInt64 = 0) {
        let time = UInt64(bitPattern: scheduledAt.microseconds)
        self.init(
            second: UInt32(truncatingIfNeeded: scheduledAt.seconds),
            hash: StableHash.hash(
                job.utf8, seed: store ^ (time &* 0x9E37_79B9_7F4A_7C15) ^ (salt &* 0xD6E8_FEB8_6659_FD93)))
    }

    /// Makes the id of a run somebody asked for; the caller draws the random part.
    public init(manualAt time: Timestamp, random: UInt64) {
        self.init(second: UInt32(truncatingIfNeeded: time.seconds), hash: random)
    }

    public init?(_ text: some StringProtocol) {
        var (second, hash): (UInt64, UInt64) = (0, 0)
        var digits = 0
        for byte in text.utf8 {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: return nil
            }
            if digits < 8 { second = second << 4 | UInt64(digit) } else { hash = hash << 4 | UInt64(digit) }
            digits += 1
            if digits > 24 { return nil }
        }
        guard digits == 24 else { return nil }
        self.init(second: UInt32(truncatingIfNeeded: second), hash: hash)
    }

    public var description: String {
        String(unsafeUninitializedCapacity: 24) { text in
            for place in 0..<24 {
                let rest = place < 8 ? UInt64(second) >> (28 - 4 * place) : hash >> (92 - 4 * place)
                let digit = UInt8(truncatingIfNeeded: rest & 15)
                text[place] = digit + (digit < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10)
            }
            return 24
        }
    }

    /// Takes the hash that is in it already.
    public func hash(into hasher: inout Hasher) { hasher.combine(hash) }

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
}
