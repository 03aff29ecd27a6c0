/// The table of a Frappe site in which its app keeps what became of its tasks.
public protocol LogTable: Sendable {
    /// Reads what a row may have now. Throws `LogFault` when nobody here may write one, and whatever the database says.
    func form() async throws -> LogForm

    /// Adds a row; one whose name is there already stays as it is.
    func insert(_ row: LogRow) async throws

    func close() async
}

/// What a row of a site's log may have: the columns that are there and may be written, and the zone of its times.
public struct LogForm: Hashable, Sendable {
    public struct Column: Hashable, Sendable {
        public var name: String
        /// As information_schema has it, in lower case: `varchar`, `datetime`.
        public var type: String
        /// It is never NULL, and has no default.
        public var isRequired: Bool
        /// How many characters fit in; nil for what is no text.
        public var longest: Int?

        public init(_ name: String, type: String, isRequired: Bool = false, longest: Int? = nil) {
            self.name = name
            self.type = type
            self.isRequired = isRequired
            self.longest = longest
        }
    }

    /// In the order of the table.
    public var columns: [Column]
    /// The site's own, in which Frappe stores times: an IANA name.
    public var zone: String

    public init(columns: [Column], zone: String) {
        self.columns = columns
        self.zone = zone
    }
}

/// Why no row can be written, in words for a person.
public struct LogFault: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
