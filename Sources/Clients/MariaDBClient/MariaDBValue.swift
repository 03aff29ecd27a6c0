#if MariaDB
    /// A parameter of a prepared statement; it travels beside the statement's text and is never part of it.
    public enum MariaDBValue: Hashable, Sendable {
        case null
        /// Also what a decimal, a date or a time is given as, such as `2026-12-24 18:00:00.000000`.
        case text(String)
        case integer(Int64)
        case double(Double)

        public init(_ text: String?) { self = text.map { .text($0) } ?? .null }

        public init(_ integer: Int64?) { self = integer.map { .integer($0) } ?? .null }
    }

    extension MariaDBValue: ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
        ExpressibleByBooleanLiteral, ExpressibleByNilLiteral
    {
        public init(stringLiteral value: String) { self = .text(value) }
        public init(integerLiteral value: Int64) { self = .integer(value) }
        public init(floatLiteral value: Double) { self = .double(value) }
        public init(booleanLiteral value: Bool) { self = .integer(value ? 1 : 0) }
        public init(nilLiteral: ()) { self = .null }
    }
#endif
