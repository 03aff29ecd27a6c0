/// What stood against a request to a Frappe site.
public struct FrappeSiteError: Error, Hashable, Sendable, CustomStringConvertible {
    /// An open set.
    public struct Code: Hashable, Sendable {
        public var name: String
        /// Nobody answers, or only a proxy that finds nobody behind it: it may be asked again later.
        public static let away = Code(name: "away")
        /// The server answers others, and fails or is silent for this request: it may pass.
        public static let failing = Code(name: "failing")
        /// The server answers, and this request is wrong: asking again changes nothing.
        public static let refused = Code(name: "refused")
        /// The caller's task was cancelled.
        public static let cancelled = Code(name: "cancelled")
    }

    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
