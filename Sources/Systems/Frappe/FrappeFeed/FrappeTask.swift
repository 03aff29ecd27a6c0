/// A row of `tabBTU Task`.
public struct FrappeTask: Hashable, Sendable {
    public var name: String
    public var words: String?
    /// Dotted Python path.
    public var function: String?
    public var queue: String?
    /// Seconds.
    public var timeout: Int64
    /// 0 is a draft, 1 submitted, 2 cancelled.
    public var docstatus: Int64

    public init(
        name: String, words: String? = nil, function: String? = nil, queue: String? = nil, timeout: Int64,
        docstatus: Int64
    ) {
        self.name = name
        self.words = words
        self.function = function
        self.queue = queue
        self.timeout = timeout
        self.docstatus = docstatus
    }
}
