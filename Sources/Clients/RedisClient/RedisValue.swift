public import NIOCore

/// A reply in RESP2 (redis.io/docs/latest/develop/reference/protocol-spec).
public enum RedisValue: Hashable, Sendable {
    /// A bulk string or array of length -1.
    case null
    case integer(Int64)
    /// A bulk string. It may share memory with what was received beside it, 64 KiB or so: copy what is kept for long.
    case string(ByteBuffer)
    /// A status, such as `OK`.
    case simple(String)
    case error(RedisError)
    case array([RedisValue])

    /// The text of a bulk string or status; bytes that are not UTF-8 are replaced.
    public var text: String? {
        switch self {
        case .string(let bytes): String(buffer: bytes)
        case .simple(let text): text
        default: nil
        }
    }

    /// A copy of the bytes of a bulk string or status.
    public var bytes: [UInt8]? {
        switch self {
        case .string(let bytes): Array(bytes.readableBytesView)
        case .simple(let text): Array(text.utf8)
        default: nil
        }
    }

    /// An integer, or a string that is one, as numbers are stored.
    public var integer: Int64? {
        switch self {
        case .integer(let number): number
        case .string, .simple: text.flatMap { Int64($0) }
        default: nil
        }
    }

    public var array: [RedisValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    public var error: RedisError? {
        if case .error(let error) = self { error } else { nil }
    }

    public var isNull: Bool { self == .null }
}
