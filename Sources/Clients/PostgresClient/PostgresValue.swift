#if Postgres
    /// A parameter of a statement; it travels beside the statement's text and is never part of it.
    ///
    /// Its type is what the statement has in its place: write `$1::bigint` where nothing else says so.
    public enum PostgresValue: Hashable, Sendable {
        case null
        case bool(Bool)
        case integer(Int64)
        case double(Double)
        /// Also what everything else is given as: JSON, a UUID, a decimal, a time such as `2026-12-24T18:00:00.000001Z`.
        case text(String)
        /// For `bytea`, or another type as it travels in binary.
        case bytes([UInt8])

        public init(_ text: String?) { self = text.map { .text($0) } ?? .null }

        public init(_ integer: Int64?) { self = integer.map { .integer($0) } ?? .null }

        /// Makes an array of one dimension, such as for `unnest($1::text[])` or `= ANY($1)`.
        public static func array(_ values: [PostgresValue]) -> PostgresValue {
            .text("{" + values.map(\.element).joined(separator: ",") + "}")
        }

        /// As text, and as PostgreSQL reads it for any type; nil for what has none.
        var literal: String? {
            switch self {
            case .null, .bytes: nil
            case .bool(let flag): flag ? "t" : "f"
            case .integer(let number): String(number)
            case .double(let number): String(number)
            case .text(let text): text
            }
        }

        /// What is quoted is never NULL and never the array's end (PostgreSQL's documentation, 8.15.6).
        private var element: String {
            switch self {
            case .null: return "NULL"
            case .bytes(let bytes): return #""\\x"# + bytes.map(Self.hexadecimal).joined() + "\""
            case .bool, .integer, .double, .text:
                let text = (literal ?? "").replacing("\\", with: #"\\"#).replacing("\"", with: #"\""#)
                return "\"" + text + "\""
            }
        }

        private static func hexadecimal(_ byte: UInt8) -> String {
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
    }

    extension PostgresValue: ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
        ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
    {
        public init(stringLiteral value: String) { self = .text(value) }
        public init(integerLiteral value: Int64) { self = .integer(value) }
        public init(floatLiteral value: Double) { self = .double(value) }
        public init(booleanLiteral value: Bool) { self = .bool(value) }
        public init(nilLiteral: ()) { self = .null }
    }
#endif
