/// Why an order was not carried out, in words for the person who gave it.
public struct OrderError: Error, Hashable, Sendable, CustomStringConvertible {
    public struct Code: Hashable, Sendable {
        public var name: String
        /// No such job, run or feed.
        public static let unknown = Code(name: "unknown")
        /// What was asked makes no sense: bad input.
        public static let bad = Code(name: "bad")
        /// It makes sense, and cannot be done now.
        public static let refused = Code(name: "refused")
    }

    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
